"""The figures, a module each, and how they are drawn.

The module of a figure has NEEDS (see `poselift.analysis.needs`), a CAPTION (see `caption_of` in
`poselift.analysis.plan`), and a function `draw` of the inputs and the view that gives a figure of Matplotlib.
FORMATS are those of a figure that is not printed.
"""

import os

# files only, whatever screen there is; a notebook names its own, which Matplotlib may not even know
os.environ["MPLBACKEND"] = "agg"
