"""What a reader of BVH makes of the file: the same bones, all the time as long, turning without jumps."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from poselift.bvh import bvh
from poselift.datasets.human36m import Synthetic
from poselift.skeleton import BONES, JOINTS
from poselift.synthetic.dataset import generate


def played(text: str) -> tuple[list[str], np.ndarray, np.ndarray, float]:
    """Joints, their positions (T, K, 3) and angles (T, ., 3), seconds a frame: by the format's definition, a
    joint's channels turn it one after the other and that its children hang on it."""
    hierarchy, motion = text.split("MOTION\n")
    names: list[str] = []
    parents, offsets, turned = [], [], []
    stack: list[int] = []
    for line in hierarchy.splitlines()[1:]:
        word, *rest = line.split()
        if word in ("ROOT", "JOINT", "End"):
            names.append(" ".join(rest))
            parents.append(stack[-1] if stack else -1)
        elif word == "{":
            stack.append(len(names) - 1)
        elif word == "}":
            stack.pop()
        elif word == "OFFSET":
            offsets.append([float(value) for value in rest])
        elif word == "CHANNELS":
            turned.append(len(names) - 1)
            assert rest[-3:] == ["Zrotation", "Xrotation", "Yrotation"]
            assert int(rest[0]) == len(rest) - 1
    count, seconds, *rows = motion.splitlines()
    values = np.array([[float(value) for value in row.split()] for row in rows])
    assert count == f"Frames: {len(values)}"
    angles = values[:, 3:].reshape(len(values), -1, 3)
    assert angles.shape[1] == len(turned)
    places = np.zeros((len(values), len(names), 3))
    rotation = [Rotation.identity(len(values))] * len(names)
    for joint, parent in enumerate(parents):
        places[:, joint] = values[:, :3] if parent < 0 else 0
        if parent >= 0:
            places[:, joint] = places[:, parent] + rotation[parent].apply(offsets[joint])
            rotation[joint] = rotation[parent]
        if joint in turned:
            own = Rotation.from_euler("ZXY", angles[:, turned.index(joint)], degrees=True)
            rotation[joint] = rotation[joint] * own
    return names, places, angles, float(seconds.split()[-1])


@pytest.fixture(scope="module")
def poses() -> np.ndarray:
    """Walking, sitting and so on: (A, T, 17, 3), mm, root-relative."""
    settings = Synthetic(n_actions=15, n_cameras=1, train_frames=3, test_frames=80)
    poses = generate(settings)["test"]["joints_2.5d_image"].reshape(-1, 80, 17, 3)
    return poses[::7] - poses[::7, :, :1]


def test_bones_are_constant_and_point_where_they_did(poses):
    # in the order of the file: depth first
    order = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]
    for each in poses:
        _, places, _, seconds = played(bvh(each, 50))
        assert seconds == pytest.approx(0.02)
        truth = each * [1, -1, -1]
        lengths = np.linalg.norm([places[:, order[c]] - places[:, order[p]] for p, c in BONES], axis=-1)
        assert (np.ptp(lengths, axis=1) < 1e-2).all()
        true_lengths = np.linalg.norm([truth[:, c] - truth[:, p] for p, c in BONES], axis=-1)
        np.testing.assert_allclose(lengths[:, 0], np.median(true_lengths, axis=1), atol=1e-2)
        relative = places - places[:, :1]
        error = np.linalg.norm(relative - truth, axis=-1)
        assert error.mean() < 25  # mm: perspective makes the truth's own bones longer and shorter
        for parent, child in BONES:
            if parent in (0, 8):  # these are stiff: hips, and what hangs on the thorax
                continue
            found, wanted = (x[:, child] - x[:, parent] for x in (relative, truth))
            cosine = (
                (found * wanted).sum(-1) / np.linalg.norm(found, axis=-1) / np.linalg.norm(wanted, axis=-1)
            )
            assert cosine.min() > 0.999


def test_joints_have_their_names(poses):
    names, _, _, _ = played(bvh(poses[0], 50))
    assert [name for name in names if name != "Site"] == [
        JOINTS[j].replace(" ", "_") for j in (0, 1, 2, 4, 5, 7, 8, 9, 11, 12, 14, 15)
    ]


def test_the_lower_foot_is_on_the_floor_also_of_who_nears_the_camera(poses):
    for each in poses:
        growing = each * np.linspace(0.5, 1.5, len(each))[:, None, None]
        _, places, _, _ = played(bvh(growing, 50))
        np.testing.assert_allclose(places[:, [3, 6], 1].min(axis=1), 0, atol=0.05)  # mm: of four decimals
        np.testing.assert_array_equal(places[:, 0, [0, 2]], 0)


def test_rotations_have_no_jump(poses):
    for each in poses:
        _, _, angles, _ = played(bvh(each, 50))
        assert np.abs(np.diff(angles, axis=0)).max() < 60


def test_blender_plays_it_the_same(poses, tmp_path):
    """As the format says; centimetres become metres, and z is up. `pip install bpy` brings Blender."""
    bpy = pytest.importorskip("bpy", reason="needs bpy, which is Blender")
    text = bvh(poses[0] / 10, 50)
    (tmp_path / "person.bvh").write_text(text)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_anim.bvh(filepath=str(tmp_path / "person.bvh"), global_scale=0.01, update_scene_fps=True)
    scene, armature = bpy.context.scene, bpy.context.object
    assert scene.render.fps / scene.render.fps_base == pytest.approx(50, rel=1e-4)
    names, places, _, _ = played(text)
    bones = armature.pose.bones
    found = []
    for frame in range(1, len(places) + 1):
        scene.frame_set(frame)
        found.append([tuple(bones[name].head) for name in names if name != "Site"])
    joints = places[:, [name != "Site" for name in names]] / 100
    np.testing.assert_allclose(found, joints[..., [0, 2, 1]] * [1, -1, 1], atol=1e-5)
