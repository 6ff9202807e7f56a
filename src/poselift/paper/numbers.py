r"""Every number of the prose as a macro: `\num{full.base.mpjpe}`, in `numbers.tex`.

Keys (the prose may use any; an unknown one is a LaTeX error that names it):

    <architecture>.<size>.<metric>          mean and spread over seeds after the last epoch
    <architecture>.<size>.best.<metric>     of the best epoch, chosen on the test set
    ... .mean, .std, .seeds                 its parts
    ... .change                             change from the baseline, paired by seed; + or -
    <architecture>.<size>.parameters, .macs_linear, .macs_all
    detail.<architecture>. ...              the same for the size that is shown in detail, `detail.size`
    mean_pose.<metric>, copy_2d.<metric>    the reference rows
    lowest.<metric>, lowest.<metric>.model  the lowest mean after the last epoch
    data. ...                               title, clips, frames, sequences, subjects, actions
    setup. ...                              how runs were trained: epochs, batch_size, lr, ..., seeds, sizes
    model.<architecture>. ...               hyper-parameters; model. ..., of all that have it
    paper.title, paper.authors

A number that no run gives yet is a dash.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from poselift.config.models import ARCHITECTURES, FullSettings, model_settings
from poselift.config.run import TrainingSettings
from poselift.data.raw import Sequence as Recording
from poselift.data.store import read_sequences
from poselift.errors import PoseliftError, run
from poselift.evaluation.report import METRICS
from poselift.files import write_text
from poselift.paper import options
from poselift.paper.cost import Cost, read_costs
from poselift.paper.latex import MISSING, Tex, escape, fixed, listing, render
from poselift.paper.names import REFERENCE_LABELS, architecture_label, metric_decimals
from poselift.paper.options import Grid, Marks
from poselift.paper.results import Estimate, names_in, per_seed, read, reference, summarise
from poselift.paper.runs import Run, read_run
from poselift.paper.tables.cost import GIGA, MILLION, decimals_for
from poselift.skeleton import N_JOINTS

Entries = Iterator[tuple[str, Tex]]


def with_spread(estimate: Estimate | None, decimals: int, sign: bool = False) -> Tex:
    """A number for prose: the mean, and the standard deviation if there are several seeds."""
    if estimate is None:
        return MISSING
    mean = fixed(estimate.mean, decimals, sign)
    return (
        mean if estimate.std is None else Tex(rf"{mean}\ensuremath{{\,\pm\,}}{fixed(estimate.std, decimals)}")
    )


def plain(value: Any) -> Tex:
    """A setting or a count as text: 17,748; 0.99; 5 x 10^-4."""
    if isinstance(value, int):
        return Tex(f"{value:,}")
    if isinstance(value, float):
        if value and not 1e-3 <= abs(value) < 1e6:
            digits, exponent = f"{value:e}".split("e")
            return Tex(rf"\ensuremath{{{float(digits):g}\times 10^{{{int(exponent)}}}}}")
        return Tex(f"{value:g}")
    return escape(str(value))


def of_all(values: Iterable[Any]) -> Tex:
    """The value that all share, or the range of the values; a dash where there is none."""
    distinct = sorted(set(values))
    if not distinct:
        return MISSING
    if len(distinct) == 1:
        return plain(distinct[0])
    return Tex(f"{plain(distinct[0])} to {plain(distinct[-1])}")


def counted(number: Tex, noun: str) -> Tex:
    """`1 seed`, `3 seeds`."""
    return Tex(f"{number} {noun}" if number == "1" else f"{number} {noun}s")


def _model(
    results: pd.DataFrame, costs: dict[tuple[str, str], Cost], architecture: str, size: str, decimals: int
) -> Entries:
    """All numbers of one model, their keys without its name."""
    for prefix, checkpoint in (("", "last"), ("best.", "best")):
        for metric in METRICS:
            key, places = prefix + metric, metric_decimals(metric, decimals)
            values = per_seed(results, architecture, size, metric, checkpoint)
            baseline = per_seed(results, "baseline", size, metric, checkpoint)
            estimate = summarise(values)
            yield key, with_spread(estimate, places)
            yield f"{key}.mean", fixed(estimate.mean, places) if estimate else MISSING
            yield (
                f"{key}.std",
                fixed(estimate.std, places) if estimate and estimate.std is not None else MISSING,
            )
            yield f"{key}.seeds", plain(len(values))
            yield f"{key}.change", with_spread(summarise((values - baseline).dropna()), places, sign=True)
    cost = costs.get((architecture, size))
    yield "parameters", _in_units(cost.parameters / MILLION, "M") if cost else MISSING
    yield "macs_linear", _in_units(cost.macs_linear / GIGA, "G") if cost else MISSING
    yield "macs_all", _in_units(cost.macs_all / GIGA, "G") if cost else MISSING


def _in_units(value: float, unit: str) -> Tex:
    return Tex(f"{fixed(value, decimals_for([value]))}\\,{unit}")


def _models(
    results: pd.DataFrame, costs: dict[tuple[str, str], Cost], grid: Grid, size: str, decimals: int
) -> Entries:
    architectures = dict.fromkeys((*ARCHITECTURES, *grid.architectures))
    for architecture in architectures:
        for each in grid.sizes:
            for key, value in _model(results, costs, architecture, each, decimals):
                yield f"{architecture}.{each}.{key}", value
                if each == size:
                    yield f"detail.{architecture}.{key}", value
    yield "detail.size", escape(size)


def _references(results: pd.DataFrame, decimals: int) -> Entries:
    for name in REFERENCE_LABELS:
        for metric in METRICS:
            estimate = reference(results, name, metric)
            yield f"{name}.{metric}", with_spread(estimate, metric_decimals(metric, decimals))


def _lowest(results: pd.DataFrame, grid: Grid, decimals: int) -> Entries:
    for metric in METRICS:
        models = {
            f"{architecture_label(architecture)}, {size}": estimate
            for architecture in grid.architectures
            for size in grid.sizes
            if (estimate := summarise(per_seed(results, architecture, size, metric, "last")))
        }
        model = min(models, key=lambda name: models[name].mean, default=None)
        estimate = models[model] if model else None
        yield f"lowest.{metric}", with_spread(estimate, metric_decimals(metric, decimals))
        yield f"lowest.{metric}.model", escape(model) if model else MISSING


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
    grid: Grid,
    marks: Marks,
    decimals: int,
    size: str,
) -> dict[str, Tex]:
    """All numbers by key, as LaTeX. `recordings` are the sequences of `train` and `test`."""
    return dict(
        (
            *_models(results, costs, grid, size, decimals),
            *_references(results, decimals),
            *_lowest(results, grid, decimals),
            *_data(results, runs, recordings, marks.dataset_title),
            *_setup(runs, grid),
            *_hyperparameters(runs),
        )
    )


def main(argv: list[str] | None = None) -> None:
    """Write the macros of all numbers."""
    parser = options.parser(
        "Write every number of the prose as a LaTeX macro.",
        "results",
        "costs",
        *options.GRID,
        "dataset_title",
        "decimals",
        "per_action_size",
    )
    parser.add_argument("--runs", type=Path, nargs="+", required=True, metavar="DIR", help="run folders")
    parser.add_argument("--store", type=Path, required=True, metavar="DIR", help="frame store")
    parser.add_argument("--title", required=True, help="title of the paper")
    parser.add_argument("--authors", nargs="+", required=True, metavar="NAME", help="names, in order")
    options.add_out(parser)
    arguments = parser.parse_args(argv)
    grid, marks = options.grid(arguments), options.marks(arguments)
    size = arguments.per_action_size
    if size not in grid.sizes:
        raise PoseliftError(f"--per-action-size {size}: not one of the sizes {', '.join(grid.sizes)}")
    results = read(arguments.results)
    entries = numbers(
        results,
        read_costs(arguments.costs),
        [read_run(folder) for folder in arguments.runs],
        {split: read_sequences(arguments.store, split) for split in ("train", "test")},
        grid,
        marks,
        arguments.decimals,
        size,
    )
    entries["paper.title"] = escape(arguments.title)
    entries["paper.authors"] = Tex(r" \and ".join(map(escape, arguments.authors)))
    missing = grid.missing(results["run"])
    write_text(
        arguments.out,
        render(
            "numbers",
            entries=[(Tex(key), value) for key, value in entries.items()],
            synthetic=marks.synthetic,
            draft=bool(missing),
        ),
    )


if __name__ == "__main__":
    run(main)
