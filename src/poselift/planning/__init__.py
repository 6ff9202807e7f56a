"""What a configuration will cost before anything has run."""
