"""Literate evaluation reports without R: survival, service use, court delay and cost from linked records."""

__version__ = "0.1.0"
