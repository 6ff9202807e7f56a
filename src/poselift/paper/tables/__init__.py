"""The LaTeX tables, a module each."""
