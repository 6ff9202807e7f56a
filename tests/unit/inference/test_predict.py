"""`poselift predict` as people use it: files in, files out, one line for what is wrong."""

import contextlib
import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from detections import N_FRAMES, TINY, alphapose, openpose, standing, ultralytics, videopose3d, written
from poselift.bvh import bvh
from poselift.data import prepare
from poselift.errors import PoseliftError
from poselift.inference import outputs
from poselift.inference.lifters import opened
from poselift.inference.lifting import Lifter
from poselift.inference.outputs import Lifted, write
from poselift.inference.predict import main, parse, predicted, view_of
from poselift.inference.tracks import Track
from poselift.report.player import packed
from poselift.skeleton import JOINTS
from poselift.video import Video

Predict = Callable[..., dict[str, np.ndarray]]


@pytest.fixture
def predict(checkpoint: Path, tmp_path: Path) -> Predict:
    """Run the command; the arrays that it wrote."""

    def run(*arguments: object) -> dict[str, np.ndarray]:
        main([*map(str, arguments), "--checkpoint", str(checkpoint), *TINY, "--out", str(tmp_path / "out")])
        return dict(np.load(tmp_path / "out" / "poses.npz"))

    return run


SIZE = ("--size", "1000x1000")


def test_every_form_gives_the_same_poses(predict, tmp_path):
    track = standing(20)
    np.save(tmp_path / "a.npy", track)
    expected = predict(tmp_path / "a.npy", *SIZE, "--layout", "coco")["poses"]
    assert expected.shape == (20, 17, 3)
    assert np.abs(expected[:, 1:]).min() > 0
    for name, content in {"alpha": alphapose(track[None]), "ultra": ultralytics(track[None])}.items():
        found = predict(written(tmp_path / f"{name}.json", content), *SIZE)["poses"]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)


def test_outputs_of_several_inputs_are_in_the_folder_whatever_these_are_called(
    predict, tmp_path, monkeypatch
):
    openpose(tmp_path / "video", standing(2, n_joints=25)[None])
    written(tmp_path / "other.json", alphapose(standing(3)[None]))
    monkeypatch.chdir(tmp_path / "video")
    with contextlib.suppress(FileNotFoundError):  # there is no poses.npz in the folder itself
        predict(".", tmp_path / "other.json", *SIZE)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {".made-by-poselift", "video", "other"}


def test_two_people_with_a_gap_and_all_outputs(predict, tmp_path):
    tracks = np.stack([standing(20, seed=1), standing(20, seed=2)])
    tracks[0, :, 13, 2] = 0.05  # a knee of which the detector is not sure, but sure enough
    entries = [each for each in alphapose(tracks) if not (each["idx"] == 2 and each["image_id"] == "7.jpg")]
    options = ("--height", "1.8", "--fps", "25", "--min-confidence", "0.01")
    out = predict(written(tmp_path / "a.json", entries), *SIZE, *options)
    assert out["poses"].shape == (40, 17, 3)
    for person in (1, 2):
        rows = out["person"] == person
        np.testing.assert_array_equal(out["frame"][rows], np.arange(20))
        marked = np.flatnonzero(out["interpolated"][rows]).tolist()
        assert marked == ([7] if person == 2 else [])
        assert ((out["confidence"][rows] == 0).all(axis=1) == out["interpolated"][rows]).all()
    assert str(out["units"]) == "metres, from a body height of 1.8 m as given; not measured"
    assert out["joints"].tolist() == list(JOINTS)
    with (tmp_path / "out/poses.csv").open() as file:
        table = list(csv.DictReader(file))
    assert len(table) == 40 * 17
    assert [row["joint"] for row in table] == 40 * list(JOINTS)
    of_row = {name: np.repeat(out[name], 17) for name in ("frame", "person")}
    of_row |= {name: out["poses"][..., axis].ravel() for axis, name in enumerate("xyz")}
    of_row |= {"confidence": out["confidence"].ravel(), "joint_interpolated": out["confidence"].ravel() == 0}
    for name, expected in of_row.items():
        found = [float(row[name]) for row in table]
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6, err_msg=name)
    names = {path.name for path in (tmp_path / "out").iterdir()} - {".made-by-poselift"}
    assert names == {"poses.npz", "poses.csv", "poses.html", "person-1.bvh", "person-2.bvh"}
    # in centimetres
    expected = bvh(100 * out["poses"][out["person"] == 1], fps=25)
    assert (tmp_path / "out/person-1.bvh").read_text() == expected


def lifted(path: Path, *options: str, video: Video | None = None) -> tuple[list[Track], float, np.ndarray]:
    """The tracks, the frame rate, and the clips that a model of 9 frames was given, without mirror images."""
    clips: list[np.ndarray] = []

    def run(given: np.ndarray) -> np.ndarray:
        clips.extend(given[: len(given) // 2])
        return given

    given = parse([str(path), "--checkpoint", "none", *TINY, "--out", "none", *options])
    found, fps, _ = predicted(path, given, Lifter(run, 9), None, video)
    return [each.track for each in found], fps, np.stack(clips)


def test_options_reach_tracks_and_windows(tmp_path):
    """Frames 7 to 9 are without the person, whose joints are all surer than 0.25."""
    points = standing(20)
    points[..., 2] = np.maximum(points[..., 2], 0.3)
    points[7:10] = 0
    np.save(tmp_path / "a.npy", points)
    options = (*SIZE, "--layout", "coco", "--max-gap")
    assert [len(each.points) for each in lifted(tmp_path / "a.npy", *options, "3")[0]] == [20]
    two, _, _ = lifted(tmp_path / "a.npy", *options, "2")
    assert [(each.first_frame, len(each.points)) for each in two] == [(0, 7), (10, 10)]
    for least in (0.05, 0.25):
        _, _, clips = lifted(tmp_path / "a.npy", *options, "3", "--min-confidence", str(least))
        assert clips[..., 2].min() == np.float32(least)  # of joints that are interpolated
    for overlap, windows in (("0", 3), ("8", 12)):
        assert len(lifted(tmp_path / "a.npy", *options, "3", "--overlap", overlap)[2]) == windows
    untracked = [entry | {"idx": 0} for entry in alphapose(standing(20)[None])]
    path = written(tmp_path / "a.json", untracked[:7] + untracked[10:])
    for gap, people in (("3", [0]), ("2", [0, 1])):  # who was away for longer is another one
        assert [each.person for each in lifted(path, *SIZE, "--max-gap", gap)[0]] == people


def test_warnings_compare_what_the_model_is_given(tmp_path):
    points = standing(9)
    points[..., 2] = 0.3
    points[3:6] = 0  # interpolated: of the least confidence
    np.save(tmp_path / "a.npy", points)
    options = ["--checkpoint", "none", *TINY, "--out", "none", *SIZE, "--layout", "coco"]
    given = parse([str(tmp_path / "a.npy"), *options, "--min-confidence", "0.25"])
    _, _, warnings = predicted(
        tmp_path / "a.npy", given, Lifter(lambda x: x, 9), {"confidence": (0.9, 1.0)}, None
    )
    assert "person 0: the mean confidence is 0.28 (training: 0.9 to 1)" in warnings


def test_joints_outside_of_the_image_are_a_warning_and_far_outside_an_error(tmp_path):
    """Two of seventeen joints; the image is 1000x1000."""
    options = ["--checkpoint", "none", *TINY, "--out", "none", *SIZE, "--layout", "coco"]
    given = parse([str(tmp_path / "a.npy"), *options])
    for x, far in ((1400, False), (1600, True)):
        points = standing(9)
        points[:, [9, 10], 0] = x
        np.save(tmp_path / "a.npy", points)
        if far:
            with pytest.raises(PoseliftError, match="joints up to 1600x"):
                predicted(tmp_path / "a.npy", given, Lifter(lambda clips: clips, 9), None, None)
        else:
            _, _, warnings = predicted(tmp_path / "a.npy", given, Lifter(lambda clips: clips, 9), None, None)
            assert any("12% of the joints are outside of images of 1000x1000" in each for each in warnings)


def test_a_ghost_far_outside_of_the_image_refuses_nobody(tmp_path):
    ghost = np.zeros((1, 17, 3))
    ghost[:, 15:] = (5000, 5000, 0.5)  # two ankles
    entries = [*alphapose(standing(9)[None]), alphapose(ghost[None])[0] | {"idx": 2}]
    path = written(tmp_path / "a.json", entries)
    given = parse([str(path), "--checkpoint", "none", *TINY, "--out", "none", *SIZE])
    found, _, warnings = predicted(path, given, Lifter(lambda clips: clips, 9), None, None)
    assert [each.track.person for each in found] == [1, 2]
    said = [each for each in warnings if "outside" in each]
    assert said == ["person 2: 100% of the joints are outside of images of 1000x1000; is that their size?"]


def test_people_in_a_small_image_are_not_taken_for_shares_of_it(tmp_path):
    small = standing(9) * np.array([0.05, 0.05, 1], dtype=np.float32)  # 15 to 35 px
    np.save(tmp_path / "a.npy", small)
    found, _, _ = lifted(tmp_path / "a.npy", "--size", "64x64", "--layout", "coco")
    assert [len(each.points) for each in found] == [9]
    np.save(tmp_path / "b.npy", small / np.array([64, 64, 1], dtype=np.float32))
    with pytest.raises(PoseliftError, match="normalised"):
        lifted(tmp_path / "b.npy", "--size", "64x64", "--layout", "coco")


def test_size_and_frame_rate_are_the_options_then_the_videos_then_the_files(tmp_path):
    path = videopose3d(tmp_path / "a.npz", standing(9))  # of 1920x1080, 25 frames per second
    video = Video((1000, 800), 50.0)
    right_hip = standing(9)[:, 12, :2]
    for size, fps, options in (
        ((1920, 1080), 25, {}),
        ((1000, 800), 50, {"video": video}),
        ((1200, 900), 10, {"video": video, "options": ("--size", "1200x900", "--fps", "10")}),
    ):
        _, found, clips = lifted(path, *options.pop("options", ()), **options)
        assert found == fps
        expected = (right_hip - np.array(size) / 2) / (size[0] / 2)
        np.testing.assert_allclose(clips[0, :, 1, :2], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("inputs", "confident"), [("detected", False), ("ground_truth", True)])
def test_a_model_of_true_2d_is_given_no_confidences(checkpoint, inputs, confident):
    options = ["a.json", "--checkpoint", str(checkpoint), *TINY, "--input-2d", inputs, "--out", "out"]
    with opened(parse(options)) as (lifter, known):
        assert (lifter.n_frames, lifter.confident, known) == (N_FRAMES, confident, None)


@pytest.mark.parametrize("confidence", [0.9, 1])
def test_nor_is_one_whose_training_had_confidence_1_alone(
    confidence, checkpoint, raw_content, write_raw, tmp_path
):
    """As annotated 2D has it."""
    raw = raw_content()
    raw["train"]["confidence"][:] = 1
    raw["train"]["confidence"][:, 3] = confidence
    store = tmp_path / "data"
    prepare.main(["--raw", str(write_raw(raw)), "--out", str(store), "--n-frames", str(N_FRAMES)])
    options = ["a.json", "--checkpoint", str(checkpoint), *TINY, "--store", str(store), "--out", "out"]
    with opened(parse(options)) as (lifter, _):
        assert (lifter.confident, lifter.mm) == (confidence == 1, None)


def test_poses_are_in_mm_where_the_training_was(checkpoint, raw_content, write_raw, tmp_path):
    store, out = tmp_path / "data", tmp_path / "out"
    prepare.main(["--raw", str(write_raw(raw_content())), "--out", str(store), "--n-frames", str(N_FRAMES)])
    np.save(tmp_path / "a.npy", standing(20))
    options = ["--checkpoint", str(checkpoint), *TINY, "--store", str(store), "--out", str(out), *SIZE]
    found = []
    for name in ("human36m", "mpi_inf_3dhp"):
        manifest = json.loads((store / "frames/manifest.json").read_text())
        (store / "frames/manifest.json").write_text(json.dumps(manifest | {"dataset": name}))
        main([str(tmp_path / "a.npy"), *options, "--layout", "coco"])
        arrays = dict(np.load(out / "poses.npz"))
        heights = (out / "person-0.bvh").read_text().partition("Frame Time")[2].split()[3::6]
        found.append((arrays["poses"], float(heights[0]), str(arrays["units"])))
    (px, px_height, of_px), (mm, mm_height, of_mm) = found
    assert of_px.startswith("px of the image")
    assert of_mm.startswith("mm, of people as large as those of the training")
    np.testing.assert_allclose(mm, px * 1024 / 500, rtol=1e-4, atol=1e-2)
    assert mm_height == pytest.approx(px_height * 102.4 / 500, rel=1e-3)  # in cm


def test_the_frame_rate_is_that_of_the_options_or_the_file(predict, tmp_path):
    path = videopose3d(tmp_path / "a.npz", standing(5))  # of 25 frames per second
    np.save(tmp_path / "b.npy", standing(5))
    for seconds, given in (
        ("0.04", [path]),
        ("0.1", [path, "--fps", "10"]),
        ("0.0333333", [tmp_path / "b.npy", "--layout", "coco"]),
    ):
        predict(*given, *SIZE)
        assert f"Frame Time: {seconds}" in (tmp_path / "out/person-0.bvh").read_text()


def test_tracks_have_a_file_each_and_the_page_plays_the_longest(tmp_path):
    """Person 4 is there twice, 7 once."""
    rng = np.random.default_rng(0)
    made = [
        Lifted(
            Track(who, first, rng.uniform(0, 900, (n, 17, 3)), np.ones(n, dtype=bool)),
            rng.normal(0, 100, (n, 17, 3)),
        )
        for who, first, n in ((4, 100, 3), (7, 100, 9), (4, 150, 6))
    ]
    write(tmp_path, made, "px", 20, "Poses")
    for each, name in zip(made, ("4-from-100", "7-from-100", "4-from-150"), strict=True):
        assert (tmp_path / f"person-{name}.bvh").read_text() == bvh(each.poses, 20)
    text = (tmp_path / "poses.html").read_text()
    played = json.loads(re.search(r'<script type="application/json">(.*?)</script>', text)[1])
    assert (played["fps"], played["frames"]) == (20, 9)
    assert [(each["action"], each["frames"], each["clip_kind"]) for each in played["clips"]] == [
        ("person 7", 9, "100 to 108"),
        ("person 4", 6, "150 to 155"),
        ("person 4", 3, "100 to 102"),
    ]
    assert {JOINTS[joint].split()[0] for joint in played["left"]} == {"left"}
    assert {JOINTS[joint].split()[0] for joint in played["right"]} == {"right"}
    shown = [made[1], made[2], made[0]]
    inputs = [each.track.points[..., :2] for each in shown]
    targets = [each.poses * 1000 / np.abs(each.poses).max() for each in shown]
    for name, values in (("input", inputs), ("target", targets)):
        # as long as the longest: the last frame stays
        whole = [each[np.minimum(np.arange(9), len(each) - 1)] for each in values]
        assert played[name] == packed(np.rint(np.stack(whole)).astype(np.int32)), name


def test_the_name_of_a_bvh_says_where_it_begins_unless_with_the_file(tmp_path):
    made = [
        Lifted(Track(who, first, np.ones((2, 17, 3)), np.ones(2, dtype=bool)), np.ones((2, 17, 3)))
        for who, first in ((1, 0), (2, 40), (3, 0), (3, 9))
    ]
    write(tmp_path, made, "px", 20, "Poses")
    names = {path.stem for path in tmp_path.glob("*.bvh")}
    assert names == {"person-1", "person-2-from-40", "person-3-from-0", "person-3-from-9"}


def test_the_page_plays_the_first_frames_of_a_long_track(tmp_path, monkeypatch):
    monkeypatch.setattr(outputs, "PLAYED_FRAMES", 5)
    points = np.random.default_rng(0).uniform(0, 900, (9, 17, 3))
    write(tmp_path, [Lifted(Track(0, 0, points, np.ones(9, dtype=bool)), points)], "px", 20, "Poses")
    text = (tmp_path / "poses.html").read_text()
    played = json.loads(re.search(r'<script type="application/json">(.*?)</script>', text)[1])
    assert (played["frames"], played["clips"][0]["frames"]) == (5, 5)
    assert played["input"] == packed(np.rint(points[None, :5, :, :2]).astype(np.int32))


def test_a_crop_is_as_large_as_the_person_mostly_is():
    points = np.ones((11, 17, 3))
    points[:, 0, 0] = 1 + 10 * np.arange(11)  # 0 to 100 px wide, of which 90 % are at most 90
    track = Track(0, 0, points, np.ones(11, dtype=bool))
    assert view_of(track, None, crop=True).half == pytest.approx(90 / 0.75)


def test_one_person_of_several_in_one_frame(predict, tmp_path):
    folder = openpose(tmp_path / "frames", np.stack([standing(1, 25, seed) for seed in (1, 2)]))
    assert len(predict(folder, *SIZE)["poses"]) == 2
    out = predict(folder, *SIZE, "--person", "1")
    assert out["person"].tolist() == [1]


def test_several_inputs_have_a_folder_each(checkpoint, tmp_path):
    for name, length in (("a", 5), ("b", 7)):
        written(tmp_path / f"{name}.json", alphapose(standing(length)[None]))
    inputs = [str(tmp_path / "a.json"), str(tmp_path / "b.json")]
    main([*inputs, "--checkpoint", str(checkpoint), *TINY, *SIZE, "--out", str(tmp_path / "out")])
    found = {path.parent.name: len(np.load(path)["poses"]) for path in tmp_path.glob("out/*/poses.npz")}
    assert found == {"a": 5, "b": 7}


def test_faults_are_one_line_and_leave_nothing(predict, tmp_path):
    path = written(tmp_path / "a.json", alphapose(standing(5)[None]))

    def refused(words: str, *arguments: object) -> None:
        with pytest.raises(PoseliftError) as error:
            predict(*arguments)
        assert words in str(error.value)
        assert "\n" not in str(error.value)
        assert not (tmp_path / "out").exists()

    refused("give --size 1920x1080", path)
    refused("in images of 320x240; give another --size", path, "--size", "320x240")
    refused("in images of 320x1000; give another --size", path, "--size", "320x1000")  # to one side alone
    refused("there is no person 9; there are 1", path, *SIZE, "--person", "9")
    two = written(tmp_path / "two.json", alphapose(np.stack([standing(5), standing(5)])))
    refused("--person 1+2: 2 is another person, in 5 of the same frames", two, *SIZE, "--person", "1+2")
    refused("--person 2: 2 is there twice", two, *SIZE, "--person", "2", "--person", "2")
    refused("--overlap 9: expected 0 to 8", path, *SIZE, "--overlap", "9")
    refused("no joint with a confidence of 1.0", path, *SIZE, "--min-confidence", "1")
    refused("--height 180.0: expected 0.3 to 3", path, *SIZE, "--height", "180")
    refused("--size 0x5", path, "--size", "0x5")
    refused("--bone : expected JOINT-JOINT=METRES", path, *SIZE, "--bone", "")
    refused("the same name", path, path, *SIZE)
    refused("one size of images", path, *SIZE, "--size", "640x480")
    refused("one of a checkpoint", path, *SIZE, "--size", "base", "--size", "small")
    np.save(tmp_path / "nobody.npy", standing(5) * 0)
    refused("no joint with a confidence", tmp_path / "nobody.npy", *SIZE, "--layout", "coco")
    np.save(tmp_path / "shares.npy", standing(5) / [1000, 1000, 1])
    refused("normalised?", tmp_path / "shares.npy", *SIZE, "--layout", "coco")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("mine")
    with pytest.raises(PoseliftError, match="poselift did not make it"):
        predict(path, *SIZE)
    assert (tmp_path / "out/mine.txt").read_text() == "mine"


def test_a_crop_needs_no_size_and_warnings_name_the_person(predict, tmp_path, capsys):
    out = predict(written(tmp_path / "a.json", alphapose(standing(5)[None])), "--crop")
    assert np.isfinite(out["poses"]).all()
    assert "person 1: the bones have not the proportions of a person" in capsys.readouterr().err
