"""The whole synthetic data set in the schema of the Human3.6M raw pickle."""

from typing import Any

import numpy as np

from poselift.config.experiment import Synthetic
from poselift.skeleton import N_JOINTS
from poselift.synthetic.actions import ACTIONS
from poselift.synthetic.body import draw_body
from poselift.synthetic.cameras import CAMERAS, view
from poselift.synthetic.curves import Array
from poselift.synthetic.detector import detect
from poselift.synthetic.motion import draw_style, play

SUBJECTS = {"train": (1, 5, 6, 7, 8), "test": (9, 11)}


def world_joints(seed: int, subject: int, action: int, sub_action: int, frames: int) -> Array:
    """The joints (T, J, 3) in the world, mm, for Human3.6M's numbers: subject, action 2..16, sub-action 1..2.

    A subject has the same body and style in all that it does.
    """
    everyone = [s for subjects in SUBJECTS.values() for s in subjects]
    statures = np.random.default_rng([seed, 0]).permutation(np.linspace(0.91, 1.07, len(everyone)))
    own = np.random.default_rng([seed, subject])
    body = draw_body(own, statures[everyone.index(subject)])
    style = draw_style(own)
    return play(
        np.random.default_rng([seed, subject, action, sub_action]), body, style, ACTIONS[action - 2], frames
    )


def _split(settings: Synthetic, split: str) -> dict[str, Any]:
    test = split == "test"
    frames = settings.test_frames if test else settings.train_frames
    # the sub-action comes first, so that the two runs of a train name never touch
    takes = [
        (sub, subject, action)
        for sub in (1, 2)
        for subject in SUBJECTS[split]
        for action in range(2, 2 + settings.n_actions)
    ]
    cameras = CAMERAS[: settings.n_cameras]
    runs = len(takes) * len(cameras)
    joint_2d = np.empty((runs, frames, N_JOINTS, 2), np.float32)
    confidence = np.empty((runs, frames, N_JOINTS, 1), np.float32)
    joint3d_image = np.empty((runs, frames, N_JOINTS, 3), np.float32)
    factors = np.empty((runs, frames), np.float32)
    names: list[str] = []
    for sub, subject, action in takes:
        joints = world_joints(settings.seed, subject, action, sub, frames)
        for number, camera in enumerate(cameras, 1):
            run = len(names)
            pose, factor = view(camera, joints)
            rng = np.random.default_rng([settings.seed, subject, action, sub, number])
            joint_2d[run], confidence[run] = detect(rng, camera, pose, factor)
            joint3d_image[run], factors[run] = pose, factor
            take = f"_subact_{sub:02d}_ca" if test else "_cam"
            names.append(f"s_{subject:02d}_act_{action:02d}{take}_{number:02d}")

    n = runs * frames
    out: dict[str, Any] = {
        "joint_2d": joint_2d.reshape(n, N_JOINTS, 2),
        "confidence": confidence.reshape(n, N_JOINTS, 1),
        "joint3d_image": joint3d_image.reshape(n, N_JOINTS, 3),
        "camera_name": np.repeat([c.name for c in cameras] * len(takes), frames),
        "source": [name for name in names for _ in range(frames)],
    }
    if test:
        out["2.5d_factor"] = factors.reshape(n)
        out["joints_2.5d_image"] = out["joint3d_image"] * out["2.5d_factor"][:, None, None]
        out["action"] = [ACTIONS[int(name[9:11]) - 2].name for name in names for _ in range(frames)]
    return out


def generate(settings: Synthetic) -> dict[str, dict[str, Any]]:
    """Synthetic motion as `{"train": ..., "test": ...}` with the keys, shapes and types of the raw pickle.

    N = runs x frames: `joint_2d` (N, 17, 2) px, `confidence` (N, 17, 1), `joint3d_image` (N, 17, 3) px (z is
    the depth behind the root in the same scale), `camera_name` and `source` N strings; test also
    `2.5d_factor` (N,) mm per px, `joints_2.5d_image` (N, 17, 3) mm and `action` N strings. Equal settings
    give equal values. The two sub-actions of a train action are two runs under one name.
    """
    return {split: _split(settings, split) for split in SUBJECTS}
