"""What the jobs of a paper with all its parts run, compared with what its configuration says.

The numbers of the configuration differ wherever they may be taken for each other. Nothing is run: a dry run
says each job's command, inputs and outputs, the plan of a paper whose raw files are not there.
"""

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from project import Project

PAPER = """
data: {raw: raw.pkl, synthetic: null, expected_clips: {train: 70, test: 50}}
further_data:
  mpi_inf_3dhp:
    train: one.npz
    test: two.npz
    n_frames: 27
    sizes: [pico]
    seeds: [3]
    training: {batch_size: 12}
    expected_clips: {train: 11, test: 12}
    published: paper/published_mpi_inf_3dhp.yaml
sizes: {pico: {depth: 1, dim: 8}, nano: {depth: 2, dim: 24}}
models: {full: {fusion_alpha: 0.25, mamba_gcn_dim: 16}}
experiment: {sizes: [pico, nano], seeds: [4, 5]}
training: {epochs: 6, batch_size: 32, compile: false}
overrides:
  - {architectures: [full], training: {lr: 0.01}}
  - {sizes: [nano], training: {lr: 0.02, batch_size: 8}}
ground_truth_2d: {architectures: [baseline, full], sizes: [nano], seeds: [7]}
ablation:
  - {name: wide, architecture: full, size: nano, model: {mamba_gcn_dim: 32}}
  - {name: long, architecture: baseline, size: pico, n_frames: 15, seeds: [6], training: {epochs: 2}}
statistics: {resamples: 321, confidence: 0.9, seed: 17}
execution: {num_workers: 5, pin_memory: false}
search:
  with_paper: true
  validation_subject: S7
  stages:
    - name: coarse
      architecture: mamba_gcn
      size: pico
      epochs: 3
      grid: {lr: [0.001, 0.002]}
      halving: {epochs: [1], keep: 0.5}
paper: {decimals: 2, per_action_size: nano, published: paper/published.yaml}
"""

MAIN, FURTHER = "results/tiny", "results/tiny/mpi_inf_3dhp"


@dataclass(frozen=True)
class Job:
    """A job of the dry run."""

    rule: str
    inputs: list[str]
    outputs: list[str]
    options: dict[str, str | list[str]]
    """of its command by name: a word, or several"""


def options_of(words: list[str]) -> dict[str, str | list[str]]:
    """Options of a command line; the rest, redirections included, is left out."""
    found: dict[str, list[str]] = {}
    name = ""
    for word in words:
        if word in (">", "2>", "&&", "|"):
            break
        if re.fullmatch(r"--[a-z0-9-]+", word):
            name = word[2:]
            found[name] = []
        elif name:
            found[name].append(word)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Job]:
    """The jobs of the paper by each of their outputs."""
    return planned(tmp_path_factory.mktemp("commands") / "project")


def planned(folder: Path, *targets: str) -> dict[str, Job]:
    """The jobs that a dry run lists by each of their outputs."""
    answer = Project.copied(folder).snakemake(*targets, "--dry-run", "--printshellcmds", changes=PAPER)
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr.count("no such file. It belongs there") == 2  # after the plan, of both data sets
    found: dict[str, Job] = {}
    blocks = re.findall(
        r"^(?:local)?(?:rule|checkpoint) (\w+):\n((?:    .*\n)*)Shell command: (.*(?:\n .*)*)",
        answer.stdout,
        re.MULTILINE,
    )
    for rule, body, command in blocks:
        fields = dict(re.findall(r"^    (input|output): (.*)$", body, re.MULTILINE))
        inputs, outputs = (fields.get(name, "").split(", ") for name in ("input", "output"))
        words = shlex.split(command.replace("\\\n", " "))
        job = Job(rule, inputs, outputs, options_of(words))
        found |= dict.fromkeys(outputs, job)
    return found


def trained(jobs: dict[str, Job]) -> dict[str, dict[str, Any]]:
    """The options of all trainings by their run directory."""
    return {str(job.options["out"]): job.options for job in jobs.values() if job.rule == "train"}


def test_every_run_of_the_configuration_is_trained(jobs):
    models = ("baseline", "mamba_gcn", "full")
    grid = {f"{MAIN}/runs/{m}-{s}-s{seed}" for m in models for s in ("pico", "nano") for seed in (4, 5)}
    variants = {"full-nano-wide-s4", "full-nano-wide-s5", "baseline-pico-long-s6"}
    variants |= {"baseline-nano-gt2d-s7", "full-nano-gt2d-s7"}
    further = {f"{FURTHER}/runs/{m}-pico-s3" for m in models}
    assert set(trained(jobs)) == grid | {f"{MAIN}/runs/{run}" for run in variants} | further


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        # of two overrides that apply, the later one counts where they differ
        ("baseline-pico-s4", {"lr": "0.0005", "batch-size": "32", "dim": "8", "depth": "1", "seed": "4"}),
        ("full-pico-s5", {"lr": "0.01", "batch-size": "32", "dim": "8", "seed": "5", "fusion-alpha": "0.25"}),
        ("baseline-nano-s5", {"lr": "0.02", "batch-size": "8", "dim": "24", "depth": "2", "seed": "5"}),
        ("full-nano-s4", {"lr": "0.02", "batch-size": "8", "mamba-gcn-dim": "16", "input-2d": "detected"}),
        # a variant's settings add to those of the architecture
        ("full-nano-wide-s4", {"mamba-gcn-dim": "32", "fusion-alpha": "0.25", "lr": "0.02", "epochs": "6"}),
        ("baseline-pico-long-s6", {"n-frames": "15", "epochs": "2", "batch-size": "32", "variant": "long"}),
        ("full-nano-gt2d-s7", {"input-2d": "ground_truth", "seed": "7", "n-frames": "9", "lr": "0.02"}),
        ("baseline-nano-gt2d-s7", {"input-2d": "ground_truth", "seed": "7", "batch-size": "8"}),
        # the recipe of the second data set is its own (P-STMO's and MotionAGFormer's: 90 epochs of AMSGrad)
        (
            "mpi_inf_3dhp/full-pico-s3",
            {
                "epochs": "90",
                "optimizer": "amsgrad",
                "batch-size": "12",
                "n-frames": "27",
                "weight-decay": "0.0",
            },
        ),
    ],
)
def test_a_run_is_trained_with_its_settings(jobs, run, expected):
    data, _, name = run.rpartition("/")
    results = FURTHER if data else MAIN
    options = trained(jobs)[f"{results}/runs/{name}"]
    common = {
        "store": f"{results}/data",
        "kept": f"{results}/finished",
        "num-workers": "5",
        "pin-memory": "false",
    }
    common |= {"compile": "false", "deterministic": "true"}
    assert {key: options[key] for key in expected | common} == expected | common


NOT_READ = {("train", "kept"), ("report_page", "files")}
"""Options that name what a job does not depend on: a store of finished trainings, what a page links to."""


def test_what_a_command_names_is_declared(jobs):
    """So that it is made before, and its change makes the job stale."""
    undeclared = set()
    for job in jobs.values():
        declared = [*job.inputs, *job.outputs]
        for option, value in job.options.items():
            for word in [value] if isinstance(value, str) else value:
                if not word.startswith(("results/", "paper/")) or (job.rule, option) in NOT_READ:
                    continue
                if not any(path == word or path.startswith(f"{word}/") for path in declared):
                    undeclared.add((job.rule, option, word))
    assert undeclared == set()


@pytest.mark.parametrize(
    ("large", "witness"),
    [
        (r"(.*/runs/[^/]+)/(best|last)_model\.safetensors", r"\1/history.json"),
        (r"(.*)/results\.csv", r"\1/results.sha256"),
        (r"(.*)/shown_clips\.npz", r"\1/shown_clips.sha256"),
        (r"(.*/clips-\d+)/(train|test)\.npy", r"\1/manifest.json"),
        (r"(.*/data/frames)/(train|test)/.*", r"\1/manifest.json"),
    ],
)
def test_with_each_large_file_a_job_reads_the_small_one_that_hashes_it(jobs, large, witness):
    """The large ones' times do not count: without the small one a job would not see their change."""
    readers = [
        (job, path)
        for job in jobs.values()
        for path in job.inputs
        if re.fullmatch(large, path) and "/search/" not in path
    ]
    assert readers
    missing = {(job.rule, path) for job, path in readers if re.sub(large, witness, path) not in job.inputs}
    assert missing == set()


def test_files_from_outside_are_read_from_where_they_lie(jobs):
    for output in ("data/raw.json", "data/frames/manifest.json"):
        main, further = (jobs[f"{results}/{output}"].options for results in (MAIN, FURTHER))
        assert (main["dataset"], main["raw"]) == ("human36m", "raw.pkl")
        assert (further["dataset"], further["train"], further["test"]) == (
            "mpi_inf_3dhp",
            "one.npz",
            "two.npz",
        )


def test_clips_are_expected_at_the_number_of_frames_that_they_are_known_for(jobs):
    main, long, further = (
        jobs[f"{folder}/manifest.json"].options
        for folder in (f"{MAIN}/data/clips-9", f"{MAIN}/data/clips-15", f"{FURTHER}/data/clips-27")
    )
    assert (main["expect-train"], main["expect-test"]) == ("70", "50")
    assert (further["expect-train"], further["expect-test"]) == ("11", "12")
    assert [each["expect-at"] for each in (main, long, further)] == ["9", "9", "27"]
    assert [each["n-frames"] for each in (main, long, further)] == ["9", "15", "27"]


def test_runs_are_trained_and_tested_on_clips_of_their_length(jobs):
    for run, clips in (
        (f"{MAIN}/runs/full-nano-s4", f"{MAIN}/data/clips-9"),
        (f"{MAIN}/runs/baseline-pico-long-s6", f"{MAIN}/data/clips-15"),
        (f"{FURTHER}/runs/full-pico-s3", f"{FURTHER}/data/clips-27"),
    ):
        training = jobs[f"{run}/history.json"]
        evaluation = jobs[f"{run.replace('/runs/', '/evaluation/')}.json"]
        for job in (training, evaluation):
            assert [path for path in job.inputs if "/clips-" in path] == [
                f"{clips}/{file}" for file in ("manifest.json", "train.npy", "test.npy")
            ]
        assert evaluation.options["run"] == run
        assert evaluation.options["dataset"] == ("mpi_inf_3dhp" if "3dhp" in run else "human36m")
        assert evaluation.options["store"] == str(Path(clips).parent)


def test_costs_are_those_of_the_models_that_are_trained(jobs):
    pico, nano, wide, long = (
        jobs[f"{MAIN}/cost/{model}.csv"].options
        for model in ("full-pico", "full-nano", "full-nano-wide", "baseline-pico-long")
    )
    assert [each["n-frames"] for each in (pico, nano, wide, long)] == ["9", "9", "9", "15"]
    assert [each["mamba-gcn-dim"] for each in (pico, nano, wide)] == ["16", "16", "32"]
    assert [each["dim"] for each in (pico, nano, wide, long)] == ["8", "24", "24", "8"]


def test_results_are_of_all_runs_and_references(jobs):
    job = jobs[f"{MAIN}/results.csv"]
    runs = [out.replace("/runs/", "/evaluation/") + ".json" for out in trained(jobs)]
    assert set(runs) <= set(job.inputs)
    assert f"{MAIN}/evaluation/references.json" in job.inputs


def test_tables_and_figures_with_intervals_get_their_settings(jobs):
    shown = [job for job in set_of(jobs, "table", "figure") if f"{MAIN}/results.csv" in job.inputs]
    judged = [job for job in shown if "resamples" in job.options]
    names = {Path(job.outputs[0]).stem for job in judged}
    assert {"main", "differences", "ablation", "per_action", "ground_truth_2d", "mpi_inf_3dhp"} <= names
    for job in (*judged, jobs[f"{MAIN}/claims.json"], jobs[f"{MAIN}/numbers.tex"]):
        settings = {key: job.options[key] for key in ("resamples", "confidence", "seed")}
        assert settings == {"resamples": "321", "confidence": "0.9", "seed": "17"}, job.outputs
    decimals = {job.options["decimals"] for job in shown if "decimals" in job.options}
    assert decimals == {"2"}


def set_of(jobs: dict[str, Job], *rules: str) -> list[Job]:
    """The jobs of some rules, each once."""
    return list({job.outputs[0]: job for job in jobs.values() if job.rule in rules}.values())


@pytest.mark.parametrize(
    ("table", "published"),
    [
        ("published", "paper/published.yaml"),
        ("ground_truth_2d", "paper/published.yaml"),
        ("mpi_inf_3dhp", "paper/published_mpi_inf_3dhp.yaml"),
    ],
)
def test_published_results_are_inputs_of_what_shows_them(jobs, table, published):
    assert published in jobs[f"{MAIN}/tables/{table}.tex"].inputs
    assert jobs[f"{MAIN}/tables/{table}.tex"].options["published"] == published


def test_numbers_read_the_runs_themselves(jobs):
    job = jobs[f"{MAIN}/numbers.tex"]
    for out in trained(jobs):
        if "gt2d" not in out and "wide" not in out and "long" not in out and FURTHER not in out:
            assert any(path.startswith(f"{out}/") for path in job.inputs), out


def test_trials_are_what_the_search_says(jobs):
    first, second = (jobs[f"{MAIN}/search/coarse/lr=0.002/rung-{rung}.json"] for rung in (0, 1))
    for job in (first, second):
        options = {key: job.options[key] for key in ("validation-subject", "epochs", "architecture", "size")}
        assert options == {
            "validation-subject": "S7", "epochs": "3", "architecture": "mamba_gcn", "size": "pico",
        }  # fmt: skip
        assert job.options["values"] == '{"lr": 0.002}'
    assert first.options["stop-after"] == "1"
    assert "stop-after" not in second.options
    assert second.options["previous"] == f"{MAIN}/search/coarse/ranking-0.json"
    ranking = jobs[f"{MAIN}/search/coarse/ranking-0.json"]
    assert ranking.options["keep"] == "0.5"


def test_published_numbers_are_trained_again_as_they_were_published(tmp_path):
    jobs = planned(tmp_path / "project", "reproduction")
    runs = trained(jobs)
    frames = {"xsmall-again_xs": "27", "small-again_s": "81", "base-again_b": "243", "large-again_l": "243"}
    assert set(runs) == {f"{MAIN}/runs/baseline-{name}-s{seed}" for name in frames for seed in (4, 5)}
    for out, options in runs.items():
        recipe = {key: options[key] for key in ("n-frames", "epochs", "batch-size", "lr", "compile")}
        n_frames = next(count for name, count in frames.items() if f"-{name}-" in out)
        # the paper of this configuration has 9 frames, 6 epochs and batches of 32
        assert recipe == {
            "n-frames": n_frames, "epochs": "60", "batch-size": "16", "lr": "0.0005", "compile": "false",
        }  # fmt: skip
    job = jobs[f"{MAIN}/reproduction.json"]
    entries = json.loads(str(job.options["entries"]))
    methods = [f"MotionAGFormer-{size}" for size in ("XS", "S", "B", "L")]
    assert [each["published"] for each in entries] == methods
    assert job.options["published"] == "paper/published.yaml"
    assert (job.options["resamples"], job.options["confidence"]) == ("321", "0.9")
    evaluated = {path.replace("/evaluation/", "/runs/") for path in job.inputs[:-1]}
    assert evaluated == {f"{run}.json" for run in runs}
