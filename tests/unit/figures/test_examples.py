"""Poses: projection, the strips of median and worst clip, the animation."""

import numpy as np
import pytest
from PIL import Image

from poselift.analysis.examples import evenly_spaced, model_label, read_examples, read_models
from poselift.errors import PoseliftError
from poselift.figures import animation, make, qualitative
from poselift.figures.skeletons import project, upright
from poselift.figures.style import save
from shown import REAL, SYNTHETIC, view


@pytest.fixture
def path(tmp_path, make_examples):
    path = tmp_path / "full-base-s0-examples.npz"
    make_examples(path)
    return path


def test_projection_keeps_up_up_and_turns_depth_sideways():
    root, above, behind = project(np.array([[0.0, 0, 0], [0, -1, 0], [0, 0, 1]]))
    assert root.tolist() == [0, 0]
    assert above[0] == pytest.approx(0)
    assert above[1] > 0.9  # y points down in camera space
    assert behind[0] > 0.5


def test_projection_is_a_view_of_a_rotated_body():
    rng = np.random.default_rng(0)
    basis = project(np.eye(3)[:, None])[:, 0]  # (3, 2): images of the unit vectors
    # rows of a rotation matrix: orthonormal
    assert basis.T @ basis == pytest.approx(np.eye(2), abs=1e-12)
    pose = rng.normal(size=(4, 17, 3))
    assert project(pose) == pytest.approx(pose @ basis)


def test_image_positions_are_turned_upright():
    assert upright(np.array([[500.0, 500], [510, 480]])).tolist() == [[0, 0], [10, 20]]


@pytest.mark.parametrize(
    ("n_frames", "expected"),
    [(243, [0, 60, 121, 182, 242]), (9, [0, 2, 4, 6, 8]), (3, [0, 1, 2]), (1, [0])],
)
def test_frames_are_evenly_spaced(n_frames, expected):
    assert evenly_spaced(n_frames, 5).tolist() == expected


def test_strips_show_the_poses_of_the_frames_they_name(path):
    examples = read_examples(path)
    figure = qualitative.draw({"full-base-s0": examples}, view())
    (axes,) = [[ax for ax in figure.axes if ax.get_title() == "frame 6"][:1]]  # of the median clip, 0-based 5
    wrist = axes[0].lines[-1].get_xydata()[1]
    assert wrist == pytest.approx(upright(examples[0].input_2d)[5, 16], abs=1e-4)


def test_strips_give_each_frame_its_error(path, words):
    shown = qualitative.draw(read_models([path]), view())
    # 10 mm in 16 of 17 joints
    assert words(shown).count("9 mm") == 10
    assert any("median and of highest MPJPE" in line for line in words(shown))
    assert any("worst clip: SittingDown, 98.5 mm" in line for line in words(shown))


def test_examples_that_are_none_are_refused(tmp_path, path):
    other = tmp_path / "x-examples.npz"
    np.savez(other, other=[1])
    with pytest.raises(PoseliftError, match=r"x-examples\.npz: not the examples"):
        read_examples(other)
    with pytest.raises(PoseliftError, match="no such file"):
        read_examples(tmp_path / "none.npz")
    other.write_bytes(path.read_bytes()[:500])
    with pytest.raises(PoseliftError, match=r"x-examples\.npz"):
        read_examples(other)


def test_positions_that_are_not_finite_are_named(path):
    with np.load(path) as arrays:
        content = dict(arrays)
    content["prediction"][1, 7, 3] = np.nan
    np.savez(path, **content)
    with pytest.raises(PoseliftError, match="prediction of the worst clip is not finite in frame 7"):
        read_examples(path)


def test_arrays_that_do_not_fit_each_other_are_named(path):
    with np.load(path) as arrays:
        content = dict(arrays)
    content["input_2d"] = content["input_2d"][:, :5]
    np.savez(path, **content)
    with pytest.raises(PoseliftError, match=r"input_2d of the median clip has shape \(5, 17, 2\)"):
        read_examples(path)


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("mamba_gcn-base-s2", "MambaGCN, base, seed 2"),
        ("full-base-gt2d-s0", "Full, base, gt2d, seed 0"),
        ("published", "published"),
    ],
)
def test_the_model_of_a_run_is_read_from_its_name(name, model):
    assert model_label(name, view()) == model


@pytest.mark.parametrize(
    ("n_frames", "step", "n"), [(243, 4, 61), (65, 1, 65), (66, 2, 33), (9, 1, 9), (1, 1, 1)]
)
def test_an_animation_shows_long_clips_in_steps(n_frames, step, n):
    frames = animation.frames_shown(n_frames)
    assert (frames.step, len(frames)) == (step, n)


ANIMATION = ["animation", "--dataset-title", "made up", "--caption", "So."]


def frames_of(gif):
    with Image.open(gif) as image:
        shown = []
        for i in range(image.n_frames):
            image.seek(i)
            shown.append(np.asarray(image.convert("L"), dtype=float))
        return shown, image.info


def animate(path, out, notice):
    save(animation.draw(read_models([path]), view(notice=notice)), out)
    return frames_of(out)


def test_an_animation_moves_and_loops(path, tmp_path):
    frames, info = animate(path, tmp_path / "a.gif", REAL)
    assert len(frames) == 11
    assert info["loop"] == 0  # for ever
    assert info["duration"] * 11 >= 2000  # a short clip is slowed down
    half = frames[0].shape[1] // 2
    assert np.abs(frames[0] - frames[10])[:, :half].max() > 100  # both clips
    assert np.abs(frames[0] - frames[10])[:, half:].max() > 100


def test_an_animation_is_marked_as_synthetic_in_every_frame(path, tmp_path):
    plain, _ = animate(path, tmp_path / "plain.gif", REAL)
    marked, _ = animate(path, tmp_path / "marked.gif", SYNTHETIC)
    for one, other in zip(plain, marked, strict=True):
        corner = (slice(-12, None), slice(-60, None))
        assert (one[corner] != other[corner]).any()


def test_an_animation_is_the_same_bytes_for_the_same_data(path, tmp_path):
    for name in ("here", "there"):
        make.main([*ANIMATION, "--examples", str(path), "--out", str(tmp_path / f"{name}.gif")])
    assert (tmp_path / "here.gif").read_bytes() == (tmp_path / "there.gif").read_bytes()


def test_models_of_other_lengths_are_refused(path, tmp_path, make_examples):
    other = tmp_path / "baseline-base-s0-examples.npz"
    make_examples(other, n_frames=4)
    with pytest.raises(PoseliftError, match="Full, base, seed 0: 11, Baseline, base, seed 0: 4"):
        animation.draw(read_models([path, other]), view())


def test_an_animation_is_a_gif(path, tmp_path):
    arguments = [*ANIMATION, "--examples", str(path), "--out", str(tmp_path / "a.mp4")]
    with pytest.raises(PoseliftError, match=r"a\.mp4: an animation is a \.gif"):
        make.main(arguments)
