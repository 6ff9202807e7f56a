"""Keypoints from the JSON of detectors: one small reader for each form that the files have."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from poselift.inference.keypoints import UNKNOWN, Found, Keypoints, as_points, gather, whole

FIRST_JOINT = {"nose": "coco", "root": "human36m"}
"""What 17 joints are whose first has this name."""


def frame_number(name: Any) -> int:
    """The number of a frame from its number or the name of its image: the last digits before the ending."""
    if not isinstance(name, str):
        return whole(name, "frame")
    digits = re.findall(r"\d+", Path(name).stem.removesuffix("_keypoints"))
    if not digits:
        raise ValueError(f"'{name[:40]}' has no frame number")
    return whole(digits[-1], "frame")


def only_frame(name: Any, names: dict[int, Any]) -> int:
    """The number of a frame, with its name added to the `names` by number. Raises `ValueError` if another
    frame has it, as those of two videos do."""
    number = frame_number(name)
    if names.setdefault(number, name) != name:
        raise ValueError(f"'{names[number]}' and '{name}' are both frame {number}; lift one video at a time")
    return number


def person_number(entry: dict[str, Any], *keys: str) -> int:
    """The person that the first of the keys gives, in however many lists; `UNKNOWN` where none does."""
    value = next((entry[key] for key in keys if entry.get(key) is not None), UNKNOWN)
    while isinstance(value, list) and value:
        value = value[0]
    return UNKNOWN if value in ([], UNKNOWN) else whole(value, "person")


def triples(values: Any) -> np.ndarray:
    """Keypoints from x, y, confidence of joint after joint."""
    if not isinstance(values, list) or len(values) % 3:
        raise ValueError("keypoints are not x, y, confidence of joint after joint")
    return as_points(np.array(values, dtype=np.float64).reshape(-1, 3))


def results(entries: Iterable[Any]) -> Iterator[Found]:
    """AlphaPose and COCO: people, each with the name or number of its image.

    AlphaPose numbers people from 1; where it did not track them all are 0.
    """
    names: dict[int, Any] = {}
    for entry in entries:
        tracked = person_number(entry, "idx")
        person = tracked if tracked > 0 else person_number(entry, "track_id")
        frame = only_frame(entry["image_id"], names)
        yield Found(frame, person, triples(entry["keypoints"]))


def openpose(content: Any, frame: int) -> Iterator[Found]:
    """OpenPose: the people of a frame, whose number is in the file's name."""
    for entry in content["people"]:
        yield Found(frame, person_number(entry, "person_id"), triples(entry["pose_keypoints_2d"]))


def mmpose(frames: Iterable[Any]) -> Iterator[Found]:
    """MMPose: frames with the people of each under `instances`, or lists of people."""
    for index, entry in enumerate(frames):
        people, frame = entry, index
        if isinstance(entry, dict):
            people, frame = entry["instances"], whole(entry.get("frame_id", index), "frame_id")
        for person in people:
            points = as_points(person["keypoints"], person.get("keypoint_scores"))
            yield Found(frame, person_number(person, "track_id", "instance_id"), points)


def ultralytics(frames: Iterable[Any]) -> Iterator[Found]:
    """Ultralytics: the people of each frame, as `results.to_json()` gives them."""
    for frame, people in enumerate(frames):
        for person in people:
            if joints := person.get("keypoints"):  # there are none where another model has looked
                positions = np.array([joints["x"], joints["y"]], dtype=np.float64).T
                points = as_points(positions, joints.get("visible"))
                yield Found(frame, person_number(person, "track_id"), points)


def read_json(path: Path) -> Keypoints:
    """Keypoints from a file of any of the forms. Raises `ValueError` for what is none.

    Where 17 joints may be those of several layouts, as MMPose has models of, its `meta_info` says it.
    """
    documents = _documents(path.read_text(encoding="utf-8"))
    content = documents[0]
    if isinstance(content, dict):
        if "people" in content:
            return _of_17("coco", gather(openpose(content, 0)))
        if "instance_info" in content:
            names = content.get("meta_info", {}).get("keypoint_id2name", {})
            layout = FIRST_JOINT.get(str(names.get("0")))
            return _of_17(layout, gather(mmpose(content["instance_info"])))
        if "annotations" in content:
            sizes = {(each["width"], each["height"]) for each in content.get("images", [])}
            if len(sizes) > 1:
                raise ValueError(f"images of {len(sizes)} sizes; give those of one size at a time")
            size = tuple(whole(side, "image size") for side in sizes.pop()) if sizes else None
            return _of_17("coco", gather(results(content["annotations"]), size=size))
    elif isinstance(content, list):
        nested = len(documents) == 1 and any(isinstance(each, list) for each in content)
        frames = content if nested else documents
        sample: Any = next((entry for people in frames for entry in people), {})
        if not sample:
            raise ValueError("no person in it")
        if "instances" in sample:
            return gather(mmpose(content))
        if "image_id" in sample:
            return _of_17("coco", gather(results(content)))
        if "keypoint_scores" in sample:
            return gather(mmpose(frames))
        if "keypoints" in sample or "box" in sample:
            return _of_17("coco", gather(ultralytics(frames)))
    raise ValueError("not the JSON of AlphaPose, OpenPose, MMPose, Ultralytics or COCO")


def _documents(text: str) -> list[Any]:
    """The values in a JSON file: one, or one in each line."""
    try:
        return [json.loads(text)]
    except json.JSONDecodeError:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2:
            raise
        return [json.loads(line) for line in lines]


def _of_17(layout: str | None, found: Keypoints) -> Keypoints:
    """With the layout, if the people have 17 joints: others' number says theirs."""
    return Keypoints(**vars(found) | {"layout": layout}) if found.points.shape[1] == 17 else found
