"""Data sets in the configuration: the main one, and MPI-INF-3DHP as a further one."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from poselift.config.experiment import Config
from poselift.config.sections import parse
from poselift.errors import PoseliftError

ROOT = Path(__file__).parents[3]


def config(**changes: Any) -> Config:
    """The repository's configuration with some keys changed."""
    return parse(Config, yaml.safe_load((ROOT / "config.yaml").read_text()) | changes, "config.yaml")


def commented_section() -> dict[str, Any]:
    """The section that config.yaml has as a comment."""
    lines = (ROOT / "config.yaml").read_text().splitlines()
    start = lines.index("# further_data:")
    section = []
    for line in lines[start:]:
        if not line.startswith("# "):
            break
        section.append(line.removeprefix("# "))
    return yaml.safe_load("\n".join(section))


def test_who_has_only_the_first_data_set_has_no_other_runs():
    assert config().further_data == {}
    assert list(config().runs_by_folder()) == ["h36m"]


def test_commented_section_is_valid_and_published_numbers_exist():
    settings = config(**commented_section())
    further = settings.further_data["mpi_inf_3dhp"]
    assert (further.n_frames, further.title) == (81, "MPI-INF-3DHP")
    assert (ROOT / further.published).exists()
    run = settings.runs_by_folder()["h36m/mpi_inf_3dhp"]["full-large-s2"]
    assert (run.n_frames, run.dim, run.input_2d) == (81, 128, "detected")


def test_published_recipe():
    run = config(**commented_section()).runs("mpi_inf_3dhp")["baseline-small-s0"]
    recipe = run.training
    assert (recipe.optimizer, recipe.lr, recipe.weight_decay) == ("amsgrad", 5e-4, 0)
    assert (recipe.epochs, recipe.lr_decay, recipe.batch_size) == (90, 0.99, 16)
    # the same losses as on the first data set
    first = config().runs()["baseline-small-s0"].training
    for key in ("n_mpjpe_weight", "velocity_weight", "flip"):
        assert getattr(recipe, key) == getattr(first, key)


def test_own_grid_and_training_without_touching_the_first_data_set():
    own = {"synthetic": {}, "sizes": ["small"], "seeds": [7], "training": {"epochs": 3}}
    settings = config(further_data={"mpi_inf_3dhp": own}, training={"lr": 0.1, "batch_size": 4})
    assert settings.further_data["mpi_inf_3dhp"].title == "synthetic motion in the form of MPI-INF-3DHP"
    runs = settings.runs("mpi_inf_3dhp")
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
        ({"synthetic": {}, "stride": 9}, "further_data.mpi_inf_3dhp.stride: unknown key"),
        ({"synthetic": {}, "dataset": "human36m"}, "dataset: expected mpi_inf_3dhp, found human36m"),
    ],
)
def test_faults_are_named(section, words):
    with pytest.raises(PoseliftError) as error:
        config(further_data={"mpi_inf_3dhp": section})
    assert words in str(error.value)


def test_full_section_needs_two_files():
    settings = config(further_data={"mpi_inf_3dhp": {"train": "a.npz", "test": "b.npz"}})
    assert settings.further_data["mpi_inf_3dhp"].synthetic is None
    assert settings.further_data["mpi_inf_3dhp"].files() == {"train": Path("a.npz"), "test": Path("b.npz")}


def test_main_data_set_may_be_another():
    data = {"dataset": "mpi_inf_3dhp", "synthetic": {"seed": 3}}
    paper = yaml.safe_load((ROOT / "config.yaml").read_text())["paper"] | {"published": None}
    settings = config(data=data, n_frames=27, paper=paper)
    assert settings.data.title == "synthetic motion in the form of MPI-INF-3DHP"
    assert settings.data.synthetic.seed == 3
    run = settings.runs()["baseline-small-s0"]
    assert (run.training.optimizer, run.n_frames) == ("amsgrad", 27)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data": {"dataset": "human35m"}}, "data: unknown data set 'human35m' (did you mean 'human36m'?)"),
        (
            {"further_data": {"mpi_inf": {}}},
            "further_data: unknown data set 'mpi_inf' (did you mean 'mpi_inf_3dhp'?)",
        ),
        ({"data": {"dataset": "human36m", "train": "a"}}, "data.train: unknown key"),
        ({"data": {"synthetic": {"speed": 1}}}, "data.synthetic.speed: unknown key"),
        ({"datasets": {"third": "absent.py"}}, "datasets: absent.py: no such file"),
    ],
)
def test_data_sets_that_are_not_there_are_named(changes, words):
    with pytest.raises(PoseliftError) as error:
        config(**changes)
    assert words in str(error.value)
