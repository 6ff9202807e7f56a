"""Human3.6M: `raw` reads and checks its pickle."""
