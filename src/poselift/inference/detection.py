"""Keypoints from a video itself, by a detector and a pose model that the user has as ONNX files."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from itertools import takewhile
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from poselift.errors import PoseliftError, untrusted
from poselift.inference.keypoints import UNKNOWN, Found, Keypoints, as_points, gather
from poselift.inference.layouts import layout_of

PERSON = 0
"""The class of people, in COCO and where there is no other."""


def detected(path: Path, detector: Path, pose_model: Path, layout: str | None) -> Keypoints:
    """The people in a video, as detectors give them: not told apart. One image at a time is held.

    Raises `PoseliftError` for models that do not fit, or without rtmlib, `ValueError` without a person.
    """
    # or their own words stand beside the one line of an error
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    try:
        import cv2
        import rtmlib
    except ImportError as error:
        raise PoseliftError(f"a video needs rtmlib ({error}): pip install 'poselift[video]'") from None
    path.stat()  # OpenCV would take the name of a missing file for an address
    boxes = _boxes(rtmlib.YOLOX, detector)
    pose = _pose(rtmlib.RTMPose, pose_model, layout)
    video = cv2.VideoCapture(str(path.resolve()), cv2.CAP_FFMPEG)
    # width and height are those of the images, which are turned as the video says
    about = (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_COUNT, cv2.CAP_PROP_FPS)
    width, height, count, fps = (video.get(each) for each in about)

    def rows() -> Iterator[Found]:
        frame, total = -1, int(count) if count > 0 else None
        images = takewhile(itemgetter(0), iter(video.read, None))
        for frame, (_, image) in enumerate(tqdm(images, path.name, total, leave=False, disable=None)):
            people = boxes(image)
            if len(people):  # else rtmlib takes the whole image for one
                yield from (Found(frame, UNKNOWN, points) for points in pose(image, people))
        if frame < 0:
            raise ValueError("no video, or one without an image that FFmpeg can read")
        if frame + 1 < 0.9 * count:  # which is a few frames off in some headers
            print(f"warning: {path}: damaged? {frame + 1} of {count:.0f} frames were read", file=sys.stderr)

    return gather(rows(), size=(int(width), int(height)), fps=fps if fps > 0 else None)


def _opened(tool: Callable[..., Any], path: Path) -> tuple[Any, int, int]:
    """A model in rtmlib's `tool` for its kind, and the height and width of the images that it takes."""
    path.stat()  # rtmlib would download
    with redirect_stdout(io.StringIO()):  # it says what it loads
        model = tool(str(path))
    shape = model.session.get_inputs()[0].shape
    if [type(side) for side in shape[2:]] != [int, int]:
        raise ValueError(f"input {shape}, no fixed size; onnxruntime.tools.make_dynamic_shape_fixed sets it")
    return model, *shape[2:]


def _boxes(tool: Callable[..., Any], path: Path) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """What gives the boxes (N, 4) of the people in an image. Raises `PoseliftError` for another model."""

    def boxes(image: NDArray[Any]) -> NDArray[Any]:
        scaled, ratio = model.preprocess(image)
        found, *classes = model.inference(scaled)
        shapes = [each.shape for each in (found, *classes)]
        if found.ndim != 3 or found.shape[2] < 5 or shapes[1:] not in ([], [found.shape[:2]]):
            raise ValueError(f"outputs of shapes {shapes}, expected (1, boxes, 5 or more)")
        if found.shape[2] == 5:
            kept = (found[0, :, 4] > 0.3) & (classes[0][0] == PERSON if classes else True)  # 0.3 as in rtmlib
            return found[0, kept, :4] / ratio
        places, kinds = model.postprocess(found, ratio)
        return places[kinds == PERSON]

    with untrusted(path, "no YOLOX detector ({})", "; nothing is downloaded"):
        model, height, width = _opened(tool, path)
        model.model_input_size, model.det_mode = (height, width), "multiclass"
        boxes(np.zeros((height, width, 3), dtype=np.uint8))
    return boxes


def _pose(tool: Callable[..., Any], path: Path, layout: str | None) -> Callable[..., NDArray[Any]]:
    """What gives keypoints (N, J, 3) for the boxes (N, 4) of an image. Raises `PoseliftError` for another
    model, and where the layout is not certain."""
    with untrusted(path, "no RTMPose model ({})", "; nothing is downloaded"):
        model, height, width = _opened(tool, path)
        model.model_input_size = (width, height)
        shapes = [each.shape for each in model.inference(np.zeros((height, width, 3)))]
        joints = shapes[0][-2]
        if shapes != [(1, joints, 2 * width), (1, joints, 2 * height)]:
            raise ValueError(f"outputs of shapes {shapes}, not the two of SimCC for {width}x{height} px")
    try:
        layout_of(joints, layout)
    except PoseliftError as error:
        raise PoseliftError(f"{path}: {error}") from None
    # RTMPose has learned from red, green, blue; rtmlib takes an image as it is
    return lambda image, boxes: as_points(*model(np.ascontiguousarray(image[..., ::-1]), bboxes=boxes))
