"""A made-up table of results in which no two numbers are equal that could be taken for one another.

Seeds are not evenly spaced, the best epoch lies below the last by another amount for each run, and actions,
joints and places in the clip differ from model to model or are not symmetric.
"""

from collections.abc import Mapping

import pandas as pd

from poselift.analysis.results import COLUMNS
from poselift.skeleton import JOINTS

ACTIONS = {
    "Walking": {"baseline": 0.8, "full": 0.9},
    "Sitting": {"baseline": 1.2, "full": 0.85},
    "Eating": {"baseline": 1.1, "full": 1.3},
}
"""What share of the overall error each action has: the order of all models is that of neither."""

N_FRAMES = 11  # with two digits, so that the order of places as text is another

Errors = Mapping[tuple[str, str, str, int], float]
"""MPJPE by architecture, size, variant and seed."""


def place_error(mpjpe: float, place: int) -> float:
    """The error at a place in the clip: higher at its ends, most at the last frame."""
    return mpjpe + abs(place - 5) + 0.25 * place


def joint_share(joint: int) -> float:
    """What share of the overall error a joint has: none for the root, 1.5 for the last; not in steps."""
    return 1.5 * (joint / 16) ** 2


def aligned(mpjpe: float) -> float:
    """The P-MPJPE beside an MPJPE."""
    return 0.8 * mpjpe - 1


def _rows(architecture: str, mpjpe: float) -> list[tuple[str, str, str, float]]:
    errors = {("all", ""): mpjpe}
    for action, share in ACTIONS.items():
        errors["action", action] = share.get(architecture, 1.0) * mpjpe
        for recording, change in ((1, -2.0), (2, 0.5), (3, 4.0)):
            name = f"{action}/s_09_act_02_subact_0{recording}_ca_01.54138969"
            errors["sequence", name] = errors["action", action] + change
    errors |= {("joint", joint): mpjpe * joint_share(j) for j, joint in enumerate(JOINTS)}
    rows = [("mpjpe", *of, error) for of, error in errors.items()]
    rows += [("p_mpjpe", *of, aligned(error)) for of, error in errors.items()]
    rows += [("frames", *of, 100.0 * int(of[1][-16])) for of in errors if of[0] == "sequence"]
    return rows + [("mpjpe", "place", str(t), place_error(mpjpe, t)) for t in range(N_FRAMES)]


def best_epoch(architecture: str, variant: str, seed: int, last: float) -> float:
    """The error of the best epoch: below the last by an amount that is another for each run."""
    return last - 1 - 3 * (architecture == "full") - 0.5 * len(variant) - 0.3 * seed


def table(errors: Errors) -> pd.DataFrame:
    """The table of results of some runs, by their errors after the last epoch."""
    rows = [
        (
            "human36m",
            "-".join(filter(None, (architecture, size, variant, f"s{seed}"))),
            *(architecture, size, variant, "detected", N_FRAMES, seed, checkpoint),
            *row,
        )
        for (architecture, size, variant, seed), last in errors.items()
        for checkpoint, error in (("last", last), ("best", best_epoch(architecture, variant, seed, last)))
        for row in _rows(architecture, error)
    ]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"seed": "Int64"})


LAST = {
    ("baseline", "base"): (40.0, 41.0, 45.0),
    ("full", "base"): (38.0, 38.5, 42.0),
    ("baseline", "xsmall"): (50.0, 53.0, 56.5),
    ("full", "xsmall"): (47.0, 46.0, 52.5),
}
"""The errors of `results` by architecture and size: three seeds that are not evenly spaced."""
