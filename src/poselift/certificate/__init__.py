"""A certificate of the paper: it is made again and compared with what it states."""
