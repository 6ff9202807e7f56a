"""Lift people's own keypoints: `poselift predict INPUT --run RUN --size 1920x1080 --out OUT`."""

import argparse
import re
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from poselift.config.command_line import add_model_options
from poselift.errors import PoseliftError
from poselift.files import own_folder, require_own
from poselift.inference.checks import Known, implausible, outside, require_inside, require_pixels, unfamiliar
from poselift.inference.files import read_keypoints
from poselift.inference.keypoints import Keypoints
from poselift.inference.layouts import LAYOUTS, to_human36m
from poselift.inference.lifters import opened
from poselift.inference.lifting import OVERLAP, SHORT, Lifter, View, image_view, lift, usual_overlap
from poselift.inference.outputs import Lifted, write
from poselift.inference.scale import Scale, parse_bone, to_metres, unfounded
from poselift.inference.stream import Stream, stream
from poselift.inference.tracks import Track, body_size, chosen, told_apart, tracks
from poselift.program import run
from poselift.video import Video, read_video

CROPPED = 0.75
"""How tall, in half widths, a person is in a crop: as people are in Human3.6M, 4 m from the camera."""

FPS = 30.0

OF_IMAGE = "px of the image; metres need --height or --bone"
OF_PEOPLE = "mm, of people as large as those of the training; metres need --height or --bone"

SIDES = re.compile(r"(\d{1,5})[xX×*](\d{1,5})")


def people(found: Keypoints, given: argparse.Namespace) -> list[Track]:
    """The tracks of the people who are wanted. Raises `PoseliftError` if there is none."""
    assert found.layout is not None
    points = to_human36m(found.points, found.layout)
    require_pixels(points)
    person = told_apart(found.frame, found.person, points, given.max_gap)
    person = chosen(found.frame, person, points, given.person)
    found_tracks = list(tracks(found.frame, person, points, given.max_gap, given.min_confidence))
    if not found_tracks:
        raise PoseliftError(f"no joint with a confidence of {given.min_confidence}; try --min-confidence")
    return found_tracks


def view_of(track: Track, size: tuple[int, int] | None, crop: bool) -> View:
    """What counts as the image. Raises `PoseliftError` if that is not known."""
    if crop:
        return View(max(float(np.percentile(body_size(track.points), 90)), 1) / CROPPED, None)
    if size is None:
        raise PoseliftError("the size of its images is not known; give --size 1920x1080, --video or --crop")
    return image_view(size)


def predicted(
    path: Path, given: argparse.Namespace, lifter: Lifter, known: Known | None, video: Video | None
) -> tuple[list[Lifted], float, list[str]]:
    """Everyone in a file, lifted; frames per second, and what looks wrong. Raises `PoseliftError`."""
    models = (given.detector, given.pose_model) if given.detector else None
    found = read_keypoints(path, given.layout, models)
    size = given.image or (video.size if video else found.size)
    overlap = usual_overlap(lifter.n_frames) if given.overlap is None else given.overlap
    if not 0 <= overlap < lifter.n_frames:
        raise PoseliftError(f"--overlap {overlap}: expected 0 to {lifter.n_frames - 1}, less than a window")
    lifted, warnings = [], []
    try:
        found_tracks = people(found, given)
        if size and not given.crop:
            require_inside(found_tracks, size)
        for track in found_tracks:
            view = view_of(track, size, given.crop)
            strange = [*implausible(track)]
            strange += outside(track, size) if size and not given.crop else []
            strange += unfounded(track.points, given.scale) if given.scale else []
            strange += unfamiliar(track, lifter, view, given.min_confidence, known or {})
            warnings += [f"person {track.person}: {each}" for each in strange]
            poses = lift(lifter, track.points, view, given.min_confidence, overlap)
            if given.scale:
                poses, _ = to_metres(poses, given.scale)
            lifted.append(Lifted(track, poses))
    except PoseliftError as error:
        raise PoseliftError(f"{path}: {error}") from None
    return lifted, given.fps or (video.fps if video else None) or found.fps or FPS, warnings


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The options, checked; `image` is the size of the images and `scale` the length that is known."""
    parser = argparse.ArgumentParser(prog="poselift predict", description=main.__doc__)
    parser.add_argument(
        "input", type=Path, nargs="*", metavar="INPUT", help="keypoints: a file, OpenPose's folder; a video"
    )
    parser.add_argument("--detector", type=Path, metavar="ONNX", help="YOLOX: finds the people in a video")
    parser.add_argument("--pose-model", type=Path, metavar="ONNX", help="RTMPose: finds their joints")
    model = add_model_options(parser, without="size")
    model.add_argument("--onnx", type=Path, metavar="FILE", help="model that `poselift export` wrote")
    of_size = "of the images, 1920x1080, and of a checkpoint's model, base; repeatable"
    parser.add_argument("--size", action="append", default=[], help=of_size)
    parser.add_argument(
        "--video", type=Path, metavar="MP4", help="the video, whose header has size and frame rate"
    )
    parser.add_argument("--fps", type=float, help=f"frames per second (default: the video's, or {FPS:g})")
    parser.add_argument(
        "--layout", choices=LAYOUTS, help="which joints, where the file does not make it certain"
    )
    a_person = "a person of the file, 3, or two numbers of one, 3+7; repeatable (default: all)"
    parser.add_argument("--person", action="append", default=[], metavar="NUMBER", help=a_person)
    gap = "frames without a person that are interpolated (default: %(default)s)"
    parser.add_argument("--max-gap", type=int, default=25, metavar="N", help=gap)
    least = "joints below it count as not found (default: %(default)s)"
    parser.add_argument("--min-confidence", type=float, default=0.1, metavar="C", help=least)
    shared = (
        f"frames that windows share (default: {OVERLAP}, at most half a window; up to {SHORT} all but one)"
    )
    parser.add_argument("--overlap", type=int, metavar="N", help=shared)
    parser.add_argument("--crop", action="store_true", help="normalise by a crop around the person")
    known = parser.add_mutually_exclusive_group()
    known.add_argument("--height", type=float, metavar="METRES", help="of the person: poses in metres")
    known.add_argument("--bone", metavar="JOINT-JOINT=METRES", help="a bone's length: poses in metres")
    of_store = "frame store of the training (default: data/ beside the folder of runs)"
    parser.add_argument("--store", type=Path, metavar="DIR", help=of_store)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, … (default: auto)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder to write")
    ahead = "instead of INPUT and --out: a line of keypoints in, a pose out, with N frames of look-ahead"
    parser.add_argument("--stream", type=int, metavar="N", help=ahead)
    given = parser.parse_args(argv)
    if given.stream is None and not (given.input and given.out):
        parser.error("INPUT and --out are needed, or --stream")
    if given.stream is not None and (given.input or given.out or given.crop):
        parser.error("--stream reads standard input and writes standard output; no INPUT, --out or --crop")
    if (given.detector is None) != (given.pose_model is None):
        parser.error("--detector and --pose-model are needed together")
    of_files = ("height", "bone", "person", "overlap", "fps", "video", "detector")
    unused = [f"--{name}" for name in of_files if getattr(given, name) not in (None, [])]
    if given.stream is not None and unused:
        parser.error(f"--stream lifts one person, to px: no {' or '.join(unused)}")
    sizes = [match for each in given.size if (match := SIDES.fullmatch(each))]
    names = [each for each in given.size if not SIDES.fullmatch(each)]
    if len(sizes) > 1 or len(names) > 1:
        raise PoseliftError("--size: give one size of images, and one of a checkpoint's model, at a time")
    given.image = (int(sizes[0][1]), int(sizes[0][2])) if sizes else None
    if given.image and 0 in given.image:
        raise PoseliftError(f"--size {sizes[0][0]}: expected WIDTHxHEIGHT in pixels")
    given.size = names[0] if names else None
    given.scale = (
        parse_bone(given.bone) if given.bone is not None else Scale(given.height) if given.height else None
    )
    bounds = {"height": (0.3, 3), "fps": (0.1, 1e4), "min_confidence": (0, 1), "max_gap": (0, 1e6)}
    for name, (low, high) in bounds.items():
        value = getattr(given, name)
        if value is not None and not low <= value <= high:
            raise PoseliftError(f"--{name.replace('_', '-')} {value}: expected {low} to {high:g}")
    return given


def main(argv: list[str] | None = None) -> None:
    """Lift 2D keypoints of people to 3D: arrays, a table, BVH and a page that plays them."""
    given = parse(argv)
    if given.stream is not None:
        if given.image is None:
            raise PoseliftError("the size of the images is not known; give --size 1920x1080")
        with opened(given) as (lifter, _):
            view = image_view(given.image)
            stream(sys.stdin, given.layout, Stream(lifter, view, given.stream, given.min_confidence))
        return
    names = [path.resolve().stem for path in given.input]
    if len(set(names)) < len(names):
        raise PoseliftError("two inputs have the same name; give them one after the other")
    require_own(given.out, "predict")
    video = read_video(given.video) if given.video else None
    with ExitStack() as stack:
        lifter, known = stack.enter_context(opened(given))
        units = str(given.scale) if given.scale else OF_PEOPLE if lifter.mm else OF_IMAGE
        out = stack.enter_context(own_folder(given.out, "predict"))
        for path, name in zip(given.input, names, strict=True):
            folder = out / name if len(names) > 1 else out
            folder.mkdir(exist_ok=True)
            lifted, fps, warnings = predicted(path, given, lifter, known, video)
            write(folder, lifted, units, fps, f"Poses of {path.name}")
            for warning in warnings:
                print(f"warning: {path}: {warning}", file=sys.stderr)
            rows = sum(len(each.poses) for each in lifted)
            count = len({each.track.person for each in lifted})
            print(f"{path}: {rows} poses of {count} {'person' if count == 1 else 'people'}")
    print(f"written: {given.out}")


if __name__ == "__main__":
    run(main)
