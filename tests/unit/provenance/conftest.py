"""A small project with results and receipts, as the workflow leaves them; the numbers are invented."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from poselift.provenance.code_hash import code_manifest, keep_manifest, read_pins
from poselift.provenance.receipts import write_receipt
from poselift.provenance.record import paper_record

R = "results/toy"

MODULES = {
    "frames": "poselift.data.prepare",
    "train": "poselift.training.losses",
    "evaluate": "poselift.evaluation.metrics",
    "results": "poselift.analysis.results",
    "table": "poselift.analysis.costs",
    "figure": "poselift.analysis.trials",
    "numbers": "poselift.latex",
}

RUNS = ("baseline-base-s0", "full-base-s0", "full-base-s1")


class Toy:
    """The project: `root`, with `results/toy` in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.results = Path(R)
        self.parts = [f"{R}/tables/main.tex", f"{R}/figures/curves.pdf", f"{R}/numbers.tex"]

    def job(self, name: str, rule: str, inputs: list[str], outputs: dict[str, str], **params: str) -> None:
        """Run a job: write its outputs and its receipt."""
        for path, content in outputs.items():
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(content)
        manifest = code_manifest(MODULES[rule], pins={"torch": "2.0", "numpy": "2.0"})
        code = keep_manifest(Path(R, "code"), manifest)
        write_receipt(f"{R}/logs/{name}.log", rule, {"code": code, **params}, inputs, list(outputs))

    def build(self) -> None:
        """Everything from the raw file to the parts of the paper."""
        Path("data").mkdir(exist_ok=True)
        Path("data/raw.pkl").write_text("raw motion")
        Path("constraints.txt").write_text("torch==2.0\nnumpy==2.0\n")
        self.job("frames", "frames", ["data/raw.pkl"], {f"{R}/data/frames/manifest.json": "{}"})
        for run in RUNS:
            record = {"settings": {"seed": int(run[-1])}, "environment": {"torch": "2.0"}, "volatile": {}}
            self.job(
                f"train/{run}", "train", [f"{R}/data/frames/manifest.json"],
                {f"{R}/runs/{run}/best_model.safetensors": f"weights of {run}",
                 f"{R}/runs/{run}/history.json": json.dumps({"record": record})},
                options=f"--seed {run[-1]}",
            )  # fmt: skip
            self.job(
                f"evaluate/{run}", "evaluate", [f"{R}/runs/{run}/history.json"],
                {f"{R}/evaluation/{run}.json": f"errors of {run}"},
            )  # fmt: skip
        evaluations = [f"{R}/evaluation/{run}.json" for run in RUNS]
        self.job("paper/results", "results", evaluations, {f"{R}/results.csv": "run,value\n"})
        results = [f"{R}/results.csv"]
        self.job("paper/table_main", "table", results, {self.parts[0]: "a table\n"}, options="--decimals 1")
        self.job("paper/curves", "figure", results, {self.parts[1]: "%PDF a figure\n"})
        number = "\\defnum{full.base.mpjpe}{39.5\\ensuremath{\\,\\pm\\,}0.3}\n\\defnum{detail.size}{base}\n"
        number += "\\defnum{detail.full.mpjpe.change}{\\ensuremath{-}2.0}\n"
        self.job("paper/numbers", "numbers", results, {self.parts[2]: number})

    def gather(self, frozen: list[str] | None = None) -> dict:
        return paper_record(self.results, self.parts, frozen or [], read_pins(Path("constraints.txt")))


NONSENSE = ["", "{", "[]", "null", '{"core": 3}', "[" * 100_000, "\udcff"]
"""Files that were cut short, or hold something else than they should."""


def damaged(path: Path, text: str) -> None:
    """Write nonsense."""
    path.write_bytes(text.encode(errors="surrogateescape"))


def mistyped(content: dict) -> Iterator[dict]:
    """Copies of a JSON object, each with one of its values, at any depth, of another type."""
    for key, value in content.items():
        for other in (None, 3, "text", [], {}, [[{}]]):
            if type(other) is not type(value):
                yield {**content, key: other}
        if isinstance(value, dict):
            yield from ({**content, key: changed} for changed in mistyped(value))


@pytest.fixture
def toy(tmp_path, monkeypatch) -> Toy:
    monkeypatch.chdir(tmp_path)
    project = Toy(tmp_path)
    project.build()
    return project


@pytest.fixture
def paper_folder(toy) -> Path:
    """A paper folder put together from the project's parts, with its record, not yet sealed."""
    folder = toy.results / "paper"
    for part in toy.parts:
        target = folder / "generated" / Path(part).relative_to(R)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(Path(part).read_bytes())
    (folder / "generated" / "provenance.json").write_text(json.dumps(toy.gather()))
    (folder / "main.tex").write_text("\\documentclass{article}\n")
    (folder / "main.pdf").write_bytes(b"%PDF-1.5 the paper")
    return folder
