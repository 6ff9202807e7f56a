"""Keypoints from the JSON of detectors, who differ in how frames hold people and how people hold joints."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poselift.inference.keypoints import UNKNOWN, Found, Keypoints, as_points, gather, whole

FIRST_JOINT = {"nose": "coco", "root": "human36m", "pelvis": "human36m", "hip": "human36m"}
"""What 17 joints are whose first has this name."""

NUMBERS = ("idx", "track_id", "person_id", "instance_id")
"""What the number of a tracked person is called."""

OF_A_FRAME = {"image_id", "instances", "people"}
OF_A_PERSON = {"keypoints", "pose_keypoints_2d", "box"}
"""One of these is in each frame that is no list, and in each person."""


def only_frame(name: Any, names: dict[int, Any]) -> int:
    """The number of a frame from its number or the name of its image (the last digits before the ending),
    which is added to the `names` by number. Raises `ValueError` if names differ in more than it, as those of
    two videos and times of day do."""
    before, digits = _last_number(name)
    number = whole(digits, "frame")
    first = next(iter(names.values()), name)
    other = first if _last_number(first)[0] != before else names.setdefault(number, name)
    if other != name:
        two = f"'{str(other)[-60:]}' and '{str(name)[-60:]}'"
        raise ValueError(f"{two} differ in more than the last number; name images by one frame number")
    return number


def _last_number(name: Any) -> tuple[str | None, Any]:
    """What stands before the last digits of an image's name, and these; of a number, itself."""
    if not isinstance(name, str):
        return None, name
    folder, stem = Path(name).parent, Path(name).stem
    numbers = re.findall(r"\d+", stem)
    if not numbers:
        raise ValueError(f"'{name[:40]}' has no frame number")
    return str(folder / stem.rpartition(numbers[-1])[0]), numbers[-1]


def person_number(entry: dict[str, Any]) -> int:
    """The number that a tracker gave a person, in however many lists; `UNKNOWN` where none did."""
    for key in NUMBERS:
        value = entry.get(key)
        while isinstance(value, list) and value:
            value = value[0]
        # AlphaPose numbers people from 1; where it did not track them all are 0
        if value not in (None, [], UNKNOWN) and (key, value) != ("idx", 0):
            return whole(value, "person")
    return UNKNOWN


def joints(entry: dict[str, Any]) -> NDArray[np.float32]:
    """A person's keypoints: in a list each for x, y and confidence (Ultralytics), or joint after joint with
    the confidences beside them (MMPose) or between them."""
    values = entry["pose_keypoints_2d"] if "pose_keypoints_2d" in entry else entry["keypoints"]
    if isinstance(values, dict):
        return as_points(np.array([values["x"], values["y"]], dtype=np.float64).T, values.get("visible"))
    if "keypoint_scores" in entry:
        return as_points(values, entry["keypoint_scores"])
    if not isinstance(values, list) or len(values) % 3:
        raise ValueError("keypoints are not x, y, confidence of joint after joint")
    return as_points(np.array(values, dtype=np.float64).reshape(-1, 3))


def people(frames: Iterable[Any]) -> Iterator[Found]:
    """The people in frames. A frame is a list of people (Ultralytics), has one (MMPose, OpenPose), or is one
    of the people, who name their images (AlphaPose, COCO). Raises `ValueError` for anything else."""
    names: dict[int, Any] = {}
    for index, frame in enumerate(frames):
        # Ultralytics gives a frame as text, which is easily written into JSON once more
        number, listed = index, json.loads(frame) if isinstance(frame, str) else frame
        if isinstance(frame, dict):
            number = whole(frame.get("frame_id", index), "frame_id")
            listed = next((frame[key] for key in ("instances", "people") if key in frame), [frame])
        for person in listed if isinstance(listed, list) else [listed]:
            if not isinstance(person, dict) or not OF_A_PERSON & person.keys():
                raise ValueError("not the JSON of AlphaPose, OpenPose, MMPose, Ultralytics or COCO")
            if "image_id" in person:
                number = only_frame(person["image_id"], names)
            # else no joint was found, or another model of Ultralytics has looked
            if person.get("keypoints") or person.get("pose_keypoints_2d"):
                yield Found(number, person_number(person), joints(person))


def read_json(path: Path) -> Keypoints:
    """Keypoints from a file of any of the forms. Raises `ValueError` for what is none.

    Where 17 joints may be those of several layouts, MMPose's `meta_info` and COCO's `categories` say it.
    """
    text = path.read_text(encoding="utf-8-sig")
    frames, size = _documents(text), None
    layout = None if '"keypoint_scores"' in text else "coco"
    content = frames[0] if len(frames) == 1 else None
    if isinstance(content, dict) and "instance_info" in content:
        names = content.get("meta_info", {}).get("keypoint_id2name", {})
        layout, content = FIRST_JOINT.get(str(names.get("0"))), content["instance_info"]
        frames = [content]
    if isinstance(content, dict) and "annotations" in content:
        images = content.get("images", [])
        sizes = {(each["width"], each["height"]) for each in images if {"width", "height"} <= each.keys()}
        if len(sizes) > 1:
            raise ValueError(f"images of {len(sizes)} sizes; give those of one size at a time")
        size = tuple(whole(side, "image size") for side in sizes.pop()) if sizes else None
        for category in content.get("categories", []):
            if joints := list(map(str, category.get("keypoints", []))):
                # PoseTrack's nose is followed by the head's ends in place of the eyes
                layout = None if "head_bottom" in joints else FIRST_JOINT.get(joints[0].lower())
        frames = _annotations(content["annotations"], images)
    elif isinstance(content, list) and any(not isinstance(e, dict) or OF_A_FRAME & e.keys() for e in content):
        frames = content  # else one frame
    found = gather(people(frames), size=size)
    return replace(found, layout=layout if found.points.shape[1] == 17 else None)


def _annotations(annotations: list[Any], images: list[dict[str, Any]]) -> list[Any]:
    """COCO's annotations that have keypoints, by the names of their images where all have numbers in theirs:
    ids may be in any order."""
    people = [each for each in annotations if not isinstance(each, dict) or each.get("keypoints")]
    names = {each.get("id"): str(each.get("file_name")) for each in images}
    numbered = all(re.search(r"\d", Path(name).stem) for name in names.values())
    if numbered and all(each["image_id"] in names for each in people):
        return [each | {"image_id": names[each["image_id"]]} for each in people]
    return people or annotations


def _documents(text: str) -> list[Any]:
    """The values in a JSON file: one, or one in each line, of which an empty one is a frame of nobody."""
    try:
        return [json.loads(text)]
    except json.JSONDecodeError:
        return [json.loads(line) if line.strip() else [] for line in text.rstrip().splitlines()]
