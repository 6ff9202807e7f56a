"""Train one model: from settings and a frame store to a run directory.

A run is determined by its settings, the code and the data alone: on one machine the same seed gives the
same bits, and a run that was killed and resumed ends like one that was not.
"""

import argparse
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import torch
from tqdm.contrib.logging import logging_redirect_tqdm

from poselift.config.command_line import add_run_options, execution_from_options, run_from_options
from poselift.config.recipes import advice
from poselift.config.run import ExecutionSettings, RunSettings
from poselift.config.sections import add_options
from poselift.data.sequence import SPLITS
from poselift.data.store import clips_folder
from poselift.errors import run
from poselift.machine.devices import reserved_devices
from poselift.monitoring.progress import log_file
from poselift.provenance.code_hash import code_hash
from poselift.provenance.hashing import sha256
from poselift.training.distributed import ALONE, Ranks, check_size, device_of, launch, place, process_group
from poselift.training.interruptions import Stopped, memory_advice, stop_requests
from poselift.training.loop import Circumstances, Loop
from poselift.training.outcome import clear_leftovers, finished, summarise, write_outcome
from poselift.training.report import Reporter
from poselift.training.state import StateFolder, TrainingState, exclusive
from poselift.training.validation import open_splits

log = logging.getLogger("poselift.train")

NO_PREFERENCES = ExecutionSettings()


def train(
    settings: RunSettings,
    store: Path,
    out: Path,
    device: torch.device,
    execution: ExecutionSettings = NO_PREFERENCES,
    stop_after: int | None = None,
    resume: Path | Literal["newest"] | None = None,
    ranks: Ranks = ALONE,
) -> dict[str, Any]:
    """Train the run that `settings` describe on `store`, into the run directory `out`; its summary.

    It goes on from its own newest state if there is one. `resume` insists on that, or on the state in a file,
    and refuses another run's. With `stop_after` the run ends as it stands after so many epochs, on the way to
    all of them: outputs are written, the state is kept, and a later call with more goes on from there.

    Raises `PoseliftError` for data or a state that do not fit, for a loss that is no number, where memory or
    disk do not suffice; `Stopped` if a signal has asked it to stop and the state is saved.
    """
    until = min(stop_after or settings.training.epochs, settings.training.epochs)
    training, held_out = open_splits(store, settings)
    facts = determining(settings, store, device)
    keeper = StateFolder(out / "state", facts, execution.keep)
    with _sole_writer(out, keeper, ranks) as waited:
        if ranks.agreed(waited and finished(out, keeper.folder.name)):
            log.info("the other process finished the run")
            return dict(json.loads((out / "metrics.json").read_text(encoding="utf-8"))["summary"])
        reporter = Reporter(settings, execution, out if ranks.first else None, device, ranks.size)
        with (
            _reported(reporter),
            stop_requests() as stop,
            memory_advice(settings.name, settings.training, device),
        ):
            state = ranks.agreed(_start(keeper, resume) if ranks.first else TrainingState())
            at = Circumstances(device, ranks, execution, keeper, reporter, stop)
            loop = Loop(settings, training, held_out, state, at)
            state = loop.run(until)
            summary = summarise(state, loop)
            if ranks.first:
                write_outcome(out, settings, state, loop, summary)
                reporter.phase("finished")
        if ranks.first and until == settings.training.epochs:
            keeper.remove()
    return summary


def determining(settings: RunSettings, store: Path, device: torch.device) -> dict[str, Any]:
    """All that determines the outcome of a run: equal facts give equal weights on one machine."""
    start = settings.init_from
    return {
        "settings": {**settings.model_dump(mode="json"), "init_from": sha256(start) if start else None},
        "code": code_hash("poselift.training.train", f"poselift.models.{settings.architecture}", pins={}),
        "data": json.loads((store / "frames" / "manifest.json").read_text(encoding="utf-8"))["arrays"],
        "clips": {split: sha256(clips_folder(store, settings.n_frames) / f"{split}.npy") for split in SPLITS},
        "device": device.type,
        "torch": torch.__version__,
    }


@contextmanager
def _sole_writer(out: Path, keeper: StateFolder, ranks: Ranks) -> Iterator[bool]:
    """Let no other process train into `out`, and log to the state's folder; whether it had to be waited for.
    The first of several processes does that for all."""
    if not ranks.first:
        yield ranks.agreed(False)
        return
    with exclusive(out / "state") as waited, log_file(keeper.folder / "training.log"):
        clear_leftovers(out)
        try:
            yield ranks.agreed(waited)
        finally:
            keeper.close()


@contextmanager
def _reported(reporter: Reporter) -> Iterator[None]:
    """Tell the monitor how the run ended if it did not end well."""
    reporter.phase("starting")
    try:
        yield
    except Stopped as stopped:
        reporter.phase("stopped", str(stopped))
        raise
    except BaseException as error:
        reporter.phase("failed", str(error) or type(error).__name__)
        raise


def _start(keeper: StateFolder, resume: Path | Literal["newest"] | None) -> TrainingState:
    """The state to go on from; that of another run's is named and left alone."""
    if resume is not None:
        state = keeper.demanded(None if resume == "newest" else Path(resume))
    else:
        state = keeper.newest() or TrainingState()
        if not state.model:
            for different in keeper.others():
                log.info("starting over: the state here is of another run; these differ: %s", different)
    keeper.begin(state)
    return state


def main(argv: list[str] | None = None) -> None:
    """Train one model on a frame store."""
    arguments = sys.argv[1:] if argv is None else argv
    parser = argparse.ArgumentParser(prog="poselift train", description=main.__doc__)
    parser.add_argument(
        "--store", type=Path, default=Path("results/h36m/data"), help="frame store (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, required=True, help="run directory to write")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 ... (default: auto)")
    parser.add_argument("--threads", type=int, help="CPU threads (results depend on their number)")
    parser.add_argument(
        "--resume", nargs="?", const="newest", metavar="STATE",
        help="go on from the newest state in the run directory, or from this file, and refuse to start over; "
        "without it a run goes on from its own state if there is one",
    )  # fmt: skip
    add_run_options(parser)
    add_options(parser, ExecutionSettings)
    given = vars(parser.parse_args(arguments))
    store, out, device, threads, resume = (
        given.pop(name) for name in ("store", "out", "device", "threads", "resume")
    )
    execution = execution_from_options(given)
    settings = run_from_options(given)
    if threads:
        torch.set_num_threads(threads)
    here, processes = place(), settings.training.processes
    level = logging.INFO if here is None or here.rank == 0 else logging.WARNING
    logging.basicConfig(level=level, format="%(message)s", stream=sys.stderr)

    if here is None and processes > 1:
        with reserved_devices(device, processes) as devices:
            names = ",".join(map(str, devices))
            launch("poselift.training.train", [*arguments, "--device", names], processes)
        return
    check_size(here, processes)
    for line in advice(settings.training):
        log.info("warning: %s", line)
    try:
        with logging_redirect_tqdm():
            if here is None:
                with reserved_devices(device, 1) as (chosen,):
                    train(settings, store, out, chosen, execution, resume=resume)
            else:
                chosen = device_of(device, here)
                with process_group(here, chosen) as ranks:
                    train(settings, store, out, chosen, execution, resume=resume, ranks=ranks)
    except Stopped as stopped:
        log.info("%s", stopped)
        sys.exit(stopped.exit_status)


if __name__ == "__main__":
    run(main)
