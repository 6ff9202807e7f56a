"""How runs get on: what they note while they train, and the live table of all runs."""
