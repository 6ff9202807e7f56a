"""From the raw pickle to batches of normalised clips."""
