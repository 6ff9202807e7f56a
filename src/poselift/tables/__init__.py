"""The tables, a module each: what they show, and how LaTeX sets them."""
