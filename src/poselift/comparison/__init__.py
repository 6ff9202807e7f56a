"""Two builds of the paper: what differs, and why."""
