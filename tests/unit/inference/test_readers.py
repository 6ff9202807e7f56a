"""Each form of file gives back the numbers that were written; what is wrong is one line."""

import io
import json
import random
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detections import alphapose, flat, mmpose, openpose, standing, ultralytics, videopose3d, written
from poselift.errors import PoseliftError
from poselift.inference.files import read_keypoints
from poselift.inference.keypoints import UNKNOWN
from poselift.skeleton import JOINTS

TRACKS = np.stack([standing(seed=1), standing(seed=2)])


def lines(frames: list[Any]) -> str:
    return "\n".join(map(json.dumps, frames))


def as_npz(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def as_csv(path: Path, tracks: np.ndarray, names: list[str] | None = None) -> Path:
    rows = [
        f"{t},{person},{names[joint] if names else joint},{x!r},{y!r},{c!r}"
        for person, track in enumerate(tracks, start=1)
        for t, points in enumerate(track)
        for joint, (x, y, c) in enumerate(points.astype(float).tolist())
    ]
    path.write_text("\n".join(["frame,person,joint,x,y,confidence", *rows]))
    return path


COCO_NAMES = [
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee",
    "left_ankle", "right_ankle",
]  # fmt: skip

FORMS: dict[str, Callable[[Path], Path]] = {
    "AlphaPose": lambda p: written(p / "a.json", alphapose(TRACKS)),
    "COCO results": lambda p: written(
        p / "a.json",
        [{"image_id": t, "category_id": 1, "keypoints": flat(k), "score": 0.5, "track_id": 1 + i}
         for i, track in enumerate(TRACKS) for t, k in enumerate(track)],
    ),
    "COCO annotations": lambda p: written(
        p / "a.json",
        {"images": [{"id": 1, "width": 1920, "height": 1080}], "annotations": alphapose(TRACKS)},
    ),
    "MMPose": lambda p: written(p / "a.json", mmpose(TRACKS, {"0": "nose"})),
    "Ultralytics": lambda p: written(p / "a.json", ultralytics(TRACKS)),
    "Ultralytics, a line for each frame": lambda p: (
        (p / "a.jsonl").write_text(lines(ultralytics(TRACKS))) and (p / "a.jsonl")
    ),
    "Ultralytics, frames as text": lambda p: written(p / "a.json", [*map(json.dumps, ultralytics(TRACKS))]),
    "AlphaPose, a line for each person": lambda p: (
        (p / "a.jsonl").write_text(lines(alphapose(TRACKS)), encoding="utf-8-sig") and (p / "a.jsonl")
    ),
    "csv": lambda p: as_csv(p / "a.csv", TRACKS, COCO_NAMES),
}  # fmt: skip


def assert_same(found: Any, tracks: np.ndarray = TRACKS) -> None:
    for person, track in enumerate(tracks, start=1):
        rows = found.person == person
        np.testing.assert_array_equal(found.frame[rows], np.arange(tracks.shape[1]))
        np.testing.assert_allclose(found.points[rows], track, rtol=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_forms_that_tell_people_apart(form, tmp_path):
    found = read_keypoints(FORMS[form](tmp_path))
    assert_same(found)
    assert found.layout == "coco"
    assert found.size == ((1920, 1080) if form == "COCO annotations" else None)


def test_frames_without_a_person_are_counted(tmp_path):
    content = mmpose(TRACKS, {"0": "nose"})
    content["instance_info"] = content["instance_info"][3:9:2]
    found = read_keypoints(written(tmp_path / "a.json", content))
    assert found.frame.tolist() == [3, 3, 5, 5, 7, 7]
    frames = ultralytics(TRACKS)
    frames[1] = []
    found = read_keypoints(written(tmp_path / "b.json", frames))
    assert found.frame.tolist()[:4] == [0, 0, 2, 2]


def test_frames_in_lines_of_a_file(tmp_path):
    """None is lost: each line is a frame."""
    tracks = np.stack([standing(3, 25)])
    folder = openpose(tmp_path / "frames", tracks)
    frames = [json.loads(each.read_text()) for each in sorted(folder.iterdir())]
    (tmp_path / "a.json").write_text(lines(frames))
    found = read_keypoints(tmp_path / "a.json")
    assert found.frame.tolist() == [0, 1, 2]
    np.testing.assert_allclose(found.points, tracks[0], rtol=1e-6)


def test_openpose_keeps_the_numbers_of_its_tracker(tmp_path):
    folder = openpose(tmp_path / "frames", np.stack([standing(2, 25, seed) for seed in (1, 2)]))
    for path in folder.iterdir():
        content = json.loads(path.read_text())
        for number, entry in zip((7, 3), content["people"], strict=True):
            entry["person_id"] = [number]
        path.write_text(json.dumps(content))
    assert read_keypoints(folder).person.tolist() == [3, 7, 3, 7]


def test_a_folder_of_lists_of_people(tmp_path):
    """As MMPose writes them for images; in upper case the ending of a file is the same."""
    (tmp_path / "frames").mkdir()
    content = mmpose(TRACKS)["instance_info"]
    for frame in content:
        written(tmp_path / f"frames/{frame['frame_id']:06d}.json", frame["instances"])
    assert_same(read_keypoints(tmp_path / "frames", "coco"))
    assert_same(read_keypoints(written(tmp_path / "A.JSON", content), "coco"))
    written(tmp_path / "frames/000003.json", [1])
    with pytest.raises(PoseliftError, match=r"000003\.json: no keypoints of OpenPose \(not the JSON of"):
        read_keypoints(tmp_path / "frames", "coco")


def test_openpose_folder_is_body25_and_tells_nobody_apart(tmp_path):
    tracks = np.stack([standing(12, 25, seed) for seed in (1, 2)])
    found = read_keypoints(openpose(tmp_path / "frames", tracks))
    assert found.layout == "body25"
    assert (found.person == UNKNOWN).all()
    np.testing.assert_array_equal(found.frame, np.repeat(np.arange(12), 2))
    frames = found.points.reshape(12, 2, 25, 3)
    for t in range(12):  # the order of people within a frame says nothing
        surest = sorted(tracks[:, t], key=lambda points: -points[:, 2].mean())
        np.testing.assert_allclose(frames[t], surest, rtol=1e-6)


@pytest.mark.parametrize("ending", [".npy", ".npz"])
def test_arrays_of_one_person_or_several(ending, tmp_path):
    path = tmp_path / f"a{ending}"
    for array in (TRACKS, TRACKS[0], TRACKS[..., :2]):
        np.save(path, array) if ending == ".npy" else np.savez(path, anything=array, fps=25)
        found = read_keypoints(path, "human36m")
        for person, track in enumerate(array if array.ndim == 4 else array[None]):
            points = found.points[found.person == person]
            np.testing.assert_allclose(points[..., : track.shape[-1]], track, rtol=1e-6)
            assert track.shape[-1] == 3 or (points[..., 2] == 1).all()


def test_confidences_beside_the_places(tmp_path):
    found = read_keypoints(
        as_npz(tmp_path / "a.npz", keypoints=TRACKS[0, ..., :2], scores=TRACKS[0, ..., 2]), "coco"
    )
    np.testing.assert_allclose(found.points, TRACKS[0], rtol=1e-6)
    wrong = as_npz(tmp_path / "b.npz", keypoints=TRACKS[0, ..., :2], scores=TRACKS[0, 1:, :, 2])
    assert "confidences for keypoints" in line_of(wrong, "coco")


def test_videopose3d_says_layout_size_and_frame_rate(tmp_path):
    found = read_keypoints(videopose3d(tmp_path / "a.npz", TRACKS[0]))
    np.testing.assert_allclose(found.points, TRACKS[0], rtol=1e-6)
    assert (found.layout, found.size, found.fps) == ("coco", (1920, 1080), 25)


def test_videopose3d_keeps_people_apart(tmp_path):
    found = read_keypoints(videopose3d(tmp_path / "a.npz", *TRACKS))
    for person, track in enumerate(TRACKS):
        np.testing.assert_allclose(found.points[found.person == person], track, rtol=1e-6)


def test_actions_of_videopose3d_are_not_people(tmp_path):
    actions = np.array({"S1": {"Walking 1": [TRACKS[0]], "Eating": [TRACKS[1]]}}, dtype=object)
    path = as_npz(tmp_path / "a.npz", positions_2d=actions, metadata=np.array({}, dtype=object))
    assert "2 videos or actions, expected one" in line_of(path, "coco")


def test_what_was_not_found_has_no_confidence(tmp_path):
    points = standing(1)[0]
    points[0], points[1, 0], points[2, 2], points[3, 2] = 0, np.nan, 0, 7.5
    points[4, 0], points[5, 1] = 0, 0  # at an edge of the image
    points[6, :2] = 7600, 4300  # of one of 8K
    np.save(tmp_path / "a.npy", points[None])
    found = read_keypoints(tmp_path / "a.npy", "coco").points[0]
    np.testing.assert_array_equal(found[:3], 0)
    assert found[3, 2] == 1
    np.testing.assert_allclose(found[4:], points[4:])


@pytest.mark.parametrize("form", ["npy", "json", "csv"])
def test_percentages_are_no_confidences(form, tmp_path):
    track = TRACKS[0, :2] * [1, 1, 100]
    if form == "npy":
        np.save(tmp_path / "a.npy", track)
    elif form == "json":
        written(tmp_path / "a.json", alphapose(track[None]))
    else:
        rows = ((t, j, *track[t, j]) for t in range(2) for j in range(17))
        lines = ["frame,joint,x,y,confidence", *(",".join(map(str, row)) for row in rows)]
        (tmp_path / "a.csv").write_text("\n".join(lines))
    assert "expected 0 to 1; divide percentages by 100" in line_of(tmp_path / f"a.{form}", "coco")


def test_frames_in_any_order_and_repeated(tmp_path):
    entries = alphapose(TRACKS[:1])
    weak = entries[5] | {"keypoints": flat(TRACKS[0, 5] * [1, 1, 0.5] + [9, 9, 0])}
    random.Random(0).shuffle(entries)
    assert_same(read_keypoints(written(tmp_path / "a.json", [weak, *entries, weak])), TRACKS[:1])


def test_alphapose_without_a_tracker_tells_nobody_apart(tmp_path):
    """It writes 0 as the number of everyone."""
    entries = [each | {"idx": 0.0} for each in alphapose(TRACKS)]
    found = read_keypoints(written(tmp_path / "a.json", entries))
    assert found.person.tolist() == [UNKNOWN] * TRACKS.shape[0] * TRACKS.shape[1]


def test_two_videos_are_not_mixed(tmp_path):
    folder = openpose(tmp_path / "frames", np.stack([standing(2, 25)]))
    (folder / "other_000000000001_keypoints.json").write_text('{"people": []}')
    assert "differ in more than the last number; name images by one frame number" in line_of(folder)
    entries = alphapose(TRACKS[:1])
    other = [each | {"image_id": f"other_{each['image_id']}"} for each in entries]
    assert "'0.jpg' and 'other_0.jpg' differ in more" in line_of(
        written(tmp_path / "a.json", entries + other)
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("clip_00_00_59.png", "clip_00_01_00.png"),  # times of day
        ("shot_12-30-05-033.png", "shot_12-30-06-000.png"),
        ("1305031102.175304.png", "1305031103.008637.png"),
        ("a/1.png", "b/2.png"),  # two folders
        (f"1_{'ab' * 26}5.jpg", f"2_{'ab' * 26}6.jpg"),  # long as Roboflow's
        ("0_left.png", "0_right.png"),  # two cameras
    ],
)
def test_names_that_differ_in_more_than_one_number_are_not_frame_numbers(one, other, tmp_path):
    entries = [
        each | {"image_id": name} for each, name in zip(alphapose(TRACKS[:1]), (one, other), strict=False)
    ]
    said = line_of(written(tmp_path / "a.json", entries))
    assert f"'{one}' and '{other}' differ in more than the last number; name images by" in said


def test_people_of_one_image_are_in_one_frame(tmp_path):
    """MMPose's demo on an image writes no frames, but the people themselves."""
    content = mmpose(TRACKS[:, :1], {"0": "nose"})
    content["instance_info"] = content["instance_info"][0]["instances"]
    found = read_keypoints(written(tmp_path / "a.json", content))
    assert (found.frame.tolist(), found.layout) == ([0, 0], "coco")
    assert_same(found, TRACKS[:, :1])


def coco(names: list[str], ids: list[int]) -> dict[str, Any]:
    """Annotations of a person, whose frames are in images of these names and ids."""
    images = [{"id": i, "file_name": name} for i, name in zip(ids, names, strict=True)]
    people = [
        {"image_id": i, "category_id": 1, "track_id": 1, "keypoints": flat(points)}
        for i, points in zip(ids, TRACKS[0], strict=True)
    ]
    return {"images": images, "annotations": people}


def test_the_names_of_images_number_frames_and_their_ids_where_names_do_not(tmp_path):
    shuffled = np.random.default_rng(0).permutation(20).tolist()
    content = coco([f"val/seq2/{i:06d}.jpg" for i in range(20)], shuffled)
    assert_same(read_keypoints(written(tmp_path / "a.json", content)), TRACKS[:1])
    content = coco(["first.jpg", *(f"{50 - i}.jpg" for i in range(19))], list(range(20)))
    assert_same(read_keypoints(written(tmp_path / "a.json", content)), TRACKS[:1])


def test_images_without_a_size_and_things_without_keypoints(tmp_path):
    content = coco([f"{i}.jpg" for i in range(20)], list(range(20)))
    content["annotations"].insert(3, {"image_id": 3, "category_id": 2, "bbox": [1, 2, 3, 4]})
    found = read_keypoints(written(tmp_path / "a.json", content))
    assert_same(found, TRACKS[:1])
    assert found.size is None


@pytest.mark.parametrize(("first", "layout"), [("Pelvis", "human36m"), ("hip", "human36m"), ("nose", "coco")])
def test_the_categories_of_annotations_say_the_layout(first, layout, tmp_path):
    content = coco([f"{i}.jpg" for i in range(20)], list(range(20)))
    content["categories"] = [{"id": 2, "name": "car"}, {"id": 1, "name": "person", "keypoints": [first, "x"]}]
    assert read_keypoints(written(tmp_path / "a.json", content)).layout == layout
    for others in (["right_ankle", "x"], ["nose", "head_bottom"]):
        content["categories"][1]["keypoints"] = others
        assert "say which with --layout" in line_of(written(tmp_path / "a.json", content))


def test_an_empty_line_is_a_frame_of_nobody(tmp_path):
    untracked = [[each | {"track_id": 1} for each in frame[:1]] for frame in ultralytics(TRACKS)]
    text = lines(untracked[:2]) + "\n\n \n" + lines(untracked[4:]) + "\n\n\n"
    (tmp_path / "a.jsonl").write_text(text)
    found = read_keypoints(tmp_path / "a.jsonl")
    assert found.frame.tolist() == [0, 1, *range(4, 20)]


def test_a_person_of_whom_openpose_found_nothing(tmp_path):
    folder = openpose(tmp_path / "frames", np.stack([standing(2, 25)]))
    for path in folder.iterdir():
        content = json.loads(path.read_text())
        content["people"].insert(0, {"person_id": [-1], "pose_keypoints_2d": []})
        path.write_text(json.dumps(content))
    np.testing.assert_allclose(read_keypoints(folder).points, standing(2, 25), rtol=1e-6)


def test_people_and_frames_beside_an_array(tmp_path):
    """What `poselift predict` writes is read as what it lifted."""
    frame, person = np.array([4, 4, 5, 9]), np.array([1, 2, 1, 2])
    of = {"frame": frame, "person": person, "joints": np.array(JOINTS)}
    places, confidence = TRACKS[0, :4, :, :2], TRACKS[0, :4, :, 2]
    path = as_npz(tmp_path / "a.npz", poses=TRACKS[1, :4], keypoints=places, confidence=confidence, **of)
    found = read_keypoints(path)
    assert found.layout == "human36m"
    np.testing.assert_array_equal((found.frame, found.person), (frame, person))
    np.testing.assert_allclose(found.points, TRACKS[0, :4], rtol=1e-6)
    short = as_npz(tmp_path / "b.npz", keypoints=places, frame=frame[1:], person=person)
    assert "for keypoints of shape (4, 17, 3)" in line_of(short, "coco")


def test_frame_numbers_beside_an_array_that_tells_nobody_apart(tmp_path):
    frame = np.array([4, 4, 5, 9])
    found = read_keypoints(as_npz(tmp_path / "a.npz", keypoints=TRACKS[0, :4], frame=frame), "coco")
    np.testing.assert_array_equal((found.frame, found.person), (frame, [UNKNOWN] * 4))


@pytest.mark.parametrize("name", ["conf", "score", "scores", "confidence", "keypoint_scores"])
def test_names_of_confidences_beside_an_array(name, tmp_path):
    path = as_npz(tmp_path / "a.npz", keypoints=TRACKS[0, ..., :2], **{name: TRACKS[0, ..., 2]})
    np.testing.assert_allclose(read_keypoints(path, "coco").points, TRACKS[0], rtol=1e-6)


@pytest.mark.parametrize("name", ["conf", "score", "likelihood"])
def test_names_of_confidences_in_a_table(name, tmp_path):
    path = as_csv(tmp_path / "a.csv", TRACKS, COCO_NAMES)
    path.write_text(path.read_text().replace("confidence", name))
    assert_same(read_keypoints(path))


@pytest.mark.parametrize("frames", [1, 3])
def test_people_do_not_come_after_frames(frames, tmp_path):
    np.save(tmp_path / "a.npy", np.ones((20, frames, 17, 2)))
    expected = f"20 people in {frames} frames: people come first (people, frames, joints, 2 or 3)"
    assert expected in line_of(tmp_path / "a.npy", "coco")


def test_numbers_that_most_people_of_a_frame_share_tell_nobody_apart(tmp_path):
    """One in ten is a slip, of which the surer is taken; more are two people."""
    entries = alphapose(np.concatenate([TRACKS[:1], TRACKS[:1]]))
    again = [each | {"idx": 1} for each in entries if each["idx"] == 2]
    first = [each for each in entries if each["idx"] == 1]
    assert_same(read_keypoints(written(tmp_path / "a.json", first + again[:2])), TRACKS[:1])
    found = read_keypoints(written(tmp_path / "a.json", first + again[:3]))
    assert found.frame.tolist() == [0, 0, 1, 1, 2, 2, *range(3, 20)]
    assert (found.person == UNKNOWN).all()


def test_the_names_in_a_table_say_the_layout_that_they_tell_most_of(tmp_path):
    """Without eyes and ears they are those of Human3.6M as well, which would lack hip and thorax."""
    limbs = [name for name in COCO_NAMES if "eye" not in name and "ear" not in name]
    assert read_keypoints(as_csv(tmp_path / "a.csv", TRACKS[:, :, : len(limbs)], limbs)).layout == "coco"
    found = read_keypoints(as_csv(tmp_path / "b.csv", TRACKS, list(JOINTS)))
    assert found.layout == "human36m"
    np.testing.assert_allclose(found.points[found.person == 1], TRACKS[0], rtol=1e-6)
    (tmp_path / "c.csv").write_text("frame,person,joint,x,y,z,confidence\n0,0,hip,0,0,0,1\n")
    assert "column z: poses, not keypoints" in line_of(tmp_path / "c.csv")


def test_cells_that_are_empty_and_rows_that_are_there_twice(tmp_path):
    """Programs write no number as an empty cell; two people without a column person are not one."""
    path = tmp_path / "a.csv"
    path.write_text(
        "frame,joint,x,y\n3,left_hip,500,400\n3,right_hip,,\n4,right_hip,520,\n4,left_hip,501,402\n"
    )
    found = read_keypoints(path)
    hips = [COCO_NAMES.index("left_hip"), COCO_NAMES.index("right_hip")]
    np.testing.assert_array_equal(found.points[:, hips[0]], [[500, 400, 1], [501, 402, 1]])
    assert (found.person == UNKNOWN).all()
    assert (np.delete(found.points, hips[0], axis=1) == 0).all()
    path.write_text("frame,joint,x,y\n3,left_hip,500,400\n3,left_hip,900,400\n")
    assert "left_hip of frame 3 is there twice; a column person" in line_of(path)
    path.write_text("frame,joint,x,y\n")
    assert "no person in it" in line_of(path)


def test_a_table_as_programs_write_it(tmp_path):
    """Blanks after commas, frame numbers with a decimal point; an empty confidence means not found."""
    path = tmp_path / "a.csv"
    rows = ["7.0, 1.0, left_hip, 500, 400, 0.5", "7.0, 1.0, right_hip, 520, 400,", "7.0, , nose, 5, 4, 0.5"]
    path.write_text("\n".join(["frame, person, joint, x, y, confidence", *rows]))
    found = read_keypoints(path)
    assert (found.frame.tolist(), found.person.tolist()) == ([7, 7], [UNKNOWN, 1])
    hips = [COCO_NAMES.index("left_hip"), COCO_NAMES.index("right_hip")]
    np.testing.assert_allclose(found.points[1, hips], [[500, 400, 0.5], [0, 0, 0]])
    path.write_text("frame,joint,x,y\n1,left_hip,500,400,\n2,left_hip,501,400,\n")  # a comma at each end
    np.testing.assert_allclose(
        read_keypoints(path, "coco").points[:, hips[0]], [[500, 400, 1], [501, 400, 1]]
    )
    path.write_text("frame,joint,x,y\nfirst,left_hip,500,400\n")
    assert "frame 'first' is not a whole number" in line_of(path)


def test_rows_with_more_fields_than_a_table_has_columns(tmp_path):
    (tmp_path / "a.csv").write_text("frame,joint,x,y\n1,nose,5,4\n1,left_hip,500,5,400,5\n")
    expected = "line 3: 6 fields below a header of 4; is the comma a decimal one? write points"
    assert expected in line_of(tmp_path / "a.csv")


def test_joints_that_are_numbered_from_one(tmp_path):
    path = as_csv(tmp_path / "a.csv", TRACKS, [str(i) for i in range(1, 18)])
    assert "joints are numbered from 0" in line_of(path, "halpe26")


def test_names_of_joints_that_are_unknown_are_named(tmp_path):
    names = ["tail" if name == "left_wrist" else name for name in COCO_NAMES]
    assert "joints ['tail'] are not in layout coco" in line_of(as_csv(tmp_path / "a.csv", TRACKS, names))
    said = line_of(as_csv(tmp_path / "b.csv", TRACKS, COCO_NAMES), "human36m")
    assert "joints ['left_eye', 'right_eye', 'left_ear', 'right_ear'] are not in layout human36m" in said


@pytest.mark.parametrize(
    ("n_joints", "layout"), [(26, "halpe26"), (25, "body25"), (133, "coco-wholebody"), (136, "halpe136")]
)
def test_a_number_of_joints_that_one_layout_has(n_joints, layout, tmp_path):
    np.save(tmp_path / "a.npy", standing(3, n_joints))
    assert read_keypoints(tmp_path / "a.npy").layout == layout


def line_of(path: Path, layout: str | None = None) -> str:
    with pytest.raises(PoseliftError) as error:
        read_keypoints(path, layout)
    text = str(error.value)
    assert "\n" not in text
    assert text.startswith(str(path))
    return text.removeprefix(str(path))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "no keypoints that can be read"),
        ("[]", "no person in it"),
        ("[[], [], []]", "no person in it"),
        ('{"people": []}', "no person in it"),
        ("{}", "not the JSON of AlphaPose"),
        ("3", "not the JSON of AlphaPose"),
        ("[1, 2]", "not the JSON of AlphaPose"),
        ('{"people": null}', "not the JSON of AlphaPose"),
        ('[{"image_id": 1, "bbox": [1, 2, 3, 4]}]', "not the JSON of AlphaPose"),
        ('[{"image_id": 1, "idx": "p1", "keypoints": [1, 2, 1]}]', "person 'p1' is not a whole number"),
        ('[{"a": 1}]', "not the JSON of AlphaPose"),
        ('[{"image_id": "x.jpg", "keypoints": [1, 2, 0.5]}]', "'x.jpg' has no frame number"),
        ('[{"image_id": 1, "keypoints": [1, 2]}]', "not x, y, confidence"),
        ('[{"image_id": 1.5, "keypoints": [1, 2, 1]}]', "frame 1.5 is not a whole number"),
        ('[{"image_id": -1, "keypoints": [1, 2, 1]}]', "frame -1 is not a whole number"),
        ('[{"image_id": 1, "keypoints": [1, 2, "x"]}]', "could not convert"),
        (
            '[{"image_id": 1, "keypoints": [1, 2, 1]}, {"image_id": 1, "keypoints": [1, 2, 1, 3, 4, 1]}]',
            "1 and of 2 joints",
        ),
        (
            '[{"image_id": 1403636579763555584, "keypoints": [1, 2, 1]}]',
            "frame 1403636579763555584 is too large",
        ),
        ('[{"image_id": 1, "keypoints": []}]', "no person in it"),
        ("[" * 100_000, "no keypoints that can be read"),
        ('[{"image_id": 1, "keypoints": [' + "9" * 5000 + ", 2, 1]}]", "no keypoints that can be read"),
    ],
)
def test_json_that_is_not_what_it_says(content, words, tmp_path):
    (tmp_path / "a.json").write_text(content)
    assert words in line_of(tmp_path / "a.json")


def test_other_faults_are_named(tmp_path):
    assert line_of(tmp_path / "none.json").startswith(": no such file")
    np.save(tmp_path / "a.npy", standing(3))
    assert "human36m or coco; say which with --layout" in line_of(tmp_path / "a.npy")
    assert "17 joints, but layout halpe26 has 26" in line_of(tmp_path / "a.npy", "halpe26")
    np.save(tmp_path / "none.npy", standing(3)[:, :0])
    assert "0 joints: of no layout" in line_of(tmp_path / "none.npy")
    np.save(tmp_path / "b.npy", standing(3, 18))
    assert "18 joints: of no layout" in line_of(tmp_path / "b.npy")
    (tmp_path / "empty").mkdir()
    assert "no person in it" in line_of(tmp_path / "empty")
    (tmp_path / "a.txt").write_text("")
    assert "is expected" in line_of(tmp_path / "a.txt")
    sizes = {"images": [{"width": 10, "height": w} for w in (1, 2)], "annotations": alphapose(TRACKS)}
    assert "images of 2 sizes" in line_of(written(tmp_path / "sizes.json", sizes))
    (tmp_path / "a.csv").write_text("frame,x,y\n1,2,3\n")
    assert "no column joint" in line_of(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("frame,joint,x,y\n1,tail,2,3\n")
    assert "'tail'" in line_of(tmp_path / "b.csv")
    (tmp_path / "c.csv").write_text("# a comment\nframe,joint,x,y\n1,nose,2,3\n")
    assert "no column frame" in line_of(tmp_path / "c.csv")


def test_a_pickle_inside_an_npz_is_not_run(tmp_path):
    class Bad:
        def __reduce__(self) -> Any:
            return print, ("pwned",)

    array = np.empty((), dtype=object)
    array[()] = Bad()
    path = as_npz(tmp_path / "a.npz", positions_2d=array, metadata=array)
    assert "refused" in line_of(path)
    bomb = io.BytesIO()
    np.lib.format.write_array(bomb, np.zeros(0))
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("keypoints.npy", bomb.getvalue().replace(b"(0,)", b"(9999999999,)", 1))
    assert "no keypoints" in line_of(tmp_path / "b.npz")


def test_hostile_json_is_read_or_refused_in_one_line(tmp_path, monkeypatch):
    """The long campaign is tests/fuzz/fuzz_readers.py."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(Path(__file__).parents[2] / "fuzz")])
    from hostile import altered, plain_values, replaced

    tracks = TRACKS[:, :3]
    seeds = [alphapose(tracks), mmpose(tracks), ultralytics(tracks), {"people": []}]
    rng, path, read = random.Random(0), tmp_path / "a.json", 0
    said: list[str] = []
    for number in range(600):
        content = replaced(seeds[number % 4], rng, plain_values)
        data = json.dumps(content).encode()
        path.write_bytes(altered(data, rng) if number % 3 == 0 else data)
        try:
            read_keypoints(path, "coco")
            read += 1
        except PoseliftError as error:
            said.append(str(error))
    assert not any("\n" in each for each in said)
    assert 20 < read < 580
