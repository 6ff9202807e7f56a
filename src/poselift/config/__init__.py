"""The typed configuration: the one source of defaults, ranges and descriptions.

Split by who reads it, so that a change of what only the paper reads leaves trained models alone.
"""
