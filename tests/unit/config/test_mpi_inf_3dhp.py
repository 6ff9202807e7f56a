"""The section of the second data set."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from poselift.config.experiment import Config
from poselift.config.mpi_inf_3dhp import MPIInf3DHP
from poselift.config.sections import parse
from poselift.errors import PoseliftError

ROOT = Path(__file__).parents[3]


def config(**changes: Any) -> Config:
    """The repository's configuration with some keys changed."""
    return parse(Config, yaml.safe_load((ROOT / "config.yaml").read_text()) | changes, "config.yaml")


def commented_section() -> dict[str, Any]:
    """The section that config.yaml has as a comment."""
    lines = (ROOT / "config.yaml").read_text().splitlines()
    start = lines.index("# mpi_inf_3dhp:")
    section = []
    for line in lines[start:]:
        if not line.startswith("# "):
            break
        section.append(line.removeprefix("# "))
    return yaml.safe_load("\n".join(section))


def test_who_has_only_the_first_data_set_has_no_other_runs():
    assert config().mpi_inf_3dhp is None
    assert config().mpi_inf_3dhp_runs() == {}


def test_commented_section_is_valid_and_published_numbers_exist():
    settings = config(**commented_section())
    assert settings.mpi_inf_3dhp.n_frames == 81
    assert (ROOT / settings.mpi_inf_3dhp.published).exists()
    run = settings.mpi_inf_3dhp_runs()["full-large-s2"]
    assert (run.n_frames, run.dim, run.input_2d) == (81, 128, "detected")


def test_published_recipe():
    run = config(**commented_section()).mpi_inf_3dhp_runs()["baseline-small-s0"]
    recipe = run.training
    assert (recipe.optimizer, recipe.lr, recipe.weight_decay) == ("amsgrad", 5e-4, 0)
    assert (recipe.epochs, recipe.lr_decay, recipe.batch_size) == (90, 0.99, 16)
    # the same losses as on the first data set
    first = config().runs()["baseline-small-s0"].training
    for key in ("n_mpjpe_weight", "velocity_weight", "flip"):
        assert getattr(recipe, key) == getattr(first, key)


def test_own_grid_and_training_without_touching_the_first_data_set():
    own = {"synthetic": {}, "sizes": ["small"], "seeds": [7], "training": {"epochs": 3}}
    settings = config(mpi_inf_3dhp=own, training={"lr": 0.1, "batch_size": 4})
    runs = settings.mpi_inf_3dhp_runs()
    assert list(runs) == ["baseline-small-s7", "mamba_gcn-small-s7", "full-small-s7"]
    recipe = runs["full-small-s7"].training
    assert (recipe.epochs, recipe.lr, recipe.batch_size) == (3, 5e-4, 16)
    assert runs["full-small-s7"].model == settings.runs()["full-small-s0"].model
    assert settings.runs() == config(training={"lr": 0.1, "batch_size": 4}).runs()


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({}, "either train and test (files) or synthetic"),
        ({"train": "a.npz"}, "either train and test (files) or synthetic"),
        ({"train": "a.npz", "synthetic": {}}, "either train and test (files) or synthetic"),
        ({"train": "a.npz", "test": "b.npz", "synthetic": {}}, "either train and test (files) or synthetic"),
        ({"synthetic": {}, "published": "p.yaml"}, "cannot be compared with synthetic data"),
        ({"synthetic": {}, "sizes": ["smal"]}, "unknown size 'smal' (did you mean 'small'?)"),
        ({"synthetic": {}, "stride": 9}, "mpi_inf_3dhp.stride: unknown key"),
    ],
)
def test_faults_are_named(section, words):
    with pytest.raises(PoseliftError) as error:
        config(mpi_inf_3dhp=section)
    assert words in str(error.value)


def test_full_section_needs_two_files():
    files = MPIInf3DHP(train=Path("a.npz"), test=Path("b.npz"))
    assert files.synthetic is None
