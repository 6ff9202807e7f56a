"""A trained model as files that need nothing of this project: `poselift export --run RUN --out FOLDER`."""

import argparse
import json
import logging
import sys
import warnings
from operator import itemgetter
from pathlib import Path
from typing import Any

import torch
from torch import nn

from poselift.analysis.intervals import Differences, Model
from poselift.analysis.results import collect
from poselift.config.architectures import find
from poselift.config.command_line import add_model_options
from poselift.config.datasets import built_in
from poselift.config.experiment import Statistics
from poselift.config.run import RunSettings
from poselift.config.sizes import ModelSize
from poselift.data.store import read_manifest
from poselift.errors import PoseliftError, one_line
from poselift.evaluation.evaluate import evaluated
from poselift.evaluation.metrics import METRICS
from poselift.evaluation.report import load_reports
from poselift.files import own_folder, read_json, require_own, write_text
from poselift.inference.checks import Known
from poselift.inference.lifters import confident, known_inputs, mm_per_unit
from poselift.models.checkpoints import save_weights
from poselift.models.cost import count
from poselift.program import run
from poselift.report import html
from poselift.skeleton import JOINTS, N_JOINTS

OPSET = 20
"""The version of ONNX's operators: read by ONNX Runtime 1.17 (2024) and later."""

NOTICE = "raw.sha256"
"""The workflow writes this file beside the frames where it has made the motion itself."""


def write_onnx(
    model: nn.Module, settings: RunSettings, known: Known, path: Path, mm: float | None = None
) -> str:
    """Write a model as ONNX: `keypoints` (B, n, 17, 3) to `poses` (B, n, 17, 3), any B; `mm`
    as of a `Lifter`.

    Returns why it could not be done, "" if it was: some operations have no form in ONNX. Raises
    `PoseliftError` if what that needs is not installed.
    """
    try:
        import onnxscript  # noqa: F401
    except ImportError:
        raise PoseliftError("export needs ONNX: pip install 'poselift[export]'") from None
    example = torch.zeros(2, settings.n_frames, N_JOINTS, 3)
    logging.disable(logging.WARNING)  # of the exporter's own workings
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                model.eval(), (example,), input_names=["keypoints"], output_names=["poses"], dynamo=True,
                dynamic_shapes=({0: torch.export.Dim("batch")},), opset_version=OPSET, verbose=False,
            )  # fmt: skip
    except torch.onnx.errors.OnnxExporterError as error:
        return one_line(error.__cause__ or error)
    finally:
        logging.disable(logging.NOTSET)
    assert program is not None
    sure = confident(settings, known)
    about = {"n_frames": settings.n_frames, "confident": sure, "mm": mm, "known": known, "joints": JOINTS}
    program.model.metadata_props["poselift"] = json.dumps(about)
    program.save(path)
    return ""


def card(given: argparse.Namespace, name: str, settings: RunSettings, known: Known, onnx: bool) -> str:
    """The model card, in Markdown. Of a run all that is said comes from its records and from what its data
    set says of itself; what they do not tell is said to be unknown. Raises `PoseliftError` if a record is
    damaged."""
    architecture = find(settings.architecture, settings.architecture_file)
    size = ModelSize(depth=settings.depth, dim=settings.dim)
    cost = count(architecture, size, settings.n_frames, **settings.model.model_dump())
    about: dict[str, Any] = {
        "name": name, "settings": settings, "cost": cost, "onnx": onnx, "opset": OPSET, "joints": JOINTS,
        "confident": confident(settings, known), "synthetic": None, "record": None, "summary": None,
        "title": "", "data": None, "evaluation": None,
    }  # fmt: skip
    if given.run:
        results = given.run.resolve().parents[1]
        record, metrics = given.run / "provenance.json", given.run / "metrics.json"
        what, remedy = "a record of a training", "copy the run again"
        about["record"] = read_json(record, lambda raw: raw | raw["inputs"], what, remedy)
        about["summary"] = read_json(metrics, itemgetter("summary"), what, remedy)
        about |= _trained_on(results / "data", about["record"]["data"])
        if (results / "data" / "raw.json").exists():  # the workflow's; elsewhere nobody knows
            about["synthetic"] = (results / "data" / NOTICE).exists()
        report = given.evaluation or results / "evaluation" / f"{given.run.resolve().name}.json"
        if given.evaluation or report.exists():
            about["evaluation"] = _evaluation(report, settings.name)
    return html.templates().get_template("model_card.md.j2").render(about)


def _trained_on(store: Path, arrays: dict[str, str]) -> dict[str, Any]:
    """The data set of a frame store and its title, if these are the hashes of its arrays; else nothing."""
    if not (store / "frames" / "manifest.json").exists():
        return {}
    manifest = read_manifest(store)
    return _described(manifest.get("dataset", "human36m")) if manifest["arrays"] == arrays else {}


def _described(name: str) -> dict[str, Any]:
    """A data set and its title; of one of the user's own, whose file is not here, there is the name alone."""
    data = built_in(name)
    return {"data": data, "title": data.title if data else name}


def _evaluation(path: Path, run: str) -> dict[str, Any]:
    """What the evaluation of a run's best weights was on, and title, unit and interval of each error. Raises
    `PoseliftError` for that of another run."""
    report = load_reports(path)[0]
    if report.run != run:
        raise PoseliftError(f"{path}: is the evaluation of {report.run}, not of {run}")
    intervals = Differences(collect([report]), Statistics())
    model = Model(report.architecture or "", report.size or "", report.variant or "")
    errors = [
        {"title": metric.label, "unit": metric.unit, "interval": interval}
        for metric in METRICS.values()
        if (interval := intervals.interval(model, metric.name, "best"))
    ]
    best = report.checkpoints["best"]
    counts = {group: len(best.by_name(group)) for group in ("action", "sequence")}
    return _described(report.dataset) | {"counts": counts, "frames": best.frames, "errors": errors}


def main(argv: list[str] | None = None) -> None:
    """Write a run's best weights, or a checkpoint, as ONNX and safetensors, with a model card."""
    parser = argparse.ArgumentParser(prog="poselift export", description=main.__doc__)
    add_model_options(parser)
    of_errors = "evaluation of the run (default: evaluation/<run>.json beside the folder of runs)"
    parser.add_argument("--evaluation", type=Path, metavar="JSON", help=of_errors)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    given = parser.parse_args(argv)
    if given.evaluation and not given.run:
        parser.error("--evaluation is that of a run: --run is needed")
    require_own(given.out, "export")
    name, settings, models = evaluated(given)
    model = next(iter(models.values())).eval()
    known = known_inputs(given.run, settings) or {}
    with own_folder(given.out, "export") as out:
        mm = mm_per_unit(given.run.resolve().parents[1] / "data" if given.run else None)
        reason = write_onnx(model, settings, known, out / "model.onnx", mm)
        save_weights(model, out / "model.safetensors")
        write_text(out / "README.md", card(given, name, settings, known, onnx=not reason))
    if reason:
        print(
            f"warning: no model.onnx: {settings.architecture} has no form in ONNX ({reason})", file=sys.stderr
        )
    print(f"written: {given.out}")


if __name__ == "__main__":
    run(main)
