"""The project's own architectures, one module each; `poselift.config.architectures` lists this package.

A module has `build(size, n_frames, settings)`, `Settings` and `CARD`. It is imported wherever the
configuration is read, so it imports torch, which takes seconds, only inside `build`.
"""
