"""What a run leaves in its directory: weights, metrics, settings, log, and the record of what made them."""

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import torch
import yaml

from poselift.config.run import RunSettings
from poselift.files import atomic_path, write_json, write_text
from poselift.models.checkpoints import save_weights
from poselift.models.registry import ssm_backend_used
from poselift.monitoring.progress import device_name, memory_bytes
from poselift.monitoring.run_progress import duration
from poselift.provenance.hashing import sha256
from poselift.provenance.record import run_record
from poselift.training.loop import Loop
from poselift.training.state import TrainingState

log = logging.getLogger("poselift.train")

OUTPUTS = ("best_model.safetensors", "last_model.safetensors", "metrics.json", "config.yaml", "training.log")


def clear_leftovers(out: Path) -> None:
    """Remove what a killed process was writing (see `poselift.files.atomic_path`)."""
    for path in (*(out / name for name in (*OUTPUTS, "provenance.json")), out / "state" / "progress.json"):
        for cut_short in path.parent.glob(f".{path.stem}.*{path.suffix}"):
            cut_short.unlink()


def write_outcome(
    out: Path, settings: RunSettings, state: TrainingState, loop: Loop, summary: dict[str, Any]
) -> None:
    """Write all `OUTPUTS` and their record."""
    device, keeper = loop.at.device, loop.at.keeper
    for name, weights in (("best", state.best_model), ("last", state.model)):
        loop.model.load_state_dict(weights)
        save_weights(loop.model, out / f"{name}_model.safetensors")
    write_text(out / "config.yaml", yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False))
    write_json(out / "metrics.json", {"epochs": state.history, "summary": summary})
    unit = summary["unit"]
    log.info(
        "%s finished after epoch %s: best MPJPE %.1f %s (epoch %s), last %.1f %s, %s",
        settings.name, summary["epochs"], summary["best_mpjpe"], unit, summary["best_epoch"],
        summary["last_mpjpe"], unit, duration(summary["seconds"]),
    )  # fmt: skip
    with atomic_path(out / "training.log") as temporary:
        shutil.copyfile(keeper.folder / "training.log", temporary)
    facts = keeper.facts
    inputs = {name: facts[name] for name in ("data", "clips", "code")} | {"key": keeper.folder.name}
    inputs |= {"init_from": facts["settings"]["init_from"]}
    environment = {
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "device": device_name(device),
        "processes": loop.at.ranks.size,
        "threads": torch.get_num_threads(),
        "ssm_backend": ssm_backend_used(loop.model),
    }
    write_json(
        out / "provenance.json",
        run_record(out, OUTPUTS, inputs, settings.model_dump(mode="json"), environment),
    )


def summarise(state: TrainingState, loop: Loop) -> dict[str, Any]:
    """The outcome of a run in a few numbers; epochs count from 1."""
    history, device, processes = state.history, loop.at.device, loop.at.ranks.size
    seconds, train_seconds = (sum(filter(None, history[name])) for name in ("seconds", "train_seconds"))
    train_clips = len(loop.batches.split)
    return {
        "best_epoch": state.best_epoch + 1,
        "best_mpjpe": history["mpjpe"][state.best_epoch],
        "last_mpjpe": history["mpjpe"][-1],
        "unit": loop.validation.unit,
        "epochs": state.epoch,
        "steps": state.epoch * loop.steps,
        "train_clips": train_clips,
        "test_clips": len(loop.validation.clips),
        "seconds": seconds,
        "clips_per_second": state.epoch * train_clips / train_seconds,
        "gpu_hours": processes * seconds / 3600 if device.type == "cuda" else 0.0,
        "peak_memory_bytes": memory_bytes(device, peak=True),
        "device": device_name(device),
    }


def finished(out: Path, key: str) -> bool:
    """Whether the run directory holds the whole outcome of the run with this key."""
    try:
        made = json.loads((out / "provenance.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    return made["inputs"]["key"] == key and all(
        (out / name).exists() and sha256(out / name) == digest for name, digest in made["outputs"].items()
    )
