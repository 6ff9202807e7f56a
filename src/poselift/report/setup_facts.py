"""The facts of the experimental setup, from what was built: frame stores, runs, costs, results, trials.

What is shown of them, and how, says `templates/setup.md.j2`. Numbers are text here already.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
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
from poselift.files import read_json
from poselift.provenance.chain import absolute, read_chain, results_folder
from poselift.provenance.environment import counted, listed
from poselift.tables.cost import cost_cells, cost_decimals
from poselift.tables.table import MISSING, plain

Facts = dict[str, Any]


@dataclass(frozen=True)
class Data:
    """A data set: the manifest of its frame store, and the runs on it. `further` is the title of one beside
    the main one."""

    further: str
    manifest: Path
    runs: list[Run]


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


def read_data(manifests: Iterable[Path], metrics: Iterable[Path], view: View) -> list[Data]:
    """The data sets by their manifests, the main one first, with the runs that lie in the same folders."""
    found: dict[Path, Data] = {}
    for path in manifests:
        folder = path.parents[2]
        found[folder] = Data(view.further[folder.name].notice.dataset_title if found else "", path, [])
    for path in metrics:
        found[path.parents[2]].runs.append(read_run(path.parent))
    return list(found.values())


def dataset(data: Data, view: View) -> Facts:
    """A frame store and the clips that the runs saw. Raises `PoseliftError` if the store is damaged."""
    remedy = "make it with `poselift prepare`"
    raw = read_json(data.manifest, itemgetter("raw"), "the manifest of a frame store", remedy)
    seen = [(run.settings.n_frames, run.summary) for run in data.runs]
    clips = {(n_frames, summary["train_clips"], summary["test_clips"]) for n_frames, summary in seen}
    splits = []
    for split in SPLITS:
        sequences = read_sequences(data.manifest.parents[1], split)
        subjects = sorted({each.subject for each in sequences}, key=lambda name: (len(name), name))
        splits.append((split, ", ".join(subjects), len(sequences), sum(each.length for each in sequences)))
    return {
        "title": data.further or view.notice.dataset_title,
        "raw": raw if isinstance(raw, dict) else {"": raw},
        "splits": splits,
        "clips": sorted(clips),
    }


def protocol(results: pd.DataFrame) -> Facts:
    """How much errors were measured on."""
    frames = results.loc[(results["metric"] == "frames") & (results["group"] == "all"), "value"]
    counts = " to ".join(f"{int(count):,}" for count in sorted({frames.min(), frames.max()}))
    sequences, actions = (len(names_in(results, group)) for group in ("sequence", "action"))
    return {"frames": counts, "sequences": sequences, "actions": actions}


def models(
    runs: Iterable[Run],
    costs: Mapping[tuple[str, str], Cost],
    variant_costs: Mapping[str, Cost],
    view: View,
) -> list[list[str]]:
    """A row for each size of the architectures, then for each variant that was counted: size, model, blocks,
    channels, frames, parameters in millions, 10^9 MACs of linear layers and of all."""
    titles = {(each.architecture, each.size, each.name): each.title or each.name for each in view.ablation}
    shown: dict[tuple[str, str, str], tuple[RunSettings, Cost | None]] = {}
    for run in (each.settings for each in runs):
        model = (run.architecture, run.size, run.variant or "")
        if run.variant and (cost := variant_costs.get("-".join(model))):
            shown[model] = run, cost
        elif (cost := costs.get(model[:2])) or not run.variant:
            shown[*model[:2], ""] = run, cost
    sizes = list(dict.fromkeys(size for _, size, _ in shown))
    decimals = cost_decimals([*costs.values(), *variant_costs.values()])
    rows = []
    for model in sorted(shown, key=lambda model: (bool(model[2]), sizes.index(model[1]))):
        run, cost = shown[model]
        label = ", ".join(filter(None, (view.label(run.architecture), titles.get(model, model[2]))))
        cells = (*cost_cells(cost, decimals), plain(cost.macs_all / GIGA if cost else None, decimals[1]))
        rows.append([run.size, label, str(run.depth), str(run.dim), *(cell.text for cell in cells)])
    return rows


def grouped(data: Data, view: View) -> list[Group]:
    """The groups of the runs on a data set, in their order."""
    alike: dict[tuple[str, str, str | None], list[RunSettings]] = {}
    for run in (one.settings for one in data.runs):
        alike.setdefault((run.architecture, run.size, run.variant), []).append(run)
    groups = []
    for (architecture, size, variant), members in alike.items():
        name = ", ".join(filter(None, (view.label(architecture), size, variant)))
        settings = members[0].model_dump(mode="json")
        recipe = {key: settings[key] for key in ("n_frames", "input_2d")} | settings["training"]
        seeds = tuple(sorted(run.seed for run in members))
        title = f"{data.further}: {name}" if data.further else name
        groups.append(Group(title, architecture, seeds, recipe, settings["model"]))
    return groups


def usual(settings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The value that each key has most often; ties go to the first."""
    return {
        key: Counter(each[key] for each in settings if key in each).most_common(1)[0][0]
        for key in dict.fromkeys(key for each in settings for key in each)
    }


def recipes(groups: Sequence[Group], view: View) -> Facts:
    """The settings that runs share, and for each group of runs those that it does not."""
    recipe = usual([group.recipe for group in groups])
    of_models = {
        name: usual([group.model for group in groups if group.architecture == name])
        for name in dict.fromkeys(group.architecture for group in groups)
    }

    def differences(group: Group) -> str:
        own, common = group.recipe | group.model, recipe | of_models[group.architecture]
        changed = (f"{key} {_setting(value)}" for key, value in own.items() if value != common[key])
        return ", ".join(changed) or "nothing"

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


def machines(records: Iterable[Path]) -> Facts:
    """The environments that runs recorded in their `provenance.json`, and how many runs each had.

    Raises `PoseliftError` if a file is missing or is no such record.
    """
    seen = [
        read_json(path, itemgetter("environment"), "the record of a run", "train the run first")
        for path in records
    ]
    keys = list(dict.fromkeys(key for environment in seen for key in environment))
    counts = Counter(
        tuple(MISSING if each.get(key) is None else str(each[key]) for key in keys) for each in seen
    )
    rows = [(*values, count) for values, count in sorted(counts.items())]
    return {"headings": [key.replace("_", " ") for key in keys], "rows": rows}


def software(pinned: Iterable[str], results: Sequence[Path]) -> list[tuple[str, str, str]]:
    """Name, pinned version and installed versions of packages, `<name>==<version>`: the installed ones are
    those in the receipts of the jobs behind the files `results`, a dash without receipts."""
    installed: dict[str, Counter[str]] = {}
    if folder := results_folder(results[0]):
        root = folder.parent.parent
        names = [absolute(path).relative_to(root).as_posix() for path in results]
        installed = counted(job.environment for job in read_chain(folder).behind(names).jobs.values())
    split = [word.split("==") for word in pinned]
    return [(name, version, listed(installed.get(name, {})) or MISSING) for name, version in split]


def time_spent(data: Sequence[Data], searches: Iterable[pd.DataFrame]) -> list[tuple[str, int, str, str]]:
    """Count, hours by the clock and GPU-hours of each kind of run and of the runs on each further data set,
    with the evaluation of each epoch."""
    names = {None: "Models", GROUND_TRUTH_2D: "On ground-truth 2D"}
    kinds: dict[str, list[Run]] = {}
    for run in data[0].runs:
        kinds.setdefault(names.get(run.settings.variant, "Ablation"), []).append(run)
    kinds |= {each.further: each.runs for each in data[1:]}

    def row(name: str, members: Sequence[Run]) -> tuple[str, int, str, str]:
        hours = sum(run.summary["seconds"] for run in members) / 3600
        gpu_hours = sum(run.summary["gpu_hours"] for run in members)
        return name, len(members), f"{hours:.2f}", f"{gpu_hours:.2f}"

    rows = [row(name, members) for name, members in kinds.items()]
    for trials in searches:
        gpu_hours = pd.to_numeric(trials["gpu_hours"]).sum()
        rows.append(("Search", len(trials), MISSING, f"{gpu_hours:.2f}"))
    return [*rows, row("Together", [run for members in kinds.values() for run in members])]
