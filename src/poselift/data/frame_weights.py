"""What each frame of each clip counts in the mean error of a split."""

import numpy as np
from numpy.typing import NDArray

from poselift.data.store import Split
from poselift.errors import PoseliftError


def frame_weights(split: Split) -> NDArray[np.float64]:
    """The weights (clips, T) with which the errors of single frames sum up to the error of the split.

    A frame counts once, however many clips see it; of repeated frames in a clip the last counts; excluded
    sequences do not. Then come the mean over the frames of an action and the unweighted mean over actions;
    sequences without an action (those of train) count as of one. Where the centre frame of each clip is
    evaluated, the others have no weight. The weights sum to 1.
    """
    frames = np.asarray(split.clips)
    of_clip = split.sequence[frames[:, 0]]
    counted = np.ones(frames.shape, dtype=bool)
    if split.evaluates == "centre frame":
        counted[:] = np.arange(split.n_frames) == split.n_frames // 2
    else:
        counted[:, :-1] = frames[:, 1:] != frames[:, :-1]
    counted &= ~np.array([sequence.excluded for sequence in split.sequences])[of_clip, None]
    times_seen = np.bincount(frames[counted], minlength=len(split.sequence))
    weights = counted / np.maximum(times_seen[frames], 1)

    names, action = np.unique([str(s.action) for s in split.sequences], return_inverse=True)
    n_frames = np.bincount(action[of_clip], weights.sum(axis=1), len(names))
    n_actions = np.count_nonzero(n_frames)
    if not n_actions:
        raise PoseliftError(f"{split.name}: no frame to validate on: no clip outside the excluded sequences")
    return weights / (np.maximum(n_frames, 1)[action[of_clip]] * n_actions)[:, None]
