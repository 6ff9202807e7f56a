"""The facts of the experimental setup, from what was built: frame stores, runs, costs, results, trials.

What is shown of them, and how, says `templates/setup.md.j2`. Numbers are text here already.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from poselift.analysis.costs import GIGA, Cost
from poselift.analysis.results import names_in
from poselift.analysis.runs import Run, read_run
from poselift.analysis.view import View
from poselift.config.experiment import GROUND_TRUTH_2D
from poselift.config.run import RunSettings
from poselift.data.sequence import SPLITS
from poselift.data.store import read_sequences
from poselift.errors import PoseliftError
from poselift.tables.cost import cost_cells, cost_decimals
from poselift.tables.table import MISSING, plain

Facts = dict[str, Any]


@dataclass(frozen=True)
class Trained:
    """A run, and the environment that it recorded."""

    run: Run
    environment: dict[str, Any]


@dataclass(frozen=True)
class Group:
    """The runs of one model, or of one variant of it, on one data set: they differ in their seeds alone."""

    name: str
    architecture: str
    seeds: tuple[int, ...]
    recipe: dict[str, Any]
    """settings that all architectures have"""
    model: dict[str, Any]
    """hyper-parameters of the architecture"""


def _recorded(path: Path, key: str, what: str, remedy: str) -> Any:
    """What a JSON file has under a key. Raises `PoseliftError` if it is missing or another file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))[key]
    except FileNotFoundError:
        raise PoseliftError(f"{path}: no such file; {remedy}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise PoseliftError(f"{path}: not the {what} ({error!r}); {remedy}") from None


def read_trained(folder: Path) -> Trained:
    """Read a run folder. Raises `PoseliftError` if a file is missing or is no such record."""
    record = folder / "provenance.json"
    environment = _recorded(record, "environment", "record of a run", "train the run first")
    return Trained(read_run(folder), environment)


def data(title: str, store: Path, runs: Iterable[Trained]) -> Facts:
    """A frame store (hashes of the raw files, sequences and frames) and the clips that `runs` saw.

    Raises `PoseliftError` if the store is missing or damaged.
    """
    manifest = store / "frames" / "manifest.json"
    raw = _recorded(manifest, "raw", "manifest of a frame store", "make it with `poselift prepare`")
    sequences = {split: read_sequences(store, split) for split in SPLITS}
    clips = {
        (one.run.settings.n_frames, *(one.run.summary[f"{split}_clips"] for split in SPLITS)) for one in runs
    }
    return {
        "title": title,
        "raw": raw if isinstance(raw, dict) else {"": raw},
        "splits": [
            (
                split,
                ", ".join(sorted({each.subject for each in listed}, key=lambda name: (len(name), name))),
                len(listed),
                sum(each.length for each in listed),
            )
            for split, listed in sequences.items()
        ],
        "clips": sorted(clips),
    }


def protocol(results: pd.DataFrame) -> Facts:
    """How much errors were measured on."""
    frames = results.loc[(results["metric"] == "frames") & (results["group"] == "all"), "value"]
    return {
        "frames": " to ".join(f"{int(count):,}" for count in sorted({frames.min(), frames.max()})),
        "sequences": len(names_in(results, "sequence")),
        "actions": len(names_in(results, "action")),
    }


def models(
    runs: Iterable[Trained],
    costs: Mapping[tuple[str, str], Cost],
    variant_costs: Mapping[str, Cost],
    view: View,
) -> list[list[str]]:
    """Sizes and costs of the architectures, a row each: size, model, blocks, channels, frames, parameters in
    millions, 10^9 MACs of linear layers and of all; then those of variants."""
    shapes = {(one.run.settings.size, one.run.settings.architecture): one.run.settings for one in runs}
    decimals = cost_decimals([*costs.values(), *variant_costs.values()])

    def row(size: str, name: str, blocks: str, channels: str, cost: Cost | None) -> list[str]:
        cells = (*cost_cells(cost, decimals), plain(cost.macs_all / GIGA if cost else None, decimals[1]))
        return [size, name, blocks, channels, *(cell.text for cell in cells)]

    sizes = list(dict.fromkeys(size for size, _ in shapes))
    return [
        row(size, view.label(name), str(run.depth), str(run.dim), costs.get((name, size)))
        for (size, name), run in sorted(shapes.items(), key=lambda shape: sizes.index(shape[0][0]))
    ] + [row("changed", name, "", "", cost) for name, cost in variant_costs.items()]


def grouped(runs: Iterable[RunSettings], view: View, prefix: str = "") -> list[Group]:
    """The groups of some runs in their order; `prefix` is put before their names."""
    alike: dict[tuple[str, str, str | None], list[RunSettings]] = {}
    for run in runs:
        alike.setdefault((run.architecture, run.size, run.variant), []).append(run)
    return [
        Group(
            prefix + ", ".join(filter(None, (view.label(architecture), size, variant))),
            architecture,
            tuple(sorted(run.seed for run in members)),
            {
                "n_frames": members[0].n_frames,
                "input_2d": members[0].input_2d,
                **members[0].training.model_dump(mode="json"),
            },
            members[0].model.model_dump(mode="json"),
        )
        for (architecture, size, variant), members in alike.items()
    ]


def usual(settings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The value that each key has most often; ties go to the first."""
    return {
        key: Counter(each[key] for each in settings if key in each).most_common(1)[0][0]
        for key in dict.fromkeys(key for each in settings for key in each)
    }


def differing(settings: Mapping[str, Any], from_usual: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that are not the usual ones."""
    return {key: value for key, value in settings.items() if value != from_usual[key]}


def recipes(groups: Sequence[Group], view: View) -> Facts:
    """The settings that runs share, and for each group of runs those that it does not."""
    recipe = usual([group.recipe for group in groups])
    of_models = {
        name: usual([group.model for group in groups if group.architecture == name])
        for name in dict.fromkeys(group.architecture for group in groups)
    }

    def differences(group: Group) -> str:
        changed = differing(group.recipe, recipe) | differing(group.model, of_models[group.architecture])
        return ", ".join(f"{key} {_setting(value)}" for key, value in changed.items()) or "nothing"

    return {
        "recipe": [(key, _setting(value)) for key, value in recipe.items()],
        "architectures": [view.label(name) for name in of_models],
        "hyperparameters": [
            (key, *(_setting(model.get(key, MISSING)) for model in of_models.values()))
            for key in dict.fromkeys(key for model in of_models.values() for key in model)
        ],
        "groups": [(group.name, ", ".join(map(str, group.seeds)), differences(group)) for group in groups],
    }


def _setting(value: Any) -> str:
    """A setting as config.yaml has it: 0.0005, true, fp32."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def machines(runs: Sequence[Trained]) -> Facts:
    """The environments that the runs recorded, and how many runs each had."""
    keys = list(dict.fromkeys(key for one in runs for key in one.environment))
    counts = Counter(
        tuple(MISSING if (value := one.environment.get(key)) is None else str(value) for key in keys)
        for one in runs
    )
    return {
        "headings": [key.replace("_", " ") for key in keys],
        "rows": [(*values, count) for values, count in sorted(counts.items())],
    }


def time_spent(
    runs: Sequence[Trained], second: Sequence[Trained], searches: Iterable[pd.DataFrame]
) -> list[tuple[str, int, str, str]]:
    """Count, hours by the clock and GPU-hours of each kind of run, evaluation of each epoch included; of the
    search what its trials noted."""
    kinds: dict[str, list[Trained]] = {}
    for one in runs:
        kind = {None: "Models", GROUND_TRUTH_2D: "On ground-truth 2D"}.get(
            one.run.settings.variant, "Ablation"
        )
        kinds.setdefault(kind, []).append(one)
    if second:
        kinds["MPI-INF-3DHP"] = list(second)

    def row(name: str, members: Sequence[Trained]) -> tuple[str, int, str, str]:
        hours = sum(one.run.summary["seconds"] for one in members) / 3600
        gpu_hours = sum(one.run.summary["gpu_hours"] for one in members)
        return name, len(members), f"{hours:.2f}", f"{gpu_hours:.2f}"

    rows = [row(name, members) for name, members in kinds.items()]
    for trials in searches:
        gpu_hours = pd.to_numeric(trials["gpu_hours"]).sum()
        rows.append(("Search", len(trials), MISSING, f"{gpu_hours:.2f}"))
    return [*rows, row("Together", [*runs, *second])]
