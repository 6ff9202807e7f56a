"""The machine: its devices, who holds them, and whether all that is needed is there."""
