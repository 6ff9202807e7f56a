"""Evaluate a run on the test part of MPI-INF-3DHP."""

import argparse
from pathlib import Path

from poselift.data.store import open_split
from poselift.errors import run
from poselift.evaluation.evaluate import models_of_run
from poselift.evaluation.predict import predict
from poselift.evaluation.protocol_3dhp import evaluate_mpi_inf_3dhp
from poselift.evaluation.report_3dhp import Report3DHP, write_report
from poselift.machine.devices import reserved_device


def main(argv: list[str] | None = None) -> None:
    """Evaluate a run (its best and last weights) on MPI-INF-3DHP: MPJPE, PCK and AUC."""
    parser = argparse.ArgumentParser(prog="poselift.evaluation.evaluate_3dhp", description=main.__doc__)
    parser.add_argument("--run", type=Path, required=True, help="folder of a run")
    parser.add_argument("--store", type=Path, required=True, help="frame store of MPI-INF-3DHP")
    parser.add_argument("--out", type=Path, required=True, help="JSON to write")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, … (default: auto)")
    given = parser.parse_args(argv)
    settings, models = models_of_run(given.run)
    test = open_split(given.store, "test", settings.n_frames)
    with reserved_device(given.device) as device:
        results = {
            checkpoint: evaluate_mpi_inf_3dhp(predict(model.to(device), test, device), test)
            for checkpoint, model in models.items()
        }
    report = Report3DHP(
        run=settings.name,
        architecture=settings.architecture,
        size=settings.size,
        seed=settings.seed,
        n_frames=settings.n_frames,
        checkpoints=results,
    )
    write_report(given.out, report)
    print(report.summary())


if __name__ == "__main__":
    run(main)
