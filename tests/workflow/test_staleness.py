"""What Snakemake would run after a change: what depends on it, and nothing else; and how `why` puts it."""

import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from finished import finish
from poselift.analysis.plan import Catalogue
from poselift.provenance.code_hash import read_pins
from poselift.provenance.hashing import sha256
from project import REPOSITORY, Project

pytestmark = pytest.mark.skipif(shutil.which("latexmk") is None, reason="needs LaTeX")

PINS = read_pins(REPOSITORY / "envs/constraints.txt")

Jobs = dict[str, int]

TABLES = Catalogue("tables")
FIGURES = Catalogue("figures")
DRAWN = FIGURES.names("pdf", without=["trials"])  # the tiny experiment has no search


def needing(catalogue: Catalogue, *needs: str) -> int:
    """How many tables or figures of the paper need one of these."""
    found = {name for name, (_, its, _) in catalogue.about.items() if set(needs) & set(its["NEEDS"])}
    return len(found & set(catalogue.names(without=["trials"])))


# what follows from what, as numbers of jobs by rule
PDF: Jobs = {"pdf": 1, "summary": 1, "prose": 1}
PAPER: Jobs = {"provenance": 1} | PDF
REPORT: Jobs = {"report_provenance": 1, "report_page": 1}
# the claims' table follows from the results by way of the claims
RESULTS = {"tables": needing(TABLES, "results", "judgements"), "figures": needing(FIGURES, "results")}
OF_RUNS = needing(FIGURES, "runs", "last_examples")
NUMBERS: Jobs = {
    "results": 1, "table": RESULTS["tables"], "table_page": RESULTS["tables"], "figure": RESULTS["figures"],
    "judge": 1, "numbers": 1, "setup_page": 1,
} | PAPER | REPORT  # fmt: skip
# of one seed: what is shown clip by clip
CLIPS: Jobs = {"animation": 1, "shown_clips": 1}


def more(jobs: Jobs, figures: int = 0, tables: int = 0) -> Jobs:
    """The jobs, and so many figures and tables more."""
    counts = {"figure": figures, "table": tables, "table_page": tables}
    return jobs | {rule: jobs[rule] + count for rule, count in counts.items() if count}


# the tables that follow from costs alone, and those that name the grid
OF_COSTS = needing(TABLES, "results", "judgements", "costs") - RESULTS["tables"]
OF_GRID = needing(TABLES, "results", "judgements", "grid") - RESULTS["tables"]


def trained(runs: int, costs: int = 0) -> Jobs:
    """So many trainings, models counted again, and what follows from one or more of them."""
    jobs = {"train": runs, "outcome": runs, "evaluate": runs} | CLIPS | more(NUMBERS, figures=OF_RUNS)
    return more(jobs | {"cost": costs}, tables=OF_COSTS) if costs else jobs


EVALUATED: Jobs = {"evaluate": 3} | CLIPS | more(NUMBERS, figures=needing(FIGURES, "last_examples"))


@dataclass(frozen=True)
class Change:
    """A change of the built project, and what it has to lead to."""

    edit: Callable[[Project], None]
    jobs: Jobs
    why: str = ""
    """a line of the answer of `why`"""
    changes: str = ""
    """YAML laid over the configuration"""


def code(module: str) -> Callable[[Project], None]:
    """A statement more in a module."""

    def edit(project: Project) -> None:
        path = project.folder / "src" / "poselift" / module
        path.write_text(path.read_text() + "\n\nEDITED = 1\n")

    return edit


def replaced(module: str, old: str, new: str) -> Callable[[Project], None]:
    """Other words or another value in a module."""
    return lambda project: project.edit(f"src/poselift/{module}", old, new)


def pin(package: str) -> Callable[[Project], None]:
    """Another version of a package."""

    def edit(project: Project) -> None:
        path = project.folder / "envs" / "constraints.txt"
        lines = path.read_text().splitlines()
        assert any(line.startswith(f"{package}==") for line in lines)
        changed = (f"{package}==99.0" if line.startswith(f"{package}==") else line for line in lines)
        path.write_text("\n".join(changed) + "\n")

    return edit


def text(file: str) -> Callable[[Project], None]:
    """A line more in a file that people write."""

    def edit(project: Project) -> None:
        path = project.folder / file
        path.write_text(path.read_text() + "% edited\n")

    return edit


def configured(changes: str, jobs: Jobs, why: str = "") -> Change:
    """Keys of the configuration that differ."""
    return Change(lambda project: None, jobs, why, changes)


CHANGES = {
    # code
    "a figure's module": Change(
        code("figures/joints.py"),
        {"figure": 1} | PAPER | REPORT,
        "figures/joints.pdf: code of poselift.figures.joints changed",
    ),
    "a table's module": Change(
        code("tables/main.py"), {"table": 1, "table_page": 1} | PAPER | REPORT
    ),
    "the block of MambaGCN": Change(
        code("models/mamba_gcn_block.py"),
        trained(2, costs=2),
        "runs/full-pico-s0, runs/mamba_gcn-pico-s0: code of poselift.models.mamba_gcn_block changed",
    ),
    "the SSD layer": Change(
        code("models/ssd.py"),
        trained(2, costs=2),
        "runs/full-pico-s0, runs/mamba_gcn-pico-s0: code of poselift.models.ssd changed",
    ),
    "the loss": Change(code("training/losses.py"), trained(3)),
    "the loop": Change(code("training/loop.py"), trained(3)),
    "the optimiser": Change(code("training/optimizer.py"), trained(3)),
    "the batches": Change(code("data/batches.py"), trained(3)),
    "the player": Change(code("report/player.py"), {"report_page": 1}),
    "what it plays": Change(
        code("evaluation/shown_clips.py"),
        {"shown_clips": 1} | REPORT,
        "evaluation/shown_clips.npz: code of poselift.evaluation.shown_clips changed",
    ),
    "the metrics": Change(
        code("evaluation/metrics.py"),
        # all tables know the metrics, that of costs and that of the second data set as well
        {"evaluate": 3, "references": 1}
        | CLIPS
        | more(NUMBERS, figures=needing(FIGURES, "last_examples"), tables=OF_COSTS)
        # and the table of the further data set that the text names, which is not there
        | {"table": NUMBERS["table"] + OF_COSTS + 1},
        "evaluation/references.json: code of poselift.evaluation.metrics changed",
    ),
    # versions
    "the version of matplotlib": Change(
        pin("matplotlib"),
        # its fonts draw the letters that LaTeX's lack, in tables and numbers as well
        {
            "figure": len(DRAWN), "setup_page": 1, "numbers": 1,
            "table": len(TABLES.names()), "table_page": len(TABLES.names(without=["trials"])),
            "animation": 1,
        } | PAPER | REPORT,
        f"{', '.join(f'figures/{name}.pdf' for name in DRAWN[:4])} and {len(DRAWN) - 4} more: "
        f"version of matplotlib {PINS['matplotlib']} -> 99.0",
    ),
    # which reads and writes weights and decides none
    "the version of safetensors": Change(pin("safetensors"), EVALUATED),
    # configuration
    "a seed more": configured(
        "experiment: {seeds: [0, 1]}",
        # examples are of the first seed
        {"train": 3, "outcome": 3, "evaluate": 3}
        | more(NUMBERS, figures=needing(FIGURES, "runs"), tables=OF_GRID),
        "runs/baseline-pico-s1, runs/full-pico-s1, runs/mamba_gcn-pico-s1: never built",
    ),
    "decimals of tables": configured(
        "paper: {decimals: 2}",
        {"table": needing(TABLES, "decimals"), "table_page": needing(TABLES, "decimals"), "numbers": 1}
        | PAPER | REPORT,
        "numbers.tex: --decimals 1 -> 2",
    ),
    "epochs of one architecture and size": configured(
        "overrides: [{architectures: [full], sizes: [pico], training: {epochs: 2}}]",
        trained(1),
        "runs/full-pico-s0: --epochs 1 -> 2",
    ),
    "epochs of a size that no run has": configured(
        "overrides: [{sizes: [base], training: {epochs: 2}}]", {}
    ),
    "a hyper-parameter of one architecture": configured(
        "models: {full: {gcn_dropout: 0.2}}", trained(1, costs=1)
    ),
    "the title": configured("paper: {title: Another}", {"numbers": 1, "report_page": 1} | PAPER),
    "how a machine trains": configured("execution: {num_workers: 7, checkpoint_every: 5}", {}),
    # data and text
    "the synthetic motion": configured(
        "data: {synthetic: {seed: 1}}",
        {"synthetic": 1, "raw": 1, "frames": 1, "clips": 1, "references": 1} | trained(3),
        "data/raw.pkl: --seed 0 -> 1",
    ),
    "the text": Change(
        text("paper/sections/introduction.tex"),
        PDF | {"report_page": 1},
        "paper/main.pdf: paper/sections/introduction.tex changed",
    ),
}  # fmt: skip


# what trains nothing, and leaves the state of an interrupted run usable
UNTRAINED = {
    "a word of an error message of the raw data": Change(
        replaced("datasets/human36m/raw.py", "is missing", "is absent"), {}
    ),
    "a word of an error message of checkpoints": Change(
        replaced("models/checkpoints.py", "found a damaged or other file", "found something else"), {}
    ),
    "a word of an error message of the frame store": Change(
        replaced("data/store.py", "not as it was written", "not whole"), {}
    ),
    "how weights are read": Change(code("models/checkpoints.py"), EVALUATED),
    "a word of the training log": Change(
        replaced("training/report.py", "first step after", "the first step took"), {}
    ),
    "a progress label": Change(
        replaced("evaluation/predict.py", 'desc="predicting"', 'desc="prediction"'), EVALUATED
    ),
    "how often a free GPU is looked for": Change(
        replaced("machine/gpu_slots.py", "POLL_SECONDS = 1.0", "POLL_SECONDS = 2.0"), EVALUATED
    ),
    "the length of the commit in records": Change(
        replaced("provenance/record.py", "--abbrev=12", "--abbrev=16"),
        {"provenance": 1, "pdf": 1, "summary": 1} | REPORT,
    ),
    "the script of the player": Change(
        replaced("report/templates/player.js", "azimuth: 40", "azimuth: 50"), {"report_page": 1}
    ),
    "the clips of the other data set": Change(
        replaced("datasets/mpi_inf_3dhp/__init__.py", "stride=9", "stride=8"), {}
    ),
    "the form of metrics.json": Change(
        code("training/outcome.py"),
        {"outcome": 3, "setup_page": 1, "numbers": 1, "figure": needing(FIGURES, "runs")} | PAPER | REPORT,
    ),
    "the command line of a training": Change(code("training/train.py"), {}),
    "the saved states": Change(code("training/state_files.py"), {}),
}


def resume_code(project: Project) -> str:
    """What the states of unfinished runs are keyed with, as far as it is code."""
    command = (
        "from poselift.provenance.code_hash import code_hash; from poselift.training import core_modules; "
        "print([code_hash(*core_modules(a), pins={}) for a in ('baseline', 'mamba_gcn', 'full')])"
    )
    return subprocess.run(
        [sys.executable, "-c", command], env=project.environment, capture_output=True, text=True, check=True
    ).stdout


def why(project: Project) -> list[str]:
    """What `poselift why` answers, for the configuration that was used last."""
    answer = subprocess.run(
        [sys.executable, "-m", "poselift.provenance.why", "--configfile", "tiny.yaml", "changes.yaml"],
        cwd=project.folder, env=project.environment, capture_output=True, text=True,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.splitlines()


@pytest.mark.parametrize("name", CHANGES)
def test_what_depends_on_a_change_and_nothing_else(built, name):
    change = CHANGES[name]
    change.edit(built)
    assert built.stale(change.changes) == change.jobs
    if change.why:
        answer = why(built)
        assert change.why in answer
        assert answer[-1].startswith(f"rebuilding: {sum(change.jobs.values())} jobs, ")


@pytest.mark.parametrize("name", UNTRAINED)
def test_what_trains_nothing_and_keeps_interrupted_runs(built, name):
    change, before = UNTRAINED[name], resume_code(built)
    change.edit(built)
    assert built.stale() == change.jobs
    assert resume_code(built) == before


def test_a_change_of_the_loop_keeps_no_interrupted_run(built):
    before = resume_code(built)
    code("training/loop.py")(built)
    assert resume_code(built) != before


def test_a_training_alone_leaves_its_outcome_to_make(project):
    """The training writes what its outcome will be, but that has no receipt: the rule is due all the same."""
    target = "results/tiny/runs/baseline-pico-s0/best_model.safetensors"
    answer = project.snakemake(target)
    assert answer.returncode == 0, answer.stderr
    assert (project.folder / target).with_name("metrics.json").exists()
    assert project.stale()["outcome"] == 3
    assert project.stale()["train"] == 2


def test_why_says_the_gpu_hours_that_trainings_took(built):
    hours = {"baseline": 0.5, "mamba_gcn": 1.0, "full": 2.0}
    for run, time in hours.items():
        for kind, seconds in (("train", time * 3600), ("evaluate", 180)):
            path = built.folder / f"results/tiny/benchmarks/{kind}/{run}-pico-s0.tsv"
            path.write_text(f"s\th:m:s\n{seconds}\t-\n")
    code("models/ssd.py")(built)
    assert built.stale()["train"] == 2
    assert " jobs, 3.1 GPU-hours, " in why(built)[-1]


def test_nothing_after_a_move_and_a_touch_of_everything(built):
    assert built.stale() == {}
    for path in built.folder.rglob("*"):
        if path.is_file():
            os.utime(path)
    assert built.stale() == {}
    assert why(built) == ["nothing is stale"]


def test_nothing_after_comments_and_docstrings_everywhere(built):
    for path in (built.folder / "src").rglob("*.py"):
        path.write_text(path.read_text().replace('"""', '"""Edited. ', 1) + "\n# edited\n")
    for path in [built.folder / "Snakefile", *(built.folder / "workflow/rules").iterdir()]:
        path.write_text(path.read_text() + "\n\n# edited\n")
    for name in ("config.yaml", "tiny.yaml", "envs/poselift.yaml"):
        path = built.folder / name
        path.write_text("# edited\n" + path.read_text())
    assert built.stale() == {}


def git(folder: Path, *arguments: str) -> None:
    """Run git in `folder`, as somebody."""
    who = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(built: Project) -> Project:
    """The built project as a repository of git that ignores the results."""
    git(built.folder, "init", "--initial-branch", "main")
    (built.folder / ".gitignore").write_text("results/\n.snakemake/\n__pycache__/\n")
    (built.folder / "changes.yaml").write_text("{}")
    git(built.folder, "add", ".")
    git(built.folder, "commit", "--message", "built")
    return built


def test_nothing_after_a_visit_to_another_branch(repository):
    git(repository.folder, "checkout", "-b", "other")
    for edit in (code("models/ssd.py"), code("figures/joints.py"), text("paper/sections/method.tex")):
        edit(repository)
    git(repository.folder, "commit", "--all", "--message", "other")
    assert repository.stale() == trained(2, costs=2)
    git(repository.folder, "checkout", "main")
    assert repository.stale() == {}


def test_nothing_in_a_clone_with_the_results_copied_in_the_worst_order(repository, tmp_path):
    git(tmp_path, "clone", repository.folder.name, "clone")
    clone = Project(tmp_path / "clone")
    shutil.copytree(repository.folder / "results", clone.folder / "results", copy_function=shutil.copyfile)
    made = [path for path in (repository.folder / "results").rglob("*") if path.is_file()]
    newest_first = sorted(made, key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for second, path in enumerate(newest_first):
        copy = clone.folder / path.relative_to(repository.folder)
        os.utime(copy, (1.6e9 + second, 1.6e9 + second))
    assert clone.stale() == {}
    # and what was built is known there: a change is found by its code, not by times
    code("figures/joints.py")(clone)
    assert clone.stale() == {"figure": 1} | PAPER | REPORT


def test_a_new_import_is_picked_up(built):
    figure = "results/tiny/figures/joints"
    (built.folder / "src/poselift/paper/fresh.py").write_text("VALUE = 1\n")
    built.edit("src/poselift/figures/joints.py", "\n\n\ndef", "\n\nimport poselift.paper.fresh\n\n\ndef")
    assert built.stale() == {"figure": 1} | PAPER | REPORT
    answer = built.snakemake(f"{figure}.pdf")
    assert answer.returncode == 0, answer.stderr
    assert "figure" not in built.stale()
    code("paper/fresh.py")(built)
    assert built.stale() == {"figure": 1} | PAPER | REPORT
    assert "figures/joints.pdf: code of poselift.paper.fresh changed" in why(built)


def test_the_content_of_the_raw_file(project, raw_content):
    """All but what needs no data. It was finished by jobs that left empty files: none could read this one."""
    raw = project.folder / "raw.pkl"
    content = raw_content()
    raw.write_bytes(pickle.dumps(content))
    changes = "data: {raw: raw.pkl, synthetic: null}"
    finish(project, changes=changes)
    os.utime(raw)
    assert project.stale(changes) == {}
    elsewhere = raw.rename(project.folder / "elsewhere.pkl")
    digest = sha256(elsewhere)
    for data in (
        "raw: elsewhere.pkl", "raw: paper/../elsewhere.pkl", f"raw: {elsewhere}", "raw: missing.pkl",
        f"raw: elsewhere.pkl, sha256: {digest}", f"raw: elsewhere.pkl, sha256: {'f' * 64}",
    ):  # fmt: skip
        assert project.stale(f"data: {{{data}, synthetic: null}}") == {}, data
    elsewhere.rename(raw)
    content["train"]["joint_2d"][0, 0, 0] += 1
    raw.write_bytes(pickle.dumps(content))
    assert project.stale(changes) == ({"raw": 1, "frames": 1, "clips": 1, "references": 1} | trained(3))
    assert "data/raw.json: content of raw changed" in why(project)


def test_the_content_of_the_files_of_further_data(project):
    changes = """
experiment: {architectures: [baseline]}
further_data:
  mpi_inf_3dhp: {train: one.npz, test: two.npz, n_frames: 9, published: null, training: {epochs: 1}}
"""
    for name in ("one.npz", "two.npz"):
        (project.folder / name).write_bytes(name.encode())
    finish(project, changes=changes)
    assert project.stale(changes) == {}
    (project.folder / "two.npz").write_bytes(b"another")
    jobs = project.stale(changes)
    made = {rule: jobs.get(rule) for rule in ("raw", "frames", "clips", "train", "evaluate", "references")}
    assert made == {"raw": 1, "frames": 1, "clips": 1, "train": 1, "evaluate": 1, "references": None}
