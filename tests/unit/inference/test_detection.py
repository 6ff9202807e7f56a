"""A video itself, with models whose answers are known: people are coloured rectangles, joints lie in them at
fixed shares of the sides."""

import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2")
pytest.importorskip("rtmlib")
onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from detections import TINY, standing  # noqa: E402
from poselift.errors import PoseliftError  # noqa: E402
from poselift.inference.files import read_keypoints  # noqa: E402
from poselift.inference.keypoints import Keypoints  # noqa: E402
from poselift.inference.predict import main  # noqa: E402

WIDTH, HEIGHT = 160, 240
RED, GREEN, BLUE = (0, 0, 255), (0, 255, 0), (255, 0, 0)


class Rectangle(NamedTuple):
    """A person of 24 x 64 px whose corner moves 2 px to the right and 1 px down per frame."""

    colour: tuple[int, int, int]
    start: tuple[int, int]
    frames: Sequence[int]

    def corner(self, frame: int) -> np.ndarray:
        return np.array(self.start) + frame * np.array([2, 1])

    def joints(self, n_joints: int, frame: int) -> np.ndarray:
        """(J, 2), as the pose model is made to say."""
        return self.corner(frame) + shares(n_joints) * SIDES


SIDES = np.array([24, 64])


def shares(n_joints: int) -> np.ndarray:
    """Where in the rectangle the joints are: (J, 2), from 0 to 1."""
    return np.random.default_rng(0).uniform(0.1, 0.9, (n_joints, 2))


def filmed(path: Path, *people: Rectangle, frames: int = 20, fps: float = 20) -> Path:
    form = {".mp4": "mp4v", ".avi": "MJPG"}[path.suffix]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*form), fps, (WIDTH, HEIGHT))
    assert writer.isOpened()
    for frame in range(frames):
        image = np.full((HEIGHT, WIDTH, 3), 16, dtype=np.uint8)
        for person in people:
            if frame in person.frames:
                (x, y), (w, h) = person.corner(frame), SIDES
                image[y : y + h, x : x + w] = person.colour
        writer.write(image)
    writer.release()
    return path


class Graph:
    """An ONNX graph, node after node, with one input: images (1, 3, height, width)."""

    def __init__(self, height: int | str, width: int | str) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.input = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, height, width])

    def constant(self, value: Any, dtype: type = np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(value, dtype=dtype), name))
        return name

    def __call__(self, op: str, *inputs: str, **attributes: Any) -> str:
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        return name

    def extent(self, bright: str, axis: int) -> tuple[str, str]:
        """The first and the last place along side 2 or 3 of (1, C, H, W) at which any pixel is: (1, C)."""
        other = self.constant([5 - axis], np.int64)
        line = self("ReduceMax", bright, other, keepdims=0)
        first, last = (self("ArgMax", line, axis=2, keepdims=0, select_last_index=which) for which in (0, 1))
        return tuple(self("Cast", each, to=TensorProto.FLOAT) for each in (first, last))

    def bright(self, image: str, level: float) -> str:
        above = self("Greater", image, self.constant(level))
        return self("Cast", above, to=TensorProto.FLOAT)

    def save(self, path: Path, *outputs: str) -> Path:
        described = [helper.make_empty_tensor_value_info(name) for name in outputs]
        graph = helper.make_graph(self.nodes, "stub", [self.input], described, self.constants)
        opset = helper.make_opsetid("", 18)
        onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=9), path)
        return path


def detector(
    path: Path,
    height: int | str = 96,
    width: int | str = 64,
    scores: tuple[float, float, float] = (0.9, 0.9, 0.9),
) -> Path:
    """The box of what is blue, green and red, with double boxes removed: what is blue is no person."""
    graph = Graph(height, width)
    bright = graph.bright("image", 200)
    (left, right), (top, bottom) = graph.extent(bright, 3), graph.extent(bright, 2)
    one = graph.constant(1)
    right, bottom = graph("Add", right, one), graph("Add", bottom, one)
    there = graph("ReduceMax", bright, graph.constant([2, 3], np.int64), keepdims=0)
    score = graph("Mul", there, graph.constant([scores]))
    last = graph.constant([2], np.int64)
    columns = [graph("Unsqueeze", each, last) for each in (left, top, right, bottom, score)]
    boxes = graph("Concat", *columns, axis=2)
    # of one blue, and a second class
    return graph.save(path, boxes, graph("Identity", graph.constant([[1, 0, 0]], np.int64)))


def raw_detector(path: Path) -> Path:
    """The same for the red person alone, as YOLOX's head gives it: (1, cells, 5 + 2 classes), of which cell 0
    has the box and cell 1 a surer one of another class."""
    graph = Graph(96, 64)
    bright = graph.bright("image", 200)
    cells = sum((96 // stride) * (64 // stride) for stride in (8, 16, 32))
    extents = [graph.extent(bright, axis) for axis in (3, 2)]
    red = graph.constant([2], np.int64)
    values = []
    for first, last in extents:
        first, last = (graph("Gather", each, red, axis=1) for each in (first, last))
        size = graph("Sub", graph("Add", last, graph.constant(1)), first)
        middle = graph("Add", first, graph("Mul", size, graph.constant(0.5)))
        values.append((middle, size))
    # cells 0 and 1 have stride 8; places are from the cell, which begins at 0 or 8 px
    eighth = graph.constant(0.125)
    places = [graph("Mul", middle, eighth) for middle, _ in values]
    sizes = [
        graph("Log", graph("Max", graph("Mul", size, eighth), graph.constant(1e-3))) for _, size in values
    ]
    there = graph(
        "Gather", graph("ReduceMax", bright, graph.constant([2, 3], np.int64), keepdims=0), red, axis=1
    )
    of_person = [graph("Mul", there, graph.constant(value)) for value in (0.9, 0.95, 0.0)]
    row = graph("Concat", *places, *sizes, *of_person, axis=1)
    other = graph.constant([[0, 0, 0, 0, 1, 0, 1]])
    rest = graph.constant(np.zeros((cells - 2, 7)))
    table = graph("Concat", row, other, rest, axis=0)
    return graph.save(path, graph("Unsqueeze", table, graph.constant([0], np.int64)))


def pose_model(path: Path, n_joints: int = 26, height: int | str = 64, width: int | str = 48) -> Path:
    """SimCC: of the rectangle in a crop the places of the joints, in half pixels, with a confidence of 0.8 on
    what is red where images are red, green, blue, and 0.6 on others."""
    graph = Graph(height, width)
    bright = graph.bright("image", 1.0)  # normalised
    anywhere = graph("ReduceMax", bright, graph.constant([1], np.int64), keepdims=1)
    first_channel = graph("Gather", bright, graph.constant([0], np.int64), axis=1)
    red = graph("ReduceMax", first_channel, graph.constant([2, 3], np.int64), keepdims=0)
    sure = graph("Add", graph("Mul", red, graph.constant(0.2)), graph.constant(0.6))
    outputs = []
    for axis, share, side in ((3, shares(n_joints)[:, :1], width), (2, shares(n_joints)[:, 1:], height)):
        first, last = graph.extent(anywhere, axis)
        length = graph("Add", graph("Sub", last, first), graph.constant(1))
        place = graph("Add", first, graph("Mul", graph.constant(share), length))
        half = graph("Round", graph("Mul", place, graph.constant(2)))
        bins = graph.constant(np.arange(2 * side if isinstance(side, int) else 96)[None])
        hit = graph("Cast", graph("Equal", half, bins), to=TensorProto.FLOAT)
        outputs.append(graph("Unsqueeze", graph("Mul", hit, sure), graph.constant([0], np.int64)))
    return graph.save(path, *outputs)


@pytest.fixture
def models(tmp_path: Path) -> tuple[Path, Path]:
    return detector(tmp_path / "detector.onnx"), pose_model(tmp_path / "pose.onnx")


def rows_of(found: Keypoints, frame: int) -> np.ndarray:
    return found.points[found.frame == frame]


def agree(found: Keypoints, frames: int, *people: Rectangle) -> None:
    """Joints are where the rectangles are, in each frame; 3 px: a crop has 0.6 of a pixel per pixel."""
    for frame in range(frames):
        expected = [each.joints(26, frame) for each in people if frame in each.frames]
        rows = sorted(rows_of(found, frame), key=lambda each: each[0, 0])
        assert len(rows) == len(expected), frame
        for row, joints in zip(rows, sorted(expected, key=lambda each: each[0, 0]), strict=True):
            np.testing.assert_allclose(row[:, :2], joints, atol=3)


@pytest.mark.parametrize("make", [detector, raw_detector])
@pytest.mark.parametrize("name", ["clip.mp4", "clip.avi"])
def test_joints_are_where_the_person_is_and_nowhere_else(make, name, tmp_path):
    person = Rectangle(RED, (30, 40), [*range(8), *range(11, 20)])
    path = filmed(tmp_path / name, person, Rectangle(BLUE, (100, 140), range(20)), fps=24)
    models = make(tmp_path / "detector.onnx"), pose_model(tmp_path / "pose.onnx")
    found = read_keypoints(path, None, models)
    assert (found.layout, found.size, found.fps) == ("halpe26", (WIDTH, HEIGHT), 24)
    agree(found, 20, person)
    np.testing.assert_allclose(found.points[..., 2], 0.8, atol=1e-6)


def test_a_box_that_is_not_sure_is_nobody(tmp_path):
    """As in rtmlib, 0.3 is the least."""
    surer, other = Rectangle(RED, (30, 40), range(5)), Rectangle(GREEN, (100, 140), range(5))
    path = filmed(tmp_path / "clip.mp4", surer, other, frames=5)
    unsure = detector(tmp_path / "detector.onnx", scores=(0.9, 0.29, 0.31))
    agree(read_keypoints(path, None, (unsure, pose_model(tmp_path / "pose.onnx"))), 5, surer)


def test_a_phone_held_upright_notes_that_images_are_to_be_turned(models, tmp_path):
    person = Rectangle(RED, (30, 40), range(10))
    path = filmed(tmp_path / "clip.mp4", person, frames=10)
    content = bytearray(path.read_bytes())
    matrix = content.index(b"tkhd") + 44
    one = 1 << 16
    content[matrix : matrix + 36] = struct.pack(">9i", 0, one, 0, -one, 0, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    found = read_keypoints(path, None, models)
    assert found.size == (HEIGHT, WIDTH)
    for frame in range(10):
        corner = person.corner(frame)
        # by 90 degrees to the right: the lower left corner becomes the upper left one
        low, high = [HEIGHT - corner[1] - SIDES[1], corner[0]], [HEIGHT - corner[1], corner[0] + SIDES[0]]
        ((row),) = rows_of(found, frame)
        expected = np.array(low) + shares(26) * (np.array(high) - low)
        np.testing.assert_allclose(row[:, :2], expected, atol=3)


def test_several_people_are_tracked_and_lifted(models, checkpoint, tmp_path, capsys):
    people = Rectangle(RED, (20, 30), range(20)), Rectangle(GREEN, (90, 100), [*range(6), *range(9, 20)])
    path = filmed(tmp_path / "clip.mp4", *people, fps=25)
    options = ("--detector", models[0], "--pose-model", models[1], "--checkpoint", checkpoint, *TINY)
    main([*map(str, [path, *options]), "--out", str(tmp_path / "out")])
    assert capsys.readouterr().out.startswith(f"{path}: 40 poses of 2 people\n")
    out = np.load(tmp_path / "out/poses.npz")
    thorax, nose = 8, 9
    for person, confidence in zip(people, (0.8, 0.6), strict=True):
        at = out["person"] == out["person"][np.argmin(np.abs(out["confidence"][:, nose] - confidence))]
        assert out["frame"][at].tolist() == list(range(20))
        assert np.flatnonzero(out["interpolated"][at]).tolist() == sorted({*range(20)} - {*person.frames})
        for frame, keypoints in enumerate(out["keypoints"][at]):
            expected = person.joints(26, frame)
            np.testing.assert_allclose(keypoints[[thorax, nose]], expected[[18, 0]], atol=3)
    for person in (0, 1):
        assert "Frame Time: 0.04" in (tmp_path / f"out/person-{person}.bvh").read_text()


def line_of(path: Path, layout: str | None, *models: Path) -> str:
    with pytest.raises(PoseliftError) as error:
        read_keypoints(path, layout, models)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_17_joints_need_a_layout_which_is_said_before_the_video_is_looked_at(models, tmp_path):
    pose = pose_model(tmp_path / "pose.onnx", 17)
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"no video")
    assert line_of(path, None, models[0], pose) == (
        f"{pose}: 17 joints may be human36m or coco; say which with --layout"
    )
    assert line_of(path, "halpe26", models[0], pose) == f"{pose}: 17 joints, but layout halpe26 has 26"
    filmed(path, Rectangle(RED, (30, 40), range(3)), frames=3)
    found = read_keypoints(path, "coco", (models[0], pose))
    assert (found.layout, found.points.shape) == ("coco", (3, 17, 3))


def test_what_is_no_video_or_has_nobody_is_named(models, tmp_path):
    empty = filmed(tmp_path / "empty.mp4", frames=5)
    assert line_of(empty, None, *models).endswith("(no person in it)")
    (tmp_path / "text.mp4").write_text("no video")
    no_images = filmed(tmp_path / "none.avi", frames=0)
    for path in (tmp_path / "text.mp4", no_images):
        assert "no video, or one without an image" in line_of(path, None, *models)
    assert line_of(tmp_path / "missing.mp4", None, *models) == f"{tmp_path / 'missing.mp4'}: no such file"


def test_libraries_say_nothing_beside_the_line(models, tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    script = (
        "import pathlib, sys\n"
        "from poselift.inference.files import read_keypoints\n"
        "path, *models = map(pathlib.Path, sys.argv[1:])\n"
        "try: read_keypoints(path, None, models)\n"
        "except Exception as error: print(error)"
    )
    command = [sys.executable, "-c", script, "text.mp4", *models]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert answer.stdout.startswith("text.mp4: no keypoints that can be read (no video")
    assert (answer.stdout.count("\n"), answer.stderr) == (1, "")


def test_a_video_that_is_cut_off_is_read_with_a_warning(models, tmp_path, capsys):
    path = filmed(tmp_path / "clip.avi", Rectangle(RED, (30, 40), range(20)))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found = read_keypoints(path, None, models)
    assert 5 <= len(found.frame) <= 12
    assert f"warning: {path}: damaged? {len(found.frame)} of 20 frames were read" in capsys.readouterr().err


def test_models_that_are_others_are_named(models, tmp_path):
    path = filmed(tmp_path / "clip.mp4", Rectangle(RED, (30, 40), range(3)), frames=3)
    detects, poses = models
    assert "pose.onnx: no YOLOX detector (outputs of shapes" in line_of(path, None, poses, poses)
    assert "detector.onnx: no RTMPose model (outputs of shapes" in line_of(path, None, detects, detects)
    (tmp_path / "text.onnx").write_text("no model")
    assert "text.onnx: no YOLOX detector" in line_of(path, None, tmp_path / "text.onnx", poses)
    assert "text.onnx: no RTMPose model" in line_of(path, None, detects, tmp_path / "text.onnx")
    free = detector(tmp_path / "free.onnx", "height", "width")
    assert "no fixed size; onnxruntime.tools.make_dynamic_shape_fixed" in line_of(path, None, free, poses)


def test_nothing_is_downloaded(models, tmp_path, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("network")

    monkeypatch.setattr(socket, "socket", refuse)
    path = filmed(tmp_path / "clip.mp4", Rectangle(RED, (30, 40), range(3)), frames=3)
    address = Path("https://example.org/yolox.onnx")
    for given in ((address, models[1]), (models[0], address)):
        assert line_of(path, None, *given).endswith("nothing is downloaded")
    assert line_of(Path("http://example.org/clip.mp4"), None, *models).endswith("no such file")


def test_a_video_needs_both_models_and_rtmlib(models, tmp_path, monkeypatch, capsys):
    path = filmed(tmp_path / "clip.mp4", Rectangle(RED, (30, 40), range(3)), frames=3)
    with pytest.raises(PoseliftError, match="a 2D detector is expected; for a video give --detector and"):
        read_keypoints(path)
    options = ["--onnx", "m.onnx", "--out", str(tmp_path / "out"), "--detector", "d.onnx"]
    with pytest.raises(SystemExit):
        main([str(path), *options])
    assert "--detector and --pose-model are needed together" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "rtmlib", None)
    assert "pip install 'poselift[video]'" in line_of(path, None, *models)


def test_files_of_keypoints_need_no_models(models, tmp_path):
    np.save(tmp_path / "a.npy", standing(3))
    assert len(read_keypoints(tmp_path / "a.npy", "coco", models).frame) == 3
