"""A reproducible paper pipeline for 2D-to-3D human pose lifting."""
