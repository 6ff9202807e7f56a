"""The numbers of the prose that are results: of models, of the ablation, on ground-truth 2D."""

from collections.abc import Iterator

import pandas as pd

from poselift.analysis.costs import GIGA, MILLION, Cost, decimals_for
from poselift.analysis.intervals import Differences, Model
from poselift.analysis.results import (
    GROUND_TRUTH_REFERENCE_LABELS,
    REFERENCE_LABELS,
    names_in,
    per_seed,
    reference,
    summarise,
)
from poselift.analysis.view import Grid, View
from poselift.config.experiment import GROUND_TRUTH_2D
from poselift.config.models import ARCHITECTURES
from poselift.evaluation.metrics import METRICS
from poselift.evaluation.report import METRICS as METRICS_SHOWN
from poselift.evaluation.statistics import Interval
from poselift.latex import MISSING, Tex, escape
from poselift.paper.words import counted, plain, verdict, with_spread
from poselift.skeleton import BODY
from poselift.tables.latex import fixed, interval_text

Entries = Iterator[tuple[str, Tex]]


def _change(key: str, interval: Interval | None, decimals: int) -> Entries:
    """A difference with its interval, and whether it is significant."""
    yield f"{key}.interval", interval_text(interval, decimals)
    yield f"{key}.verdict", verdict(interval)


def of_model(
    results: pd.DataFrame, differences: Differences, model: Model, base: Model, decimals: int
) -> Entries:
    """The errors of one model and their changes from `base`; keys without its name."""
    for prefix, checkpoint in (("", "last"), ("best.", "best")):
        for metric in METRICS_SHOWN:
            key, places = prefix + metric, METRICS[metric].decimals(decimals)
            values, of_base = (
                per_seed(results, each.architecture, each.size, metric, checkpoint, variant=each.variant)
                for each in (model, base)
            )
            estimate = summarise(values)
            yield key, with_spread(estimate, places)
            yield f"{key}.mean", fixed(estimate.mean, places) if estimate else MISSING
            yield (
                f"{key}.std",
                fixed(estimate.std, places) if estimate and estimate.std is not None else MISSING,
            )
            yield f"{key}.seeds", plain(len(values))
            yield f"{key}.change", with_spread(summarise((values - of_base).dropna()), places, sign=True)
            found = None if model == base else differences.difference(model, base, metric, checkpoint)
            yield from _change(f"{key}.change", found, places)


def of_cost(cost: Cost | None) -> Entries:
    """What a model costs."""
    yield "parameters", _in_units(cost.parameters / MILLION, "M") if cost else MISSING
    yield "macs_linear", _in_units(cost.macs_linear / GIGA, "G") if cost else MISSING
    yield "macs_all", _in_units(cost.macs_all / GIGA, "G") if cost else MISSING


def _in_units(value: float, unit: str) -> Tex:
    return Tex(f"{fixed(value, decimals_for([value]))}\\,{unit}")


def _parts(results: pd.DataFrame, architecture: str, size: str, decimals: int) -> Entries:
    """MPJPE of the upper and lower body, and at the first, middle and last place of the clip."""
    of_model = (results["architecture"] == architecture) & (results["size"] == size)
    places = names_in(results[of_model & (results["variant"] == "")], "place")
    named = {"first": places[0], "middle": places[len(places) // 2], "last": places[-1]} if places else {}
    parts = [("body", part, part.replace(" ", "_")) for part in BODY]
    parts += [("place", named.get(where, ""), f"place.{where}") for where in ("first", "middle", "last")]
    for group, name, key in parts:
        values = per_seed(results, architecture, size, "mpjpe", "last", group, name)
        yield key, with_spread(summarise(values), decimals)


def of_models(
    results: pd.DataFrame,
    costs: dict[tuple[str, str], Cost],
    differences: Differences,
    view: View,
) -> Entries:
    """The numbers of all models, and once more, as `detail`, those of the size that is shown in detail."""
    size, decimals = view.per_action_size, view.decimals
    for architecture in dict.fromkeys((*ARCHITECTURES, *view.grid.architectures)):
        for each in view.grid.sizes:
            model, base = Model(architecture, each), Model("baseline", each)
            entries = [
                *of_model(results, differences, model, base, decimals),
                *of_cost(costs.get((architecture, each))),
                *_parts(results, architecture, each, decimals),
            ]
            for key, value in entries:
                yield f"{architecture}.{each}.{key}", value
                if each == size:
                    yield f"detail.{architecture}.{key}", value
    yield "detail.size", escape(size)


def of_references(results: pd.DataFrame, decimals: int) -> Entries:
    """The numbers of what needs no training."""
    for name in REFERENCE_LABELS | GROUND_TRUTH_REFERENCE_LABELS:
        for metric in METRICS_SHOWN:
            estimate = reference(results, name, metric)
            yield f"{name}.{metric}", with_spread(estimate, METRICS[metric].decimals(decimals))


def lowest(results: pd.DataFrame, grid: Grid, view: View) -> Entries:
    """The lowest mean of each metric among the models of a grid after the last epoch, and whose it is."""
    for metric in METRICS_SHOWN:
        models = {
            f"{view.label(architecture)}, {size}": estimate
            for architecture in grid.architectures
            for size in grid.sizes
            if (
                estimate := summarise(
                    per_seed(results, architecture, size, metric, "last", variant=grid.variant)
                )
            )
        }
        model = min(models, key=lambda name: models[name].mean, default=None)
        estimate = models[model] if model else None
        yield f"lowest.{metric}", with_spread(estimate, METRICS[metric].decimals(view.decimals))
        yield f"lowest.{metric}.model", escape(model) if model else MISSING


def of_ablation(results: pd.DataFrame, differences: Differences, view: View) -> Entries:
    """The numbers of the entries, each by its name, and what they come to."""
    entries, decimals = view.ablation, view.decimals
    changes: dict[str, Interval] = {}
    for entry in entries:
        base = Model(entry.architecture, entry.size)
        model = base._replace(variant=entry.name)
        for key, value in of_model(results, differences, model, base, decimals):
            yield f"ablation.{entry.name}.{key}", value
        if found := differences.difference(model, base, "mpjpe", "last"):
            changes[entry.title or entry.name] = found
    yield "ablation.counted", counted(plain(len(entries)), "entry")
    yield "ablation.significant", plain(sum(change.significant for change in changes.values()))
    worst = max(changes, key=lambda name: changes[name].estimate, default=None)
    change = changes[worst] if worst else None
    yield "ablation.largest", escape(worst) if worst else MISSING
    yield "ablation.largest.change", fixed(change.estimate, decimals, sign=True) if change else MISSING
    yield from _change("ablation.largest.change", change, decimals)


def of_ground_truth_2d(results: pd.DataFrame, differences: Differences, grid: Grid, view: View) -> Entries:
    """The numbers of the models on ground-truth 2D; changes are from the baseline on ground-truth 2D."""
    for architecture in grid.architectures:
        for size in grid.sizes:
            model, base = (Model(name, size, GROUND_TRUTH_2D) for name in (architecture, "baseline"))
            for key, value in of_model(results, differences, model, base, view.decimals):
                yield f"gt2d.{architecture}.{size}.{key}", value
    for key, value in lowest(results, grid, view):
        yield f"gt2d.{key}", value
