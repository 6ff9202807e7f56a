"""Evaluate a run's weights, or a published checkpoint, on the test split."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from poselift.config.command_line import run_from_options
from poselift.config.models import ARCHITECTURES
from poselift.config.run import RunSettings
from poselift.config.sections import load
from poselift.data.normalise import denormalise
from poselift.data.store import Split, open_split
from poselift.devices import reserved_device
from poselift.errors import PoseliftError, run
from poselift.evaluation.predict import predict
from poselift.evaluation.protocol import clip_mpjpe, evaluate_human36m, root_relative_mm, sequence_key
from poselift.evaluation.report import Report, write_reports
from poselift.files import atomic_path
from poselift.models.checkpoints import load_published, load_weights
from poselift.models.registry import build_run

RULE = (
    "the clips of median and of highest MPJPE among all evaluated test clips; 5 evenly spaced frames of each"
)


def models_of_run(folder: Path) -> tuple[RunSettings, dict[str, nn.Module]]:
    """The settings of the run in `folder` and its models by checkpoint, `best` and `last`.

    Raises `PoseliftError` if a file is missing or damaged.
    """
    settings = load(folder / "config.yaml", RunSettings)
    models = {
        checkpoint: load_weights(folder / f"{checkpoint}_model.safetensors", build_run(settings))
        for checkpoint in ("best", "last")
    }
    return settings, models


def examples(predictions: Tensor, split: Split) -> dict[str, Any]:
    """Poses for the qualitative figure, from the clip of median MPJPE and the worst, in this order (E = 2).

    The median is the lower one of an even number of clips. Of each clip F = 5 evenly spaced frames:
    `input_2d` (E, F, J, 2) in pixels, `prediction` and `target` (E, F, J, 3) in mm, root-relative; `frame`
    (E, F); by clip `clip_kind`, `clip`, `sequence`, `action`, `mpjpe` (mm), `width`, `height` (pixels).
    """
    clips, errors = clip_mpjpe(predictions, split)
    ranked = np.argsort(errors, kind="stable")
    chosen = ranked[[(len(ranked) - 1) // 2, -1]]
    picked = clips[chosen]
    places = np.linspace(0, split.n_frames - 1, 5).round().astype(int)
    frames = split.clips[picked][:, places]
    prediction, target = root_relative_mm(predictions[picked][:, places], split, frames)
    sequences = [split.sequences[i] for i in split.sequence[frames[:, 0]]]
    width, height = (np.array([getattr(s, side) for s in sequences]) for side in ("width", "height"))

    def single(array: NDArray | Tensor) -> NDArray[np.float32]:
        return np.asarray(array.cpu() if isinstance(array, Tensor) else array, dtype=np.float32)

    inputs = denormalise(split.inputs[frames][..., :2], width[:, None, None], height[:, None, None])
    return {
        "rule": RULE,
        "clip_kind": ["median", "worst"],
        "clip": picked,
        "sequence": [sequence_key(s) for s in sequences],
        "action": [s.action for s in sequences],
        "mpjpe": errors[chosen],
        "width": width.astype(np.int32),
        "height": height.astype(np.int32),
        "frame": frames,
        "input_2d": single(inputs),
        "prediction": single(prediction),
        "target": single(target),
    }


def main(argv: list[str] | None = None) -> None:
    """Evaluate a run (its best and last weights) or a published checkpoint on the test split."""
    parser = argparse.ArgumentParser(prog="poselift evaluate", description=main.__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--run", type=Path, help="folder of a run")
    what.add_argument("--checkpoint", type=Path, help="published checkpoint, in place of a run")
    of_checkpoint = parser.add_argument_group("what the published checkpoint is of")
    of_checkpoint.add_argument("--architecture", choices=ARCHITECTURES)
    of_checkpoint.add_argument("--size", help="xsmall, small, base or large")
    of_checkpoint.add_argument("--n-frames", type=int, help="frames a clip (default: 243)")
    parser.add_argument("--store", type=Path, required=True, help="frame store")
    parser.add_argument(
        "--out", type=Path, required=True, help="JSON to write; <stem>-examples.npz beside it"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, … (default: auto)")
    given = parser.parse_args(argv)

    described = {k: getattr(given, k) for k in ("architecture", "size", "n_frames") if getattr(given, k)}
    if given.run:
        if described:
            raise PoseliftError(
                f"--{next(iter(described)).replace('_', '-')}: the run's config.yaml says that"
            )
        settings, models = models_of_run(given.run)
        name, seed = settings.name, settings.seed
    else:
        if not (given.architecture and given.size):
            raise PoseliftError("--checkpoint needs --architecture and --size")
        settings = run_from_options(described)
        models = {"published": load_published(given.checkpoint, build_run(settings))}
        name, seed = given.checkpoint.stem, None

    test = open_split(given.store, "test", settings.n_frames)
    results = {}
    shown: dict[str, Any] = {}
    with reserved_device(given.device) as device:
        for checkpoint, model in models.items():
            predictions = predict(model.to(device), test, device)
            results[checkpoint] = evaluate_human36m(predictions, test)
            shown = shown or examples(predictions, test)  # those of the first checkpoint: best, or published
    report = Report(
        run=name,
        architecture=settings.architecture,
        size=settings.size,
        seed=seed,
        n_frames=settings.n_frames,
        checkpoints=results,
    )
    with atomic_path(given.out.with_name(f"{given.out.stem}-examples.npz")) as temporary:
        np.savez(temporary, **shown)
    write_reports(given.out, [report])
    print(report.summary())


if __name__ == "__main__":
    run(main)
