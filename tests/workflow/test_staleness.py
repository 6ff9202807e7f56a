"""What Snakemake would run after a change: what depends on it, and nothing else."""

import os
import shutil

import pytest

pytestmark = pytest.mark.skipif(shutil.which("latexmk") is None, reason="needs LaTeX")


def test_nothing_after_a_build_a_move_and_a_touch(built):
    assert built.stale() == {}
    for path in built.folder.rglob("*"):
        if path.is_file() and ".snakemake" not in path.parts:
            os.utime(path)
    assert built.stale() == {}


def test_nothing_after_a_comment_and_a_docstring(built):
    built.edit("src/poselift/models/graph.py", '"""', '"""Edited. ')
    built.edit("src/poselift/training/train.py", "import argparse", "# edited\nimport argparse")
    assert built.stale() == {}


def test_a_figures_module(built):
    built.edit("src/poselift/paper/figures/per_action.py", "def draw(", "EDITED = 1\n\n\ndef draw(")
    assert built.stale() == {"figure": 1, "provenance": 1, "pdf": 1, "summary": 1}


def test_the_mamba_gcn_block_leaves_the_baseline_alone(built):
    built.edit("src/poselift/models/mamba_gcn_block.py", "\n\n\nclass", "\n\n\nEDITED = 1\n\n\nclass")
    stale = built.stale()
    assert (stale["train"], stale["evaluate"]) == (2, 2)
    assert "frames" not in stale
    assert "references" not in stale


def test_the_metrics_leave_trainings_alone(built):
    built.edit("src/poselift/evaluation/metrics.py", "\n\n\ndef", "\n\n\nEDITED = 1\n\n\ndef")
    stale = built.stale()
    assert (stale["evaluate"], stale["references"], stale["results"]) == (3, 1, 1)
    assert not {"train", "frames", "clips", "cost"} & set(stale)


def test_how_a_machine_trains_makes_nothing_stale(built):
    assert built.stale("execution: {num_workers: 7, checkpoint_every: 5}") == {}


def test_decimals_of_tables(built):
    assert built.stale("paper: {decimals: 2}") == {
        "table": 6,
        "judge": 1,
        "provenance": 1,
        "numbers": 1,
        "pdf": 1,
        "summary": 1,
    }


def test_a_seed_more(built):
    stale = built.stale("experiment: {seeds: [0, 1]}")
    assert (stale["train"], stale["evaluate"]) == (3, 3)
    assert not {"frames", "clips", "references", "cost", "synthetic"} & set(stale)


def test_a_hyper_parameter_of_one_architecture(built):
    stale = built.stale("models: {full: {gcn_dropout: 0.2}}")
    assert (stale["train"], stale["evaluate"]) == (1, 1)


def test_the_text(built):
    built.edit("paper/sections/introduction.tex", "\\section{", "% edited\n\\section{")
    assert built.stale() == {"pdf": 1, "summary": 1}


def test_a_pinned_version_restarts_what_imports_it(built):
    pins = (built.folder / "envs/constraints.txt").read_text()
    line = next(line for line in pins.splitlines() if line.startswith("matplotlib=="))
    built.edit("envs/constraints.txt", line, "matplotlib==99.0")
    assert set(built.stale()) == {
        "figure",
        "figure_architecture",
        "figure_curves",
        "figure_qualitative",
        "figure_animation",
        "provenance",
        "pdf",
        "summary",
    }


def test_the_synthetic_motion(built):
    stale = built.stale("data: {synthetic: {seed: 1}}")
    assert (stale["synthetic"], stale["frames"], stale["train"]) == (1, 1, 3)
