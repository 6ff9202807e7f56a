"""Metrics, protocols and statistics."""
