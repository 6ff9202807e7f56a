"""Procedural motion in the schema of the Human3.6M raw pickle, for use where licensed data are not.

The joints of a body that plays an action, seen by cameras and an imitated 2D detector. Nothing was measured.
"""
