"""Models that lift: of a run, of a published checkpoint, or exported to ONNX, which needs no torch."""

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from poselift.config.command_line import OF_CHECKPOINT
from poselift.config.datasets import built_in
from poselift.config.run import RunSettings
from poselift.data.store import clips_folder, open_split, read_manifest
from poselift.errors import PoseliftError, untrusted
from poselift.inference.checks import MEASURES, Known, measured
from poselift.inference.lifting import Array, Lifter
from poselift.skeleton import N_JOINTS

CLIPS = 500
"""How many training clips are looked at for what a model knows."""


@contextmanager
def opened(given: argparse.Namespace) -> Iterator[tuple[Lifter, Known | None]]:
    """The lifter that the command line names, and what its training inputs were like, where that is there to
    be measured. Raises `PoseliftError` if it is not whole."""
    if given.onnx:
        if given.device != "auto":
            raise PoseliftError(f"--device {given.device}: an ONNX file is run by the CPU")
        for name in (*OF_CHECKPOINT, "store"):
            if getattr(given, name) is not None:
                raise PoseliftError(f"--{name.replace('_', '-')}: the ONNX file says that")
        yield from_onnx(given.onnx)
        return
    from poselift.evaluation.evaluate import evaluated  # here: torch takes seconds
    from poselift.machine.devices import reserved_device

    with reserved_device(given.device) as device:
        _, settings, models = evaluated(given)
        lifter = from_torch(next(iter(models.values())).to(device), settings.n_frames)
        known = known_inputs(given.run, settings, given.store)
        store = given.store or (given.run.resolve().parents[1] / "data" if given.run else None)
        yield lifter._replace(confident=confident(settings, known), mm=mm_per_unit(store)), known


def from_torch(model: "torch.nn.Module", n_frames: int) -> Lifter:  # type: ignore[name-defined]  # noqa: F821
    """A lifter of a model for clips of `n_frames`, on the device where its weights are; in eval mode."""
    import torch

    model.eval()
    device = next(model.parameters()).device

    @torch.inference_mode()
    def run(clips: Array) -> Array:
        poses: Array = model(torch.from_numpy(clips).to(device)).float().cpu().numpy()
        return poses

    return Lifter(run, n_frames)


def from_onnx(path: Path) -> tuple[Lifter, Known | None]:
    """The lifter that `poselift export` wrote. Raises `PoseliftError` if the file is another, or ONNX Runtime
    is not installed."""
    try:
        import onnxruntime
    except ImportError:
        raise PoseliftError("--onnx needs ONNX Runtime: pip install onnxruntime") from None
    with untrusted(path, "no ONNX model of poselift ({})"):
        session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
        about = json.loads(session.get_modelmeta().custom_metadata_map["poselift"])
        shape = session.get_inputs()[0].shape
        if not isinstance(shape[1], int) or shape[2:] != [N_JOINTS, 3]:
            raise ValueError(f"input {shape}")
        n_frames, sure, mm = shape[1], bool(about["confident"]), about.get("mm") and float(about["mm"])
        ranges = {name: about["known"][name] for name in MEASURES if name in about["known"]}
        known = {name: (float(low), float(high)) for name, (low, high) in ranges.items()}

    def run(clips: Array) -> Array:
        poses: Array = session.run(None, {"keypoints": clips})[0]
        return poses

    return Lifter(run, n_frames, sure, mm), known or None


def known_inputs(run: Path | None, settings: RunSettings, store: Path | None = None) -> Known | None:
    """The range, from the 1st to the 99th percentile, of each measure over the training clips of a run: of
    those in `store`, or beside the folder of the run; None where there are none."""
    if store is None:
        if run is None:
            return None
        store = run.resolve().parents[1] / "data"
        if not clips_folder(store, settings.n_frames).is_dir():
            return None
    train = open_split(store, "train", settings.n_frames, settings.input_2d)
    rows = np.unique(np.linspace(0, len(train) - 1, CLIPS).astype(int))
    values = measured(train.inputs[train.clips[rows]])
    return {name: (float(np.percentile(v, 1)), float(np.percentile(v, 99))) for name, v in values.items()}


def mm_per_unit(store: Path | None) -> float | None:
    """The mm that a unit of a model's poses stands for, by the data set of the frame store of its training;
    None where there is no store, or poses are in half widths of the image."""
    if store is None or not (store / "frames" / "manifest.json").exists():
        return None
    data = built_in(read_manifest(store).get("dataset", "human36m"))
    return data.mm_per_unit if data else None


def confident(settings: RunSettings, known: Known | None) -> bool:
    """Whether a model has seen no other confidence than 1: that of true 2D, and of annotations."""
    return settings.input_2d == "ground_truth" or (known or {}).get("confidence") == (1, 1)
