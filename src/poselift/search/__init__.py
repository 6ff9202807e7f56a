"""Hyper-parameter search: planning trials, running and ranking them, the winner as configuration."""
