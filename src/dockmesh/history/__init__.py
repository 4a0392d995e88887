"""The runs of one mesh file, kept beside it."""
