"""No sentence that a setting makes false: what the text says of settings follows them."""

import inspect
import re
from pathlib import Path

import pytest
import yaml

from poselift.analysis.plan import view_of
from poselift.analysis.runs import Run
from poselift.analysis.view import Grid
from poselift.config.architectures import known
from poselift.config.experiment import Config, Statistics
from poselift.config.run import TrainingSettings
from poselift.config.sections import parse
from poselift.datasets.human36m import Source
from poselift.figures import architecture
from poselift.models.graph import UNPUBLISHED_EDGES
from poselift.models.mamba_gcn_block import HEADS
from poselift.models.ssd import Mamba2
from poselift.paper.result_numbers import below
from poselift.paper.setting_text import (
    of_hyperparameters,
    of_recipes,
    of_settings,
    of_statistics,
    of_tuning,
)
from poselift.skeleton import adjacency

PROJECT = Path(__file__).parents[3]
SECTIONS = "".join(path.read_text() for path in sorted((PROJECT / "paper" / "sections").glob("*.tex")))
USED = set(re.findall(r"\\num\{([^}]+)\}", SECTIONS)) | set(re.findall(r"\\(if\w+)", SECTIONS))
CONFIG = yaml.safe_load((PROJECT / "config.yaml").read_text())


def text(**changed) -> dict[str, str]:
    """What the prose shows of a configuration: config.yaml with these keys."""
    config = parse(Config, CONFIG | changed, "test")
    runs = [Run(settings, {}, {}) for settings in config.runs().values()]
    view = view_of(config)
    said = {
        **below("setup", of_settings(runs, view.grid)),
        **below("model", of_hyperparameters(runs, view)),
        **below("statistics", of_statistics(view)),
        **below("tuning", of_tuning(runs, view)),
        "data.title": view.notice.dataset_title,
        "ifsynthetic": str(view.notice.synthetic),
        "ifhumanthreesixm": str(config.data.dataset == "human36m"),
    }
    for name, its in view.further.items():
        said |= below(name, of_recipes(its.recipes))
    return {key: value for key, value in said.items() if key in USED}


RECIPE = {
    "epochs": 61, "batch_size": 17, "optimizer": "amsgrad", "lr": 1e-3, "weight_decay": 0.5,
    "lr_scheduler": "cosine", "lr_decay": 0.5, "warmup_steps": 1, "precision": "bf16", "deterministic": False,
    "n_mpjpe_weight": 2, "velocity_weight": 3, "flip": 0, "eval_every": 2,
}  # fmt: skip
DATA = {
    "dataset": {"title": CONFIG["data"]["title"], "dataset": "mpi_inf_3dhp", "train": "a", "test": "b"},
    "title": {**CONFIG["data"], "title": "Another"},
    "synthetic": {"title": CONFIG["data"]["title"], "synthetic": {}},
}
STATISTICS = {
    "primary": "p_mpjpe",
    "families": ["ablation"],
    "resamples": 100,
    "confidence": 0.9,
    "equivalence_margin": 1,
}
SAYS_NOTHING = {
    "gradient_accumulation_steps", "processes", "compile", "kernels",  # how the same batch is computed
    "raw", "sha256", "expected_clips",  # which file, which the provenance names
    "seed",  # of the resampling: other intervals, within the noise of the resampling
}  # fmt: skip
"""Keys of which no sentence speaks."""


@pytest.mark.parametrize(("section", "changes"), [
    (TrainingSettings, {key: {"training": {key: value}} for key, value in RECIPE.items()}),
    (Statistics, {key: {"statistics": {key: value}} for key, value in STATISTICS.items()}),
    (Source, {key: {"data": value} for key, value in DATA.items()}),
])  # fmt: skip
def test_each_key_changes_the_text(section, changes):
    assert {*changes, *SAYS_NOTHING} >= set(section.model_fields)
    assert not SAYS_NOTHING & set(changes)
    paper = CONFIG["paper"] | {"published": None}  # which synthetic data cannot be compared with
    usual = text(paper=paper)
    for key, changed in changes.items():
        assert text(paper=paper, **changed) != usual, key


def test_each_key_of_the_grid_changes_the_text():
    usual = text()
    grid = CONFIG["experiment"]
    changes = {"architectures": ["baseline", "full"], "sizes": ["base"], "seeds": [1], "more_seeds": {}}
    for key, value in changes.items():
        assert text(experiment=grid | {key: value}) != usual, key
    assert text(n_frames=81) != usual
    assert usual["model.dim_rep.described"] == " to 512 channels"
    assert text(models={"baseline": {"dim_rep": 32}})["model.dim_rep.described"] == " to 32 to 512 channels"


MODELS = {
    "spatial_graph": "symmetric", "temporal_graph": "chain", "without_branch": "graph", "dim_rep": 32,
    "mamba_gcn_dim": 128, "fusion_alpha": 0.4, "gcn_dropout": 0.2, "ssm_backend": "torch",
    "mamba_gcn_parts": "ssm", "mamba_gcn_fusion": "fixed", "ssm_directions": "forward", "mamba_gcn_layers": 2,
    "mixer": "attention", "ssm_state": 16, "placement": "last",
}  # fmt: skip
ARCHITECTURES = known(CONFIG["architectures"])


def text_of_models(architectures: list[str], models: dict[str, dict]) -> dict[str, str]:
    """What the prose shows of a grid of these architectures, with other `models` than in config.yaml."""
    grid = CONFIG["experiment"] | {"architectures": architectures}
    return text(experiment=grid, models=models, ablation=[], search={})


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_each_key_of_a_model_changes_the_text(name):
    architectures = ["baseline", name] if name != "baseline" else [name]
    usual = text_of_models(architectures, {})
    assert usual["model.not_default"] == usual["model.not_default.described"] == ""
    for key in ARCHITECTURES[name].settings.model_fields:
        changed = text_of_models(architectures, {name: {key: MODELS[key]}})
        said = changed["model.not_default.described"]
        assert f"({MODELS[key]} in place of " in said, key
        assert said.endswith(f": {ARCHITECTURES[name].card.label})."), key
        assert changed["model.not_default"].startswith("Some settings"), key


def test_settings_that_are_not_the_default_ones_are_told_once_with_the_models_that_have_them():
    models = {"baseline": {"dim_rep": 32}, "full": {"ssm_directions": "forward", "dim_rep": 32}}
    assert text_of_models(["baseline", "mamba_gcn", "full"], models)["model.not_default.described"] == (
        "Other settings in this study: channels per joint between the last block and the output (32 in place "
        "of 512: Baseline and Full); directions the SSM reads in (forward in place of both: Full)."
    )


def test_sizes_are_described_by_their_blocks_and_channels():
    sizes = {"one": {"depth": 1, "dim": 16}, "two": {"depth": 2, "dim": 24}}
    said = text(sizes=sizes, experiment=CONFIG["experiment"] | {"sizes": ["two", "one"], "more_seeds": {}},
                ablation=[], ground_truth_2d=None, search={}, further_data={},
                paper=CONFIG["paper"] | {"per_action_size": "one"})  # fmt: skip
    assert said["setup.sizes_described"] == ("two (2 blocks of 24 channels) and one (1 block of 16 channels)")


def test_sizes_with_more_seeds_are_named():
    of = {"seeds": [0, 1, 2], "sizes": ["small", "base", "large"]}
    more = [{}, {"base": [3, 4]}, {"base": [0], "small": [3], "large": [3, 4, 5]}]
    said = [text(experiment=CONFIG["experiment"] | of | {"more_seeds": each}) for each in more]
    assert [each["setup.seeds.counted"] for each in said] == [
        "3 seeds", "3 seeds (5 at size base)", "3 seeds (4 at size small and 6 at size large)",
    ]  # fmt: skip
    grid = Grid(("full",), ("small", "base"), (0, 1, 2), more_seeds={"base": (3, 4)})
    assert of_settings([], grid)["seeds"] == "3 to 5"
    of_no_model = Grid(("full",), ("small",), (0, 1, 2), more_seeds={"base": (3, 4)})
    assert of_settings([], of_no_model)["seeds.counted"] == "3 seeds"


def test_models_with_recipes_of_their_own_are_said_to_have_them():
    assert text()["setup.recipes.counted"] == "one recipe"
    assert text()["setup.recipes.differ"] == ""
    guide = text(recipe="guide")
    assert guide["setup.recipes.counted"] != "one recipe"
    assert guide["setup.recipes.differ"] == "Models differ in their recipe, in: epochs and batch size."
    unlike = {"lr_scheduler": "constant", "warmup_steps": 9, "deterministic": False}
    own = text(overrides=[{"sizes": ["large"], "training": unlike}])
    assert own["setup.recipes.counted"] == "2 recipes"
    assert own["setup.schedule.described"] == "is multiplied by 0.99 after each epoch, or stays the same"
    assert own["setup.warmup.described"] == "there is no warm-up, or it rises linearly in the first 9 steps"
    assert own["setup.repeats.described"].startswith("repeats up to the order")  # of all only what each does


def test_a_further_data_set_has_a_recipe_of_its_own():
    def said(**training) -> list[str]:
        data = {"train": "a", "test": "b", "training": training}
        of = text(further_data={"mpi_inf_3dhp": data})
        assert of["setup.optimizer.described"].startswith("AdamW")
        return [
            of[f"mpi_inf_3dhp.{key}"] for key in ("optimizer.described", "epochs.counted", "weight_decay")
        ]

    assert said() == ["Adam with AMSGrad and an L2 penalty", "90 epochs", "0"]  # MotionAGFormer's for it
    assert said(epochs=7, weight_decay=0.2) == ["Adam with AMSGrad and an L2 penalty", "7 epochs", "0.2"]


def test_what_was_tuned_for_whom_is_said():
    assert text()["tuning.described"] == "Nothing was tuned for any of these models."
    assert text()["tuning.limit"].startswith("The recipe is the one published for the baseline;")
    assert text(training={"lr": 1e-3})["tuning.limit"].startswith("The recipe is not chosen by a search;")
    some = text(overrides=[{"sizes": ["large"], "training": {"lr": 1e-3}}])
    assert some["tuning.limit"].startswith("The recipe is not chosen by a search;")
    of = {"keys": ["lr", "weight_decay"], "trials": 45, "size": "base", "seeds": 3, "subject": "S8"}
    all_alike = text(search={"tuned": dict.fromkeys(("baseline", "mamba_gcn", "full"), of)})
    assert all_alike["tuning.described"] == (
        "Baseline, MambaGCN and Full each have lr and weight decay tuned by 45 trials at size base; the "
        "winner has the lowest error on training subject S8 after the last epoch, the mean of 3 seeds."
    )
    assert all_alike["tuning.limit"].startswith("All models were tuned with the same budget")
    for words in ("recipe was made for", "fair to the recipe"):  # of models that were tuned, false
        assert words not in " ".join(SECTIONS.split()) + all_alike["tuning.limit"]
    unlike = text(search={"tuned": {"mamba_gcn": of, "full": of | {"trials": 81, "seeds": 1}}})
    assert "Full has lr and weight decay tuned by 81 trials at size base" in unlike["tuning.described"]
    assert unlike["tuning.described"].endswith(" Nothing was tuned for Baseline.")
    assert unlike["tuning.limit"].startswith("The models were not tuned alike")
    one = text(search={"tuned": {"full": of}})
    assert one["tuning.limit"] == unlike["tuning.limit"]


def test_words_of_the_text_for_what_the_code_fixes():
    layer = inspect.signature(Mamba2).parameters
    assert (layer["d_state"].default, layer["d_conv"].default, HEADS) == (32, 4, 8)
    for words in ("thirty-two numbers", "convolution over four frames", "Eight\nheads"):
        assert words in SECTIONS
    assert "lacks three of its thirty-two directed edges" in SECTIONS
    assert (len(UNPUBLISHED_EDGES), adjacency().sum()) == (3, 32)


def test_the_method_describes_the_default_settings():
    usual = ARCHITECTURES["full"].settings()
    words = {
        "spatial_graph": ("published", "the edges of the skeleton in published code"),
        "temporal_graph": ("similarity", "links each frame of a joint to those most similar"),
        "without_branch": ("none", "three branches, attention, graph and MambaGCN"),
        "mamba_gcn_parts": ("ssm+gcn", "y = a\\odot y_\\mathrm{ssm} + (1-a)\\odot y_\\mathrm{gcn}"),
        "mamba_gcn_fusion": ("learned", "a=\\sigma(\\theta)"),
        "ssm_directions": ("both", "One layer reads the frames forwards, a second one backwards"),
    }
    for key, (value, said) in words.items():
        assert (getattr(usual, key), said in SECTIONS) == (value, True), key
    assert "what follows and the figure describe their default settings" in SECTIONS
    assert "in their default settings" in architecture.CAPTION


def test_a_comparison_that_is_not_tested_is_not_counted():
    """A test needs two seeds that both models have."""
    entries = [
        {"name": name, "architecture": "full", "size": "base", "seeds": seeds, "training": {"lr": lr}}
        for name, seeds, lr in (("both", [0, 1], 0.1), ("one", [0], 0.2))
    ]
    said = text(ablation=entries, ground_truth_2d=None)["statistics.families.described"]
    assert said.endswith("and the 1 comparison of the ablation with the unchanged model")
    more = CONFIG["experiment"] | {"more_seeds": {"large": [7]}}
    against = entries[1] | {"name": "against", "seeds": [0, 7], "against": ["baseline", "large"]}
    said = text(experiment=more, ablation=[*entries, against])["statistics.families.described"]
    assert "and the 2 comparisons of the ablation" in said.replace(",", " and")
    grid = {"architectures": ["baseline", "full"], "sizes": ["base"], "seeds": [0]}
    said = text(experiment=grid | {"more_seeds": {"base": [1]}}, ablation=[], ground_truth_2d=None)
    assert said["statistics.families.described"].startswith("the 1 comparison between architectures")
    said = text(experiment=grid, ablation=entries[1:2], ground_truth_2d=None)
    assert said["statistics.families.described"] == "no family"
