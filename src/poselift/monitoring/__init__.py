"""Progress of runs: what they report while they train, and the live table of all runs."""
