"""The data sets, a package each: read, check, prepare, clips."""
