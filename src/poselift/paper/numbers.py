r"""Every number of the prose as a macro: `\num{full.base.mpjpe}`, in `numbers.tex`.

Keys (the prose may use any; an unknown one is a LaTeX error that names it):

    <architecture>.<size>.<metric>          mean and spread over seeds after the last epoch
    <architecture>.<size>.best.<metric>     of the best epoch, chosen on the test set
    ... .mean, .std, .seeds                 its parts
    ... .change                             change from the baseline, paired by seed; + or -
    ... .change.interval, .change.verdict   its interval; significant, not significant or not tested
    <architecture>.<size>.parameters, .macs_linear, .macs_all
    <architecture>.<size>.upper_body, .lower_body, .place.first, .place.middle, .place.last
                                            MPJPE of a part of the body, at a place in the clip
    detail.<architecture>. ...              the same for the size that is shown in detail, `detail.size`
    lowest.<metric>, lowest.<metric>.model  the lowest mean after the last epoch
    mean_pose.<metric>, copy_2d.<metric>    the reference rows; copy_gt2d on ground-truth 2D
    gt2d.<architecture>.<size>. ...         as of a model, on ground-truth 2D; gt2d.lowest. ...
    ablation.<entry>. ...                   as of a model, changes from the model that it changes
    ablation.counted, .significant          how many entries, how many change MPJPE significantly
    ablation.largest, .largest.change. ...  the entry that raises MPJPE most
    statistics.confidence, .resamples       of the intervals, in percent
    data. ...                               title, clips, frames, sequences, subjects, actions
    setup. ...                              how runs were trained: epochs, batch_size, lr, ..., seeds, sizes
    model.<architecture>. ...               hyper-parameters; model. ..., of all that have it
    paper.title, paper.authors

A number that no run gives yet is a dash.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from poselift.analysis.costs import Cost, read_costs
from poselift.analysis.intervals import Differences
from poselift.analysis.results import names_in, read
from poselift.analysis.runs import Run, read_run
from poselift.analysis.view import Grid, View, add_options, from_options
from poselift.config.experiment import Statistics
from poselift.config.models import ARCHITECTURES, FullSettings, model_settings
from poselift.config.run import TrainingSettings
from poselift.data.sequence import Sequence as Recording
from poselift.data.store import read_sequences
from poselift.errors import PoseliftError, run
from poselift.files import write_text
from poselift.latex import MISSING, Tex, escape, listing, render
from poselift.paper.result_numbers import (
    Entries,
    lowest,
    of_ablation,
    of_ground_truth_2d,
    of_models,
    of_references,
)
from poselift.paper.words import counted, of_all, plain
from poselift.skeleton import N_JOINTS

NEEDS = (
    "notice", "grid", "per_action_size", "decimals", "statistics", "ablation", "ground_truth_2d", "labels",
)  # fmt: skip


def _data(
    results: pd.DataFrame, runs: Sequence[Run], recordings: dict[str, list[Recording]], title: str
) -> Entries:
    yield "data.title", escape(title)
    for split, sequences in recordings.items():
        subjects = sorted({sequence.subject for sequence in sequences}, key=lambda name: (len(name), name))
        yield f"data.{split}_frames", plain(sum(sequence.length for sequence in sequences))
        yield f"data.{split}_sequences", plain(len(sequences))
        yield f"data.{split}_subjects", plain(len(subjects))
        yield f"data.{split}_subject_names", listing(subjects)
        yield f"data.{split}_clips", of_all(run.summary[f"{split}_clips"] for run in runs)
    evaluated = results.loc[(results["metric"] == "frames") & (results["group"] == "all"), "value"]
    yield "data.evaluated_frames", of_all(int(value) for value in evaluated)
    yield "data.evaluated_sequences", plain(len(names_in(results, "sequence")))
    yield "data.actions", plain(len(names_in(results, "action")))
    yield "data.joints", plain(N_JOINTS)
    yield "data.cameras", plain(len({sequence.camera for sequence in recordings["test"]}))


def _setup(runs: Sequence[Run], grid: Grid) -> Entries:
    for name in TrainingSettings.model_fields:
        yield f"setup.{name}", of_all(getattr(run.settings.training, name) for run in runs)
    yield "setup.n_frames", of_all(run.settings.n_frames for run in runs)
    yield "setup.runs", plain(len(runs))
    yield "setup.architectures", plain(len(grid.architectures))
    yield "setup.seeds", plain(len(grid.seeds))
    yield "setup.seeds.counted", counted(plain(len(grid.seeds)), "seed")
    yield "setup.epochs.counted", counted(of_all(run.settings.training.epochs for run in runs), "epoch")
    yield "setup.sizes", plain(len(grid.sizes))
    yield "setup.size_names", listing(grid.sizes)
    shapes = {run.settings.size: (run.settings.depth, run.settings.dim) for run in runs}
    described = [
        f"{size} ({shapes[size][0]} blocks of {shapes[size][1]} channels)"
        for size in grid.sizes
        if size in shapes
    ]
    yield "setup.sizes_described", listing(described) if described else MISSING


def _statistics(statistics: Statistics) -> Entries:
    yield "statistics.confidence", plain(100 * statistics.confidence)
    yield "statistics.resamples", plain(statistics.resamples)


def _hyperparameters(runs: Sequence[Run]) -> Entries:
    for architecture in ARCHITECTURES:
        of_architecture = [run.settings.model for run in runs if run.settings.architecture == architecture]
        for name in model_settings(architecture).model_fields:
            yield f"model.{architecture}.{name}", of_all(getattr(model, name) for model in of_architecture)
    for name in FullSettings.model_fields:
        having = [run.settings.model for run in runs if hasattr(run.settings.model, name)]
        yield f"model.{name}", of_all(getattr(model, name) for model in having)


def numbers(
    results: pd.DataFrame,
    costs: dict[tuple[str, str], Cost],
    runs: Sequence[Run],
    recordings: dict[str, list[Recording]],
    view: View,
) -> dict[str, Tex]:
    """All numbers by key, as LaTeX. `recordings` are the sequences of `train` and `test`."""
    differences, ground_truth = Differences(results, view.statistics), view.ground_truth_2d
    return dict(
        (
            *of_models(results, costs, differences, view),
            *of_references(results, view.decimals),
            *lowest(results, view.grid, view),
            *of_ablation(results, differences, view),
            *(of_ground_truth_2d(results, differences, ground_truth, view) if ground_truth else ()),
            *_statistics(view.statistics),
            *_data(results, runs, recordings, view.notice.dataset_title),
            *_setup(runs, view.grid),
            *_hyperparameters(runs),
        )
    )


def main(argv: list[str] | None = None) -> None:
    """Write every number of the prose as a LaTeX macro."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--results", type=Path, required=True, metavar="CSV", help="the table of all results")
    parser.add_argument("--costs", type=Path, nargs="+", required=True, metavar="CSV", help="of the models")
    parser.add_argument("--runs", type=Path, nargs="+", required=True, metavar="DIR", help="run folders")
    parser.add_argument("--store", type=Path, required=True, metavar="DIR", help="frame store")
    parser.add_argument("--title", required=True, help="title of the paper")
    parser.add_argument("--authors", nargs="+", required=True, metavar="NAME", help="names, in order")
    parser.add_argument("--out", type=Path, required=True, metavar="TEX", help="file to write")
    add_options(parser, NEEDS)
    arguments = parser.parse_args(argv)
    view, results = from_options(arguments, NEEDS), read(arguments.results)
    if view.per_action_size not in view.grid.sizes:
        sizes = ", ".join(view.grid.sizes)
        raise PoseliftError(f"--per-action-size {view.per_action_size}: not one of the sizes {sizes}")
    entries = numbers(
        results,
        read_costs(arguments.costs),
        [read_run(folder) for folder in arguments.runs],
        {split: read_sequences(arguments.store, split) for split in ("train", "test")},
        view,
    )
    entries["paper.title"] = escape(arguments.title)
    entries["paper.authors"] = Tex(r" \and ".join(map(escape, arguments.authors)))
    write_text(
        arguments.out,
        render(
            "numbers",
            entries=[(Tex(key), value) for key, value in entries.items()],
            synthetic=view.notice.synthetic,
            draft=bool(view.missing_runs(results["run"])),
            ablated=bool(view.ablation),
        ),
    )


if __name__ == "__main__":
    run(main)
