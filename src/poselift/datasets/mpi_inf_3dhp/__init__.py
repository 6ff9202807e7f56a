"""MPI-INF-3DHP: `raw` reads and checks its two files, `prepare` writes the frame store, `clips` the windows.

The joints are brought into Human3.6M's order when they are read, so that skeleton, mirror image, graphs and
figures hold; from the store on there is nothing special about these data but which frames are evaluated.
"""
