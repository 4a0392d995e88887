"""How things look on a terminal or in a log: values in, tables and lines out. Nothing here does any work."""
