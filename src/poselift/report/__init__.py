"""The pages for those who do not open LaTeX: the report, the set-up."""
