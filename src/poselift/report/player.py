"""The player: the clips of `poselift.evaluation.shown_clips` in a form that a script on the page draws."""

import base64
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from poselift.analysis.view import View
from poselift.errors import PoseliftError
from poselift.files import reading
from poselift.report import html
from poselift.skeleton import BONES, JOINTS, LEFT, N_JOINTS, RIGHT

FRAMES_PER_SECOND = 50
STEP_MM = 50
"""The end of the scale of errors is a multiple of this."""


def packed(track: NDArray[np.integer[Any]]) -> str:
    """Whole numbers (E, T, J, C) as text: their steps from frame to frame, deflated, in base64.

    Steps, which are below 2^15, are put in the order (E, J, C, T) as 0, -1, 1, -2 ... -> 0, 1, 2, 3 ..., all
    low bytes before all high bytes, which are mostly zero.
    """
    steps = np.diff(track, axis=1, prepend=0)
    unsigned = np.where(steps < 0, -2 * steps - 1, 2 * steps).astype("<u2").transpose(0, 2, 3, 1)
    planes = np.ascontiguousarray(unsigned).view(np.uint8).reshape(-1, 2).T
    return base64.b64encode(zlib.compress(planes.tobytes(), 9)).decode()


def read_clips(path: Path) -> dict[str, Any]:
    """The arrays by name, as `poselift.evaluation.shown_clips` describes them.

    Raises `PoseliftError` if the file is missing or another.
    """
    what, remedy = "the clips that the page plays", "build it with snakemake"
    with reading(path, what, remedy), np.load(path) as arrays:
        clips = dict(arrays)
        m, e, t = clips["prediction"].shape[:3]
        shapes = {"prediction": (m, e, t, N_JOINTS, 3), "target": (e, t, N_JOINTS, 3)}
        shapes |= {"input_2d": (e, t, N_JOINTS, 2), "size": (e, 2), "mpjpe": (m, e), "run": (m,)}
        shapes |= dict.fromkeys(("action", "clip_kind", "sequence"), (e,))
        for name, shape in shapes.items():
            if clips[name].shape != shape:
                raise ValueError(f"{name} has shape {clips[name].shape}, expected {shape}")
    if not clips["target"].size:
        raise PoseliftError(f"{path}: holds no clip; remove it and build it again")
    return clips


def player(path: Path, view: View) -> Markup:
    """The player of the clips in a file. Raises `PoseliftError` if it is missing or another."""
    clips = read_clips(path)
    target, prediction = (clips[name].astype(np.int32) for name in ("target", "prediction"))
    error = prediction - target  # smaller than the pose, so its steps are
    models = [
        {"run": run, "label": view.label(run.split("-")[0]), "size": run.split("-")[1]}
        | {"mpjpe": np.round(mpjpe, 1).tolist(), "error": packed(its_error)}
        for run, mpjpe, its_error in zip(clips["run"].tolist(), clips["mpjpe"], error, strict=True)
    ]
    largest = float(np.percentile(np.linalg.norm(error, axis=-1), 95))
    about = ("action", "clip_kind", "sequence", "size")
    described = zip(*(clips[name].tolist() for name in about), strict=True)
    data = {
        "fps": FRAMES_PER_SECOND,
        "frames": target.shape[1],
        "joints": JOINTS,
        "bones": BONES,
        "left": LEFT,
        "right": RIGHT,
        "scale": max(1, -(-largest // STEP_MM)) * STEP_MM,
        "clips": [dict(zip(about, each, strict=True)) for each in described],
        "detail": view.per_action_size,
        "models": models,
        "target": packed(target),
        "input": packed(clips["input_2d"].astype(np.int32)),
    }
    return html.render("player", data=data, rule=str(clips["rule"]), notice=view.notice)
