"""Procedural motion in the schema of the Human3.6M raw pickle, for use where licensed data are not.

`curves` are the building blocks in time, `body` poses a body of constant bone lengths, `actions` names the
fifteen actions as key poses, `footsteps` plants the feet, `motion` plays an action, `cameras` projects it,
`detector` imitates a 2D detector, and `dataset` puts everything into the schema. Nothing in it was measured.
"""

from poselift.synthetic.dataset import generate

__all__ = ["generate"]
