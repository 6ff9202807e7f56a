"""Synthetic motion as the two files of MPI-INF-3DHP.

As in the real files, the 2D joints are annotated, not detected: here they are exact projections.
"""

import io
import zipfile
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from poselift.datasets.mpi_inf_3dhp import Synthetic, raw
from poselift.files import atomic_path
from poselift.synthetic.actions import ACTIONS
from poselift.synthetic.body import draw_body
from poselift.synthetic.cameras import Camera, project
from poselift.synthetic.curves import FPS, Array
from poselift.synthetic.motion import draw_style, play

FOCAL = 0.73
"""Focal length of all cameras in image widths, of these data's magnitude."""

VALID = 0.8
"""About the share of the test frames that count, ten at a time."""


def _camera(name: str, size: tuple[int, int], radius: float, angle: float, height: float) -> Camera:
    """A camera at a `radius` and a `height`, mm, above the floor's middle."""
    width, centre = size[0], (size[0] / 2, size[1] / 2)
    position = (radius * np.cos(angle), radius * np.sin(angle), height)
    return Camera(name, *size, FOCAL * width, centre, position)


def _take(seed: int, person: int, take: int, frames: int) -> Array:
    """The joints (T, J, 3) in the world, in the order of the files; person 1..14, take 1..2."""
    own = np.random.default_rng([seed, 3, person])
    body, style = draw_body(own, own.uniform(0.91, 1.07)), draw_style(own)
    action = ACTIONS[(2 * person + take) % len(ACTIONS)]
    joints = play(np.random.default_rng([seed, 3, person, take]), body, style, action, frames)
    return joints[:, list(raw.FROM_HUMAN36M)]


def _entry(camera: Camera, joints: Array) -> dict[str, Array]:
    pixels, inside = project(camera, joints)
    return {"data_2d": pixels.astype(np.float32), "data_3d": inside.astype(np.float32)}


def generate_train(settings: Synthetic) -> dict[str, list[Any]]:
    """The content of data_train_3dhp.npz, seen by a ring of alternately low and high cameras."""
    cameras = [
        _camera(name, raw.TRAIN_SIZE, 3500, 2 * np.pi * i / len(raw.CAMERAS), (1400.0, 2100.0)[i % 2])
        for i, name in enumerate(raw.CAMERAS)
    ]
    content: dict[str, list[Any]] = {}
    takes = product(enumerate(raw.SUBJECTS, 1), enumerate(raw.SEQUENCES, 1))
    for (person, subject), (take, sequence) in takes:
        joints = _take(settings.seed, person, take, settings.train_frames)
        content[f"{subject} {sequence}"] = [{each.name: _entry(each, joints) for each in cameras}, FPS]
    return content


def generate_test(settings: Synthetic) -> dict[str, dict[str, Array]]:
    """The content of data_test_3dhp.npz: people and cameras that the training has not seen."""
    content = {}
    for i, (name, size) in enumerate(raw.TEST_SIZES.items()):
        joints = _take(settings.seed, len(raw.SUBJECTS) + 1 + i, 1, settings.test_frames)
        valid = np.random.default_rng([settings.seed, 4, i]).random(-(-settings.test_frames // 10)) < VALID
        valid[0] = True  # no sequence without a frame to test
        flags = np.repeat(valid, 10)[: settings.test_frames].astype(np.float64)
        content[name] = {**_entry(_camera(name, size, 3700, 0.3 + i, 1500.0), joints), "valid": flags}
    return content


def write_npz(path: Path, content: Any) -> None:
    """Write what `numpy.savez_compressed(path, data=content)` would, but the same bytes every time."""
    data = io.BytesIO()
    np.lib.format.write_array(data, np.array(content, dtype=object))
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("data.npy"), data.getvalue(), zipfile.ZIP_DEFLATED)


def write(settings: Synthetic, files: Mapping[str, Path]) -> None:
    """Write the motion as the two files `train` and `test`, byte-identical for equal settings."""
    write_npz(files["train"], generate_train(settings))
    write_npz(files["test"], generate_test(settings))
