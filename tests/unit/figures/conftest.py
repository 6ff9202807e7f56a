"""Made-up tables, runs and examples for the figures; the numbers are invented."""

from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from made_up import LAST, N_FRAMES, Errors, table
from poselift.analysis.runs import Run
from poselift.figures.style import style
from shown import run_settings


@pytest.fixture(autouse=True)
def _styled():
    with style():
        yield
    plt.close("all")


@pytest.fixture
def make_table() -> Callable[[Errors], pd.DataFrame]:
    return table


@pytest.fixture
def results() -> pd.DataFrame:
    """Two sizes of baseline and full with the three seeds of `LAST`."""
    return table(
        {(*model, "", seed): error for model, errors in LAST.items() for seed, error in enumerate(errors)}
    )


def run(architecture: str, size: str, seed: int, epochs: dict[str, list]) -> Run:
    """A run with these lists by epoch."""
    settings = run_settings(architecture, size, seed, len(epochs["mpjpe"]))
    return Run(settings, epochs, {})


@pytest.fixture
def make_run() -> Callable[..., Run]:
    return run


def write_examples(path: Path, n_frames: int = N_FRAMES, mpjpe: tuple[float, float] = (41.25, 98.5)) -> None:
    """Two clips of a figure that bends, and predictions off by 17 mm in x in every joint but the root, in the
    second by 34 mm, and by 17 mm more in each frame."""
    rng = np.random.default_rng(0)
    target = np.tile(rng.normal(0, 300, (2, 1, 17, 3)), (1, n_frames, 1, 1))
    target[..., 16, 1] += np.linspace(0, 200, n_frames)
    target -= target[:, :, :1]
    prediction = target.copy()
    prediction[:, :, 1:, 0] += 17 * (np.arange(1, 3)[:, None, None] + np.arange(n_frames)[:, None])
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
