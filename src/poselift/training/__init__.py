"""Training: losses, schedule, loop, resuming."""
