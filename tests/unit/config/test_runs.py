"""What each run of a configuration is told: every key that says something says it to the right runs.

All numbers differ, so that no setting can stand in for another one unseen.
"""

import re
from pathlib import Path
from typing import Any

import pytest

from poselift.config.architectures import find
from poselift.config.experiment import Config
from poselift.config.files import read_configuration
from poselift.config.recipes import recipe
from poselift.config.run import TrainingSettings
from poselift.config.sections import parse
from poselift.errors import PoseliftError

REPOSITORY = Path(__file__).parents[3]

CONTENT: dict[str, Any] = {
    "dataset": "trial",
    "data": {"title": "Trial", "synthetic": {}},
    "n_frames": 81,
    "sizes": {"tiny": {"depth": 2, "dim": 16}, "base": {"depth": 3, "dim": 24}},
    "models": {"full": {"fusion_alpha": 0.4, "gcn_dropout": 0.2}},
    "training": {"lr": 1e-3, "epochs": 11},
    "experiment": {"architectures": ["baseline", "full"], "sizes": ["tiny", "base"], "seeds": [3, 4]},
    "paper": {"title": "T", "authors": ["A"], "per_action_size": "tiny"},
}


def config(**changes: Any) -> Config:
    return parse(Config, CONTENT | changes, "config.yaml")


def of(runs: Any, *keys: str) -> list[Any]:
    """Values of a run's training."""
    return [getattr(runs.training, key) for key in keys]


def test_a_run_of_the_grid_has_the_keys_of_the_configuration():
    runs = config().runs()
    assert list(runs) == [
        "baseline-tiny-s3", "baseline-tiny-s4", "baseline-base-s3", "baseline-base-s4",
        "full-tiny-s3", "full-tiny-s4", "full-base-s3", "full-base-s4",
    ]  # fmt: skip
    run = runs["full-base-s4"]
    assert (run.architecture, run.size, run.variant, run.seed, run.n_frames) == ("full", "base", None, 4, 81)
    assert (run.depth, run.dim) == (3, 24)  # the configuration's `base`, not the published one
    assert (run.model.fusion_alpha, run.model.gcn_dropout, run.model.mamba_gcn_dim) == (0.4, 0.2, 256)
    assert (run.input_2d, run.validation_subject, run.init_from) == ("detected", None, None)
    assert run.training == TrainingSettings(lr=1e-3, epochs=11)


def test_of_two_overrides_the_last_wins_key_by_key():
    settings = config(
        recipe="guide",
        overrides=[
            {"recipe": "guide", "n_frames": 27, "training": {"lr": 2e-3, "flip": 0.1}},
            {"recipe": "published", "n_frames": 9, "training": {"lr": 3e-3, "weight_decay": 0.3}},
            {"sizes": ["base"], "training": {"epochs": 60}},  # the default's value, said
        ],
    )
    tiny, base = (settings.runs()[f"baseline-{size}-s3"] for size in ("tiny", "base"))
    assert of(tiny, "lr", "flip", "weight_decay", "epochs", "batch_size") == [3e-3, 0.1, 0.3, 11, 16]
    assert of(base, "lr", "flip", "weight_decay", "epochs", "batch_size") == [3e-3, 0.1, 0.3, 60, 16]
    assert tiny.n_frames == base.n_frames == 9


def test_overrides_are_for_the_models_that_they_name():
    settings = config(
        overrides=[
            {"architectures": ["full"], "sizes": ["base"], "training": {"lr": 2e-3}},
            {"architectures": ["full"], "training": {"flip": 0.1}},
            {"sizes": ["base"], "recipe": "guide"},
        ]
    )
    found = {
        name: of(run, "lr", "flip", "batch_size") for name, run in settings.runs().items() if run.seed == 3
    }
    assert found == {
        "baseline-tiny-s3": [1e-3, 0.5, 16], "baseline-base-s3": [1e-3, 0.5, 64],
        "full-tiny-s3": [1e-3, 0.1, 16], "full-base-s3": [2e-3, 0.1, 48],
    }  # fmt: skip


@pytest.mark.parametrize("key", ["ablation", "experiments"])
def test_a_variant_changes_what_it_says_and_nothing_else(key):
    entry = {
        "name": "odd", "architecture": "full", "size": "base", "seeds": [4, 3], "n_frames": 27,
        "input_2d": "ground_truth", "model": {"gcn_dropout": 0.3}, "training": {"lr": 5e-3},
    }  # fmt: skip
    settings = config(
        overrides=[{"n_frames": 9, "training": {"lr": 2e-3, "flip": 0.1}}],
        **{key: [entry, {"name": "plain", "architecture": "baseline", "size": "tiny"}]},
    )
    runs = settings.variant_runs(getattr(settings, key))
    assert list(runs) == [
        "full-base-odd-s4", "full-base-odd-s3", "baseline-tiny-plain-s3", "baseline-tiny-plain-s4",
    ]  # fmt: skip
    run, grid = runs["full-base-odd-s3"], settings.runs()["full-base-s4"]
    assert (run.seed, run.variant, run.n_frames, run.input_2d) == (3, "odd", 27, "ground_truth")
    # beside the configuration's own 0.4
    assert (run.model.fusion_alpha, run.model.gcn_dropout) == (0.4, 0.3)
    assert of(run, "lr", "flip", "epochs") == [5e-3, 0.1, 11]
    changed = {"lr": 5e-3}
    assert run.training == grid.training.model_copy(update=changed)
    assert runs["baseline-tiny-plain-s4"].training == settings.runs()["baseline-tiny-s4"].training
    assert settings.all_runs().keys() == settings.runs().keys() | runs.keys()


def test_runs_on_ground_truth_are_those_it_names():
    wanted = {"architectures": ["full"], "sizes": ["base"], "seeds": [8]}
    (run,) = config(ground_truth_2d=wanted).ground_truth_runs().values()
    assert (run.name, run.seed, run.input_2d) == ("full-base-gt2d-s8", 8, "ground_truth")
    assert run.training == config().runs()["full-base-s3"].training
    every = config(ground_truth_2d={"sizes": ["tiny"]})
    assert list(every.ground_truth_runs()) == [
        "baseline-tiny-gt2d-s3", "baseline-tiny-gt2d-s4", "full-tiny-gt2d-s3", "full-tiny-gt2d-s4",
    ]  # fmt: skip
    assert every.all_runs().keys() == every.runs().keys() | every.ground_truth_runs().keys()
    assert config().ground_truth_runs() == {}


def test_a_smaller_experiment_leaves_out_what_is_not_of_it():
    entries = [
        {"name": name, "architecture": architecture, "size": size}
        for name, architecture, size in (
            ("a", "full", "base"),
            ("b", "baseline", "tiny"),
            ("c", "baseline", "base"),
            ("d", "full", "tiny"),
        )
    ]
    entries += [entries[0] | {"name": "e", "against": ["baseline", "tiny"]}]
    entries += [entries[1] | {"name": "f", "against": ["full", "base"]}]
    given = {"ablation": entries, "ground_truth_2d": {"sizes": ["tiny", "base"], "seeds": [8]}}
    grid = {"architectures": ["baseline", "mamba_gcn"], "sizes": ["tiny"], "seeds": [3]}
    small = config(**given, experiment=grid).in_experiment()
    assert [variant.name for variant in small.ablation] == ["b", "e"]  # what they are compared with is there
    assert list(small.ground_truth_runs()) == ["baseline-tiny-gt2d-s8", "mamba_gcn-tiny-gt2d-s8"]
    assert config(**given).in_experiment() == config(**given)
    none = config(**given | {"ground_truth_2d": {"sizes": ["base"]}}, experiment=grid).in_experiment()
    assert none.ground_truth_2d is None


def test_further_data_have_a_grid_and_a_training_of_their_own():
    own = {"synthetic": {}, "n_frames": 27, "architectures": ["full"], "sizes": ["base"], "seeds": [8]}
    settings = config(recipe="guide", further_data={"mpi_inf_3dhp": own | {"training": {"lr": 5e-3}}})
    (run,) = settings.runs("mpi_inf_3dhp").values()
    assert (run.name, run.n_frames, run.depth) == ("full-base-s8", 27, 3)
    assert run.model.fusion_alpha == 0.4
    assert of(run, "lr", "epochs", "optimizer", "batch_size") == [5e-3, 90, "amsgrad", 16]
    assert of(settings.runs()["full-base-s3"], "optimizer", "batch_size") == ["adamw", 48]
    # without a number of frames the data set's own
    plain = config(n_frames=27, further_data={"mpi_inf_3dhp": {"synthetic": {}}})
    assert {run.n_frames for run in plain.runs("mpi_inf_3dhp").values()} == {81}


def test_the_recipe_of_the_configuration_is_for_the_main_data_alone():
    settings = config(
        data={"dataset": "mpi_inf_3dhp", "synthetic": {}},
        recipe="guide",
        overrides=[{"recipe": "guide", "training": {"flip": 0.1}}],
        further_data={"human36m": {"synthetic": {}}},
    )
    further = settings.runs("human36m")["full-base-s3"]
    assert (further.training, further.n_frames) == (TrainingSettings(), 243)
    # which its data set's own recipe replaces
    assert of(settings.runs()["full-base-s3"], "optimizer", "batch_size", "flip") == ["amsgrad", 16, 0.1]


def test_the_published_recipe_is_motionagformers():
    assert recipe("published", find("full"), "large").model_dump() == {
        "epochs": 60, "batch_size": 16, "gradient_accumulation_steps": 1, "processes": 1,
        "optimizer": "adamw", "lr": 5e-4, "weight_decay": 0.01, "lr_scheduler": "exponential",
        "lr_decay": 0.99, "warmup_steps": 0, "precision": "fp32", "kernels": "auto",
        "compile": False, "deterministic": True, "n_mpjpe_weight": 0.5,
        "velocity_weight": 20.0, "flip": 0.5, "eval_every": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("architecture", "size", "batch_size", "epochs"),
    [
        ("baseline", "xsmall", 64, 200), ("mamba_gcn", "base", 64, 200), ("full", "base", 48, 200),
        ("full", "small", 48, 200), ("baseline", "large", 32, 300), ("full", "large", 32, 300),
    ],
)  # fmt: skip
def test_the_guide_recipe(architecture, size, batch_size, epochs):
    changes = {"lr": 1e-4, "weight_decay": 1e-4, "batch_size": batch_size, "epochs": epochs}
    found = recipe("guide", find(architecture), size)
    assert found == TrainingSettings().model_copy(update=changes)


def test_the_fast_recipe():
    changes = {"precision": "bf16", "compile": True, "deterministic": False}
    assert recipe("fast", find("full"), "large") == TrainingSettings().model_copy(update=changes)


def test_the_experiment_that_compares_the_fast_recipe_changes_all_of_it_but_the_compiler():
    files = ["config.yaml", "tests/benchmarks/fast.yaml"]
    experiment = read_configuration([REPOSITORY / file for file in files])
    assert {entry.architecture for entry in experiment.ablation} == {"baseline", "mamba_gcn", "full"}
    fast = recipe("fast", find("full"), "nano").model_copy(update={"compile": False})
    assert all(entry.training == fast for entry in experiment.ablation)


def test_published_sizes():
    sizes = ["xsmall", "small", "base", "large", "tiny"]
    published = config(
        sizes={"tiny": {"depth": 2, "dim": 16}},
        experiment={"architectures": ["full"], "sizes": sizes, "seeds": [0]},
    )
    assert [(run.size, run.depth, run.dim) for run in published.runs().values()] == [
        ("xsmall", 12, 64), ("small", 26, 64), ("base", 16, 128), ("large", 26, 128), ("tiny", 2, 16),
    ]  # fmt: skip


def test_how_differences_are_judged_unless_the_configuration_says_otherwise():
    judged = config().statistics
    assert (judged.resamples, judged.confidence, judged.seed) == (10_000, 0.95, 0)


def test_some_sizes_have_more_seeds_in_the_grid_alone():
    experiment = CONTENT["experiment"] | {"more_seeds": {"base": [4, 7], "large": [9]}}
    settings = config(
        experiment=experiment,
        ground_truth_2d={"sizes": ["base"]},
        ablation=[{"name": "thin", "architecture": "full", "size": "base"}],
        further_data={"mpi_inf_3dhp": {"synthetic": {}, "sizes": ["base"]}},
    )
    seeds: dict[str, list[int]] = {}
    for run in settings.runs().values():
        seeds.setdefault(run.size, []).append(run.seed)
    assert seeds == {"tiny": [3, 4] * 2, "base": [3, 4, 7] * 2}  # large is not in the experiment
    others = [
        settings.ground_truth_runs(),
        settings.variant_runs(settings.ablation),
        settings.runs("mpi_inf_3dhp"),
    ]
    assert [{run.seed for run in runs.values()} for runs in others] == [{3, 4}] * 3


AGAINST = {"name": "a", "architecture": "full", "size": "base", "against": ["full", "base"]}
CONTROL = AGAINST | {"name": "mlp", "architecture": "control", "model": {"mixer": "mlp"}}
OWN = {"control": "poselift.models.controls.mixer"}


def test_a_control_is_trained_like_what_it_is_compared_with():
    settings = config(
        architectures=OWN,
        sizes=CONTENT["sizes"] | {"wide": {"depth": 1, "dim": 32}},
        models={
            "full": {"fusion_alpha": 0.4, "gcn_dropout": 0.2},
            "control": {"gcn_dropout": 0.1},  # the default, said
            "baseline": {"spatial_graph": "symmetric"},
        },
        overrides=[
            {"architectures": ["full"], "training": {"lr": 2e-3}},
            {"architectures": ["baseline"], "sizes": ["base"], "training": {"lr": 3e-3}},
        ],
        ablation=[
            CONTROL,
            CONTROL | {"name": "other", "model": {"fusion_alpha": 0.6}},
            {"name": "wider", "architecture": "baseline", "size": "wide", "against": ["full", "base"]},
        ],
    )
    runs = settings.variant_runs(settings.ablation)
    mlp, other = runs["control-base-mlp-s3"], runs["control-base-other-s3"]
    wider = runs["baseline-wide-wider-s3"]
    assert (mlp.model.fusion_alpha, mlp.model.mixer, mlp.training.lr) == (0.4, "mlp", 2e-3)
    assert mlp.model.gcn_dropout == 0.1
    assert other.model.fusion_alpha == 0.6
    assert (wider.depth, wider.training.lr, wider.model.spatial_graph) == (1, 3e-3, "symmetric")
    assert settings.runs()["full-base-s3"].training.lr == 2e-3
    assert {card.label for card in settings.cards().values()} == {"Baseline", "Full", "Full, other mixer"}


def test_a_control_has_the_recipe_of_what_it_is_compared_with():
    """By `guide` full models have smaller batches than others, and large ones are trained for longer."""
    settings = config(
        recipe="guide",
        training={},
        architectures=OWN,
        sizes={"base": {"depth": 3, "dim": 24}, "wide": {"depth": 1, "dim": 32}},
        experiment=CONTENT["experiment"] | {"sizes": ["base", "large"]},
        paper=CONTENT["paper"] | {"per_action_size": "base"},
        ablation=[
            CONTROL,
            {"name": "wider", "architecture": "baseline", "size": "wide", "against": ["full", "large"]},
        ],
    )
    runs = settings.variant_runs(settings.ablation)
    assert of(runs["control-base-mlp-s3"], "batch_size", "epochs") == [48, 200]
    assert of(runs["baseline-wide-wider-s3"], "batch_size", "epochs") == [32, 300]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ablation": [CONTROL]}, "config.yaml: ablation.mlp.architecture: unknown architecture 'control'"),
        (
            {"ablation": [AGAINST | {"against": ["ful", "base"]}]},
            "config.yaml: ablation.a.against: unknown architecture 'ful' (did you mean 'full'?)",
        ),
        (
            {"ablation": [AGAINST | {"against": ["full", "huge"]}]},
            "config.yaml: ablation.a.against: unknown size 'huge'",
        ),
        (
            {"experiment": CONTENT["experiment"] | {"more_seeds": {"bas": [5]}}},
            "config.yaml: experiment.more_seeds: unknown size 'bas' (did you mean 'base'?)",
        ),
        (
            {"experiments": [AGAINST]},
            "config.yaml: experiments.a.against: unknown key",
        ),
    ],
)
def test_what_a_control_or_a_seed_names_is_there(changes: dict[str, Any], expected: str):
    with pytest.raises(PoseliftError) as error:
        config(**changes)
    assert str(error.value).startswith(expected)
    assert "\n" not in str(error.value)


def test_entries_that_change_nothing_of_the_grid_are_doubted():
    model = {"architecture": "full", "size": "tiny"}
    settings = config(
        sizes=CONTENT["sizes"] | {"thin": {"depth": 2, "dim": 16}},
        ablation=[
            {"name": "same", **model, "model": {"fusion_alpha": 0.4}, "training": {"epochs": 11}},
            {"name": "blend", **model, "model": {"fusion_alpha": 0.5}},
            {"name": "mine", **model, "input_2d": "ground_truth"},
            {"name": "other", "architecture": "full", "size": "thin", "against": ["full", "tiny"]},
        ],
        experiments=[{"name": "again", "architecture": "baseline", "size": "base", "n_frames": 81}],
    )
    assert settings.doubts() == [
        "same: changes nothing of full in size tiny, which is trained once more for it",
        "again: changes nothing of baseline in size base, which is trained once more for it",
    ]
    assert read_configuration([REPOSITORY / "config.yaml"]).doubts() == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {
                "ablation": [
                    {"name": "odd", "architecture": "full", "size": "base", "seeds": [3, 9], "n_frames": 9}
                ]
            },
            "ablation.odd.seeds: full in size base, which it is compared with, has no seed 9, only 3, 4",
        ),
        (
            {"training": {"flip": True, "epochs": False}},
            "training: flip: expected a number, found true or false",
        ),
        (
            {"experiment": CONTENT["experiment"] | {"seeds": [0, True]}},
            "experiment: seeds: expected a number, found true or false",
        ),
        (
            {"sizes": {"tiny": {"depth": True, "dim": 16}}},
            "sizes.tiny: depth: expected a number, found true or false",
        ),
        (
            {"models": {"full": {"ssm_backend": "mamba_ssm"}}},
            "full-tiny-s3: the kernels of mamba_ssm are not deterministic; set deterministic: false",
        ),
        (
            {"statistics": {"primary": "p_mpjpe"}, "further_data": {"mpi_inf_3dhp": {"synthetic": {}}}},
            "statistics.primary: no metric 'p_mpjpe' of mpi_inf_3dhp (did you mean 'mpjpe'?)",
        ),
        (
            {"search": {"tuned": {"ful": {"keys": ["lr"], "trials": 2, "size": "base", "subject": "S8"}}}},
            "search.tuned: unknown architecture 'ful' (did you mean 'full'?)",
        ),
        (
            {"data": {"title": "T", "synthetic": {}, "sha256": "a" * 64}},
            "sha256 is that of a file, which synthetic motion has not",
        ),
        ({"data": {"title": "T", "raw": "raw.pkl", "expected_clips": {"train": -5}}}, "expected_clips.train"),
        ({"paper": CONTENT["paper"] | {"authors": [""]}}, "paper.authors.0"),
        ({"paper": CONTENT["paper"] | {"title": ""}}, "paper.title"),
    ],
)
def test_what_cannot_act_as_meant_is_refused_when_it_is_read(changes, told):
    with pytest.raises(PoseliftError, match=re.escape(told)):
        config(**changes)


@pytest.mark.parametrize(
    ("stage", "told"),
    [
        ({"grid": {"lr": [0.1, 0.2]}, "finalists": {"count": 2, "seeds": [-1]}}, "finalists.seeds.0"),
        ({"random": {"samples": 1_000_000, "space": {"lr": [0.1]}}}, "random.samples"),
    ],
)
def test_a_search_that_cannot_be_is_refused_when_it_is_read(stage, told):
    model = {"name": "one", "architecture": "full", "size": "base"}
    with pytest.raises(PoseliftError, match=rf"search\.stages\.one\.{told}"):
        config(search={"stages": [model | stage]})


def test_what_is_allowed_beside_what_is_refused():
    """The same primary metric where further data are not tested, and kernels of a run that may vary."""
    further = {"mpi_inf_3dhp": {"synthetic": {}}}
    config(statistics={"primary": "p_mpjpe", "families": ["grid"]}, further_data=further)
    config(models={"full": {"ssm_backend": "mamba_ssm"}}, training={"deterministic": False, "compile": True})


def test_a_reproduction_has_the_published_size_whatever_the_configuration_calls_so():
    entry = {"name": "again", "architecture": "full", "size": "base", "n_frames": 81, "published": "P"}
    settings = config(reproduction=[entry])
    (run, _) = settings.variant_runs(settings.reproduction).values()
    assert (run.depth, run.dim) == (16, 128)
    with pytest.raises(PoseliftError, match=r"reproduction\.again\.input_2d"):
        config(reproduction=[entry | {"input_2d": "ground_truth"}])
