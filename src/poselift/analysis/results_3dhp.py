"""The tidy table of all results on MPI-INF-3DHP, in the form of `poselift.analysis.results`.

`metric` is mpjpe (mm), pck or auc (percent) or frames; `group` is `all`, `joint` or `sequence`.
"""

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from poselift.analysis.results import COLUMNS
from poselift.errors import PoseliftError, run
from poselift.evaluation.report_3dhp import METRICS_3DHP, Report3DHP, Result3DHP, load_report
from poselift.files import atomic_path


def _numbers(result: Result3DHP) -> Iterator[tuple[str, str, str, float]]:
    """metric, group, name and value of all numbers of one evaluated checkpoint."""
    for name, scores in (("", result), *result.per_sequence.items()):
        for metric in (*METRICS_3DHP, "frames"):
            yield metric, "sequence" if name else "all", name, getattr(scores, metric)
    for joint, values in result.per_joint.items():
        for metric, value in values.items():
            yield metric, "joint", joint, value


def collect(reports: Iterable[Report3DHP]) -> pd.DataFrame:
    """The tidy table of some evaluations.

    Raises `PoseliftError` if a run occurs twice or was tested on other frames than the first: a mean over
    runs would then compare unlike things.
    """
    rows = []
    frames: dict[str, dict[str, int]] = {}
    for report in reports:
        if report.run in frames:
            raise PoseliftError(f"two evaluations of run '{report.run}'; give each run once")
        for checkpoint, result in report.checkpoints.items():
            tested = {name: scores.frames for name, scores in result.per_sequence.items()}
            frames.setdefault(report.run, tested)
            first, expected = next(iter(frames.items()))
            if tested != expected:
                raise PoseliftError(
                    f"run '{report.run}', {checkpoint}: was tested on other frames than run '{first}'; "
                    "evaluate both again on one store"
                )
            rows += [
                {
                    "run": report.run, "architecture": report.architecture, "size": report.size,
                    "variant": "", "input_2d": "annotated", "n_frames": report.n_frames, "seed": report.seed,
                    "checkpoint": checkpoint, "metric": metric, "group": group, "name": name, "value": value,
                }
                for metric, group, name, value in _numbers(result)
            ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


def main(argv: list[str] | None = None) -> None:
    """Gather evaluations on MPI-INF-3DHP into one CSV."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument(
        "--evaluations", type=Path, nargs="+", required=True, metavar="JSON", help="of the runs"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="file to write")
    arguments = parser.parse_args(argv)
    table = collect(load_report(path) for path in arguments.evaluations)
    with atomic_path(arguments.out) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n", float_format="%.9g")


if __name__ == "__main__":
    run(main)
