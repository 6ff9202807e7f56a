"""The record says what was used, and is refused where files are not what their jobs left."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from poselift.errors import PoseliftError
from poselift.provenance import record as module
from poselift.provenance.chain import frozen_code, read_chain
from poselift.provenance.code_hash import code_manifest, keep_manifest
from poselift.provenance.hashing import LARGE

TABLE = Path("results/toy/tables/main.tex")


def test_the_chain_reaches_the_raw_file(toy):
    core = toy.gather()["core"]
    assert core["sources"] == {"data/raw.pkl": hashlib.sha256(b"raw motion").hexdigest()}
    assert core["jobs"]["paper/table_main"]["inputs"] == ["results/toy/results.csv"]
    assert core["jobs"]["paper/table_main"]["params"] == {"options": "--decimals 1"}
    training = core["jobs"]["train/full-base-s1"]
    assert (training["settings"], training["environment"]) == ({"seed": 1}, {"torch": "2.0"})
    assert len(core["jobs"]) == 1 + 2 * 3 + 4


def test_outputs_have_the_hash_of_their_content(toy):
    made = toy.gather()["outputs"]["results/toy/tables/main.tex"]
    assert made == {"sha256": hashlib.sha256(b"a table\n").hexdigest(), "size": 8}


def test_what_does_not_lead_to_the_parts_is_left_out(toy):
    toy.job("paper/other", "table", ["data/raw.pkl"], {"results/toy/tables/other.tex": "unused"})
    assert "paper/other" not in toy.gather()["core"]["jobs"]


def test_time_and_host_are_not_hashed_and_all_else_is(toy):
    first = toy.gather()
    receipt = Path("results/toy/receipts/paper/table_main.json")
    later = json.loads(receipt.read_text())
    later["volatile"] = {"ended": "2031-01-01T00:00:00+00:00", "host": "elsewhere"}
    reseal(receipt, later)
    second = toy.gather()
    assert second["hash"] == first["hash"]
    assert second["volatile"] != first["volatile"]
    later["params"] = {"options": "--decimals 2"}
    reseal(receipt, later)
    assert toy.gather()["hash"] != first["hash"]


def reseal(path: Path, content: dict) -> None:
    from poselift.provenance.receipts import seal

    path.write_text(json.dumps({**content, "seal": seal(content)}))


@pytest.mark.parametrize("key", ["settings", "environment"])
def test_the_settings_and_the_environment_of_a_training_are_hashed(toy, key):
    first = toy.gather()["hash"]
    run = "full-base-s0"
    record = {"settings": {"seed": 0}, "environment": {"torch": "2.0"}, "volatile": {}, key: {"other": 1}}
    toy.job(
        f"train/{run}", "train", ["results/toy/data/frames/manifest.json"],
        {f"results/toy/runs/{run}/best_model.safetensors": f"weights of {run}",
         f"results/toy/runs/{run}/history.json": json.dumps({"record": record})},
        options="--seed 0",
    )  # fmt: skip
    assert toy.gather()["hash"] != first


def test_another_raw_file_is_another_paper(toy):
    first = toy.gather()["hash"]
    Path("data/raw.pkl").write_text("other motion")
    assert toy.gather()["hash"] != first


def test_the_same_in_another_folder(toy, tmp_path_factory, monkeypatch):
    here = toy.gather()["hash"]
    elsewhere = shutil.copytree(toy.root, tmp_path_factory.mktemp("other") / "place")
    monkeypatch.chdir(elsewhere)
    assert toy.gather()["hash"] == here


@pytest.mark.parametrize(
    "path",
    [
        "tables/main.tex",
        "results.csv",
        "evaluation/full-base-s0.json",
        "runs/full-base-s1/best_model.safetensors",
    ],
)
def test_an_edited_file_is_named_whatever_its_place(toy, path):
    file = toy.results / path
    file.write_text(file.read_text() + " ")
    with pytest.raises(
        PoseliftError, match=rf"{path}: not as rule \w+ made it \(edited by hand\?\).*makes it again"
    ):
        toy.gather()


def test_a_missing_file_is_named(toy):
    (toy.results / "evaluation/full-base-s0.json").unlink()
    with pytest.raises(
        PoseliftError, match=r"evaluation/full-base-s0.json: missing, though rule evaluate made it"
    ):
        toy.gather()


def test_a_part_without_a_receipt_is_refused(toy):
    Path("results/toy/receipts/paper/table_main.json").unlink()
    with pytest.raises(PoseliftError, match=r"tables/main.tex: no receipt says what made it"):
        toy.gather()


def test_an_intermediate_without_a_receipt_is_refused(toy):
    Path("results/toy/receipts/paper/results.json").unlink()
    with pytest.raises(PoseliftError, match=r"results.csv: nothing says what made it"):
        toy.gather()


def test_a_changed_receipt_is_refused(toy):
    path = Path("results/toy/receipts/paper/table_main.json")
    path.write_text(path.read_text().replace("--decimals 1", "--decimals 3"))
    with pytest.raises(PoseliftError, match=r"table_main.json: not the receipt that its job wrote"):
        toy.gather()


def test_no_receipts_at_all(tmp_path):
    with pytest.raises(PoseliftError, match="build the paper with snakemake first"):
        read_chain(tmp_path)


def test_a_path_outside_of_the_project_is_not_told(toy):
    raw = toy.root.parent / "licensed.pkl"
    raw.write_text("elsewhere")
    toy.job("frames", "frames", [str(raw)], {"results/toy/data/frames/manifest.json": "{}"})
    text = json.dumps(toy.gather())
    assert str(toy.root.parent) not in text
    assert '"licensed.pkl": "' in text


def edit_in_secret(path: Path) -> None:
    """Change a byte of a file that keeps its size and time."""
    status, content = path.stat(), bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_size_and_time_are_not_believed(toy):
    big = Path("results/toy/data/big.npy")
    outputs = {"results/toy/data/frames/manifest.json": "{}", big.as_posix(): "x" * (LARGE + 1)}
    Path("data/raw.pkl").write_bytes(bytes(LARGE + 1))
    toy.job("frames", "frames", ["data/raw.pkl"], outputs)
    first = toy.gather()["hash"]
    edit_in_secret(Path("data/raw.pkl"))
    assert toy.gather()["hash"] != first
    edit_in_secret(big)
    with pytest.raises(PoseliftError, match=r"big\.npy: not as rule frames made it"):
        toy.gather()


def test_frozen_runs_tell_what_changed_since(toy, monkeypatch):
    assert toy.gather(["full-base-s0"])["frozen"] == {}
    Path("constraints.txt").write_text("torch==2.1\nnumpy==2.0\n")
    older = toy.gather(["full-base-s0"])["frozen"]
    assert set(older) == {"full-base-s0"}
    assert older["full-base-s0"]["changed"] == ["torch 2.0 -> 2.1"]
    assert older["full-base-s0"]["code"] != older["full-base-s0"]["now"]


def test_a_frozen_run_of_code_that_is_not_known_is_told_all_the_same(toy):
    code = read_chain(toy.results).jobs["train/full-base-s0"].code
    (toy.results / f"code/{code}.json").unlink()
    assert toy.gather(["full-base-s0"])["frozen"] == {
        "full-base-s0": {"code": code, "now": None, "changed": None}
    }


def test_frozen_runs_of_modules_that_are_no_more_say_so(toy):
    weights = "results/toy/runs/full-base-s0/best_model.safetensors"
    receipt = Path("results/toy/receipts/train/full-base-s0.json")
    manifest = code_manifest("poselift.training.losses", pins={"torch": "2.0", "numpy": "2.0"})
    manifest["entries"].append("poselift.models.gone")
    manifest["modules"]["poselift.models.gone"] = "0" * 16
    code = keep_manifest(toy.results / "code", manifest)
    reseal(receipt, {**json.loads(receipt.read_text()), "code": code})
    assert read_chain(toy.results).makers[weights].code == code
    assert toy.gather(["full-base-s0"])["frozen"]["full-base-s0"]["changed"] == ["poselift.models.gone"]


def test_command_line(toy):
    module.main(
        [
            "--results",
            "results/toy",
            "--parts",
            *toy.parts,
            "--pins",
            "constraints.txt",
            "--out",
            "record.json",
        ]
    )
    assert json.loads(Path("record.json").read_text())["hash"] == toy.gather()["hash"]


def test_a_frozen_run_keeps_the_code_that_trained_it(toy):
    assert frozen_code(toy.results, "full-base-s1") == read_chain(toy.results).jobs["train/full-base-s1"].code
    with pytest.raises(PoseliftError, match="frozen: run 'full-base-s9' has not been trained yet"):
        frozen_code(toy.results, "full-base-s9")


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A git repository with one commit; `git` runs a command in it, `unpacked` is code that lies in it."""
    folder = tmp_path / "repository"
    unpacked = folder / "src/provenance/record.py"
    unpacked.parent.mkdir(parents=True)
    unpacked.write_text("code")
    (folder / "notes.txt").write_text("notes")
    monkeypatch.setattr(module, "__file__", str(unpacked))
    for variable in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(variable, "someone@example.org")

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    git("add", "notes.txt")
    git("commit", "-qm", "notes")
    return SimpleNamespace(git=git, unpacked=unpacked)


def test_the_commit_is_that_of_a_repository_that_tracks_the_code(repository):
    assert module.commit() is None  # unpacked inside of a repository of something else
    repository.git("add", "src")
    repository.git("commit", "-qm", "code")
    head = repository.git("rev-parse", "--short=12", "HEAD")
    assert module.commit() == head
    repository.unpacked.write_text("edited")
    assert module.commit() == f"{head}-dirty"


def test_there_is_no_commit_without_git(repository, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert module.commit() is None
