"""GPU-hours by hand: a step of one hour, so many steps; what has run counts as it ran."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from poselift.config.files import read_configuration
from poselift.errors import PoseliftError
from poselift.machine import project_checks
from poselift.planning import plan
from poselift.planning.estimates import Corrected, StepCosts, estimates, trainings
from poselift.planning.gpus import GPUS, Gpu
from poselift.training.step_cost import Operator, StepCost

CONFIG = """
dataset: tiny
data: {title: Twin, raw: raw.pkl, expected_clips: {train: 60, test: 12}}
n_frames: 27
sizes: {nano: {depth: 1, dim: 16}, micro: {depth: 2, dim: 16}}
experiment: {architectures: [baseline], sizes: [nano, micro], seeds: [0, 1, 2]}
training: {epochs: 2, batch_size: 16}
ground_truth_2d: {sizes: [nano], seeds: [0]}
ablation:
  - {name: short, architecture: baseline, size: nano, n_frames: 9}
  - {name: chain, architecture: baseline, size: nano, model: {temporal_graph: chain}}
search:
  stages:
    - name: coarse
      architecture: baseline
      size: nano
      epochs: 6
      grid: {lr: [1.0e-3, 2.0e-3, 3.0e-3], weight_decay: [0.1, 0.2, 0.3]}
      halving: {epochs: [1, 3], keep: 0.3}
paper: {title: T, authors: [A], per_action_size: nano}
"""
HOUR = Gpu("H100", memory=1, bandwidth=1, single=1, half=1, launch=3600)
"""An operator takes an hour on it."""


@pytest.fixture
def config(tmp_path, monkeypatch):
    (tmp_path / "config.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return read_configuration([Path("config.yaml")])


class OneOperator:
    """Steps of a single operator, two for the larger model, and half a GB, a little more for the larger."""

    def count(self, runs, again=False):
        assert all(runs)

    def cost(self, run, again):
        operators = Counter({Operator(0, 0, False): run.depth})
        return StepCost(
            operators, 100_000_000 if again else 300_000_000, 190_000_000 + 10_000_000 * run.depth
        )


def finished(run: str, hours: float, device: str = "NVIDIA H100 80GB HBM3", **changed: object) -> None:
    settings = read_configuration([Path("config.yaml")]).all_runs()[run].model_dump(mode="json") | changed
    folder = Path("results/tiny/runs", run)
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    metrics = {"epochs": {"mpjpe": [2, 1]}, "summary": {"gpu_hours": hours, "device": device}}
    (folder / "metrics.json").write_text(json.dumps(metrics))


def hours_of(config) -> dict[str, float]:
    found = Corrected(estimates(trainings(config), OneOperator(), HOUR, "auto"))
    return {f"{one.training.part} {one.training.settings.name}": found.hours(one) for one in found.all}


def test_hours_are_epochs_of_steps_and_of_the_validation(config):
    # 60 clips in steps of 16: 4; 12 test clips and their mirror images: 1.5 batches at a third of a step
    assert hours_of(config)["grid baseline-nano-s0"] == pytest.approx(2 * (4 + 0.5))
    assert hours_of(config)["grid baseline-micro-s0"] == pytest.approx(2 * (4 + 0.5) * 2)
    # three times as many clips of a third of the frames: 180 in 12 steps, 36 for the test
    assert hours_of(config)["ablation.short baseline-nano-short-s0"] == pytest.approx(2 * (12 + 1.5))
    shared = config.training.model_copy(update={"processes": 4, "eval_every": 2})
    found = hours_of(config.model_copy(update={"training": shared}))
    assert found["grid baseline-nano-s0"] == pytest.approx(4 * 2 * (4 + 0.5 / 2))


def test_an_operator_takes_as_long_as_its_traffic_or_its_products():
    device = Gpu("H100", memory=1, bandwidth=1, single=10, half=100, launch=1)
    tera = 10**12
    operators = {
        Operator(bytes=18 * tera // 10, flops=0, half=False): 1,  # 2 s at 90 % of the bandwidth
        Operator(bytes=18 * tera // 10, flops=15 * tera // 2, half=False): 1,  # 2 s, of its products 1 s
        Operator(bytes=0, flops=15 * tera, half=False): 2,  # 2 s at 75 %
        Operator(bytes=9 * tera // 10, flops=150 * tera, half=True): 3,  # 3 s at 50 %
    }
    assert device.seconds(StepCost(Counter(operators), 0, 0)) == pytest.approx(2 + 2 + 2 * 2 + 3 * 3 + 7)


def test_counted_clips_count_more_than_the_expected(config):
    folder = Path("results/tiny/data/clips-27")
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"clips": {"train": 161, "test": 24}}))
    assert hours_of(config)["grid baseline-nano-s0"] == pytest.approx(2 * (11 + 1))


def test_clips_of_further_data_are_expected_at_their_own_number_of_frames(config):
    source = "{train: a.npz, test: b.npz, n_frames: 9, expected_clips: {train: 31, test: 7}}"
    Path("config.yaml").write_text(f"{CONFIG}further_data: {{mpi_inf_3dhp: {source}}}\n")
    found = trainings(read_configuration([Path("config.yaml")]))
    assert {each.clips for each in found if each.part == "mpi_inf_3dhp"} == {(31, 7)}
    assert {each.clips for each in found if each.part == "grid"} == {(60, 12)}


def test_every_part_of_the_paper_is_counted(config):
    parts = Counter(training.part for training in trainings(config))
    assert parts == {
        "grid": 6,
        "ground-truth 2D": 1,
        "ablation.short": 3,
        "ablation.chain": 3,
        "search.coarse": 9,
    }


def test_of_a_search_only_the_epochs_that_halving_leaves(config):
    # 9 trials for 1 epoch; 30 % of them, rounded up, for 2 more; of these as many for the last 3: 18 epochs
    searched = [training for training in trainings(config) if training.part == "search.coarse"]
    assert sum(training.epochs for training in searched) == 9 * 1 + 3 * 2 + 1 * 3


def test_what_has_run_counts_as_it_ran_and_corrects_the_others_of_its_model(config):
    finished("baseline-nano-s0", hours=18)  # estimated 9
    found = hours_of(config)
    assert found["grid baseline-nano-s0"] == 18
    assert found["grid baseline-nano-s1"] == pytest.approx(2 * 9)
    assert found["grid baseline-micro-s0"] == pytest.approx(2 * 18)  # no other has run
    finished("baseline-micro-s0", hours=9)  # estimated 18
    assert hours_of(config)["grid baseline-micro-s1"] == pytest.approx(9)
    assert hours_of(config)["grid baseline-nano-s1"] == pytest.approx(18)
    finished("baseline-nano-s1", hours=27)
    finished("baseline-nano-s2", hours=90)
    # of 2, 3 and 10 times as long the middle
    assert hours_of(config)["ground-truth 2D baseline-nano-gt2d-s0"] == pytest.approx(3 * 9)


@pytest.mark.parametrize("other", [{"device": "NVIDIA A100-SXM4-80GB"}, {"n_frames": 9}])
def test_runs_on_another_device_or_with_other_settings_say_nothing(config, other):
    finished("baseline-nano-s0", hours=18, **other)
    assert hours_of(config)["grid baseline-nano-s0"] == pytest.approx(9)


def test_without_a_number_of_clips_nothing_is_said(config):
    (Path("config.yaml")).write_text(CONFIG.replace(", expected_clips: {train: 60, test: 12}", ""))
    unknown = read_configuration([Path("config.yaml")])
    found = estimates(trainings(unknown), OneOperator(), HOUR, "auto")
    assert {one.estimated for one in found} == {None}


@pytest.mark.parametrize(
    ("memory", "room", "recomputed"),
    [("auto", 0.6, False), ("auto", 0.4, True), ("keep", 0.4, False), ("recompute", 0.6, True)],
)
def test_parts_are_computed_again_where_a_training_will(config, memory, room, recomputed):
    found = estimates(trainings(config), OneOperator(), Gpu("H100", room, 1, 1, 1), memory)
    assert {one.recomputed for one in found} == {recomputed}
    nano, micro = (300_000_000, 310_000_000) if recomputed else (500_000_000, 510_000_000)
    assert {one.memory for one in found} == {nano, micro}


def test_a_part_needs_the_memory_of_its_largest_training(config):
    gigabytes = {"nano": 2, "micro": 3}
    found = [
        replace(one, memory=gigabytes[one.training.settings.size] * 10**9)
        for one in estimates(trainings(config), OneOperator(), HOUR, "auto")
    ]
    part, *_, memory = plan.table(Corrected(found), gpus=1).columns
    assert dict(zip(part.cells, memory.cells, strict=True)) == {
        "grid": "3 GB", "ground-truth 2D": "2 GB", "ablation": "2 GB", "the paper": "3 GB", "search": "2 GB",
    }  # fmt: skip


def test_days_are_shared_by_gpus_but_the_longest_training_is_not():
    assert plan.days([24, 24, 24, 24], gpus=2) == 2
    assert plan.days([72, 1, 1], gpus=4) == 3


def test_seeds_that_one_size_has_more_are_counted_and_left_out_first(config):
    more = config.experiment.model_copy(update={"more_seeds": {"micro": [7, 8]}})
    config = config.model_copy(update={"experiment": more})
    found = Corrected(estimates(trainings(config), OneOperator(), HOUR, "auto"))
    said, left = plan.proposals(config, found, 230)
    assert (said, left) == (["experiment.more_seeds: none: 36.0 GPU-hours less"], pytest.approx(198))


# three trials of six epochs; two of them three times more, or all of them
@pytest.mark.parametrize(("count", "expected"), [(2, 54), (5, 72)])
def test_finalists_are_trained_once_more_with_each_seed(config, count, expected):
    stage = {"name": "coarse", "architectures": ["baseline", "full"], "size": "nano", "epochs": 6}
    stage |= {"grid": {"lr": [1e-3, 2e-3, 3e-3]}, "finalists": {"count": count, "seeds": [7, 8, 9]}}
    search = config.search.model_validate({"stages": [stage]})
    found = trainings(config.model_copy(update={"search": search}))
    epochs = Counter()
    for one in found:
        epochs[one.part] += one.epochs
    assert (epochs["search.coarse_baseline"], epochs["search.coarse_full"]) == (expected, expected)


def test_a_budget_leaves_out_the_least_needed_first(config):
    found = Corrected(estimates(trainings(config), OneOperator(), HOUR, "auto"))
    # grid 3 x 9 + 3 x 18, ground truth 9, ablation 3 x 27 + 3 x 9
    nothing, left = plan.proposals(config, found, 198)
    assert (nothing, left) == ([], pytest.approx(198))
    seeds, left = plan.proposals(config, found, 197)
    assert (seeds, left) == (
        ["ablation: seeds: [0, 1] for each entry: 36.0 GPU-hours less"],
        pytest.approx(162),
    )
    said, left = plan.proposals(config, found, 110)
    assert said[1:] == ["ablation.short: without this entry: 54.0 GPU-hours less"]
    assert left == pytest.approx(108)
    said, left = plan.proposals(config, found, 1)
    assert said[-1] == "experiment.sizes: without micro: 54.0 GPU-hours less"
    assert left == pytest.approx(36)  # nano and its ground truth, which are not given up


def test_of_the_sizes_the_largest_of_the_experiment_is_left_out(config):
    """Not a larger one of the ablation, whose entries are gone before."""
    wide = config.ablation[0].model_copy(update={"name": "wide", "size": "xsmall", "n_frames": None})
    config = config.model_copy(update={"ablation": [wide]})
    found = Corrected(estimates(trainings(config), OneOperator(), HOUR, "auto"))
    said, left = plan.proposals(config, found, 1)
    assert said[-1] == "experiment.sizes: without micro: 54.0 GPU-hours less"
    assert left == pytest.approx(36)


def test_costs_of_steps_are_counted_once_and_kept(config, tmp_path):
    kept, runs = tmp_path / "steps.json", config.runs()
    costs = StepCosts(config, kept, fused=True, pins={})
    costs.count(run for name, run in runs.items() if "nano" in name)
    assert len(json.loads(kept.read_text())) == 1  # seeds are alike
    again = StepCosts(config, kept, fused=True, pins={})
    first, last = (
        each.cost(runs[name], again=False)
        for each, name in ((costs, "baseline-nano-s0"), (again, "baseline-nano-s2"))
    )
    assert first == last
    kept.write_text("{")
    assert StepCosts(config, kept, fused=True, pins={}).costs == {}


def test_steps_are_alike_but_for_what_changes_their_cost(config, tmp_path):
    run = config.runs()["baseline-nano-s0"]
    costs = StepCosts(config, tmp_path / "steps.json", fused=True, pins={})

    def key(**changes: object) -> str:
        return costs.key(run.model_copy(update=changes), again=False)

    def trained(**changes: object) -> str:
        return key(training=run.training.model_copy(update=changes))

    others = [key(depth=2), key(dim=24), key(n_frames=9), costs.key(run, again=True)]
    others += [key(model=run.model.model_copy(update={"temporal_graph": "chain"}))]
    others += [trained(batch_size=8), trained(processes=2), trained(gradient_accumulation_steps=2)]
    others += [trained(precision="bf16")]
    assert len({key(), *others}) == 1 + len(others)
    assert {key(seed=7), trained(lr=0.1), trained(epochs=9)} == {key()}


def test_the_command_says_what_it_rests_on_and_what_does_not_fit(config, monkeypatch, capsys, tmp_path):
    pins = tmp_path / "constraints.txt"
    pins.touch()
    monkeypatch.setattr(plan, "PINS", pins)
    monkeypatch.setattr(plan, "StepCosts", lambda *_: OneOperator())
    monkeypatch.setitem(GPUS, "H100", Gpu("H100", 0.4, 1, 1, 1, launch=3600))
    monkeypatch.setenv("COLUMNS", "200")
    plan.main(["--gpu", "H100", "--gpus", "2", "--budget", "170"])
    said = capsys.readouterr().out
    row = next(line for line in said.splitlines() if "the paper" in line)
    assert [cell.strip() for cell in row.strip("│").split("│")] == ["the paper", "13", "198.0", "4.1", "0 GB"]
    assert "no training has run on such a device" in said
    assert (
        "again, which takes longer and changes no bit (execution.memory): baseline-nano in grid (0 GB)"
        in said
    )
    assert "More memory" not in said
    assert "ablation: seeds: [0, 1] for each entry" in said
    assert "left: 162.0 GPU-hours, fits" in said
    kept = json.loads(Path("results/tiny", project_checks.ESTIMATE).read_text())
    assert kept == {"gpu": "H100", "gpu_hours": pytest.approx(198), "memory_gb": 0.31, "of_gb": 0.4}
    finished("baseline-nano-s0", hours=18)
    monkeypatch.setitem(GPUS, "H100", Gpu("H100", 0.2, 1, 1, 1, launch=3600))
    plan.main(["--gpu", "H100"])
    said = capsys.readouterr().out
    assert "took 2 to 2 times their estimate" in said
    assert "More memory than H100 has (0.2 GB): baseline-nano in grid (0 GB)" in said
    (told,) = project_checks.time(config, Path("results/tiny"))
    assert "GPU-hours on H100 in all, a training at most 0 GB of its 0 GB" in told.found


@pytest.mark.parametrize("budget", ["nan", "inf", "0", "-1"])
def test_a_budget_that_is_no_number_of_hours_is_refused(budget, config, capsys):
    with pytest.raises(SystemExit):
        plan.main(["--gpu", "H100", "--budget", budget])
    assert "--budget: expected GPU-hours above 0" in capsys.readouterr().err


def test_an_unknown_device_is_refused(config):
    with pytest.raises(PoseliftError, match="unknown device 'TPU'"):
        plan.main(["--gpu", "TPU"])
