"""Evaluate a run's weights, or a published checkpoint, on the test split."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from poselift.config.command_line import OF_CHECKPOINT, add_model_options, run_from_options
from poselift.config.run import RunSettings
from poselift.config.yaml_files import load
from poselift.data.normalise import denormalise
from poselift.data.store import Split, open_split
from poselift.errors import PoseliftError
from poselift.evaluation.dataset import dataset_of
from poselift.evaluation.predict import predict
from poselift.evaluation.protocol import clip_mpjpe, evaluate, root_relative_mm, sequence_key
from poselift.evaluation.report import Report, Result, load_reports, write_reports
from poselift.evaluation.speed import Stopwatch
from poselift.files import atomic_path, read_json
from poselift.machine.devices import reserved_device
from poselift.models.checkpoints import load_checkpoint, load_weights
from poselift.models.registry import build_run
from poselift.program import run
from poselift.provenance.hashing import require_recorded

RULE = "the clips of median and of highest MPJPE among all evaluated test clips"


def models_of_run(folder: Path | str, file: str | None = None) -> tuple[RunSettings, dict[str, nn.Module]]:
    """The settings of the run in `folder` and its models by checkpoint, `best` and `last`.

    `file` is where a lifter of the user's own lies now, if it was moved since the training. Raises
    `PoseliftError` if a file is missing or damaged, or is not as the training recorded it.
    """
    folder = Path(folder)
    settings = load(folder / "config.yaml", RunSettings)
    if file:
        settings = settings.model_copy(update={"architecture_file": file})
    recorded: dict[str, str] = {}
    if (history := folder / "history.json").exists():
        recorded = read_json(
            history, lambda raw: raw["record"]["outputs"], "a training's history", "train again"
        )
    models = {}
    for checkpoint in ("best", "last"):
        path = folder / f"{checkpoint}_model.safetensors"
        models[checkpoint] = load_weights(path, build_run(settings))
        if path.name in recorded:
            require_recorded(path, recorded[path.name], "remove it and train the run again, or copy it again")
    return settings, models


def same_weights(one: nn.Module, other: nn.Module) -> bool:
    """Whether two models of one architecture are equal, parameters and buffers."""
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(mine.cpu(), others.cpu()) for mine, others in pairs)


def examples(predictions: Tensor, split: Split) -> dict[str, Any]:
    """Poses for figures: those of the clip of median MPJPE and of the worst, in this order (E = 2).

    The median is the lower one of an even number of clips. `input_2d` (E, T, J, 2) in pixels,
    `prediction` and `target` (E, T, J, 3) in mm, root-relative; `frame` (E, T), the number in the test
    split; by clip `clip_kind`, `clip`, `sequence`, `action`, `mpjpe` (mm), `width`, `height` (pixels).
    Of all K evaluated clips `evaluated_clip` and `evaluated_mpjpe` (K,), from which others may choose.
    """
    clips, errors = clip_mpjpe(predictions, split)
    ranked = np.argsort(errors, kind="stable")
    chosen = ranked[[(len(ranked) - 1) // 2, -1]]
    picked = clips[chosen]
    frames = split.clips[picked]
    prediction, target = root_relative_mm(predictions[picked], split, frames)
    sequences = [split.sequences[i] for i in split.sequence[frames[:, 0]]]
    width, height = (np.array([getattr(s, side) for s in sequences]) for side in ("width", "height"))

    inputs = denormalise(split.inputs[frames][..., :2], width[:, None, None], height[:, None, None])
    return {
        "rule": RULE,
        "clip_kind": ["median", "worst"],
        "clip": picked,
        "sequence": [sequence_key(s) for s in sequences],
        "action": [s.action or "" for s in sequences],
        "mpjpe": errors[chosen],
        "width": width.astype(np.int32),
        "height": height.astype(np.int32),
        "frame": frames,
        "input_2d": inputs.astype(np.float32),
        "prediction": prediction.float().cpu().numpy(),
        "target": target.float().cpu().numpy(),
        "evaluated_clip": clips,
        "evaluated_mpjpe": errors,
    }


def evaluated(given: argparse.Namespace) -> tuple[str, RunSettings, dict[str, nn.Module]]:
    """The run or the checkpoint that the command line names: name, settings, models by checkpoint.

    Raises `PoseliftError` if it is not whole.
    """
    told = {name: value for name in OF_CHECKPOINT if (value := getattr(given, name)) is not None}
    if given.run:
        lifter = told.pop("architecture_file", None)  # it may have been moved since the training
        if told:
            raise PoseliftError(f"--{next(iter(told)).replace('_', '-')}: the run's config.yaml says that")
        settings, models = models_of_run(given.run, lifter)
        return settings.name, settings, models
    if not (given.architecture and given.size):
        raise PoseliftError("--checkpoint needs --architecture and --size")
    settings = run_from_options(told)
    model = load_checkpoint(given.checkpoint, build_run(settings))
    return given.checkpoint.stem, settings, {"published": model}


def require_evaluation(path: Path) -> None:
    """Raise `PoseliftError` if an evaluation cannot be written to `path`, or would replace something else."""
    if path.suffix != ".json" or path.is_dir():
        raise PoseliftError(f"--out {path}: expected the name of a .json file")
    if path.exists():
        try:
            load_reports(path)
        except PoseliftError:
            raise PoseliftError(f"--out {path}: is there already, and no evaluation; give another") from None


def main(argv: list[str] | None = None) -> None:
    """Evaluate a run (its best and last weights) or a published checkpoint on the test split."""
    parser = argparse.ArgumentParser(prog="poselift evaluate", description=main.__doc__)
    add_model_options(parser)
    where = "frame store (default: data/ beside the folder of runs, as in the workflow)"
    parser.add_argument("--store", type=Path, metavar="DIR", help=where)
    of_store = "name of the data set, or a file with one of your own (default: as the store's manifest says)"
    parser.add_argument("--dataset", metavar="NAME", help=of_store)
    to = "JSON to write; <stem>-examples.npz beside it (default: <name>.json in this folder)"
    parser.add_argument("--out", type=Path, metavar="FILE", help=to)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, … (default: auto)")
    given = parser.parse_args(argv)

    if given.out:
        require_evaluation(given.out)
    if not (given.store or given.run):
        raise PoseliftError("--checkpoint needs --store, the frame store to evaluate on")
    store = given.store or given.run.resolve().parents[1] / "data"
    results: dict[str, Result] = {}
    shown: dict[str, Any] = {}
    with reserved_device(given.device) as device:  # first: of a GPU's parts, a job is to see its own alone
        name, settings, models = evaluated(given)
        test = open_split(store, "test", settings.n_frames, settings.input_2d)
        source = dataset_of(store, given.dataset)
        for checkpoint, model in models.items():
            if same := next((done for done in results if same_weights(models[done], model)), None):
                results[checkpoint] = results[same]  # the last epoch was the best
                continue
            timed = Stopwatch(model.to(device), device)
            predictions = predict(timed, test, device)
            results[checkpoint] = evaluate(predictions, test, source.metrics, source.also_published_scale)
            shown = shown or examples(predictions, test)  # those of the first checkpoint: best, or published
            del predictions  # as large as the test split, and the next checkpoint's are as well
    report = Report(
        run=name,
        dataset=source.name,
        **settings.model_dump(include={"architecture", "size", "variant", "n_frames"}),
        input_2d=source.inputs if settings.input_2d == "detected" else settings.input_2d,
        seed=settings.seed if given.run else None,
        checkpoints=results,
        volatile=timed.measured(),
    )
    out = given.out or Path(f"{name}.json")
    with atomic_path(out.with_name(f"{out.stem}-examples.npz")) as temporary:
        np.savez_compressed(temporary, **shown)
    write_reports(out, [report])
    print(report.summary())
    print(f"written: {out}")


if __name__ == "__main__":
    run(main)
