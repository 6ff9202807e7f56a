"""The words for what is stale: module, version, option, file; and what rebuilding takes."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from poselift.errors import PoseliftError
from poselift.provenance import why
from poselift.provenance.chain import read_chain
from poselift.provenance.code_hash import code_manifest, keep_manifest
from poselift.provenance.receipts import seal
from poselift.provenance.why import dry_run, parse

R = "results/toy"


def block(
    name: str, reason: str, rule: str = "table", inputs: str = "", output: str = "", gpu: int = 0
) -> str:
    return (
        f"[Sun Nov 22 15:53:11 2026]\nrule {rule}:\n    input: {inputs or R + '/results.csv'}\n"
        f"    output: {output or f'{R}/tables/{name}.tex'}\n    log: {R}/logs/{name}.log\n    jobid: 25\n"
        f"    benchmark: {R}/benchmarks/{rule}/{name}.tsv\n    reason: {reason}\n"
        f"    resources: tmpdir=/tmp, gpu={gpu}\n"
    )


def params(before: str, now: str) -> str:
    return (
        "Params have changed since last execution: "
        f"Union of exclusive params before and now across all output: before: {before} now: {now} "
    )


def explained(text: str, pins: dict[str, str] | None = None) -> list[str]:
    return list(why.explain(parse(text), Path(R), pins or {"torch": "2.0", "numpy": "2.0"}))


def code_of(path: str) -> str:
    return read_chain(Path(R)).makers[path].code


def test_nothing(toy):
    assert explained("Building DAG of jobs...\nNothing to be done.\n") == ["nothing is stale"]


def test_what_a_failed_job_left_missing_is_not_up_to_date(toy):
    Path(f"{R}/results.csv").unlink()  # of which there are tables
    nothing = "Building DAG of jobs...\nNothing to be done.\n"
    assert explained(nothing) == [
        "results.csv: missing, and Snakemake sees no reason to act",
        f"to make them again, and what depends on them: snakemake --forcerun {R}/results.csv",
    ]
    Path(f"{R}/results.csv").write_text("run,value\n")
    Path("data/raw.pkl").unlink()  # a source, which no job could make again
    assert explained(nothing) == ["nothing is stale"]
    Path(f"{R}/results.csv").unlink()
    planned = block("x", "Missing output files: results/toy/results.csv", output=f"{R}/results.csv")
    assert explained(planned)[0] == "results.csv: results.csv is missing"


def test_what_is_missing_together_with_all_that_was_made_of_it_is_not_needed(toy):
    for run in ("full-base-s0", "full-base-s1", "baseline-base-s0"):
        shutil.rmtree(f"{R}/runs/{run}")
        Path(f"{R}/evaluation/{run}.json").unlink()
    for path in (f"{R}/results.csv", *toy.parts):
        Path(path).unlink()
    assert explained("Nothing to be done.\n") == ["nothing is stale"]


def test_the_module_that_changed_is_named(toy, monkeypatch):
    from poselift.provenance import code_hash

    before = code_of(f"{R}/tables/main.tex")
    edited, real = code_hash.ROOT / "poselift/errors.py", code_hash._read

    def read(path):
        return real(path)._replace(meaning="edited") if path == edited else real(path)

    monkeypatch.setattr(code_hash, "_read", read)
    lines = explained(block("main", params(f"'{before}'", f"'{'f' * 16}'")))
    assert lines[0] == "tables/main.tex: code of poselift.errors changed"


def test_a_changed_version_is_named(toy):
    weights = f"{R}/runs/full-base-s0/best_model.safetensors"
    before = code_of(weights)
    text = block("full-base-s0", params(f"'{before}'", f"'{'e' * 16}'"), "train", output=weights)
    lines = explained(text, {"torch": "9.9", "numpy": "2.0"})
    assert lines[0] == "runs/full-base-s0: version of torch 2.0 -> 9.9"


def test_a_changed_option_is_named(toy):
    text = block("main", params("'--decimals 1 --sizes a b'", "'--decimals 2 --sizes a b'"))
    assert explained(text)[0] == "tables/main.tex: --decimals 1 -> 2"
    text = block("main", params("'--decimals 1'", "'--decimals 1 --synthetic'"))
    assert explained(text)[0] == "tables/main.tex: --synthetic not set -> set"


def test_a_changed_name_with_an_apostrophe_is_told(toy):
    told = explained(block("main", params('"Ann O\'Neill"', "'Ann Oneill'")))
    assert told[0] == "tables/main.tex: parameter Ann O'Neill -> Ann Oneill"


def test_the_raw_file_is_named(toy):
    digests = (f"'motion.pkl@sha256:{digit * 64}'" for digit in "ab")
    assert explained(block("main", params(*digests)))[0] == "tables/main.tex: content of motion.pkl changed"


def test_a_raw_file_that_only_has_another_name_has_not_changed(toy):
    names = (f"'{name}.pkl@sha256:{'a' * 64}'" for name in ("motion", "renamed"))
    assert (
        explained(block("main", params(*names)))[0] == "tables/main.tex: motion.pkl is called renamed.pkl now"
    )


@pytest.mark.parametrize(("before", "now"), [("'09b0'", "'d38d'"), ("", "'d38d'"), ("'09b0'", "")])
def test_code_that_nothing_is_known_of_is_told_in_words(toy, before, now):
    text = params(before.replace("0'", f"0{'0' * 12}'"), now.replace("d'", f"d{'0' * 12}'"))
    line = explained(block("main", text))[0]
    assert line == "tables/main.tex: its code changed (in which module is not known)"


def test_modules_that_are_no_more_are_named(toy):
    manifest = code_manifest("poselift.latex", pins={})
    manifest["entries"].append("poselift.models.gone")
    manifest["modules"]["poselift.models.gone"] = "0" * 16
    before = keep_manifest(Path(R, "code"), manifest)
    line = explained(block("main", params(f"'{before}'", f"'{'f' * 16}'")))[0]
    assert line == "tables/main.tex: code of poselift.models.gone changed"


def test_the_costliest_cause_comes_first(toy):
    benchmark("full-base-s0", 7200)
    benchmark("main", 9000, "table")  # which takes longer, but no GPU
    reason = "Code has changed since last execution"
    text = block("main", reason) + block(
        "full-base-s0", reason, "train", output=f"{R}/runs/full-base-s0/x", gpu=1
    )
    assert [line.partition(":")[0] for line in explained(text)[:2]] == [
        "runs/full-base-s0",
        "tables/main.tex",
    ]


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("Missing output files: results/toy/tables/main.tex", "tables/main.tex is missing"),
        ("Updated input files: results/toy/results.csv, raw.pkl", "results.csv changed; raw.pkl changed"),
        ("Code has changed since last execution", "the command of its rule changed"),
        (
            "Software environment definition has changed since last execution",
            "the description of its environment changed",
        ),
        ("Incomplete output files: results/toy/tables/main.tex", "its last build was interrupted"),
        ("Forced execution", "asked for by force"),
    ],
)  # fmt: skip
def test_each_reason_in_words(toy, reason, words):
    assert explained(block("main", reason))[0] == f"tables/main.tex: {words}"


def test_a_file_that_was_copied_has_not_changed(toy):
    """Dates say so to Snakemake. What was made again since it was read has changed."""
    text = block("main", "Updated input files: results/toy/results.csv")
    receipt = Path(R, "receipts/paper/results.json")
    content = json.loads(receipt.read_text())
    content["volatile"]["ended"] = "2001-01-01T00:00:00+00:00"  # before the table
    del content["seal"]
    receipt.write_text(json.dumps({**content, "seal": seal(content)}))
    (line, *_) = explained(text)
    assert line.startswith("tables/main.tex: results.csv has a new date and its old content")
    evaluations = [f"{R}/evaluation/full-base-s0.json"]
    toy.job("paper/results", "results", evaluations, {f"{R}/results.csv": "run,value\nfull,1\n"})
    assert explained(text)[0] == "tables/main.tex: results.csv changed"


def test_changed_inputs_are_named(toy):
    reason = "Set of input files has changed since last execution"
    text = block("main", reason, inputs="paper/new.yaml")
    assert explained(text)[0] == "tables/main.tex: also reads paper/new.yaml and no longer reads results.csv"


def test_what_never_was_built(toy):
    text = block("x", "Missing output files: results/toy/tables/x.tex")
    assert explained(text)[0] == "tables/x.tex: never built"


def test_causes_come_first_and_what_follows_is_counted(toy):
    follows = "Input files updated by another job: results/toy/tables/main.tex"
    text = (
        block("main", "Code has changed since last execution")
        + block("a", follows, "pdf", output="results/toy/a.pdf")
        + block("b", follows, "pdf", output="results/toy/b.pdf")
        + "rule all:\n    input: results/toy/a.pdf\n    jobid: 0\n"
    )
    lines = explained(text)
    assert lines[1] == "and what depends on that: pdf (2)"
    assert lines[2].startswith("rebuilding: 3 jobs")


def test_the_same_cause_is_told_once(toy):
    reason = "Code has changed since last execution"
    text = "".join(block(name, reason, output=f"{R}/tables/{name}.tex") for name in "abcdef")
    lines = explained(text)
    names = "tables/a.tex, tables/b.tex, tables/c.tex, tables/d.tex and 2 more"
    assert lines[0] == f"{names}: the command of its rule changed"
    assert len(lines) == 2


def benchmark(name: str, seconds: float, rule: str = "train") -> None:
    path = Path(f"{R}/benchmarks/{rule}/{name}.tsv")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"s\th:m:s\n{seconds}\tx\n")


def test_gpu_hours_come_from_benchmarks(toy):
    benchmark("full-base-s0", 7200)
    benchmark("full-base-s1", 3600)
    benchmark("full-base-gt2d-s0", 36000)
    benchmark("baseline-base-s0", 600)
    benchmark("main", 30, "table")
    reason = "Code has changed since last execution"
    text = (
        block("full-base-s0", reason, "train", output=f"{R}/runs/full-base-s0/x", gpu=2)
        + block("full-base-s7", "Missing output files: x", "train", output=f"{R}/runs/full-base-s7/x", gpu=1)
        + block("main", reason)
        + block("main", reason, "unheard", output="results/toy/u")
    )
    # two GPUs for two hours, one for 1.5 as the other seeds of the model on average, not as the smaller model
    assert explained(text)[-1] == (
        "rebuilding: 4 jobs, 5.5 GPU-hours, 30 s without a GPU (1 estimated from others; 1 not known)"
    )


def test_what_never_ran_takes_an_unknown_time_not_none(toy):
    missing = "Missing output files: x"
    trainings = "".join(
        block(f"full-base-s{seed}", missing, "train", output=f"{R}/runs/full-base-s{seed}/x", gpu=1)
        for seed in range(3)
    )
    table = block("main", missing)
    unknown = "GPU-hours not known (poselift plan), time without a GPU not known (4 not known)"
    assert explained(trainings + table)[-1] == f"rebuilding: 4 jobs, {unknown}"
    benchmark("main", 30, "table")
    partly = "GPU-hours not known (poselift plan), 30 s without a GPU (3 not known)"
    assert explained(trainings + table)[-1] == f"rebuilding: 4 jobs, {partly}"
    benchmark("main", 5400, "table")
    assert explained(table)[-1] == "rebuilding: 1 job, 1.5 hours without a GPU"


@pytest.mark.parametrize(
    ("out", "err"),
    [
        ("", "some\nerror: config.yaml: sizes: unknown\nmore"),
        ("Traceback\nerror: config.yaml: sizes: unknown", "Using profile x"),
    ],
)
def test_a_complaint_of_snakemake_is_one_line(monkeypatch, out, err):
    def refused(command, **options):
        return subprocess.CompletedProcess(command, 1, out, err)

    monkeypatch.setattr(why.subprocess, "run", refused)
    with pytest.raises(PoseliftError, match=r"^snakemake --dry-run: config\.yaml: sizes: unknown$"):
        dry_run([])


def test_a_snakemake_that_was_killed_is_said():
    assert why.complaint(subprocess.CompletedProcess([], -9, "", "")) == "no answer"


def test_options_reach_snakemake(monkeypatch, toy, capsys):
    seen = []

    def answered(command, **options):
        seen.extend(command)
        return subprocess.CompletedProcess(
            command, 0, block("main", "Code has changed since last execution"), ""
        )

    monkeypatch.setattr(why.subprocess, "run", answered)
    monkeypatch.setattr(why, "PINS", Path("constraints.txt"))
    why.main(["--profile", "workflow/profiles/demo"])
    assert " ".join(seen).endswith("--dry-run --cores 1 --profile workflow/profiles/demo --quiet host")
    assert "tables/main.tex: the command of its rule changed" in capsys.readouterr().out


def test_in_a_folder_that_is_only_to_be_read_snakemake_runs_beside_it(monkeypatch, toy):
    (toy.root / ".snakemake/metadata").mkdir(parents=True)
    (toy.root / ".snakemake/metadata/note").touch()
    before = sorted(toy.root.rglob("*"))

    def answered(command, cwd, **options):
        assert cwd != toy.root
        assert (cwd / "results/toy/results.csv").samefile("results/toy/results.csv")
        assert (cwd / ".snakemake/metadata/note").exists()
        (cwd / ".snakemake/iocache").mkdir()
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(why.subprocess, "run", answered)
    monkeypatch.setattr(why.os, "access", lambda path, mode: False)
    assert dry_run([]) == []
    assert sorted(toy.root.rglob("*")) == before
