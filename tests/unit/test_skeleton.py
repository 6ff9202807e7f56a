"""The skeleton: a tree, and mirror pairs that fit its names."""

import torch

from poselift.geometry import mirror
from poselift.skeleton import BODY, BONES, JOINTS, MIRROR, N_JOINTS, adjacency


def test_bones_are_a_tree_over_all_joints():
    assert len(BONES) == N_JOINTS - 1
    reached = {0}
    for parent, child in BONES:
        assert parent in reached
        reached.add(child)
    assert reached == set(range(N_JOINTS))


def test_mirror_pairs_fit_the_names():
    swap = {"left": "right", "right": "left"}
    for joint, partner in enumerate(MIRROR):
        side, _, rest = JOINTS[joint].partition(" ")
        expected = f"{swap[side]} {rest}" if side in swap else JOINTS[joint]
        assert JOINTS[partner] == expected


def test_the_lower_body_is_the_legs_and_the_upper_all_else_but_the_root():
    parts = {part: {JOINTS[joint] for joint in joints} for part, joints in BODY.items()}
    legs = {f"{side} {joint}" for side in ("left", "right") for joint in ("hip", "knee", "foot")}
    assert parts == {"lower body": legs, "upper body": set(JOINTS) - legs - {"hip"}}


def test_mirror_negates_x_swaps_sides_and_is_its_own_inverse():
    pose = torch.arange(17 * 3, dtype=torch.float64).reshape(17, 3)
    mirrored = mirror(pose)
    assert mirrored[3].tolist() == [-pose[6, 0], pose[6, 1], pose[6, 2]]  # right foot from left foot
    assert mirrored[7].tolist() == [-pose[7, 0], pose[7, 1], pose[7, 2]]
    assert torch.equal(mirror(mirrored), pose)


def test_adjacency_has_both_directions_of_each_bone():
    matrix = adjacency()
    assert matrix.sum() == 32
    assert (matrix == matrix.T).all()
    assert matrix.trace() == 0
    assert matrix[8].nonzero()[0].tolist() == [7, 9, 11, 14]
