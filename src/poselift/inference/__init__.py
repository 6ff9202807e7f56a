"""Poses for people's own keypoints: reading, tracking, lifting, writing; models that leave as files."""
