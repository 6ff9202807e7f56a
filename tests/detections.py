"""Keypoints in the forms in which detectors write them."""

import json
from pathlib import Path
from typing import Any

import numpy as np

N_FRAMES = 9

TINY = (
    "--architecture", "baseline", "--size", "tiny", "--depth", "1", "--dim", "16",
    "--n-frames", str(N_FRAMES), "--device", "cpu",
)  # fmt: skip
"""The options that say what `checkpoint` is of."""


def standing(n_frames: int = 20, n_joints: int = 17, seed: int = 0) -> np.ndarray:
    """Keypoints (T, J, 3), x, y, confidence, that move a little."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(300, 700, (1, n_joints, 3)) + np.cumsum(rng.normal(0, 1, (n_frames, n_joints, 3)), 0)
    points[..., 2] = rng.uniform(0.3, 1, points.shape[:2])
    return points.astype(np.float32)


def flat(points: np.ndarray) -> list[float]:
    return [float(value) for value in points.ravel()]


def alphapose(tracks: np.ndarray) -> list[dict[str, Any]]:
    """Of tracks (people, T, J, 3), as AlphaPose writes them."""
    return [
        {"image_id": f"{t}.jpg", "category_id": 1, "keypoints": flat(points), "score": 2.5}
        | {"idx": person, "box": [1, 2, 3, 4]}
        for t in range(tracks.shape[1])
        for person, points in enumerate(tracks[:, t], start=1)
    ]  # fmt: skip


def mmpose(tracks: np.ndarray, names: dict[str, str] | None = None) -> dict[str, Any]:
    """As MMPose writes them."""
    frames = [
        {
            "frame_id": t,
            "instances": [
                {
                    "keypoints": points[:, :2].astype(float).tolist(),
                    "keypoint_scores": flat(points[:, 2]),
                    "bbox": [[1.0, 2.0, 3.0, 4.0]],
                    "track_id": person,
                }
                for person, points in enumerate(tracks[:, t], start=1)
            ],
        }
        for t in range(tracks.shape[1])
    ]
    return {"meta_info": {"keypoint_id2name": names} if names else {}, "instance_info": frames}


def videopose3d(path: Path, *tracks: np.ndarray) -> Path:
    """Of tracks (T, 17, 3) at 25 frames per second, as VideoPose3D writes it."""
    about = {"w": 1920, "h": 1080, "fps": 25}
    metadata = {"layout_name": "coco", "video_metadata": {"clip.mp4": about}}
    positions = {"clip.mp4": {"custom": [*tracks]}}
    np.savez(path, positions_2d=np.array(positions, dtype=object), metadata=np.array(metadata, dtype=object))
    return path


def ultralytics(tracks: np.ndarray) -> list[list[dict[str, Any]]]:
    """As Ultralytics writes them, a list for each frame."""
    return [
        [
            {"name": "person", "class": 0, "confidence": 0.9, "box": {"x1": 1.0}, "track_id": person}
            | {"keypoints": dict(zip(("x", "y", "visible"), map(flat, points.T), strict=True))}
            for person, points in enumerate(tracks[:, t], start=1)
        ]
        for t in range(tracks.shape[1])
    ]


def openpose(folder: Path, tracks: np.ndarray) -> Path:
    """As OpenPose writes them, a file for each frame."""
    folder.mkdir()
    for t in range(tracks.shape[1]):
        people = [{"person_id": [-1], "pose_keypoints_2d": flat(points)} for points in tracks[:, t]]
        (folder / f"clip2_{t:012d}_keypoints.json").write_text(json.dumps({"version": 1.3, "people": people}))
    return folder


def written(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content))
    return path
