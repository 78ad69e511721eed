"""The only way out: disclosure control, released results, prose, tables and figures."""
