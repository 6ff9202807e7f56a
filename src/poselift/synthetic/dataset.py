"""The whole synthetic data set in the schema of the Human3.6M raw pickle."""

import pickle
from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from poselift.datasets.human36m import Synthetic
from poselift.files import atomic_path
from poselift.synthetic.actions import ACTIONS
from poselift.synthetic.body import draw_body
from poselift.synthetic.cameras import CAMERAS, view
from poselift.synthetic.curves import Array
from poselift.synthetic.detector import detect
from poselift.synthetic.motion import draw_style, play

SUBJECTS = {"train": (1, 5, 6, 7, 8), "test": (9, 11)}


def world_joints(seed: int, subject: int, action: int, sub_action: int, frames: int) -> Array:
    """The joints (T, J, 3) in the world, mm, of Human3.6M's subject, action 2..16 and sub-action 1..2."""
    # a subject has the same body and style in all actions
    everyone = [s for subjects in SUBJECTS.values() for s in subjects]
    statures = np.random.default_rng([seed, 0]).permutation(np.linspace(0.91, 1.07, len(everyone)))
    own = np.random.default_rng([seed, subject])
    body, style = draw_body(own, statures[everyone.index(subject)]), draw_style(own)
    rng = np.random.default_rng([seed, subject, action, sub_action])
    return play(rng, body, style, ACTIONS[action - 2], frames)


def _split(settings: Synthetic, split: str) -> dict[str, Any]:
    test = split == "test"
    frames = settings.test_frames if test else settings.train_frames
    cameras = CAMERAS[: settings.n_cameras]
    views, sources, actions = [], [], []
    # the sub-action comes first, so that the two runs of a train name never touch
    for sub, subject, action in product((1, 2), SUBJECTS[split], range(2, 2 + settings.n_actions)):
        joints = world_joints(settings.seed, subject, action, sub, frames)
        for number, camera in enumerate(cameras, 1):
            pose, factor = view(camera, joints)
            rng = np.random.default_rng([settings.seed, subject, action, sub, number])
            views.append([a.astype(np.float32) for a in (*detect(rng, camera, pose, factor), pose, factor)])
            take = f"_subact_{sub:02d}_ca" if test else "_cam"
            sources += [f"s_{subject:02d}_act_{action:02d}{take}_{number:02d}"] * frames
            actions += [ACTIONS[action - 2].name] * frames

    joint_2d, confidence, image, factors = map(np.concatenate, zip(*views, strict=True))
    out: dict[str, Any] = {
        "joint_2d": joint_2d,
        "confidence": confidence,
        "joint3d_image": image,
        "camera_name": np.tile(np.repeat([c.name for c in cameras], frames), len(views) // len(cameras)),
        "source": sources,
    }
    if test:
        metric = image * factors[:, None, None]
        out |= {"2.5d_factor": factors, "joints_2.5d_image": metric, "action": actions}
    return out


def generate(settings: Synthetic) -> dict[str, dict[str, Any]]:
    """Synthetic motion as `{"train": ..., "test": ...}` with the keys, shapes and types of the raw pickle.

    N = recordings x frames: `joint_2d` (N, 17, 2) px, `confidence` (N, 17, 1), `joint3d_image` (N, 17, 3) px
    (z is the depth behind the root in the same scale), `camera_name` and `source` N strings; test also
    `2.5d_factor` (N,) mm per px, `joints_2.5d_image` (N, 17, 3) mm and `action` N strings.
    """
    return {split: _split(settings, split) for split in SUBJECTS}


def write(settings: Synthetic, files: Mapping[str, Path]) -> None:
    """Write the motion as the pickle `raw`, byte-identical for equal settings."""
    motion = generate(settings)
    with atomic_path(files["raw"]) as temporary, temporary.open("wb") as file:
        pickle.dump(motion, file, protocol=4)
