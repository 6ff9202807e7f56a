"""Run one trial of a search up to the end of a rung; a failure of the trial is a result, too.

Only `rung-<r>.json` is the workflow's output. The training's state and `known.json`, the errors by epoch of
what was trained here, outlive a rerun: a trial with equal settings, code and data answers from these, so
that a stage, or the stage before it, can grow and only what is new costs time.
"""

import argparse
import json
import logging
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from poselift.config.command_line import add_run_options, settings_from_options
from poselift.config.run import ExecutionSettings, RunSettings
from poselift.errors import PoseliftError, one_line
from poselift.files import write_json
from poselift.machine.devices import reserved_device
from poselift.program import run
from poselift.search.results import Ranking, TrialResult, read_ranking, write
from poselift.search.settings import Trial
from poselift.training.loop import Stopped
from poselift.training.state_files import state_key
from poselift.training.train import determining, train

log = logging.getLogger("poselift.search")

KNOWN = "known.json"
FAILURES = (PoseliftError, torch.OutOfMemoryError, MemoryError)
"""What makes a trial a failed one. Anything else, a kill above all, fails the job, which can be run again."""


def attempt(
    trial: Trial,
    rung: int,
    stop_after: int | None,
    start: Ranking | None,
    previous: Ranking | None,
    trained: Callable[[RunSettings, int | None], dict[str, Any]],
    goes_on: bool = False,
    seeds: Sequence[int] = (),
) -> TrialResult:
    """The trial's result after `rung`, `trained` as far as necessary: the errors of a run after some epochs.

    `start` is the finished stage whose winner it starts from, `previous` the trial's own stage after the
    rung before; `stop_after` counts epochs from the beginning, None is the whole length. Of its whole length
    it `goes_on` where finalists are compared by further `seeds`, with which it is trained on the last rung.
    Raises what is not the trial's own failure: `Stopped` by a signal, and what the machine lacks.
    """
    if previous:
        before = previous.trial(trial.name)
        if before.status != "running":
            return before
        if trial.name not in previous.promoted:
            compared = sum(other.rung == before.rung for other in previous.trials)
            reason = f"not among the best {len(previous.promoted)} of {compared} after epoch {before.epochs}"
            return replace(before, status="stopped", reason=reason)
    base = trial.base
    result = TrialResult(
        base.variant or "", trial.name, "running" if stop_after or goes_on else "finished", rung,
        base.architecture, base.size, searched=dict(trial.values),
    )  # fmt: skip
    try:
        inherited = _inherited(start)
        settings = trial.settings(inherited)
        result = replace(result, searched=trial.searched(inherited))
        first = replace(result, **trained(settings, stop_after))
        more = [trained(settings.model_copy(update={"seed": seed}), stop_after) for seed in seeds]
        return _mean([first, *(replace(result, **each) for each in more)])
    except FAILURES as error:
        if isinstance(error.__context__, OSError):  # a full disk or a missing file is not the trial's doing
            raise
        reason = str(error) if isinstance(error, PoseliftError) else f"out of memory: {error}"
        return replace(result, status="failed", reason=one_line(reason, limit=1000))


def _mean(results: Sequence[TrialResult]) -> TrialResult:
    """The result of a trial from those of its seeds: mean errors, and the hours of all."""
    if len(results) == 1:
        return results[0]
    best, final, hours = ([getattr(each, key) for each in results] for key in ("best", "final", "gpu_hours"))
    total = None if None in hours else sum(hours)
    return replace(results[0], best=fmean(best), final=fmean(final), gpu_hours=total, seeds=len(results))


def clear(folder: Path) -> None:
    """Remove the weights and the training state of a finished or stopped trial, of all its seeds."""
    for of_seed in folder.glob("seed-*/"):
        clear(of_seed)
    for weights in folder.glob("*.safetensors"):
        weights.unlink()
    for state in (folder / "state").glob("*/"):
        shutil.rmtree(state, ignore_errors=True)
    record = folder / "provenance.json"
    if record.exists():
        content = json.loads(record.read_text(encoding="utf-8"))
        outputs = {name: digest for name, digest in content["outputs"].items() if (folder / name).exists()}
        write_json(record, content | {"outputs": outputs})


def _inherited(start: Ranking | None) -> Mapping[str, Any]:
    if start is None:
        return {}
    if start.winner is None:
        raise PoseliftError(f"no trial of stage '{start.trials[0].stage}', which it starts from, finished")
    return start.winner.searched


def train_or_recall(
    store: Path, folder: Path, device: str, execution: ExecutionSettings,
    settings: RunSettings, stop_after: int | None,
) -> dict[str, Any]:  # fmt: skip
    """The errors of the run after `stop_after` epochs (None: all), from an earlier training or a new one."""
    facts = determining(settings, store, torch.device("cpu"))
    del facts["device"]  # what is known holds, whichever device it was trained on
    key = state_key(facts)
    noted = json.loads(path.read_text(encoding="utf-8")) if (path := folder / KNOWN).exists() else {}
    known = noted["after_epochs"] if noted.get("key") == key else {}
    epochs = str(stop_after or settings.training.epochs)
    if epochs in known:
        log.info("%s: already trained", settings.name)
        return known[epochs]
    with reserved_device(device) as chosen:
        summary = train(settings, store, folder, chosen, execution, stop_after)
    result = {"best": summary["best_mpjpe"], "final": summary["last_mpjpe"]}
    result |= {key: summary[key] for key in ("unit", "epochs", "gpu_hours")}
    write_json(path, {"key": key, "after_epochs": known | {epochs: result}})
    return result


def main(argv: list[str] | None = None) -> None:
    """Run one trial of a search up to the end of a rung."""
    parser = argparse.ArgumentParser(prog="poselift.search.trial", description=main.__doc__)
    parser.add_argument("--store", type=Path, required=True, help="folder of the frame store")
    parser.add_argument("--out", type=Path, required=True, help="result to write, in the trial's folder")
    parser.add_argument("--trial", required=True, help="name of the trial")
    parser.add_argument("--values", type=json.loads, default={}, help="JSON: the keys it sets")
    parser.add_argument("--factors", type=json.loads, default={}, help="JSON: factors on keys of the winner")
    parser.add_argument("--rung", type=int, default=0, help="which comparison the trial runs up to, from 0")
    parser.add_argument("--stop-after", type=int, help="epochs up to it (default: all of the trial)")
    parser.add_argument("--goes-on", action="store_true", help="finalists have further seeds after this rung")
    parser.add_argument("--seeds", type=int, nargs="+", default=[], help="further seeds of a finalist")
    parser.add_argument("--start", type=Path, nargs="?", help="last ranking of the stage that it starts from")
    parser.add_argument("--previous", type=Path, nargs="?", help="ranking of its stage after the rung before")
    parser.add_argument("--keep-weights", action="store_true", help="keep the weights when the trial is over")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 ...")
    names = add_run_options(parser, sys.argv[1:] if argv is None else argv)
    given = parser.parse_args(argv)
    base, execution = settings_from_options(given, names)
    trial, own = Trial(given.trial, base, given.values, given.factors), given.out.parent
    start, previous = (path and read_ranking(path) for path in (given.start, given.previous))
    if given.threads:
        torch.set_num_threads(given.threads)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)

    def trained(settings: RunSettings, epochs: int | None) -> dict[str, Any]:
        folder = own if settings.seed == base.seed else own / f"seed-{settings.seed}"
        return train_or_recall(given.store, folder, given.device, execution, settings, epochs)

    try:
        result = attempt(
            trial, given.rung, given.stop_after, start, previous, trained, given.goes_on, given.seeds
        )
    except Stopped as stopped:
        log.info("%s", stopped)
        sys.exit(stopped.exit_status)
    write(given.out, result)
    if result.status in ("finished", "stopped") and not given.keep_weights:
        clear(own)
    log.info("%s %s %s", trial.name, result.status, result.reason)


if __name__ == "__main__":
    run(main)
