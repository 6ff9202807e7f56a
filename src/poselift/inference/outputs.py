"""What people take away: arrays, a table, BVH for each track, and a page that plays the longest ones."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from poselift.bvh import bvh
from poselift.inference.lifting import Array
from poselift.inference.tracks import Track
from poselift.report import html
from poselift.report.player import packed
from poselift.skeleton import BONES, JOINTS, LEFT, RIGHT

PLAYED_TRACKS, PLAYED_FRAMES = 12, 6000
"""How many tracks the page plays at most, the longest, and how many frames of each."""


class Lifted(NamedTuple):
    """A track and its poses (T, 17, 3), root-relative: x right, y down, z away from the camera."""

    track: Track
    poses: Array

    @property
    def frames(self) -> range:
        """The numbers of its frames."""
        return range(self.track.first_frame, self.track.first_frame + len(self.poses))


def write(folder: Path, lifted: Sequence[Lifted], units: str, fps: float, title: str) -> None:
    """Write all outputs into a folder: `poses.npz`, `poses.csv`, `poses.html`, `person-<i>.bvh`.

    Of N rows, a person in a frame each, the npz has `poses` (N, 17, 3), `keypoints` (N, 17, 2) in px and
    `confidence` (N, 17), 0 where the place is interpolated, `person`, `frame` and `interpolated` (N,), where
    the file had not the person; `joints`, and `units` with what the scale is from.
    """
    columns = {
        "poses": [each.poses for each in lifted],
        "keypoints": [each.track.points[..., :2].astype(np.float32) for each in lifted],
        "confidence": [each.track.points[..., 2].astype(np.float32) for each in lifted],
        "person": [np.full(len(each.poses), each.track.person) for each in lifted],
        "frame": [np.array(each.frames) for each in lifted],
        "interpolated": [~each.track.found for each in lifted],
    }
    arrays = {name: np.concatenate(parts) for name, parts in columns.items()}
    np.savez_compressed(folder / "poses.npz", joints=JOINTS, units=units, **arrays)  # type: ignore[arg-type]
    _write_table(folder / "poses.csv", arrays)
    of_person = Counter(each.track.person for each in lifted)
    for track, poses in lifted:
        name, first = f"person-{track.person}", track.first_frame
        if first or of_person[track.person] > 1:  # each BVH begins at time 0
            name += f"-from-{first}"
        # centimetres, as usual in BVH
        scale = {"metres,": 100, "mm,": 0.1}.get(units.split()[0], 1)
        (folder / f"{name}.bvh").write_text(bvh(poses * scale, fps))
    _write_page(folder / "poses.html", lifted, units, fps, title)


def _write_table(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """A row for each joint; `joint_interpolated` is 1 where its own place in the image is."""
    columns = {name: np.repeat(arrays[name], len(JOINTS)) for name in ("frame", "person")}
    columns["joint"] = np.tile(JOINTS, len(arrays["frame"]))
    columns |= zip("xyz", arrays["poses"].reshape(-1, 3).T, strict=True)
    columns["confidence"] = arrays["confidence"].ravel()
    columns["joint_interpolated"] = (columns["confidence"] == 0).astype(int)
    pd.DataFrame(columns).to_csv(path, index=False, float_format="%.5g")


def _write_page(path: Path, lifted: Sequence[Lifted], units: str, fps: float, title: str) -> None:
    played = sorted(lifted, key=lambda each: -len(each.poses))[:PLAYED_TRACKS]
    frames = min(PLAYED_FRAMES, max(len(each.poses) for each in played))

    def cut(values: np.ndarray) -> Any:
        """As long as the longest, in whole numbers."""
        shown = np.pad(values[:frames], ((0, max(0, frames - len(values))), (0, 0), (0, 0)), mode="edge")
        return np.rint(shown).astype(np.int32)

    # a body as tall as the player expects, whatever the unit
    poses = [each.poses * (1000 / max(np.abs(each.poses).max(), 1e-6)) for each in played]
    target = np.stack([cut(each) for each in poses])
    clips = [
        {"action": f"person {each.track.person}", "frames": min(frames, len(each.poses))}
        | {"clip_kind": f"{each.frames[0]} to {each.frames[-1]}"}
        | {"interpolated": np.flatnonzero(~each.track.found[:frames]).tolist()}
        for each in played
    ]
    data = {
        "fps": fps, "frames": frames, "joints": JOINTS, "bones": BONES, "left": LEFT, "right": RIGHT,
        "clips": clips, "target": packed(target),
        "input": packed(np.stack([cut(each.track.points[..., :2]) for each in played])),
        "models": [{"run": "poses", "label": "3D pose", "size": "", "error": packed(0 * target)}],
    }  # fmt: skip
    whole = len(played) == len(lifted) and frames == max(len(each.poses) for each in lifted)
    body = html.render("poses", data=data, units=units, whole=whole)
    path.write_text(html.page(title, body), encoding="utf-8")
