"""Which joint becomes which."""

import numpy as np
import pytest

from poselift.inference.layouts import LAYOUTS, sources, to_human36m
from poselift.skeleton import JOINTS

# of Human3.6M's joint by number, the joints that it is the mean of: from the layouts' own documentation
COCO = {
    0: (11, 12), 1: (12,), 2: (14,), 3: (16,), 4: (11,), 5: (13,), 6: (15,), 8: (5, 6), 9: (0,), 10: (1, 2),
    11: (5,), 12: (7,), 13: (9,), 14: (6,), 15: (8,), 16: (10,),
}  # fmt: skip
HALPE = COCO | {0: (19,), 8: (18,), 10: (17,), 7: (18, 19)}
BODY = {
    0: (8,), 1: (9,), 2: (10,), 3: (11,), 4: (12,), 5: (13,), 6: (14,), 7: (1, 8), 8: (1,), 9: (0,),
    10: (15, 16), 11: (5,), 12: (6,), 13: (7,), 14: (2,), 15: (3,), 16: (4,),
}  # fmt: skip


@pytest.mark.parametrize(
    ("layout", "expected"),
    [("human36m", {j: (j,) for j in range(17)}), ("coco", COCO), ("coco-wholebody", COCO), ("halpe26", HALPE),
     ("halpe136", HALPE), ("body25", BODY)],
)  # fmt: skip
def test_joints_are_those_of_the_layout(layout, expected):
    weights = sources(layout)
    for joint, members in expected.items():
        row = np.zeros(len(LAYOUTS[layout]))
        row[list(members)] = 1 / len(members)
        np.testing.assert_array_equal(weights[joint], row, err_msg=JOINTS[joint])


def test_the_spine_of_coco_is_between_the_middles_of_hips_and_shoulders():
    points = np.random.default_rng(0).uniform(0, 1, (1, 17, 3))
    spine = to_human36m(points, "coco")[0, 7]
    np.testing.assert_allclose(spine[:2], points[0, [5, 6, 11, 12], :2].mean(axis=0))
    assert spine[2] == points[0, [5, 6, 11, 12], 2].min()
