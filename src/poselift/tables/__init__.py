"""The tables, a module each, and what a table is.

The module of a table has NEEDS (see `poselift.analysis.needs`), a LAYOUT, and a function `table` of the
inputs and the view that gives a `Table`. By SWITCHES of LaTeX it tells the text whether the table is there
and, by a second one, whether its data are synthetic.
"""
