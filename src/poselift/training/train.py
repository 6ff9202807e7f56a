"""Train one model: from settings and a frame store to a run directory.

A run is determined by its settings, the code and the data alone: on one machine the same seed gives the same
weights bit by bit, and a run that was killed and resumed ends like one that was not.
"""

import argparse
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
import yaml
from torch import nn
from tqdm.contrib.logging import logging_redirect_tqdm

from poselift.config.command_line import add_run_options, settings_from_options
from poselift.config.recipes import unusual
from poselift.config.run import ExecutionSettings, RunSettings
from poselift.config.yaml_files import load
from poselift.data.batches import NO_PREFERENCES
from poselift.data.sequence import SPLITS
from poselift.data.store import clips_folder
from poselift.errors import PoseliftError
from poselift.files import copy_file, write_json, write_text
from poselift.machine.devices import reserved_devices
from poselift.models.checkpoints import load_checkpoint, save_weights
from poselift.models.registry import build_run
from poselift.monitoring.progress import log_file
from poselift.monitoring.run_progress import duration
from poselift.program import run
from poselift.provenance.code_hash import code_hash
from poselift.provenance.environment import installed
from poselift.provenance.hashing import sha256
from poselift.provenance.record import run_record
from poselift.training import core_modules
from poselift.training.arithmetic import set_arithmetic
from poselift.training.context import RunContext
from poselift.training.distributed import SINGLE_PROCESS, Ranks
from poselift.training.finished import finished, keep, restore
from poselift.training.half_kernels import chosen
from poselift.training.interruptions import memory_advice, stop_requests
from poselift.training.launch import check_size, launch, launch_info, launched
from poselift.training.loop import Loop, Stopped
from poselift.training.memory import recomputes
from poselift.training.outcome import HISTORY, OUTPUTS, TRAINED, write_outcome
from poselift.training.recomputation import recompute
from poselift.training.report import Reporter, device_name, memory_bytes, ssm_backend_used
from poselift.training.state import TrainingState
from poselift.training.state_files import StateFolder, exclusive
from poselift.training.validation import open_splits

log = logging.getLogger("poselift.train")


def train(
    settings: RunSettings,
    store: Path,
    out: Path,
    device: torch.device,
    execution: ExecutionSettings = NO_PREFERENCES,
    stop_after: int | None = None,
    resume: Path | Literal["newest"] | None = None,
    ranks: Ranks = SINGLE_PROCESS,
    kept: Path | None = None,
) -> dict[str, Any]:
    """Train the run that `settings` describe on `store`, into the run directory `out`; returns its summary.

    It resumes from its own newest state if there is one. `resume` insists on that, or on the state in a file,
    and refuses another run's. With `stop_after` the run ends after that many epochs of all of them: outputs
    are written, the state is kept, and a later call with more resumes from there. `kept` is the folder of
    finished trainings: one that is there is not trained again.

    Raises `PoseliftError` for data or a state that do not fit, for a non-finite loss, for a lack of memory or
    disk space; `Stopped` if a signal has asked it to stop and the state is saved.
    """
    until = min(stop_after or settings.training.epochs, settings.training.epochs)
    training, held_out = open_splits(store, settings)
    implementations = _implementations(settings, device)
    facts = determining(settings, store, device) | implementations
    states = StateFolder(out / "state", facts, execution.keep)
    if resume and ranks.first:  # one that is refused leaves everything as it is, the run's status as well
        states.load_or_fail(None if resume == "newest" else resume)
    with _sole_writer(out, states, ranks) as waited:
        key = states.folder.name
        if ranks.broadcast(ranks.first and resume is None and _trained_before(out, key, kept, waited)):
            return ranks.broadcast(write_outcome(out) if ranks.first else {})
        reporter = Reporter(settings, execution, out if ranks.first else None, device, ranks.size)
        fused = "triton" in implementations.values()
        again = recomputes(settings, execution.memory, device, fused)
        with reporter.reporting(), stop_requests() as stop, memory_advice(settings, again, device):
            state = ranks.broadcast(_initial_state(states, resume) if ranks.first else TrainingState())
            prepare = partial(_prepare, start=settings.init_from, again=again)
            ctx = RunContext(device, ranks, execution, states, reporter, stop, prepare)
            loop = Loop(settings, training, held_out, state, ctx)
            state = loop.run(until)
            summary = ranks.broadcast(_write(out, settings, state, loop, states) if ranks.first else {})
        if ranks.first and until == settings.training.epochs:
            if kept:
                keep(out, kept, key)
            states.remove()
    return summary


def _prepare(model: nn.Module, start: Path | None, again: bool) -> None:
    """Give a new model the weights to start from, and let it compute parts `again` rather than keep them."""
    if start:
        load_checkpoint(start, model)
    if again:
        recompute(model)


def _trained_before(out: Path, key: str, kept: Path | None, waited: bool) -> bool:
    if waited and finished(out, key):
        log.info("the other process finished the run")
        return True
    return kept is not None and restore(out, kept, key)


def determining(settings: RunSettings, store: Path, device: torch.device) -> dict[str, Any]:
    """All that determines the outcome of a run: equal facts give equal weights on one machine."""
    start = settings.init_from
    return {
        "settings": {
            **settings.model_dump(mode="json", exclude={"architecture_file"}),
            "init_from": sha256(start) if start else None,
        },
        "code": code_hash(*core_modules(settings.architecture, settings.architecture_file), pins={}),
        "data": json.loads((store / "frames" / "manifest.json").read_text(encoding="utf-8"))["arrays"],
        "clips": {split: sha256(clips_folder(store, settings.n_frames) / f"{split}.npy") for split in SPLITS},
        "device": device.type,
        "torch": torch.__version__,
    }


def _implementations(settings: RunSettings, device: torch.device) -> dict[str, str]:
    """Those of the SSD layer and of what has kernels for half precision, if the run has such: others differ
    in the last bits, and no run is to be begun with one and ended with another.

    Raises `PoseliftError` if one cannot be had.
    """
    used: dict[str, str] = {}
    if half := chosen(settings, device):
        used["kernels"] = half.name
    if hasattr(settings.model, "ssm_backend"):
        set_arithmetic(settings.training)  # one that is not deterministic may be out of the question
        if backend := ssm_backend_used(build_run(settings).to(device)):
            used["ssm_backend"] = backend
    return used


@contextmanager
def _sole_writer(out: Path, states: StateFolder, ranks: Ranks) -> Iterator[bool]:
    """Let no other process train into `out`, and log to the state's folder; whether it had to be waited for.
    The first of several processes does that for all."""
    if not ranks.first:
        yield ranks.broadcast(False)
        return
    with exclusive(out / "state") as waited, log_file(states.folder / "training.log"):
        for path in (*(out / name for name in (*OUTPUTS, "provenance.json")), out / "state/progress.json"):
            for cut_short in path.parent.glob(f".{path.stem}.*{path.suffix}"):  # by a kill
                cut_short.unlink()
        try:
            yield ranks.broadcast(waited)
        finally:
            states.close()


def _initial_state(states: StateFolder, resume: Path | Literal["newest"] | None) -> TrainingState:
    """The state to resume from; that of another run is named and left alone."""
    if resume is not None:
        state = states.load_or_fail(None if resume == "newest" else resume)
    else:
        state = states.newest() or TrainingState()
        if not state.model:
            for different in states.others():
                log.info("starting over: the state here is of another run; these differ: %s", different)
    states.begin(state)
    return state


def _write(out: Path, settings: RunSettings, state: TrainingState, loop: Loop, states: StateFolder) -> Any:
    """Write all `OUTPUTS` and their record; the summary of the run."""
    device, processes = loop.ctx.device, loop.ctx.ranks.size
    for name, weights in (("best", state.best_model), ("last", state.model)):
        loop.model.load_state_dict(weights)
        save_weights(loop.model, out / f"{name}_model.safetensors")
    described = settings.model_dump(mode="json")
    write_text(out / "config.yaml", yaml.safe_dump(described, sort_keys=False))
    errors, unit = state.history["mpjpe"], loop.validation.unit
    log.info(
        "%s finished after epoch %s: best MPJPE %.1f %s (epoch %s), last %.1f %s, %s",
        settings.name, state.epoch, errors[state.best_epoch], unit, state.best_epoch + 1, errors[-1], unit,
        duration(sum(filter(None, state.history["seconds"]))),
    )  # fmt: skip
    copy_file(states.folder / "training.log", out / "training.log")
    inputs = {name: states.facts[name] for name in ("data", "clips", "code")} | {"key": states.folder.name}
    inputs |= {"init_from": states.facts["settings"]["init_from"]}
    machine = {"device": device_name(device), "processes": processes}
    environment: dict[str, Any] = {
        **installed(("numpy", "torch")),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        **machine,
        "threads": torch.get_num_threads(),
        **{name: states.facts[name] for name in ("ssm_backend", "kernels") if name in states.facts},
    }
    measured = {
        "unit": unit,
        "steps_per_epoch": loop.steps,
        "train_clips": loop.clips,
        "test_clips": len(loop.validation.clips),
        "gpus": processes if device.type == "cuda" else 0,
        "peak_memory_bytes": memory_bytes(device, peak=True),
        **machine,
    }
    made = run_record(out, TRAINED, inputs, described, environment)
    history = {"epochs": state.history, "best_epoch": state.best_epoch, "measured": measured, "record": made}
    write_json(out / HISTORY, history)
    return write_outcome(out)


def require_free(folder: Path, settings: RunSettings) -> None:
    """Raise `PoseliftError` if files in `folder` would be overwritten: those of a finished run with other
    settings, or of what is no run. Before Snakemake trains again it deletes its outputs."""
    path = folder / "config.yaml"
    if not path.exists():
        return
    try:
        there = load(path, RunSettings)
    except PoseliftError:
        raise PoseliftError(f"{path}: is not a run's; give --out a folder of its own") from None
    if there != settings and (folder / HISTORY).exists():
        raise PoseliftError(
            f"{folder}: holds the finished run {there.name}, of other settings; give another --out"
        )


def main(argv: list[str] | None = None) -> None:
    """Train one model on a frame store."""
    arguments = sys.argv[1:] if argv is None else argv
    parser = argparse.ArgumentParser(prog="poselift train", description=main.__doc__)
    parser.add_argument("--store", type=Path, default=Path("results/h36m/data"), help="default: %(default)s")
    parser.add_argument("--out", type=Path, required=True, help="run directory to write")
    parser.add_argument("--kept", type=Path, metavar="DIR", help="folder that keeps finished trainings")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 ... (default: auto)")
    parser.add_argument(
        "--resume", nargs="?", const="newest", metavar="STATE",
        type=lambda word: word if word == "newest" else Path(word),
        help="resume from the newest state in the run directory, or from this file, or fail; without it "
        "a run resumes from its own state if there is one",
    )  # fmt: skip
    names = add_run_options(parser, arguments)
    given = parser.parse_args(arguments)
    settings, execution = settings_from_options(given, names)
    if given.threads:
        torch.set_num_threads(given.threads)
    info, processes = launch_info(), settings.training.processes
    level = logging.INFO if info is None or info.rank == 0 else logging.WARNING
    logging.basicConfig(level=level, format="%(message)s", stream=sys.stderr)

    if info is None and processes > 1:
        with reserved_devices(given.device, processes) as devices:
            listed = ",".join(map(str, devices))
            launch("poselift.training.train", [*arguments, "--device", listed], processes)
        return
    check_size(info, processes)
    require_free(given.out, settings)
    if given.kept:
        given.kept.mkdir(parents=True, exist_ok=True)  # a fault of it is said before the training
    for line in unusual(settings):
        log.info("warning: %s", line)
    try:
        with logging_redirect_tqdm(), launched(given.device, info) as (device, ranks):
            train(
                settings, given.store, given.out, device, execution, resume=given.resume, ranks=ranks,
                kept=given.kept,
            )  # fmt: skip
    except Stopped as stopped:
        log.info("%s", stopped)
        sys.exit(stopped.exit_status)


if __name__ == "__main__":
    run(main)
