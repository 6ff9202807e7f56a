"""The configuration: readable faults, overrides, and the way of a run through a command line."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from poselift.config import sections, yaml_files
from poselift.config.architectures import built_in
from poselift.config.command_line import add_run_options, run_from_options, settings_from_options
from poselift.config.experiment import Config
from poselift.config.options import options
from poselift.config.run import RunSettings
from poselift.errors import PoseliftError

REPOSITORY = Path(__file__).parents[3]

SMALL: dict[str, Any] = {
    "dataset": "trial",
    "data": {"title": "Trial", "synthetic": {}},
    "sizes": {"tiny": {"depth": 2, "dim": 16}},
    "experiment": {"architectures": ["baseline", "full"], "sizes": ["tiny", "base"], "seeds": [0, 1]},
    "paper": {"title": "T", "authors": ["A"], "per_action_size": "tiny"},
}

ENTRY = {"architecture": "full", "size": "tiny"}


def config(**changes: Any) -> Config:
    return sections.parse(Config, SMALL | changes, "config.yaml")


def fault_lines(**changes: Any) -> list[str]:
    with pytest.raises(PoseliftError) as caught:
        config(**changes)
    return str(caught.value).split("\n")


def fault(**changes: Any) -> str:
    (line,) = fault_lines(**changes)
    return line


def test_the_papers_configuration_is_the_published_grid():
    settings = yaml_files.load(REPOSITORY / "config.yaml", Config)
    runs = settings.runs()
    assert len(runs) == 3 * 4 * 3 + 3 * 2  # two seeds more at size base
    large = runs["baseline-large-s2"]
    assert (large.depth, large.dim, large.n_frames, large.seed) == (26, 128, 243, 2)
    recipe = large.training
    assert (recipe.epochs, recipe.batch_size, recipe.lr, recipe.weight_decay) == (60, 16, 5e-4, 0.01)
    assert (recipe.lr_decay, recipe.n_mpjpe_weight, recipe.velocity_weight, recipe.flip) == (
        0.99,
        0.5,
        20,
        0.5,
    )
    assert settings.data.expected_clips == {"train": 17748, "test": 2228}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"trainig": {}}, "config.yaml: trainig: unknown key (did you mean 'training'?)"),
        ({"training": {"epohcs": 3}}, "training.epohcs: unknown key (did you mean 'epochs'?)"),
        (
            {"training": {"epochs": -3}},
            "training.epochs: Input should be greater than or equal to 1, but it is -3",
        ),
        ({"training": {"lr": "fast"}}, "training.lr: Input should be a valid number"),
        ({"training": {"lr": float("nan")}}, "training.lr: Input should be a finite number"),
        (
            {"experiment": SMALL["experiment"] | {"sizes": ["tinny"]}},
            "unknown size 'tinny' (did you mean 'tiny'?)",
        ),
        (
            {"experiment": SMALL["experiment"] | {"architectures": ["ful"]}},
            "config.yaml: experiment.architectures: unknown architecture 'ful' (did you mean 'full'?)",
        ),
        (
            {"ablation": [{"name": "a", "architecture": "resnet", "size": "tiny"}]},
            f"ablation.a.architecture: unknown architecture 'resnet' (known: {', '.join(built_in())})",
        ),
        ({"models": {"ful": {}}}, "config.yaml: models.ful: unknown key (did you mean 'full'?)"),
        (
            {"models": {"full": {"gcn_droput": 0.1}}},
            "models.full.gcn_droput: unknown key (did you mean 'gcn_dropout'?)",
        ),
        (
            {"search": {"stages": [{"name": "a", "grid": {"gcn_droput": [0.1]}}]}},
            "search stage 'a': 'gcn_droput' cannot be searched (did you mean 'gcn_dropout'?)",
        ),
        ({"statistics": {"seed": -1}}, "statistics.seed: Input should be greater than or equal to 0"),
        ({"experiment": SMALL["experiment"] | {"seeds": [1, 1]}}, "experiment.seeds: an entry occurs twice"),
        ({"ablation": [ENTRY | {"name": "x", "seeds": [1, 1]}]}, "ablation.x.seeds: an entry occurs twice"),
        ({"ground_truth_2d": {"sizes": ["base", "base"]}}, "ground_truth_2d.sizes: an entry occurs twice"),
        ({"data": {"title": "x"}}, "data: give either raw (a file) or synthetic (settings)"),
        (
            {"paper": SMALL["paper"] | {"published": "p.yaml"}},
            "paper: published results cannot be compared with synthetic data; set published: null",
        ),
        ({"data": {"title": "x", "raw": "a.pkl", "synthetic": {}}}, "data: give either raw"),
        ({"dataset": "../up"}, "config.yaml: dataset: expected a name of small letters"),
        ({"models": {"full": {"mamba_gcn_layers": 4}}}, "models.full: mamba_gcn_layers has no meaning"),
        (
            {"overrides": [{"training": {"epoch": 3}}]},
            "overrides.0.training.epoch: unknown key (did you mean 'epochs'",
        ),
        ({"sizes": {"tiny": {"depth": 2, "dim": 12}}}, "sizes.tiny.dim: Input should be a multiple of 8"),
    ],
)
def test_fault_names_the_key(changes, expected):
    assert expected in fault(**changes)


def test_all_faults_are_told_at_once():
    told = fault_lines(
        trainig={},
        dataset="My-Data",
        training={"epohcs": 3, "lr": -1},
        models={"full": {"gcn_dropot": 1, "fusion_alpha": 2}, "ful": {}},
        ablation=[{"name": "a", "architecture": "full", "size": "tiny"}, {"name": "b", "size": 3}],
    )
    name = "a name of small letters, digits and underscores that begins with a letter"
    assert [line.removeprefix("config.yaml: ") for line in told] == [
        f"dataset: expected {name}, but it is 'My-Data'",
        "models.full.fusion_alpha: Input should be less than 1, but it is 2",
        "models.full.gcn_dropot: unknown key (did you mean 'gcn_dropout'?)",
        "models.ful: unknown key (did you mean 'full'?)",
        "training.lr: Input should be greater than 0, but it is -1",
        "training.epohcs: unknown key (did you mean 'epochs'?)",
        "ablation.b.architecture: is missing",
        "ablation.b.size: Input should be a valid string, but it is 3",
        "trainig: unknown key (did you mean 'training'?)",
    ]


def test_names_that_are_not_there_are_told_at_once():
    variants = [{"name": f"v{i}", "architecture": "Full", "size": "tinny"} for i in range(12)]
    told = fault_lines(
        ablation=variants[:1], search={"stages": [{"name": "a", "grid": {"lrr": [0.1], "flop": [0.2]}}]}
    )
    assert [line.removeprefix("config.yaml: ") for line in told] == [
        "ablation.v0.architecture: unknown architecture 'Full' (did you mean 'full'?)",
        "ablation.v0.size: unknown size 'tinny' (did you mean 'tiny'?)",
        "search stage 'a': 'lrr' cannot be searched (did you mean 'lr'?)",
        "search stage 'a': 'flop' cannot be searched (did you mean 'flip'?)",
    ]
    many = fault_lines(ablation=variants)
    assert (len(many), many[-1]) == (21, "config.yaml: 4 more faults")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"dataset": "h36m-x"}, "dataset: expected a name of small letters, digits and underscores that"),
        ({"ablation": [ENTRY | {"name": "No.1"}]}, "ablation.No.1.name: expected a name"),
        ({"data": {"raw": "a", "sha256": "ABC"}}, "data.sha256: expected 64 digits, 0 to 9 and a to f"),
        ({"datasets": {"Third": "third.py"}}, "datasets.Third: expected a name of small letters"),
        ({"search": {"stages": [{"name": "a/b", "grid": {"lr": [1]}}]}}, "search.stages.a/b.name: expected"),
        ({"experiments": [ENTRY | {"name": "x", "model": 3}]}, "x.model: expected keys with values"),
    ],
)
def test_rules_and_entries_are_said_in_words(changes, expected):
    assert expected in fault(**changes)
    assert "pattern" not in fault(**changes)


def test_frozen_runs_have_to_be_runs_of_the_experiment():
    assert config(frozen=["full-base-s1"]).frozen == ["full-base-s1"]
    assert "frozen: no run 'full-bose-s1' (did you mean 'full-base-s1'?)" in fault(frozen=["full-bose-s1"])


def test_missing_section_is_named():
    with pytest.raises(PoseliftError, match=r"config.yaml: experiment: is missing"):
        sections.parse(Config, {k: v for k, v in SMALL.items() if k != "experiment"}, "config.yaml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [1,\nb: 2", "line 2: while parsing a flow sequence begun on line 1, expected ',' or ']'"),
        ("a: 1\nb:\tc: 2\n", "line 2: "),
        ("a: *b", "line 1: found undefined alias 'b'"),
        ("a: 1\n\nb: caf\xe9", "line 3: not in UTF-8"),
        ("training:\n  lr: 1\n  epochs: 2\n  lr: 3", "line 4: the key 'lr' stands on line 2 already"),
        ("a: 1\nb: {c: 1, d: 2, c: 3}", "line 2: the key 'c' stands on line 2 already"),
        ("a: 1\nb: 2\n'a': 3", "line 3: the key 'a' stands on line 1 already"),
        ("a:\n- b: 1\n- b: 2\n  c: 3\n  b: 4", "line 5: the key 'b' stands on line 3 already"),
        ("a: 1\n? [b]\n: {c: 1,\n  c: 2}", "line 4: the key 'c' stands on line 3 already"),
    ],
)
def test_a_fault_of_yaml_is_on_a_line(tmp_path, text, expected):
    path = tmp_path / "config.yaml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(PoseliftError) as caught:
        yaml_files.load(path, Config)
    assert f"config.yaml: not valid YAML: {expected}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_keys_of_other_sections_and_merged_ones_are_no_repetition(tmp_path):
    (tmp_path / "a.yaml").write_text("a: &a {c: 1}\nb: {<<: *a, c: 2}\nd: [{c: 3}, {c: 4}]\n")
    found = yaml_files.read_yaml(tmp_path / "a.yaml")
    assert found == {"a": {"c": 1}, "b": {"c": 2}, "d": [{"c": 3}, {"c": 4}]}
    (tmp_path / "a.yaml").write_text("# nothing\n")
    assert yaml_files.read_yaml(tmp_path / "a.yaml") is None


def test_overrides_apply_in_order_to_the_runs_they_name():
    settings = config(
        overrides=[
            {"sizes": ["base"], "n_frames": 27, "training": {"epochs": 7, "lr": 0.1}},
            {"architectures": ["full"], "training": {"epochs": 9}},
        ]
    )
    runs = settings.runs()
    assert [
        runs[f"{name}-s0"].training.epochs for name in ("baseline-tiny", "baseline-base", "full-tiny")
    ] == [60, 7, 9]
    assert (runs["full-base-s0"].training.epochs, runs["full-base-s0"].training.lr) == (9, 0.1)
    assert (runs["full-base-s0"].n_frames, runs["full-tiny-s0"].n_frames) == (27, 243)


@pytest.mark.parametrize("name", ["baseline-base-s1", "full-tiny-s0"])
def test_settings_survive_command_line_and_file(name, tmp_path):
    settings = config(models={"full": {"fusion_alpha": 0.4}}, training={"lr": 1e-5}).runs()[name]
    parser = argparse.ArgumentParser()
    names = add_run_options(parser)
    assert settings_from_options(parser.parse_args(options(settings).split()), names)[0] == settings
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(settings.model_dump(mode="json")))
    assert yaml_files.load(path, RunSettings) == settings


def test_size_gives_depth_and_width_on_the_command_line():
    settings = run_from_options({"architecture": "baseline", "size": "small"})
    assert (settings.depth, settings.dim) == (26, 64)
    with pytest.raises(PoseliftError, match=r"unknown size 'smal' \(did you mean 'small'\?\)"):
        run_from_options({"architecture": "baseline", "size": "smal"})


def test_processes_without_a_clip_are_refused():
    given = {"architecture": "baseline", "size": "small", "batch_size": 16, "processes": 16}
    assert run_from_options(given).training.processes == 16
    with pytest.raises(PoseliftError, match="17 processes share a batch of 16 clips; at most 16 have any"):
        run_from_options(given | {"processes": 17})


def test_option_of_another_architecture_is_refused():
    given = {"architecture": "baseline", "size": "small", "gcn_dropout": "0.2"}
    with pytest.raises(PoseliftError, match=r"--gcn-dropout has no meaning for architecture 'baseline'"):
        run_from_options(given)


def test_every_key_is_described():
    def properties(schema: dict[str, Any]):
        for section in [schema, *schema.get("$defs", {}).values()]:
            yield from section.get("properties", {}).items()

    for name, entry in properties(Config.model_json_schema()):
        is_section = "$ref" in entry
        assert is_section or entry.get("description"), name


def test_schema_in_the_repository_is_that_of_the_configuration():
    written = json.loads((REPOSITORY / "workflow/schemas/config.schema.json").read_text())
    assert written == Config.model_json_schema(), "run `make schema`"
