"""The data sets, one module or package each with a value `DATASET` (see `poselift.config.datasets`)."""
