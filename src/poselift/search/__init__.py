"""Hyper-parameter search: the trials there are, running one, comparing them, the winner as configuration."""
