"""Docker containers on several servers as if on one switch."""

__version__ = "0.1.0"
