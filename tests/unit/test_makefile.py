"""`make demo` with and without LaTeX, and when the build fails; a script stands in for Snakemake."""

import shutil
import subprocess
from pathlib import Path

import pytest
from snakemake.cli import parse_args

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def make_demo(tmp_path, monkeypatch):
    """`make demo` where LaTeX and the build have these exit codes: its answer, and the builds' options."""
    monkeypatch.chdir(tmp_path)
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):  # of the `make test` around this one
        monkeypatch.delenv(name, raising=False)
    for folder in (".venv/bin", "envs", "results/demo"):
        Path(folder).mkdir(parents=True)
    for file in ("Makefile", "pyproject.toml", "envs/constraints.txt", "envs/setup.sh"):
        shutil.copy(REPOSITORY / file, file)
    shutil.copytree(REPOSITORY / "workflow/profiles/demo", "workflow/profiles/demo")
    Path(".venv/.made").touch()
    Path("results/demo/summary.txt").write_text("the main table\n")

    def run(latex: int, build: int) -> tuple[subprocess.CompletedProcess[str], list[list[str]]]:
        for file, text in (
            ("envs/latex.sh", f"exit {latex}"),
            (".venv/bin/snakemake", f"echo $@ >> options; exit {build}"),
        ):
            Path(file).write_text(f"#!/bin/sh\n{text}\n")
            Path(file).chmod(0o755)
        answer = subprocess.run(["make", "demo"], capture_output=True, text=True)
        return answer, [line.split() for line in Path("options").read_text().splitlines()]

    return run


def test_the_demo_ends_with_its_table_and_what_to_try(make_demo):
    answer, (options,) = make_demo(latex=0, build=0)
    assert answer.returncode == 0
    assert answer.stdout.startswith("the main table\nNext")
    _, given = parse_args(options)
    assert (given.targets, given.logger) == (set(), ["poselift"])


def test_without_latex_all_but_the_pdf_is_made(make_demo):
    answer, (options,) = make_demo(latex=1, build=0)
    assert answer.returncode != 0
    assert answer.stdout.startswith("Not made, as LaTeX is missing: results/demo/paper/main.pdf.")
    assert "the main table" not in answer.stdout
    _, given = parse_args(options)
    assert (set(given.targets), given.logger) == ({"results/demo/report.html"}, ["poselift"])


@pytest.mark.parametrize("latex", [0, 1])
def test_a_build_that_fails_makes_make_fail(make_demo, latex):
    answer, _ = make_demo(latex=latex, build=1)
    assert answer.returncode != 0
    assert answer.stdout == ""
