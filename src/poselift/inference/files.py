"""Keypoints from files of any form that is known."""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from poselift.data.unpickle import unpickle
from poselift.errors import PoseliftError, one_line, untrusted
from poselift.inference.detection import detected
from poselift.inference.json_readers import only_frame, people, read_json
from poselift.inference.keypoints import UNKNOWN, Found, Keypoints, as_points, gather, whole
from poselift.inference.layouts import LAYOUTS, layout_of, made_of
from poselift.skeleton import JOINTS

MAX_BYTES = 4 * 2**30
"""What the arrays of a file may unpack to: a hundred million joints."""

CONFIDENCES = ("confidence", "conf", "scores", "score", "keypoint_scores", "likelihood")
"""What the confidences are called, in arrays and tables; the first that is there is taken."""

COLUMNS = ("frame", "person", "joint", "x", "y", "z", *CONFIDENCES)


def read_keypoints(
    path: Path, layout: str | None = None, models: tuple[Path, Path] | None = None
) -> Keypoints:
    """The keypoints in a file or in OpenPose's folder; `layout` says what the file does not make certain. In
    a video the `models`, a detector and a pose model, find them.

    Raises `PoseliftError` in one line for a file of no form that is known, a damaged one, one without people,
    and where the layout is not certain or has another number of joints.
    """
    ending = path.suffix.lower()
    read = {".json": read_json, ".jsonl": read_json, ".npy": _read_npy, ".npz": _read_npz}.get(ending)
    with untrusted(path, "no keypoints that can be read ({})"):
        if path.is_dir():
            found = _read_folder(path)
        elif ending == ".csv":
            found = _read_csv(path, layout)
        elif read:
            found = read(path)
        elif models:
            found = detected(path, *models, layout)
        else:
            keypoints = "a folder, .json, .npy, .npz or .csv of a 2D detector is expected"
            raise PoseliftError(f"{path}: {keypoints}; for a video give --detector and --pose-model as well")
    try:
        return replace(found, layout=layout_of(found.points.shape[1], layout or found.layout))
    except PoseliftError as error:
        raise PoseliftError(f"{path}: {error}") from None


def _read_folder(folder: Path) -> Keypoints:
    names: dict[int, str] = {}

    def rows() -> Iterator[Found]:
        for path in sorted(folder.glob("*.json")):
            with untrusted(path, "no keypoints of OpenPose ({})"):
                content = json.loads(path.read_text(encoding="utf-8-sig"))
                there = content if isinstance(content, list) else content["people"]  # MMPose, of images
                yield from people([{"frame_id": only_frame(path.name, names), "people": there}])

    return gather(rows())


def _rows(tracks: Iterable[np.ndarray]) -> Iterator[Found]:
    """Of arrays (T, J, 3) of people, or of one alone."""
    if isinstance(tracks, np.ndarray):
        tracks = tracks[None] if tracks.ndim == 3 else tracks
        if tracks.ndim == 4 and len(tracks) > tracks.shape[1]:
            people = f"{len(tracks)} people in {tracks.shape[1]} frames"
            raise ValueError(f"{people}: people come first (people, frames, joints, 2 or 3)")
    for person, track in enumerate(tracks):
        if track.ndim != 3:
            raise ValueError(f"an array of shape {track.shape}, expected (frames, joints, 2 or 3)")
        yield from (Found(frame, person, points) for frame, points in enumerate(track))


def _read_npy(path: Path) -> Keypoints:
    return gather(_rows(as_points(np.load(path, mmap_mode="r", allow_pickle=False))))


def _member(file: IO[bytes], where: str) -> np.ndarray:
    """An array of an archive; one of objects holds nothing but containers and arrays."""
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    _, _, dtype = read[np.lib.format.read_magic(file)](file)
    if dtype.hasobject:
        return np.array(unpickle(file, where, MAX_BYTES), dtype=object)
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False)


def _read_npz(path: Path) -> Keypoints:
    with zipfile.ZipFile(path) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > MAX_BYTES:
            raise ValueError(f"it unpacks to more than {MAX_BYTES // 2**30} GiB")
        members = {name: io.BytesIO(archive.read(name)) for name in archive.namelist()}
    arrays = {name.removesuffix(".npy"): _member(file, f"{path}: {name}") for name, file in members.items()}
    if "positions_2d" in arrays:
        return _videopose3d(arrays["positions_2d"].item(), arrays["metadata"].item())
    named = [name for name in arrays if arrays[name].ndim in (3, 4)]
    main = "keypoints" if "keypoints" in arrays else named[0] if len(named) == 1 else None
    if main is None:
        raise ValueError(f"arrays {one_line(sorted(arrays))}, expected one called keypoints")
    confidence = next((arrays[name] for name in CONFIDENCES if name in arrays), None)
    points = as_points(arrays[main], confidence)
    if "frame" not in arrays:
        return gather(_rows(points))
    # as `poselift predict` writes them: a row for each person in each frame
    joints = arrays["joints"].tolist() if "joints" in arrays else None
    shapes = [arrays[name].shape for name in ("frame", "person") if name in arrays]
    if points.ndim != 3 or {*shapes} != {points.shape[:1]}:
        raise ValueError(f"frame and person of shapes {shapes} for keypoints of shape {points.shape}")
    frames = [whole(each, "frame") for each in arrays["frame"].tolist()]
    known = [whole(each, "person") for each in arrays["person"].tolist()] if "person" in arrays else None
    found = map(Found, frames, known or [UNKNOWN] * len(frames), points)
    return gather(found, layout="human36m" if joints == list(JOINTS) else None)


def _videopose3d(positions: dict[str, Any], metadata: dict[str, Any]) -> Keypoints:
    """VideoPose3D's own detections of a video: a person's arrays by video, and the videos' sizes."""
    listed = [(video, tracks) for video, actions in positions.items() for tracks in actions.values()]
    if len(listed) != 1:
        raise ValueError(f"{len(listed)} videos or actions, expected one")
    ((video, tracks),) = listed
    about = metadata.get("video_metadata", {}).get(video, {})
    size = (whole(about["w"], "w"), whole(about["h"], "h")) if {"w", "h"} <= about.keys() else None
    fps = float(about["fps"]) if "fps" in about else None
    layout = {"coco": "coco", "h36m": "human36m"}.get(str(metadata.get("layout_name")))
    return gather(_rows(map(as_points, tracks)), size=size, fps=fps, layout=layout)


def _read_csv(path: Path, layout: str | None) -> Keypoints:
    """A row for each joint: frame, person (if several), joint (its name or number), x, y, confidence."""
    table = pd.read_csv(
        path, usecols=lambda name: name in COLUMNS, dtype={"joint": str},
        index_col=False, skipinitialspace=True, low_memory=False,
    )  # fmt: skip
    if missing := {"frame", "joint", "x", "y"} - set(table.columns):
        raise ValueError(f"no column {sorted(missing)[0]}; columns are frame, joint, x, y, confidence")
    with path.open(newline="", encoding="utf-8-sig") as file:
        lines = csv.reader(file, skipinitialspace=True)
        header = next((len(line) for line in lines if line), 0)
        for line in lines:
            if any(line[header:]):  # which pandas would leave out
                more = f"line {lines.line_num}: {len(line)} fields below a header of {header}"
                raise ValueError(f"{more}; is the comma a decimal one? write points")
    if "z" in table:
        raise ValueError("column z: poses, not keypoints of an image")
    if table.empty:
        raise ValueError("no person in it")
    names = table["joint"].fillna("").unique().tolist()
    if all(name.isdigit() for name in names):
        number = {name: int(name) for name in names}
        count = len(LAYOUTS[layout]) if layout else max(number.values()) + 1
        if 0 not in number.values():
            raise ValueError("no joint 0: joints are numbered from 0")
        if not max(number.values()) < count <= 1000:
            raise ValueError(f"joint {max(number.values())}, expected below {min(count, 1000)}")
    else:
        plain = {name: name.lower().replace("_", " ").replace("ankle", "foot") for name in names}
        if {"neck", "thorax"} <= set(plain.values()):  # Human3.6M's, which others call nose
            plain = {name: "nose" if joint == "neck" else joint for name, joint in plain.items()}
        candidates = [layout] if layout else [*LAYOUTS]
        unknown = {each: [n for n in names if plain[n] not in LAYOUTS[each]] for each in candidates}
        fitting = [each for each in candidates if not unknown[each]]
        if not fitting:
            nearest = min(candidates, key=lambda each: len(unknown[each]))
            raise ValueError(f"joints {one_line(unknown[nearest])} are not in layout {nearest}")
        layout = max(fitting, key=lambda each: made_of(plain.values(), each))
        number = {name: LAYOUTS[layout].index(plain[name]) for name in names}
        count = len(LAYOUTS[layout])
    confidence = next((table[each] for each in CONFIDENCES if each in table), 1)
    table = table.assign(person=table.get("person", UNKNOWN), confidence=confidence)
    person = [each if each == UNKNOWN else whole(each, "person") for each in table["person"].fillna(UNKNOWN)]
    people = pd.DataFrame({"frame": [whole(each, "frame") for each in table["frame"]], "person": person})
    joint = table["joint"].map(number)
    if (again := people.assign(joint=joint).duplicated()).any():
        first = table[again].iloc[0]
        twice = f"{first['joint']} of frame {first['frame']} is there twice"
        raise ValueError(f"{twice}; a column person tells people apart")
    found, rows = np.unique(people, axis=0, return_inverse=True)
    points = np.zeros((len(found), count, 3))
    points[rows, joint] = table[["x", "y", "confidence"]].astype(float)
    return gather(map(Found, *found.T.tolist(), as_points(points)), layout=layout)
