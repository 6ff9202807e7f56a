"""What the jobs of a paper with all its parts run, compared with what its configuration says.

The numbers of the configuration differ wherever they may be taken for each other. Nothing is run: a dry run
says each job's command, inputs and outputs, the plan of a paper whose raw files are not there.
"""

import json
import re
import shlex
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from own_lifter import write_lifter
from poselift.certificate.rebuild import is_taken
from poselift.config.run import ExecutionSettings
from poselift.files import write_json
from poselift.provenance.code_hash import read_pins
from poselift.provenance.receipts import seal
from project import REPOSITORY, Project

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
  - {architectures: [mamba_gcn], sizes: [pico], n_frames: 12}
ground_truth_2d: {architectures: [baseline, full], sizes: [nano], seeds: [7]}
ablation:
  - {name: wide, architecture: full, size: nano, model: {mamba_gcn_dim: 32}}
  - {name: long, architecture: baseline, size: pico, n_frames: 15, seeds: [5], training: {epochs: 2}}
experiments:
  - {name: tried, architecture: full, size: nano, seeds: [8]}
statistics:
  primary: p_mpjpe
  families: [ablation, grid]
  equivalence_margin: 0.7
  resamples: 321
  confidence: 0.9
  seed: 17
execution:
  data_path: loader
  memory: keep
  num_workers: 5
  pin_memory: false
  prefetch_factor: 7
  checkpoint_every: 11
  keep: 13
  tensorboard: true
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
    - {name: fine, start_from: coarse, epochs: 2, factors: {lr: [0.25]}}
paper:
  decimals: 2
  per_action_size: nano
  published: paper/published.yaml
  authors: [Ada Lovelace, Emmy Noether]
  anonymous: true
  page_limit: 7
"""

DRAFT = """
draft: true
frozen: [full-pico-s0]
architectures: {mlp: lifters/mlp.py}
experiment: {architectures: [baseline, mlp, full]}
further_data:
  mpi_inf_3dhp: {synthetic: {test_frames: 40}, n_frames: 9, seeds: [0], published: null}
overrides: [{n_frames: 15}]
search:
  with_paper: false
  keep_weights: true
  stages:
    - {name: apart, architecture: baseline, size: pico, epochs: 1, grid: {lr: [0.001]}}
certificate: {taken: data, paper: handed.zip}
"""
"""A draft of a lifter of the user's own and of two runs of one name, on synthetic motion in the form of each
data set; one of these is frozen. The search is no part of its paper."""

OF_FROZEN = "f" * 16
"""The code that trained the frozen run."""

EXECUTION = {
    "data-path": "loader", "memory": "keep", "num-workers": "5", "pin-memory": "false",
    "prefetch-factor": "7", "checkpoint-every": "11", "keep": "13", "tensorboard": "true",
}  # fmt: skip
"""How the jobs of PAPER train."""

MAIN, FURTHER = "results/tiny", "results/tiny/mpi_inf_3dhp"


DRY_RUN = """
import json, sys
from snakemake import cli, io, jobs

def say(job, **_):
    manifest = job.dag.workflow.globals["MANIFESTS"].get(job.params.get("code"))
    known = {
        "rule": job.rule.name, "inputs": list(job.input), "outputs": list(job.output),
        "ancient": [file for file in job.input if io.is_flagged(file, "ancient")],
        "logs": [*job.log, job.benchmark],
        "command": job.shellcmd or "", "params": dict(job.params.items()),
        "code": manifest["entries"] if manifest else [], "pins": manifest["pins"] if manifest else {},
        "template": job.rule.shellcmd or "",
        "named": [f"params.{name}" for name in job.rule.params.keys()]
        + [f"resources.{name}" for name in job.rule.resources],
    }
    print("job:", json.dumps(known, default=str))

jobs.Job.log_info = say
cli.main(sys.argv[1:])
"""
"""Snakemake, which in a dry run says what it knows of a job, its parameters and their code included."""


@dataclass(frozen=True)
class Job:
    """A job of the dry run."""

    rule: str
    inputs: list[str]
    outputs: list[str]
    ancient: list[str]
    """of the inputs those whose time does not count"""
    logs: list[str | None]
    """its log and its benchmark"""
    command: str
    params: dict[str, Any]
    code: list[str]
    """the modules that its code hash starts from"""
    pins: dict[str, str]
    """the versions in it"""
    template: str
    """the command as its rule has it"""
    named: list[str]
    """the parameters and resources of the rule"""

    @property
    def words(self) -> list[str]:
        """Of all commands, without quotes."""
        return shlex.split(self.command)

    @property
    def options(self) -> dict[str, str | list[str]]:
        """The options of the first command by name: a word, or several."""
        found: dict[str, list[str]] = {}
        name = ""
        for word in self.words:
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
    """The jobs of the paper and of its hand-over by each of their outputs."""
    project = Project.copied(tmp_path_factory.mktemp("commands") / "project")
    return planned(project, PAPER, "all", "handover")


@pytest.fixture(scope="module")
def drafted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Job]:
    """The jobs of a draft, its hand-over and its certificate, by rule."""
    project = Project.copied(tmp_path_factory.mktemp("draft") / "project")
    write_lifter(project.folder / "lifters")
    for run in (
        f"{MAIN}/evaluation/mlp-pico-s0",
        *(f"{of}/evaluation/full-pico-s0" for of in (MAIN, FURTHER)),
    ):
        write_json(project.folder / f"{run}.json", {})
    ended = {"ended": "", "host": ""}
    receipt = {
        "rule": "train",
        "code": OF_FROZEN,
        "params": {},
        "inputs": [],
        "outputs": {},
        "volatile": ended,
    }
    path = project.folder / MAIN / "receipts/train/full-pico-s0.json"
    write_json(path, receipt | {"seal": seal(receipt)})
    found = planned(project, DRAFT, "all", "search", "handover", "certificate")
    return {job.rule: job for job in found.values()} | found


def planned(project: Project, changes: str, *targets: str) -> dict[str, Job]:
    """The jobs that a dry run lists, by each of their outputs, or by their rule if they have none."""
    (project.folder / "changes.yaml").write_text(changes)
    command = [sys.executable, "-c", DRY_RUN, *targets, "--dry-run", "--cores", "1"]
    answer = subprocess.run(
        [*command, "--configfile", "tiny.yaml", "changes.yaml"],
        cwd=project.folder, env=project.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    missing = 0 if changes == DRAFT else 2  # said after the plan, of both data sets
    assert answer.stderr.count("no such file. It belongs there") == missing
    lines = (line.removeprefix("job: ") for line in answer.stdout.splitlines() if line.startswith("job: "))
    listed = [Job(**json.loads(line)) for line in lines]
    return {name: job for job in listed for name in job.outputs or [job.rule]}


def trained(jobs: dict[str, Job]) -> dict[str, dict[str, Any]]:
    """The options of all trainings by their run directory."""
    return {str(job.options["out"]): job.options for job in jobs.values() if job.rule == "train"}


def test_every_run_of_the_configuration_is_trained(jobs):
    models = ("baseline", "mamba_gcn", "full")
    grid = {f"{MAIN}/runs/{m}-{s}-s{seed}" for m in models for s in ("pico", "nano") for seed in (4, 5)}
    variants = {"full-nano-wide-s4", "full-nano-wide-s5", "baseline-pico-long-s5"}
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
        ("baseline-pico-long-s5", {"n-frames": "15", "epochs": "2", "batch-size": "32", "variant": "long"}),
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
    common = {"store": f"{results}/data", "kept": f"{results}/finished"}
    common |= EXECUTION | {"compile": "false", "deterministic": "true"}
    assert {key: options[key] for key in expected | common} == expected | common


def test_every_setting_of_the_execution_is_another_than_its_default():
    fields = {name.replace("_", "-"): field.default for name, field in ExecutionSettings.model_fields.items()}
    assert fields.keys() == EXECUTION.keys()
    assert not [name for name, value in fields.items() if str(value).lower() == EXECUTION[name]]


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


LARGE = {
    r"(.*/runs/[^/]+)/(best|last)_model\.safetensors": r"\1/history.json",
    r"(.*)/results\.csv": r"\1/results.sha256",
    r"(.*/data)/(raw\.pkl|train\.npz|test\.npz)": r"\1/raw.sha256",
    r"(.*)/shown_clips\.npz": r"\1/shown_clips.sha256",
    r"(.*/clips-\d+)/(train|test)\.npy": r"\1/manifest.json",
    r"(.*/data/frames)/(train|test)/.*": r"\1/manifest.json",
}
"""Files whose times do not count, each with the small one that hashes it."""


@pytest.mark.parametrize(("large", "witness"), LARGE.items())
def test_with_each_large_file_a_job_reads_the_small_one_that_hashes_it(jobs, drafted, large, witness):
    """Large files' times do not count: a job sees their change by the time of the small one."""
    readers = [
        (job, path)
        for job in (*jobs.values(), *drafted.values())
        for path in job.inputs
        if re.fullmatch(large, path) and "/search/" not in path and job.params.get("code") != OF_FROZEN
    ]
    assert readers
    missing = {
        (job.rule, path)
        for job, path in readers
        if re.sub(large, witness, path) not in set(job.inputs) - set(job.ancient)
    }
    assert missing == set()


def test_the_times_of_all_other_files_count(jobs, drafted):
    """A job would not see their change."""
    found = {
        (job.rule, Path(path).name)
        for job in (*jobs.values(), *drafted.values())
        for path in job.ancient
        if not re.fullmatch("|".join(LARGE), path) and job.params.get("code") != OF_FROZEN
    }
    records = {(rule, "constraints.txt") for rule in ("provenance", "report_provenance")}
    assert found == records | {(rule, "provenance.json") for rule in ("pdf", "summary")}


PAGE = {"table.html.j2", "page.html.j2", "page.css", "page.js"}
FILLED = {
    "table": {"table.tex.j2"},
    "figure": {"figure.tex.j2"},
    "numbers": {"numbers.tex.j2"},
    "provenance": {"provenance.tex.j2"},
    "setup_page": {"setup.md.j2"},
    "table_page": PAGE,
    "report_page": PAGE
    | {f"{name}.html.j2" for name in ("report", "figure", "lineage", "player", "prose")}
    | {"player.js"},
}
"""The templates that the jobs of a rule fill in, with what these include."""


@pytest.mark.parametrize("rule", FILLED)
def test_templates_are_inputs_of_what_is_made_of_them(jobs, rule):
    for job in set_of(jobs, rule):
        assert {Path(path).name for path in job.inputs if "/templates/" in path} == FILLED[rule], job.outputs


def test_each_job_has_a_log_and_a_benchmark_of_its_own(jobs):
    """A job's receipt is named by its log: of two with one log the later would be the only one."""
    logs = Counter(
        log for job in {tuple(job.outputs): job for job in jobs.values()}.values() for log in job.logs
    )
    assert not [log for log, count in logs.items() if log and count > 1]


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
        (f"{MAIN}/runs/baseline-pico-long-s5", f"{MAIN}/data/clips-15"),
        (f"{FURTHER}/runs/full-pico-s3", f"{FURTHER}/data/clips-27"),
    ):
        training = jobs[f"{run}/history.json"]
        evaluation = jobs[f"{run.replace('/runs/', '/evaluation/')}.json"]
        for job in (training, evaluation):
            assert [path for path in job.inputs if "/clips-" in path] == [
                f"{clips}/{file}" for file in ("manifest.json", "train.npy", "test.npy")
            ]
        weights = {f"{run}/{checkpoint}_model.safetensors" for checkpoint in ("best", "last")}
        assert weights <= set(training.outputs) & set(evaluation.inputs)
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
    told = [job for job in jobs.values() if "resamples" in job.options]
    assert {"claims.json", "numbers.tex", "setup.md", "report.html"} <= {
        Path(job.outputs[0]).name for job in told
    }
    expected = {"resamples": "321", "confidence": "0.9", "seed": "17", "equivalence-margin": "0.7"}
    expected |= {"primary": "p_mpjpe", "families": ["ablation", "grid"]}
    for job in told:
        assert {key: job.options[key] for key in expected} == expected, job.outputs
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


def test_numbers_and_pages_read_the_runs_themselves(jobs):
    numbers, setup, curves, page = (
        jobs[f"{MAIN}/{name}"] for name in ("numbers.tex", "setup.md", "figures/curves.pdf", "report.html")
    )
    of_grid = []
    for out in trained(jobs):
        of_run = {f"{out}/{file}" for file in ("metrics.json", "config.yaml")}
        assert of_run | {f"{out}/provenance.json"} <= set(setup.inputs), out
        if not re.search("gt2d|wide|long|3dhp", out):
            assert of_run <= set(numbers.inputs) & set(curves.inputs), out
            of_grid.append(out)
    assert set(numbers.options["runs"]) == {*of_grid}
    evaluated = {f"{out.replace('/runs/', '/evaluation/')}.json" for out in of_grid}
    assert set(page.options["evaluations"]) == evaluated


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
    # of the length that the model has in the paper
    assert all(f"{MAIN}/data/clips-12/train.npy" in job.inputs for job in (first, second))
    assert all(EXECUTION.items() <= job.options.items() for job in (first, second))
    ranking = jobs[f"{MAIN}/search/coarse/ranking-0.json"]
    assert ranking.options["keep"] == "0.5"
    started = jobs[f"{MAIN}/search/fine/lr=x0.25/rung-0.json"]
    assert started.options["start"] == f"{MAIN}/search/coarse/ranking-1.json"
    assert started.options["factors"] == '{"lr": 0.25}'


def test_weights_of_trials_are_kept_where_the_search_says_so(jobs, drafted):
    assert "--keep-weights" in drafted["trial"].words
    assert not any("--keep-weights" in job.words for job in jobs.values())


def test_the_search_ends_with_the_trials_of_all_stages(jobs, drafted):
    found, apart = jobs[f"{MAIN}/search/results.csv"], drafted["search_results"]
    assert found.options["rankings"] == [
        f"{MAIN}/search/coarse/ranking-1.json", f"{MAIN}/search/fine/ranking-0.json",
    ]  # fmt: skip
    assert [each["training"] for each in json.loads(found.options["overrides"]) if "training" in each] == [
        {"lr": 0.01}, {"lr": 0.02, "batch_size": 8},
    ]  # fmt: skip
    assert found.options["validation-subject"] == "S7"
    assert found.options["dataset-title"] == "Synthetic motion"
    assert ["--synthetic" in job.words for job in (found, apart)] == [False, True]


def test_published_numbers_are_trained_again_as_they_were_published(tmp_path):
    jobs = planned(Project.copied(tmp_path / "project"), PAPER, "reproduction", "experiments")
    runs = trained(jobs)
    # with it are trained the other runs that are no part of the paper
    assert runs.pop(f"{MAIN}/runs/full-nano-tried-s8")["lr"] == "0.02"
    assert jobs["experiments"].inputs == [f"{MAIN}/evaluation/full-nano-tried-s8.json"]
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


def test_each_input_is_named_in_the_command_or_vouches_for_one(jobs):
    """An option that is left out of a command is not missed by a program that can do without."""
    vouching = (
        r".*\.(sha256|j2|css|js)|.*/(manifest|raw)\.json|src/.*|envs/constraints.txt|.*/figures/\w+\.json"
    )
    unnamed = set()
    for job in set_of(jobs, *{job.rule for job in jobs.values() if job.command}):
        words = set(job.words)
        # with the record of a run or of a frame store is read what lies beside it
        folders = tuple(f"{re.sub(r'/(metrics|manifest)[.]json$', '', word)}/" for word in words)
        unnamed |= {
            (job.rule, path)
            for path in set(job.inputs) - words
            if not path.startswith(folders) and not re.fullmatch(vouching, path)
        }
    assert unnamed == set()


NOT_SAID = {"params.code", "params.content"} | {
    f"resources.{name}"
    for name in ("_cores", "_nodes", "tmpdir", "gpu", "nodes", "gres", "tasks_per_node", "mpi")
}
"""What counts for Snakemake and for the system alone."""


def test_each_parameter_and_resource_of_a_rule_is_in_its_command(jobs, drafted):
    for job in (*jobs.values(), *drafted.values()):
        unused = {name for name in job.named if not re.search(rf"\{{{name}\b", job.template)} - NOT_SAID
        assert not unused, job.rule


def test_the_code_of_a_job_is_that_of_its_programs_its_model_and_its_data(jobs):
    """But of a training, whose code is what decides its weights."""
    for output, job in jobs.items():
        programs = set(re.findall(r"python -m (\S+)", job.command)) - {"poselift.training.train"}
        programs = {f"{name}.__main__" if name == "poselift.synthetic" else name for name in programs}
        assert programs <= set(job.code), output
        model = re.search(r"/(?:runs|evaluation|cost)/(\w+)-(?:pico|nano)", output)
        model = "mamba_gcn" if job.rule == "trial" else model[1] if model and job.rule != "outcome" else ""
        assert not model or f"poselift.models.architectures.{model}" in job.code, output
        if job.rule in ("raw", "frames", "evaluate", "references"):
            of = "mpi_inf_3dhp" if FURTHER in output else "human36m"
            assert f"poselift.datasets.{of}" in job.code, output
        if job.rule in ("raw", "frames"):
            assert f"poselift.datasets.{of}.raw" in job.code, output
            assert job.options["dataset"] == of
    played = {f"poselift.models.architectures.{name}" for name in ("baseline", "mamba_gcn", "full")}
    assert played <= set(jobs[f"{MAIN}/evaluation/shown_clips.npz"].code)


def test_the_versions_that_a_job_uses_are_in_its_hash(jobs):
    pins = read_pins(REPOSITORY / "envs/constraints.txt")
    for output, package in (
        ("runs/full-nano-s4/history.json", "torch"),
        ("figures/joints.pdf", "matplotlib"),
    ):
        assert jobs[f"{MAIN}/{output}"].pins[package] == pins[package]


def test_what_files_from_outside_hold_is_a_parameter_of_what_reads_them(jobs):
    held = {MAIN: ["raw@missing:raw.pkl"], FURTHER: ["train@missing:one.npz", "test@missing:two.npz"]}
    for results, expected in held.items():
        for output in ("data/raw.json", "data/frames/manifest.json"):
            assert jobs[f"{results}/{output}"].params["content"] == expected


def test_the_paper_is_put_together_of_all_its_text_in_its_form(jobs, drafted):
    job, prose = jobs[f"{MAIN}/paper/main.pdf"], jobs[f"{MAIN}/prose.json"]
    for written in ("main.tex", "refs.bib", "sections/results.tex", "styles/paper-article.cls", "README.md"):
        assert f"paper/{written}" in set(job.inputs) & set(prose.inputs)
    assert {"anonymous": "true", "page-limit": "7", "style": "article"}.items() <= job.options.items()
    assert prose.options["hidden"] == ["Ada Lovelace", "Emmy Noether"]
    assert set(prose.options["parts"]) == set(job.options["tables"] + job.options["figures"]) | {
        f"{MAIN}/numbers.tex"
    }
    for shown in ("report.html", "numbers.tex"):
        assert jobs[f"{MAIN}/{shown}"].options["authors"] == "Anonymous authors"
    assert drafted["pdf"].options["anonymous"] == "false"
    assert drafted["prose"].options["hidden"] == []


def test_the_record_of_the_paper_is_of_all_that_the_paper_shows(jobs):
    paper = jobs[f"{MAIN}/paper/main.pdf"].inputs
    shown = {path for path in paper if re.search(r"/tables/.*\.tex|/figures/.*\.pdf|/numbers\.tex", path)}
    assert set(jobs[f"{MAIN}/provenance.json"].options["parts"]) == shown
    assert len(shown) > 15


def test_the_record_of_the_page_is_of_all_that_the_page_shows(jobs):
    page, record = jobs[f"{MAIN}/report.html"], jobs[f"{MAIN}/report_provenance.json"]
    shown = [*page.options["tables"], *page.options["figures"], page.options["clips"], page.options["setup"]]
    shown += [path for path in page.options["files"] if path.endswith(".gif")]
    assert set(record.options["parts"]) == set(shown)
    files = ("paper/main.pdf", "results.csv", "provenance.json", "setup.md", "figures/animation.gif")
    assert page.options["files"] == [f"{MAIN}/{name}" for name in files]
    assert page.options["record"] == record.outputs[0]


def test_a_stage_that_is_taken_as_given_is_made_by_its_rules(jobs):
    made = {"data": "/data/", "weights": r"_model\.safetensors|/rung-\d"}
    made["evaluations"] = r"/runs/.*/metrics\.json|/evaluation/(?!shown_clips)|/cost/"
    for job in jobs.values():
        stages = [stage for stage, files in made.items() if re.search(files, " ".join(job.outputs))]
        taken = list(made)[list(made).index(stages[0]) :] if stages else []
        assert [stage for stage in made if is_taken(job.rule, stage)] == taken, job.rule


def test_the_search_is_on_the_setup_page_where_it_is_part_of_the_paper(jobs, drafted):
    assert jobs[f"{MAIN}/setup.md"].options["trials"] == f"{MAIN}/search/results.csv"
    assert drafted["setup_page"].options["trials"] == []


def test_a_search_that_is_no_part_of_the_paper_is_not_made_for_it(drafted):
    for rule in ("all", "report_page"):
        assert not [path for path in drafted[rule].inputs if re.search(r"/search[/.]|/trials\.", path)], rule


def test_a_draft_is_compiled_and_handed_over_as_one(jobs, drafted):
    assert "--draft" in drafted["pdf"].words
    assert "--draft" in drafted["handover"].words
    for finished in ("paper/main.pdf", "handover/tiny-paper.zip"):
        assert "--draft" not in jobs[f"{MAIN}/{finished}"].words


def test_a_frozen_run_keeps_its_code_whatever_its_inputs_and_its_namesake_does_not(drafted):
    frozen, namesake = (drafted[f"{results}/runs/full-pico-s0/history.json"] for results in (MAIN, FURTHER))
    assert frozen.params["code"] == OF_FROZEN
    assert set(frozen.ancient) == set(frozen.inputs)
    assert "poselift.models.architectures.full" in namesake.code
    assert f"{FURTHER}/data/clips-9/manifest.json" in set(namesake.inputs) - set(namesake.ancient)
    for rule in ("provenance", "report_provenance"):
        assert drafted[rule].options["frozen"] == "full-pico-s0"


def test_synthetic_motion_is_made_as_it_is_described(drafted):
    main, further = (drafted[f"{results}/data/raw.sha256"].options for results in (MAIN, FURTHER))
    sizes = {"n-actions": "2", "n-cameras": "1", "train-frames": "30", "test-frames": "30"}
    assert sizes.items() <= main.items()
    assert further["test-frames"] == "40"
    assert [main["dataset"], further["dataset"]] == ["human36m", "mpi_inf_3dhp"]
    main, further = (drafted[f"{results}/data/raw.sha256"].code for results in (MAIN, FURTHER))
    assert "poselift.synthetic.dataset" in main
    assert "poselift.synthetic.mpi_inf_3dhp" in further


def test_a_certificate_takes_as_given_what_the_configuration_says(drafted):
    job = drafted["certificate"]
    assert job.words[3] == "handed.zip"
    assert job.options["taken"] == "data"
    told = json.loads(job.options["workflow"])
    assert [Path(file).name for file in told["configfiles"]] == ["tiny.yaml", "changes.yaml", "config.yaml"]
    assert told["config"]["certificate"] == {"taken": "data", "paper": "handed.zip"}
    assert {job.rule for job in drafted.values()} <= {*told["rules"]}
    built = {path for path in drafted["pdf"].inputs if path.startswith(MAIN)}
    assert set(job.options["parts"]) == built
    assert {f"{MAIN}/numbers.tex", f"{MAIN}/tables/main.tex"} <= built


def test_a_lifter_of_ones_own_reaches_each_job_that_builds_it(drafted):
    for output in ("runs/mlp-pico-s0/history.json", "evaluation/mlp-pico-s0.json", "cost/mlp-pico.csv"):
        job = drafted[f"{MAIN}/{output}"]
        assert "lifters/mlp.py" in job.code, output
        assert job.options["architecture-file"] == "lifters/mlp.py", output
    shown = drafted[f"{MAIN}/evaluation/shown_clips.npz"]
    assert "lifters/mlp.py" in shown.code
    assert "mlp=lifters/mlp.py" in shown.options["lifters"]


def test_all_is_the_paper_its_pages_and_the_search_that_is_part_of_it(jobs):
    pages = {f"{MAIN}/table_pages/{name}.html" for name in ("main", "trials", "mpi_inf_3dhp", "ablation")}
    wanted = {f"{MAIN}/{name}" for name in ("paper/main.pdf", "summary.txt", "report.html", "setup.md")}
    wanted |= {f"{MAIN}/search/winner.yaml", f"{MAIN}/figures/search.pdf"}
    assert pages | wanted <= set(jobs["all"].inputs)


def test_costs_of_the_grid_and_of_variants_are_told_apart(jobs):
    options = jobs[f"{MAIN}/tables/ablation.tex"].options
    grid = {f"{MAIN}/cost/{m}-{s}.csv" for m in ("baseline", "mamba_gcn", "full") for s in ("pico", "nano")}
    changed = {f"{MAIN}/cost/{model}.csv" for model in ("full-nano-wide", "baseline-pico-long")}
    assert (set(options["costs"]), set(options["variant-costs"])) == (grid, changed)
    setup = jobs[f"{MAIN}/setup.md"].options
    assert (set(setup["costs"]), set(setup["variant-costs"])) == (grid, changed)
    for shown in ("report.html", "numbers.tex", "tables/cost.tex", "figures/pareto.pdf"):
        assert set(jobs[f"{MAIN}/{shown}"].options["costs"]) == grid


def test_clips_are_shown_of_the_first_seed(jobs):
    """Strips of the last architecture, the animation of each, and the player of every model."""
    detail = [f"{MAIN}/evaluation/{m}-nano-s4-examples.npz" for m in ("baseline", "mamba_gcn", "full")]
    assert jobs[f"{MAIN}/figures/qualitative.pdf"].options["last-examples"] == detail[-1]
    assert jobs[f"{MAIN}/figures/animation.gif"].options["examples"] == detail
    played = jobs[f"{MAIN}/evaluation/shown_clips.npz"].options
    models = [f"{m}-{s}-s4" for m in ("baseline", "mamba_gcn", "full") for s in ("pico", "nano")]
    models.remove("mamba_gcn-pico-s4")  # it sees longer clips
    assert played["runs"] == [f"{MAIN}/runs/{model}" for model in models]
    assert played["examples"] == [f"{MAIN}/evaluation/{model}-examples.npz" for model in models]


def test_references_have_the_frames_of_the_paper(jobs):
    options = jobs[f"{MAIN}/evaluation/references.json"].options
    assert (options["n-frames"], options["store"]) == ("9", f"{MAIN}/data")


def test_clips_are_played_of_the_length_that_the_models_see(drafted):
    clips = f"{MAIN}/data/clips-15/manifest.json"
    assert clips in set(drafted["shown_clips"].inputs) & set(
        drafted[f"{MAIN}/evaluation/mlp-pico-s0.json"].inputs
    )
    assert drafted["references"].options["n-frames"] == "9"
