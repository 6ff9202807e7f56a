"""Made-up tables, runs and examples for the figures; the numbers are invented."""

from collections.abc import Callable, Mapping
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from poselift.analysis.results import COLUMNS
from poselift.analysis.runs import Run
from poselift.figures.style import style
from poselift.skeleton import JOINTS
from shown import run_settings

ACTIONS = {"Walking": 0.8, "Sitting": 1.2}
"""What share of the overall error each action has."""

N_FRAMES = 11  # with two digits, so that the order of places as text is another

Errors = Mapping[tuple[str, str, str, int], float]
"""MPJPE by architecture, size, variant and seed."""


@pytest.fixture(autouse=True)
def _styled():
    with style():
        yield
    plt.close("all")


def _rows(mpjpe: float) -> list[tuple[str, str, str, float]]:
    rows = [("mpjpe", "all", "", mpjpe), ("p_mpjpe", "all", "", 0.8 * mpjpe)]
    for action, share in ACTIONS.items():
        rows.append(("mpjpe", "action", action, share * mpjpe))
        for recording in (1, 2, 3):
            name = f"{action}/s_09_act_02_subact_0{recording}_ca_01.54138969"
            rows.append(("mpjpe", "sequence", name, share * mpjpe + recording - 2))
            rows.append(("frames", "sequence", name, 100.0))
    rows += [("mpjpe", "joint", joint, mpjpe * 2 * j / 16) for j, joint in enumerate(JOINTS)]
    rows += [("mpjpe", "place", str(t), mpjpe + abs(t - 5)) for t in range(N_FRAMES)]
    return rows


def table(errors: Errors) -> pd.DataFrame:
    """The table of results of some runs, the best epoch 1 mm below the last."""
    rows = [
        (
            "human36m",
            "-".join(filter(None, (architecture, size, variant, f"s{seed}"))),
            *(architecture, size, variant, "detected", N_FRAMES, seed, checkpoint),
            *row,
        )
        for (architecture, size, variant, seed), mpjpe in errors.items()
        for checkpoint, error in (("last", mpjpe), ("best", mpjpe - 1))
        for row in _rows(error)
    ]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"seed": "Int64"})


@pytest.fixture
def make_table() -> Callable[[Errors], pd.DataFrame]:
    return table


@pytest.fixture
def results() -> pd.DataFrame:
    """Two sizes of baseline and full with three seeds: 40, 41, 42 and, for full, 2 mm less."""
    return table(
        {
            (name, size, "", seed): level + seed
            for name, level in (("baseline", 40.0), ("full", 38.0))
            for size in ("xsmall", "base")
            for seed in (0, 1, 2)
        }
    )


def run(architecture: str, size: str, seed: int, epochs: dict[str, list]) -> Run:
    """A run with these lists by epoch."""
    settings = run_settings(architecture, size, seed, len(epochs["mpjpe"]))
    return Run(settings, epochs, {})


@pytest.fixture
def make_run() -> Callable[..., Run]:
    return run


def write_examples(path: Path, n_frames: int = 11, mpjpe: tuple[float, float] = (41.25, 98.5)) -> None:
    """Two clips of a figure that bends, and predictions off by 10 mm in x in every joint but the root."""
    rng = np.random.default_rng(0)
    target = np.tile(rng.normal(0, 300, (2, 1, 17, 3)), (1, n_frames, 1, 1))
    target[..., 16, 1] += np.linspace(0, 200, n_frames)
    target -= target[:, :, :1]
    prediction = target + np.array([10, 0, 0])
    prediction[:, :, 0] = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        rule="the clips of median and of highest MPJPE",
        clip_kind=["median", "worst"],
        sequence=["s_09_act_02_subact_01_ca_01.54138969"] * 2,
        action=["Walking", "SittingDown"],
        mpjpe=list(mpjpe),
        width=np.array([1000, 1000], dtype=np.int32),
        height=np.array([1002, 1000], dtype=np.int32),
        frame=np.tile(np.arange(n_frames), (2, 1)),
        input_2d=(target[..., :2] * 0.25 + 500).astype(np.float32),
        prediction=prediction.astype(np.float32),
        target=target.astype(np.float32),
    )


@pytest.fixture
def make_examples() -> Callable[..., None]:
    return write_examples


def texts(figure: Figure) -> list[str]:
    """Every line of text in the figure."""
    return [line for text in figure.findobj(Text) for line in text.get_text().splitlines() if line]


@pytest.fixture
def words() -> Callable[[Figure], list[str]]:
    return texts
