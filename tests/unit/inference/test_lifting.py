"""Windows cover every frame, join smoothly and average the mirror image as the protocol does."""

from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch

from detections import N_FRAMES
from poselift import geometry
from poselift.config.sizes import ModelSize
from poselift.data.normalise import normalise
from poselift.inference import lifting
from poselift.inference.lifters import from_torch
from poselift.inference.lifting import (
    Lifter,
    View,
    flip_averaged,
    image_view,
    lift,
    normalised,
    usual_overlap,
    window_starts,
)
from poselift.models.checkpoints import load_weights
from poselift.models.registry import build_model
from poselift.skeleton import ROOT

SIZE = (1000, 800)


def points(n_frames: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.concatenate(
        [rng.uniform(0, 800, (n_frames, 17, 2)), rng.uniform(0.3, 1, (n_frames, 17, 1))], -1
    )


@pytest.mark.parametrize("length", [9, 10, 17, 18, 100, 1001])
@pytest.mark.parametrize("overlap", [0, 4, 8])
def test_windows_cover_all_frames_and_overlap_enough(length, overlap):
    starts = window_starts(length, 9, overlap)
    assert (starts[0], starts[-1]) == (0, length - 9)
    steps = np.diff(starts)
    assert (steps >= 1).all()
    assert (steps <= 9 - overlap).all()


@pytest.mark.parametrize("length", [1, 5, 8, 9, 10, 40])
def test_frames_in_are_frames_out_and_each_is_its_own(length):
    """A model that gives back what it gets: each frame's pose is its own keypoints, times the scale."""
    given = points(length)
    out = lift(Lifter(lambda clips: clips, 9), given, image_view(SIZE), 0.1, overlap=4)
    centred = given[..., :2] - np.array(SIZE) / 2
    # x of a joint and of its mirror image are averaged by the mirrored pass into itself
    expected = np.concatenate([centred, given[..., 2:] * SIZE[0] / 2], -1)
    expected[:, ROOT] = 0
    np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize(("length", "first"), [(1, 4), (2, 3), (5, 2), (8, 0)])
def test_a_short_track_is_in_the_middle_of_its_window(length, first):
    """A model whose poses say at which place of the clip they are."""
    places = np.arange(9, dtype=np.float32)[:, None, None]
    lifter = Lifter(lambda clips: np.zeros_like(clips) + places, 9)
    out = lift(lifter, points(length), image_view((2, 2)), 0.1, overlap=4)
    np.testing.assert_allclose(out[:, 1, 1], first + np.arange(length), rtol=1e-5)


@pytest.mark.parametrize(("shift", "seen"), [(3, 0), (-3, -1)])
def test_around_a_short_track_its_first_and_last_frame_stay(shift, seen):
    """A model that answers with what is three frames earlier or later in the clip."""
    given = points(3)
    out = lift(Lifter(lambda clips: np.roll(clips, shift, axis=1), 9), given, image_view((2, 2)), 0.1, 4)
    np.testing.assert_allclose(out[:, 1, 1], np.repeat(given[seen, 1, 1] - 1, 3), rtol=1e-5)


def test_normalised_as_the_data_are():
    given = points(4)
    out = normalised(given[None], image_view(SIZE), 0.1, confident=False)[0]
    np.testing.assert_allclose(out[..., :2], normalise(given[..., :2].copy(), *SIZE), rtol=1e-5, atol=1e-6)
    given[0, 0, 2] = 0
    assert normalised(given[None], image_view(SIZE), 0.1, confident=False)[0, 0, 0, 2] == np.float32(0.1)
    assert (normalised(given[None], image_view(SIZE), 0.1, confident=True)[..., 2] == 1).all()


def test_one_window_is_what_the_protocol_predicts(checkpoint: Path):
    model = load_weights(checkpoint, build_model("baseline", ModelSize(depth=1, dim=16), N_FRAMES)).eval()
    lifter = from_torch(model, N_FRAMES)
    given = points(N_FRAMES)
    clips = normalised(given[None], image_view(SIZE), 0.1, confident=False)
    with torch.inference_mode():
        expected = geometry.flip_averaged(model, torch.from_numpy(clips))[0].numpy()
    np.testing.assert_allclose(flip_averaged(lifter, clips)[0], expected, rtol=1e-5, atol=1e-6)
    expected = expected * SIZE[0] / 2
    expected[:, ROOT] = 0
    np.testing.assert_allclose(lift(lifter, given, image_view(SIZE), 0.1, 4), expected, rtol=1e-4, atol=1e-3)
    of_mm = lift(lifter._replace(mm=1024), given, image_view(SIZE), 0.1, 4)
    np.testing.assert_allclose(of_mm, expected * 1024 / 500, rtol=1e-4, atol=1e-3)


def test_a_model_drops_nothing_out():
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Dropout(0.5))
    clips = normalised(points(9)[None], image_view(SIZE), 0.1, confident=False)
    expected = model[0](torch.from_numpy(clips)).detach().numpy()
    np.testing.assert_allclose(from_torch(model, 9).run(clips), expected, rtol=1e-5, atol=1e-6)


def test_no_jump_where_windows_meet():
    """Where windows disagree, here by a constant each, overlap lets one glide into the next."""
    still = np.repeat(points(1), 200, axis=0)

    def largest_step(overlap: int) -> float:
        windows = count()

        def run(clips: np.ndarray) -> np.ndarray:  # windows, then their mirror images
            values = np.tile([next(windows) for _ in clips[::2]], 2)
            return np.ones_like(clips) * values[:, None, None, None]

        out = lift(Lifter(run, 20), still, image_view((2, 2)), 0.1, overlap)
        return np.abs(np.diff(out[:, 1:, 1], axis=0)).max()

    assert largest_step(0) == 1
    assert largest_step(10) < 1 / 5


def test_windows_are_averaged_with_the_weights_of_hann():
    """Which sum to one where they share a half: of two windows that say 0 and 1 the second one's is seen."""
    lifter = Lifter(lambda clips: np.ones_like(clips) * np.tile([0, 1], 2)[:, None, None, None], 20)
    out = lift(lifter, points(30), image_view((2, 2)), 0.1, overlap=10)
    hann = (1 - np.cos(2 * np.pi * (np.arange(10) + 0.5) / 20)) / 2
    np.testing.assert_allclose(out[:, 1, 1], [*np.zeros(10), *hann, *np.ones(10)], atol=1e-6)


def test_long_windows_share_thirty_frames_and_short_ones_half_or_all_but_one():
    assert [usual_overlap(n) for n in (243, 81, 27, 9)] == [30, 30, 13, 8]


def test_several_windows_at_a_time_give_what_one_does(monkeypatch):
    """A model whose poses depend on the window alone."""
    given = points(50)
    lifter = Lifter(lambda clips: np.cumsum(clips, axis=1), 9)
    at_once = lift(lifter, given, image_view(SIZE), 0.1, overlap=8)
    monkeypatch.setattr(lifting, "AT_A_TIME", 1)
    np.testing.assert_array_equal(lift(lifter, given, image_view(SIZE), 0.1, overlap=8), at_once)


def smooth(n_frames: int) -> np.ndarray:
    """Joints that swing, each at its own pace, of a period of 1 to 3 s."""
    rng = np.random.default_rng(0)
    paces, phases = rng.uniform(0.04, 0.12, (17, 2)), rng.uniform(0, 6, (17, 2))
    centres = rng.uniform(300, 700, (17, 2))
    places = centres + 60 * np.sin(paces * np.arange(n_frames)[:, None, None] + phases)
    return np.concatenate([places, np.full((n_frames, 17, 1), 0.9)], -1)


def steps_at_borders(lifter: Lifter, length: int, overlap: int) -> float:
    """The largest step from frame to frame where a window begins or ends, as a multiple of the 99th
    percentile of the others; mean over joints."""
    n = lifter.n_frames
    out = lift(lifter, smooth(length), image_view(SIZE), 0.1, overlap)
    steps = np.linalg.norm(np.diff(out, axis=0), axis=-1).mean(axis=-1)
    starts = window_starts(length, n, overlap)
    at = np.union1d(starts[1:] - 1, starts[:-1] + n - 1)
    return float(steps[at].max() / np.percentile(np.delete(steps, at), 99))


def worse_at_the_ends(n: int) -> Lifter:
    """A model that is off by a third of a body at the ends of its clips, to another side in each clip, and
    right in the middle: trained models see least of what surrounds the ends."""
    rng = np.random.default_rng(0)
    away = (np.abs(np.linspace(-1, 1, n)) ** 3)[:, None, None]

    def run(clips: np.ndarray) -> np.ndarray:
        sides = rng.normal(0, 0.1, (len(clips), 1, 17, 3))
        return (clips + away * sides).astype(np.float32)

    return Lifter(run, n)


@pytest.mark.parametrize("length", [100, 333, 1000])
@pytest.mark.parametrize("n", [27, 81])
def test_windows_join_without_a_jump(n, length):
    torch.manual_seed(0)
    model = build_model("baseline", ModelSize(depth=1, dim=16), n)
    for name, parameter in model.named_parameters():
        if "layer_scale" in name:  # at the start the blocks hardly count
            parameter.data.fill_(0.3)
    for lifter in (from_torch(model, n), worse_at_the_ends(n)):
        assert steps_at_borders(lifter, length, usual_overlap(n)) < 1.2


@pytest.mark.parametrize("n", [3, 5, 9])
def test_a_short_window_does_not_show_where_in_it_a_frame_is(n):
    """A model whose error depends on the place alone: each frame but the first and last has the same."""
    bias = np.random.default_rng(0).normal(0, 1, (n, 1, 1))
    out = lift(
        Lifter(lambda clips: np.ones_like(clips) * bias.astype(np.float32), n),
        smooth(50), image_view(SIZE), 0.1, usual_overlap(n),
    )  # fmt: skip
    np.testing.assert_allclose(np.diff(out[n:-n], axis=0), 0, atol=1e-2)


def test_a_crop_follows_the_person_whatever_the_image():
    """A person twice as large elsewhere in the image is lifted to poses twice as large."""
    given = points(30)
    twice = given * [2, 2, 1] + [3000, 1500, 0]
    lifter = Lifter(lambda clips: clips**2, 9)
    one = lift(lifter, given, View(500, None), 0.1, 4)
    other = lift(lifter, twice, View(1000, None), 0.1, 4)
    np.testing.assert_allclose(other, 2 * one, rtol=1e-4, atol=1e-2)
