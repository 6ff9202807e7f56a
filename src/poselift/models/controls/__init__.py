"""Controls of the ablation: an architecture with one thing replaced, moved or added.

`architectures` in config.yaml names them like lifters of one's own, so that no run of an architecture depends
on its controls.
"""
