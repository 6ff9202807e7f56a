"""One frame in, one pose out: the same as from clips cut out by hand, with the stated look-ahead."""

import io
import json

import numpy as np
import pytest

from detections import N_FRAMES, TINY
from poselift.config.sizes import ModelSize
from poselift.errors import PoseliftError
from poselift.inference.lifters import from_torch
from poselift.inference.lifting import Lifter, image_view, normalised
from poselift.inference.predict import main
from poselift.inference.stream import Stream, points_of
from poselift.inference.tracks import interpolated
from poselift.models.checkpoints import load_weights
from poselift.models.registry import build_model
from poselift.skeleton import ROOT

SIZE, N = (1000, 800), 5
VIEW = image_view(SIZE)


def points(length: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.concatenate([rng.uniform(1, 800, (length, 17, 2)), rng.uniform(0.3, 1, (length, 17, 1))], -1)


def poses(stream: Stream, given: np.ndarray) -> list[np.ndarray]:
    found = [stream.push(frame) for frame in given]
    return [pose for pose in (*found, *stream.finish()) if pose is not None]


def place_and_clip(clips: np.ndarray) -> np.ndarray:
    """A model whose pose says its place in the clip (x of joint 1), and the first and last frame's depth
    channel (y of joints 1 and 2), which the mirror image keeps."""
    out = np.zeros_like(clips)
    out[:, :, [1, 4], 0] = np.arange(clips.shape[1])[:, None] * np.array([1, -1])
    out[:, :, [1, 4], 1] = clips[:, :1, [ROOT], 2]
    out[:, :, [2, 5], 1] = clips[:, -1:, [ROOT], 2]
    return out


@pytest.mark.parametrize("look_ahead", range(N))
@pytest.mark.parametrize("length", [1, 2, 4, 5, 13])
def test_each_frame_has_its_place_in_a_clip_that_ends_with_its_look_ahead(look_ahead, length):
    given = points(length)
    given[..., 2] = np.linspace(0.3, 1, length)[:, None]  # the confidence says which frame it is
    found = poses(Stream(Lifter(place_and_clip, N), VIEW, look_ahead, 0.1), given)
    assert len(found) == length
    for t, pose in enumerate(found):
        first, last = max(0, t + look_ahead - N + 1), min(length - 1, t + look_ahead)
        expected = [N - 1 - look_ahead, given[first, 0, 2], given[last, 0, 2]]
        got = [pose[1, 0], pose[1, 1], pose[2, 1]]
        np.testing.assert_allclose(np.array(got) / VIEW.half, expected, rtol=1e-5)


def test_an_answer_comes_as_soon_as_the_look_ahead_is_seen():
    stream = Stream(Lifter(place_and_clip, N), VIEW, 3, 0.1)
    assert [stream.push(frame) is None for frame in points(6)] == [True, True, True, False, False, False]


def test_a_joint_that_is_lost_stays_where_it_was_without_confidence():
    given, seen = points(3), []
    given[1, 7] = 0
    given[1, 8, 2] = 0.1  # as sure as need be
    stream = Stream(Lifter(lambda clips: (seen.append(clips), clips)[1], N), VIEW, 0, 0.1)
    for frame in given:
        stream.push(frame)
    lost = seen[1][0, -1, 7]  # of the second frame, before its mirror image
    np.testing.assert_allclose(lost[:2] * VIEW.half + VIEW.centre, given[0, 7, :2], rtol=1e-4)
    assert lost[2] == np.float32(0.1)
    np.testing.assert_allclose(seen[1][0, -1, 8, :2] * VIEW.half + VIEW.centre, given[1, 8, :2], rtol=1e-4)
    # where it is found again it has not been before
    three = seen[2][0, -3:, 7, :2] * VIEW.half + VIEW.centre
    np.testing.assert_allclose(three, given[[0, 0, 2], 7, :2], rtol=1e-4)


def test_a_joint_has_been_before_where_it_is_found_first():
    """As in a track that is lifted at once; and a first frame does not stay half empty for a whole clip."""
    given, clips = points(N), []
    given[:2, 9] = 0
    stream = Stream(Lifter(lambda each: (clips.append(each), each)[1], N), VIEW, 0, 0.1)
    for frame in given:
        stream.push(frame.copy())
    expected = normalised(interpolated(given, 0.1)[None], VIEW, 0.1, confident=False)[0]
    np.testing.assert_allclose(clips[-1][0], expected, rtol=1e-6)


@pytest.mark.parametrize("look_ahead", [0, 2, N - 1])
def test_before_somebody_is_found_there_is_no_pose(look_ahead):
    given = points(6)
    alone = poses(Stream(Lifter(place_and_clip, N), VIEW, look_ahead, 0.1), given)
    empty = np.zeros((3, 17, 3))
    late = poses(Stream(Lifter(place_and_clip, N), VIEW, look_ahead, 0.1), np.concatenate([empty, given]))
    assert [len(pose) for pose in late] == [0] * 3 + [17] * 6
    np.testing.assert_array_equal(np.stack(late[3:]), np.stack(alone))
    assert [len(pose) for pose in poses(Stream(Lifter(place_and_clip, N), VIEW, look_ahead, 0.1), empty)] == [
        0
    ] * 3


def run(monkeypatch, capsys, checkpoint, text: str, *options: str) -> tuple[list[np.ndarray], str]:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    main(["--checkpoint", str(checkpoint), *TINY, "--size", "1000x800", *options])
    out, err = capsys.readouterr()
    return [np.array(json.loads(line)) for line in out.splitlines()], err


@pytest.mark.parametrize("option", ["--height=1.8", "--person=3", "--overlap=0", "--fps=25", "--bone=x"])
def test_options_of_files_are_refused(monkeypatch, capsys, checkpoint, option):
    with pytest.raises(SystemExit):
        run(monkeypatch, capsys, checkpoint, "", "--stream", "0", option)
    assert f"no {option.partition('=')[0]}" in capsys.readouterr().err


def test_lines_in_lines_out(monkeypatch, capsys, checkpoint):
    given = points(4)
    text = "".join(json.dumps(frame.tolist()) + "\n" for frame in given)
    whole, err = run(monkeypatch, capsys, checkpoint, text, "--stream", "2", "--layout", "human36m")
    assert [pose.shape for pose in whole] == [(17, 3)] * 4
    assert " ms per frame (median of 2)" in err
    lost = text + "[]\n"  # a frame without the person is lifted as well
    assert len(run(monkeypatch, capsys, checkpoint, lost, "--stream", "2", "--layout", "human36m")[0]) == 5


@pytest.mark.parametrize(("found", "refused"), [(7, False), (8, True)])
def test_few_joints_near_the_corner_of_an_image_are_taken_for_pixels(found, refused):
    line = json.dumps([[0.5, 0.4]] * found + [[0, 0]] * (17 - found))
    if refused:
        with pytest.raises(PoseliftError, match="normalised"):
            next(points_of([line], "human36m"))
    else:
        assert (next(points_of([line], "human36m"))[:, 2] > 0).sum() == found


def test_joints_below_the_confidence_asked_for_are_not_found(monkeypatch, capsys, checkpoint):
    given = points(3)
    text = "".join(json.dumps(frame.tolist()) + "\n" for frame in given)
    options = ("--stream", "0", "--layout", "human36m", "--min-confidence", "0.6")
    found, _ = run(monkeypatch, capsys, checkpoint, text, *options)
    model = load_weights(checkpoint, build_model("baseline", ModelSize(depth=1, dim=16), N_FRAMES))
    expected = poses(Stream(from_torch(model, N_FRAMES), VIEW, 0, 0.6), given.astype(np.float32))
    np.testing.assert_allclose(found, expected, atol=2e-2)


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("[[1, 2]]\n", ("--stream", "0"), "standard input, line 1: 1 joints: of no layout"),
        ("nothing\n", ("--stream", "0"), "standard input, line 1: "),
        ("[[1, 2, 3, 4]]\n", ("--stream", "0"), "standard input, line 1: keypoints of shape"),
        (f"{[[0.5, 0.4]] * 25}\n", ("--stream", "0"), "standard input, line 1: joints are within 2 px"),
        (
            f"{[[0.5, 0.4]] * 24 + [[0, 0]]}\n",
            ("--stream", "0"),
            "standard input, line 1: joints are within 2",
        ),
        ('{"a": 1}\n', ("--stream", "0"), "standard input, line 1: "),
        ("", ("--stream", "99"), "--stream 99: expected 0 to "),
        ("", ("--stream", "-1"), "--stream -1: expected 0 to "),
    ],
)
def test_what_is_wrong_is_one_line(monkeypatch, capsys, checkpoint, text, options, said):
    with pytest.raises(PoseliftError, match="^" + said):
        run(monkeypatch, capsys, checkpoint, text, *options)
