"""How the report looks and reads, beyond what Quarto asks of a renderer: figures, tables, lines and pages, search, edition."""
