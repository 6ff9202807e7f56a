"""What a run leaves for its readers: `metrics.json` and `provenance.json`, made from its `history.json`.

The training writes weights, settings, log and, last, `history.json`: the raw history, what was measured, and
the record of what made them. What readers get is made from that, by the training and by a rule of its own: a
change of its form trains nothing.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from poselift.files import reading, write_json
from poselift.program import run
from poselift.provenance.hashing import sha256

TRAINED = ("best_model.safetensors", "last_model.safetensors", "config.yaml", "training.log")
HISTORY = "history.json"
OUTPUTS = (*TRAINED, HISTORY, "metrics.json")


def write_outcome(out: Path) -> dict[str, Any]:
    """Write `metrics.json` and `provenance.json` of the trained run in `out`; the summary of the former.

    Raises `PoseliftError` if the history is missing or damaged.
    """
    path = out / HISTORY
    with reading(path, "as it was written", "train the run first", "train the run again"):
        raw = json.loads(path.read_text(encoding="utf-8"))
        summary = summarise(raw["epochs"], raw["best_epoch"], raw["measured"])
        record, outputs = raw["record"], dict(raw["record"]["outputs"])
    write_json(out / "metrics.json", {"epochs": raw["epochs"], "summary": summary})
    made = {name: sha256(out / name) for name in (HISTORY, "metrics.json")}
    write_json(out / "provenance.json", record | {"outputs": outputs | made})
    return summary


def summarise(epochs: dict[str, list[Any]], best_epoch: int, measured: dict[str, Any]) -> dict[str, Any]:
    """The outcome of a run in a few numbers; `best_epoch` counts from 0, in the summary from 1."""
    seconds, train_seconds = (sum(filter(None, epochs[name])) for name in ("seconds", "train_seconds"))
    done = len(epochs["seconds"])
    return {
        "best_epoch": best_epoch + 1,
        "best_mpjpe": epochs["mpjpe"][best_epoch],
        "last_mpjpe": epochs["mpjpe"][-1],
        "unit": measured["unit"],
        "epochs": done,
        "steps": done * measured["steps_per_epoch"],
        "train_clips": measured["train_clips"],
        "test_clips": measured["test_clips"],
        "seconds": seconds,
        "clips_per_second": done * measured["train_clips"] / train_seconds,
        "gpu_hours": measured["gpus"] * seconds / 3600,
        "processes": measured["processes"],
        "peak_memory_bytes": measured["peak_memory_bytes"],
        "device": measured["device"],
    }


def main(argv: list[str] | None = None) -> None:
    """Write the metrics and the record of a trained run."""
    parser = argparse.ArgumentParser(prog="poselift.training.outcome", description=main.__doc__)
    parser.add_argument("--run", type=Path, required=True, help="folder of the run")
    write_outcome(parser.parse_args(argv).run)


if __name__ == "__main__":
    run(main)
