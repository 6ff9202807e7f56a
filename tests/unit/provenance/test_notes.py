"""Snakemake's notes lie with the results, wherever these are."""

import shutil
from pathlib import Path

import pytest

from poselift.provenance.receipts import link_notes


@pytest.fixture
def checkout(tmp_path, monkeypatch) -> Path:
    """A checkout in which Snakemake noted something."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    monkeypatch.chdir(folder)
    link_notes(Path("results"), create=True)
    Path(".snakemake/metadata/note").write_text("how it was made")
    return folder


def test_notes_go_with_the_results_into_another_checkout(checkout, tmp_path, monkeypatch):
    clone = tmp_path / "clone"
    shutil.copytree(checkout / "results", clone / "results")
    monkeypatch.chdir(clone)
    link_notes(Path("results"), create=True)
    assert Path(".snakemake/metadata/note").read_text() == "how it was made"


def test_a_moved_checkout_uses_its_own_notes(checkout, tmp_path, monkeypatch):
    moved = tmp_path / "elsewhere" / "moved"
    shutil.copytree(checkout, moved, symlinks=True)
    (checkout / "results/.snakemake/metadata/note").write_text("another story")
    monkeypatch.chdir(moved)
    link_notes(Path("results"), create=True)
    assert Path(".snakemake/metadata/note").read_text() == "how it was made"


def test_results_on_another_disk(checkout, tmp_path):
    shutil.move(checkout / "results", tmp_path / "scratch")
    Path("results").symlink_to(tmp_path / "scratch")
    link_notes(Path("results"), create=True)
    assert Path(".snakemake/metadata/note").read_text() == "how it was made"
    assert Path(".snakemake/incomplete").is_dir()


def test_results_that_were_removed(checkout):
    shutil.rmtree("results")
    link_notes(Path("results"), create=True)
    assert list(Path(".snakemake/metadata").iterdir()) == []


def test_notes_of_an_older_checkout_stay(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(".snakemake/metadata").mkdir(parents=True)
    Path(".snakemake/metadata/note").write_text("older")
    link_notes(Path("results"), create=True)
    assert not Path(".snakemake/metadata").is_symlink()
    assert Path(".snakemake/metadata/note").read_text() == "older"


def test_without_a_build_only_links_to_notes_that_are_there_are_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    link_notes(Path("results"))
    assert not list(tmp_path.iterdir())
    Path("results/.snakemake/metadata").mkdir(parents=True)
    Path("results/.snakemake/metadata/note").write_text("came with the results")
    link_notes(Path("results"))
    assert Path(".snakemake/metadata/note").read_text() == "came with the results"
    assert not Path(".snakemake/incomplete").exists()


def test_an_empty_folder_that_snakemake_made_becomes_a_link(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(".snakemake/metadata").mkdir(parents=True)
    link_notes(Path("results"), create=True)
    assert Path(".snakemake/metadata").is_symlink()
