"""What a job leaves behind, and what its code hash was made of."""

import json
import os
import time
from pathlib import Path

import pytest

from poselift.errors import PoseliftError
from poselift.provenance.chain import read_chain, short_hash
from poselift.provenance.code_hash import (
    code_hash,
    code_manifest,
    differences,
    keep_manifest,
    kept_manifest,
    manifest_hash,
)
from poselift.provenance.receipts import (
    clamp_future_mtimes,
    left_missing,
    receipt_path,
    seal,
    with_receipt,
    write_receipt,
)

R = "results/toy"


def test_a_receipt_lies_where_the_log_does():
    assert receipt_path("results/x/logs/paper/table_main.log") == Path(
        "results/x/receipts/paper/table_main.json"
    )


def test_it_says_what_was_read_and_written(toy):
    content = json.loads(Path("results/toy/receipts/train/full-base-s1.json").read_text())
    assert content["rule"] == "train"
    assert content["inputs"] == ["results/toy/data/frames/manifest.json"]
    assert content["params"] == {"options": "--seed 1"}
    assert content["outputs"]["results/toy/runs/full-base-s1/best_model.safetensors"]["size"] == 23
    assert set(content["volatile"]) == {"ended", "host"}


def test_parameters_of_every_kind_become_text(toy):
    params = {"code": "c", "runs": ["a", "b"], "content": None, "n_frames": 9}
    write_receipt("results/toy/logs/x.log", "x", params, [], ["results/toy/results.csv"])
    job = read_chain(toy.results).jobs["x"]
    assert job.params == {"runs": "a b", "content": "", "n_frames": "9"}


def test_a_folder_stands_for_its_files(toy):
    for name in ("a", "b/c"):
        path = Path("results/toy/many", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    write_receipt("results/toy/logs/x.log", "x", {"code": "c"}, [], ["results/toy/many"])
    assert set(read_chain(toy.results).jobs["x"].outputs) == {"results/toy/many/a", "results/toy/many/b/c"}


def test_the_later_of_two_jobs_made_the_file(toy):
    path = Path("results/toy/receipts/paper/table_main.json")
    older = json.loads(path.read_text())
    older["volatile"]["ended"] = "2001-01-01T00:00:00+00:00"
    older["rule"] = "renamed_since"
    write = {**older, "seal": seal(older)}
    path.with_name("table_of_old.json").write_text(json.dumps(write))
    chain = read_chain(toy.results)
    assert chain.makers["results/toy/tables/main.tex"].rule == "table"
    assert "paper/table_of_old" not in chain.jobs


def test_a_kept_manifest_names_modules_and_versions(tmp_path):
    pins = {"numpy": "2.0", "torch": "2.0"}
    name = keep_manifest(tmp_path, code_manifest("poselift.training.losses", pins=pins))
    assert name == code_hash("poselift.training.losses", pins=pins)
    before = kept_manifest(tmp_path, name)
    assert before is not None
    assert before["entries"] == ["poselift.training.losses"]
    after = json.loads(json.dumps(before))
    assert differences(before, after) == []
    after["modules"]["poselift.training.losses"] = "edited"
    after["modules"]["poselift.new"] = "added"
    after["pins"]["torch"] = "2.1"
    assert differences(before, after) == ["poselift.new", "poselift.training.losses", "torch 2.0 -> 2.1"]


def test_a_changed_or_missing_manifest_is_not_believed(tmp_path):
    name = keep_manifest(tmp_path, code_manifest("poselift.files", pins={}))
    path = tmp_path / f"{name}.json"
    path.write_text(path.read_text().replace("poselift.files", "poselift.filed"))
    assert kept_manifest(tmp_path, name) is None
    assert kept_manifest(tmp_path, "0" * 16) is None


@pytest.fixture
def hashed(toy):
    return short_hash([Path("results/toy/results.csv")])


def test_the_short_hash_is_that_of_the_sources(toy, hashed):
    assert short_hash([Path("results/toy/results.csv").resolve()]) == hashed
    for run in ("full-base-s0",):  # what a job wrote about its time does not count
        path = f"results/toy/runs/{run}/history.json"
        toy.job(f"train/{run}", "train", ["results/toy/data/frames/manifest.json"],
                {f"results/toy/runs/{run}/best_model.safetensors": "w", path: '{"volatile": 2}'},
                options="--seed 0")  # fmt: skip
    assert short_hash([Path("results/toy/results.csv")]) == hashed
    Path("data/raw.pkl").write_text("other motion")
    assert short_hash([Path("results/toy/results.csv")]) != hashed


def test_the_short_hash_reads_sources_of_up_to_a_megabyte(toy):
    """Larger ones count by the hash among the options of the job that reads them."""

    def hashed_with(content):
        Path("data/raw.pkl").write_text(content)
        return short_hash([Path("results/toy/results.csv")])

    assert hashed_with("a" * 10**6) != hashed_with("b" * 10**6)
    assert hashed_with("a" * (10**6 + 1)) == hashed_with("b" * (10**6 + 1))


def test_the_short_hash_tells_other_options_of_a_job_before_apart(toy, hashed):
    path = Path("results/toy/receipts/evaluate/full-base-s0.json")
    content = json.loads(path.read_text()) | {"params": {"options": "--flip false"}}
    path.write_text(json.dumps(content | {"seal": seal(content)}))
    assert short_hash([Path("results/toy/results.csv")]) != hashed


def test_the_short_hash_needs_no_file_from_outside(toy):
    raw, made = "/elsewhere/raw.pkl", f"{R}/data/frames/manifest.json"
    write_receipt(f"{R}/logs/frames.log", "frames", {"code": "c"}, [raw], [made], {raw: "0" * 64})
    assert short_hash([Path(made)])


def test_a_record_has_the_hash_with_which_a_file_from_outside_was_read(toy, tmp_path_factory):
    raw = tmp_path_factory.mktemp("outside") / "motion.pkl"
    raw.write_text("another by now")
    path = Path(R, "receipts/evaluate/full-base-s0.json")
    content = json.loads(path.read_text())
    content |= {"inputs": [*content["inputs"], str(raw)], "outside": {str(raw): "0" * 64}}
    path.write_text(json.dumps(content | {"seal": seal(content)}))
    assert toy.gather()["core"]["sources"]["motion.pkl"] == "0" * 64


def test_the_short_hash_tells_files_of_other_runs_apart(toy):
    runs = [short_hash([Path(f"results/toy/runs/full-base-s{seed}/history.json")]) for seed in (0, 1)]
    assert runs[0] != runs[1]


def test_files_of_no_workflow_have_no_short_hash(tmp_path):
    (tmp_path / "a.csv").write_text("a")
    assert short_hash([tmp_path / "a.csv"]) is None
    assert short_hash([]) is None


def test_files_of_the_future_become_those_of_now_and_others_stay(tmp_path):
    now = time.time()
    times = {"past": now - 1000, "future": now + 1000}
    for name, changed in times.items():
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (changed, changed))
    clamp_future_mtimes([tmp_path / "past", tmp_path / "future", tmp_path / "missing"])
    assert (tmp_path / "past").stat().st_mtime == pytest.approx(times["past"], abs=1e-3)
    assert now - 10 < (tmp_path / "future").stat().st_mtime <= time.time() + 10


def test_a_job_is_followed_by_its_receipt_and_the_manifest_of_its_code(toy):
    def run(input, output, params, wildcards, threads, resources, log, rule, conda_env):
        Path(output[0]).write_text(f"by {rule} of {input[0]}")

    manifest = code_manifest("poselift.errors", pins={})
    code = manifest_hash(manifest)
    raw = "raw@sha256:" + "0" * 64
    job = with_receipt(run, {code: manifest}, {raw: Path("/elsewhere/raw.pkl")})
    output = "results/toy/new.csv"
    job(
        [f"{R}/results.csv"],
        [output],
        {"code": code, "content": [raw]},
        {},
        1,
        {},
        f"{R}/logs/new.log",
        "new",
        None,
    )
    made = read_chain(toy.results).makers[output]
    assert (made.rule, made.code, made.inputs) == ("new", code, (f"{R}/results.csv", "/elsewhere/raw.pkl"))
    assert made.outside == {"/elsewhere/raw.pkl": "0" * 64}
    assert kept_manifest(toy.results / "code", code) == manifest


def test_what_a_failed_job_should_have_written_is_known_until_it_is_there(toy, monkeypatch):
    monkeypatch.chdir(toy.results.parents[1])
    fails = True

    def run(input, output, params, wildcards, threads, resources, log, rule, conda_env):
        if fails:
            raise RuntimeError("a job that failed")
        for path in output:
            Path(path).write_text("made")

    job = with_receipt(run, {}, {})
    given = (
        [],
        [f"{R}/one.csv", f"{R}/two.csv"],
        {"code": "c"},
        {},
        1,
        {},
        f"{R}/logs/deep/new.log",
        "new",
        None,
    )
    with pytest.raises(RuntimeError):
        job(*given)
    assert left_missing(Path(R)) == [f"{R}/one.csv", f"{R}/two.csv"]
    other = [[], [f"{R}/three.csv"], *given[2:6], f"{R}/logs/other.log", *given[7:]]
    with pytest.raises(RuntimeError):
        job(*other)
    assert left_missing(Path(R)) == [f"{R}/one.csv", f"{R}/two.csv", f"{R}/three.csv"]
    Path(f"{R}/three.csv").write_text("restored")
    Path(f"{R}/one.csv").write_text("restored")
    assert left_missing(Path(R)) == [f"{R}/two.csv"]
    fails = False
    job(*given)
    Path(f"{R}/two.csv").unlink()  # by people
    assert left_missing(Path(R)) == []


def test_jobs_that_snakemake_runs_otherwise_get_no_receipt():
    with pytest.raises(PoseliftError, match=r"Snakemake 9\.\S+ runs jobs with \(job, settings, \.\.\.\)"):
        with_receipt(lambda job, settings: None, {}, {})
