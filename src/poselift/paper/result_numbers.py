"""The numbers of the prose that are results: of models, of the ablation, on ground-truth 2D."""

from collections.abc import Mapping
from itertools import product

import pandas as pd

from poselift.analysis.costs import GIGA, MILLION, Cost, decimals_for
from poselift.analysis.intervals import Differences, Model, entry_pairs, grid_pairs
from poselift.analysis.results import (
    GROUND_TRUTH_REFERENCE_LABELS,
    REFERENCE_LABELS,
    Estimate,
    metrics_in,
    names_in,
    of_dataset,
    per_seed,
    reference,
    summarise,
)
from poselift.analysis.view import Grid, View
from poselift.config.architectures import built_in
from poselift.evaluation.metrics import METRICS
from poselift.evaluation.statistics import Interval
from poselift.paper.number_text import (
    Numbers,
    counted,
    fixed,
    listing,
    of_all,
    setting,
    with_interval,
    with_spread,
)
from poselift.paper.setting_text import of_recipes
from poselift.skeleton import BODY
from poselift.tables.table import MISSING


def below(prefix: str, numbers: Numbers) -> Numbers:
    """The numbers with a prefix before their keys."""
    return {f"{prefix}.{key}": value for key, value in numbers.items()}


def of_model(
    results: pd.DataFrame, differences: Differences, model: Model, base: Model, decimals: int
) -> Numbers:
    """The errors of one model and their changes from `base`; keys without its name."""
    numbers: Numbers = {}
    for prefix, checkpoint in (("", "last"), ("best.", "best")):
        for metric in metrics_in(results):
            key, places = prefix + metric, METRICS[metric].decimals(decimals)
            values = per_seed(
                results, model.architecture, model.size, metric, checkpoint, variant=model.variant
            )
            estimate, own = summarise(values), differences.interval(model, metric, checkpoint)
            found = None if model == base else differences.difference(model, base, metric, checkpoint)
            numbers |= {
                key: with_spread(estimate, places),
                f"{key}.mean": fixed(estimate.mean if estimate else None, places),
                f"{key}.std": fixed(estimate.std if estimate else None, places),
                f"{key}.seeds": setting(len(values)),
                f"{key}.interval": with_interval("", own, places)[".interval"],
                **with_interval(f"{key}.change", found, places, sign=True),
                f"{key}.change.detectable": fixed(found.detectable if found else None, places),
                f"{key}.change.verdict": (
                    differences.finding(model, base, metric, checkpoint) if found else "not tested"
                ),
            }
    return numbers


def of_cost(cost: Cost | None) -> Numbers:
    """What a model costs."""
    units = {"parameters": (MILLION, "M"), "macs_linear": (GIGA, "G"), "macs_all": (GIGA, "G")}

    def text(value: float, unit: str) -> str:
        return f"{fixed(value, decimals_for([value]))}\N{NARROW NO-BREAK SPACE}{unit}"

    return {
        name: text(getattr(cost, name) / factor, unit) if cost else MISSING
        for name, (factor, unit) in units.items()
    }


def _parts(results: pd.DataFrame, architecture: str, size: str, decimals: int) -> Numbers:
    """MPJPE of the upper and lower body, and at the first, middle and last position in the clip."""
    of_model = (results["architecture"] == architecture) & (results["size"] == size)
    positions = names_in(results[of_model & (results["variant"] == "")], "place") or [""]
    parts = [("body", part, part.replace(" ", "_")) for part in BODY]
    parts += [
        ("place", positions[i], f"place.{where}")
        for where, i in (("first", 0), ("middle", len(positions) // 2), ("last", -1))
    ]
    values = {key: per_seed(results, architecture, size, "mpjpe", "last", *part) for *part, key in parts}
    return {key: with_spread(summarise(each), decimals) for key, each in values.items()}


def of_models(
    results: pd.DataFrame, costs: Mapping[tuple[str, str], Cost], differences: Differences, view: View
) -> Numbers:
    """The numbers of all models, and once more, as `detail`, those of the size that is shown in detail."""
    grid, size, decimals = view.grid, view.per_action_size, view.decimals
    numbers = {"detail.size": size}
    for architecture, each in product(dict.fromkeys((*built_in(), *grid.architectures)), grid.sizes):
        model, base = Model(architecture, each), Model(grid.base, each)
        of_one = of_model(results, differences, model, base, decimals)
        of_one |= of_cost(costs.get((architecture, each))) | _parts(results, architecture, each, decimals)
        numbers |= below(f"{architecture}.{each}", of_one)
        numbers |= below(f"detail.{architecture}", of_one) if each == size else {}
    return numbers


def of_references(results: pd.DataFrame, decimals: int) -> Numbers:
    """The numbers of what needs no training."""
    return {
        f"{name}.{metric}": with_spread(reference(results, name, metric), METRICS[metric].decimals(decimals))
        for name in REFERENCE_LABELS | GROUND_TRUTH_REFERENCE_LABELS
        for metric in metrics_in(results)
    }


def extreme(results: pd.DataFrame, grid: Grid, view: View) -> Numbers:
    """The best mean of each metric among the models of a grid after the last epoch, and whose it is: the
    lowest, or the highest where higher is better."""
    numbers: Numbers = {}
    for metric in metrics_in(results):
        models: dict[str, Estimate] = {}
        for architecture, size in product(grid.architectures, grid.sizes):
            values = per_seed(results, architecture, size, metric, "last", variant=grid.variant)
            if estimate := summarise(values):
                models[f"{view.label(architecture)}, {size}"] = estimate
        higher = METRICS[metric].higher_is_better
        model = (max if higher else min)(models, key=lambda name: models[name].mean, default="")
        key = f"{'highest' if higher else 'lowest'}.{metric}"
        spread = with_spread(models.get(model), METRICS[metric].decimals(view.decimals))
        numbers |= {key: spread, f"{key}.model": model or MISSING}
    return numbers


def of_ablation(results: pd.DataFrame, differences: Differences, view: View) -> Numbers:
    """The numbers of the ablation's entries, each by its name, and what they come to."""
    entries, decimals = view.ablation, view.decimals
    numbers = {"counted": counted(setting(len(entries)), "entry")}
    changes: dict[str, tuple[Interval, str]] = {}
    for entry, pair in zip(entries, entry_pairs(entries), strict=True):
        numbers |= below(entry.name, of_model(results, differences, *pair, decimals))
        if found := differences.difference(*pair, "mpjpe", "last"):
            changes[entry.title or entry.name] = found, differences.finding(*pair, "mpjpe", "last")
    unlike = [entry for entry in entries if entry.seeds != view.grid.seeds_of(entry.base[1])]
    numbers["seeds.described"] = (
        "where the seeds of an entry differ from those of the model that it is compared with, the change is "
        "over those that both have"
        if unlike
        else "each has the seeds of the model that it is compared with"
    )
    numbers["steps.described"] = _steps(results, view)
    worst = max(changes, key=lambda name: changes[name][0].estimate, default="")
    largest, verdict = changes.get(worst, (None, "not tested"))
    judged = [finding for _, finding in changes.values() if finding not in ("exploratory", "not tested")]
    numbers |= {
        "tested": setting(len(judged)),
        "significant": setting(judged.count("significant")),
        "largest": worst or MISSING,
        **with_interval("largest.change", largest, decimals, sign=True),
        "largest.change.verdict": verdict,
    }
    return below("ablation", numbers)


def _steps(results: pd.DataFrame, view: View) -> str:
    """A sentence on entries whose clips are shorter, which are more in number; empty without any."""
    frames = results.groupby(["architecture", "size", "variant"], observed=True)["n_frames"].first()
    told = {
        int(frames[pair[0]]): int(frames[pair[1]])
        for pair in entry_pairs(view.ablation)
        if all(model in frames.index for model in pair) and frames[pair[0]] < frames[pair[1]]
    }
    said = [f"{one} frames about {of / one:.0f} times as many as of {of}" for one, of in sorted(told.items())]
    return (
        f"Shorter clips are more in number, those of {listing(said)}: so are the steps of an epoch."
        if said
        else ""
    )


def of_grid(
    results: pd.DataFrame, differences: Differences, grid: Grid, reference: str, view: View
) -> Numbers:
    """The errors of the models of a grid (of runs on ground-truth 2D, say, or on a further data set); changes
    are from the architecture `reference`."""
    numbers = extreme(results, grid, view)
    for architecture, size in product(grid.architectures, grid.sizes):
        model, base = (Model(name, size, grid.variant) for name in (architecture, reference))
        of_one = of_model(results, differences, model, base, view.decimals)
        numbers |= below(f"{architecture}.{size}", of_one)
    return numbers


def of_further(results: pd.DataFrame, view: View) -> Numbers:
    """The numbers of each further data set that has results, of `results` on all."""
    numbers: Numbers = {}
    for name, its in view.further.items():
        if not (rows := of_dataset(results, name)).empty:
            differences = Differences(rows, view.statistics, {"further_data": grid_pairs(its.grid)})
            found = of_grid(rows, differences, its.grid, its.grid.base, view)
            frames = rows.loc[(rows["metric"] == "frames") & (rows["group"] == "all"), "value"]
            numbers |= below(
                name,
                {
                    "title": its.notice.dataset_title,
                    "n_frames": of_all(map(int, rows["n_frames"])),
                    "frames": of_all(map(int, frames)),
                    **of_recipes(its.recipes),
                    **found,
                },
            )
    return numbers
