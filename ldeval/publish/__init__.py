"""Chapters to HTML and PDF: with Quarto, or with the built-in renderer."""
