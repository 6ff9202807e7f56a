"""Poses: projection, the strips of median and worst clip, the animation."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from poselift.analysis.examples import evenly_spaced, model_label, read_examples, read_models
from poselift.errors import PoseliftError
from poselift.figures import animation, make, qualitative, skeletons
from poselift.figures.skeletons import project, upright
from poselift.figures.style import save
from poselift.skeleton import BONES, JOINTS
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


def joint(ax, line, end=1):
    """Where a bone that was drawn in a panel ends."""
    return ax.lines[line].get_xydata()[end]


def test_strips_show_the_poses_of_the_frames_they_name(path):
    examples = read_examples(path)
    figure = qualitative.draw({"full-base-s0": examples}, view())
    titled = [ax for ax in figure.axes if ax.get_title() == "frame 6"]  # 0-based 5
    assert len(titled) == 2  # of the median clip, of the worst
    assert [ax.texts[0].get_text() for ax in figure.axes if ax.texts] == ["2D input", "prediction", "truth"]
    panels = [ax for ax in figure.axes if not ax.texts]
    for number, example in enumerate(examples):
        of_clip = panels[15 * number : 15 * (number + 1)]
        assert [ax.get_title() for ax in of_clip[:5]] == [f"frame {i}" for i in (1, 3, 6, 9, 11)]
        for column, frame in enumerate(evenly_spaced(11, 5)):
            inputs, over, truth = (of_clip[5 * row + column] for row in range(3))
            assert joint(inputs, -1) == pytest.approx(upright(example.input_2d)[frame, 16], abs=1e-3)
            behind, shown = (over.lines[:16], over.lines[16:])
            assert {line.get_color() for line in behind} == {skeletons.TRUTH_COLOUR}
            assert skeletons.TRUTH_COLOUR not in {line.get_color() for line in shown}
            target, prediction = (project(poses)[frame, 16] for poses in (example.target, example.prediction))
            assert behind[-1].get_xydata()[1] == pytest.approx(target, abs=1e-3)
            assert shown[-1].get_xydata()[1] == pytest.approx(prediction, abs=1e-3)
            assert joint(truth, -1) == pytest.approx(target, abs=1e-3)


def test_strips_give_each_frame_its_error(path, words):
    shown = qualitative.draw(read_models([path]), view())
    # 17 mm in 16 of 17 joints are 16 mm, and as much more in each frame; in the second clip from 32 mm on
    errors = [line for line in words(shown) if line.endswith(" mm") and "clip" not in line]
    expected = [f"{16 * (first + i)} mm" for first in (1, 2) for i in (0, 2, 5, 8, 10)]
    assert errors == expected
    assert any("median clip: Walking, 41.2 mm" in line for line in words(shown))
    assert any("worst clip: SittingDown, 98.5 mm" in line for line in words(shown))
    assert any("model: Full, base, seed 0" in line for line in words(shown))


def test_no_name_of_a_row_lies_over_a_pose(path):
    figure = qualitative.draw(read_models([path]), view())
    figure.draw_without_rendering()
    names = [ax.texts[0].get_window_extent() for ax in figure.axes if ax.texts]
    poses = [ax.get_window_extent() for ax in figure.axes if ax.lines]
    assert len(names) == 3
    assert max(name.x1 for name in names) < min(pose.x0 for pose in poses)


def test_left_limbs_are_blue_and_right_limbs_orange():
    _, ax = plt.subplots()
    lines = skeletons.draw_skeleton(ax, np.zeros((17, 2)))
    for (_, child), line in zip(BONES, lines, strict=True):
        red, _, blue = to_rgb(line.get_color())
        if JOINTS[child].startswith("left"):
            assert blue > 0.5 > red
        elif JOINTS[child].startswith("right"):
            assert red > 0.5 > blue
        else:
            assert red == blue


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


def test_an_animation_shows_the_frame_that_it_names(path, words):
    (examples,) = read_models([path]).values()
    moving = animation.draw({"full-base-s0": examples}, view())
    moving.show(7)
    assert "frame 8 of 11" in words(moving.figure)
    panels = iter(moving.figure.axes)
    for example in examples:
        inputs, over = next(panels), next(panels)
        assert joint(inputs, -1) == pytest.approx(upright(example.input_2d)[7, 16], abs=1e-3)
        assert over.lines[15].get_color() == skeletons.TRUTH_COLOUR
        assert joint(over, 15) == pytest.approx(project(example.target)[7, 16], abs=1e-3)
        assert joint(over, -1) == pytest.approx(project(example.prediction)[7, 16], abs=1e-3)


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
