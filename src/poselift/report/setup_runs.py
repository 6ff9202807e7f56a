"""What the runs of the paper were: models, recipes, seeds, machines, time. The later part of `setup.md`."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from poselift.analysis.costs import Cost
from poselift.analysis.names import architecture_label
from poselift.analysis.runs import Run, read_run
from poselift.config.experiment import GROUND_TRUTH_2D
from poselift.errors import PoseliftError
from poselift.report.run_groups import Group, differing, shown, usual
from poselift.report.section import Section
from poselift.tables.cost import GIGA, cost_cells, cost_decimals
from poselift.tables.table import Block, Cell, Column, Table, plain

TEXT, NUMBER = "text", "number"


@dataclass(frozen=True)
class Trained:
    """A run, and the environment that it recorded."""

    run: Run
    environment: dict[str, Any]


def read_trained(folder: Path) -> Trained:
    """Read a run folder. Raises `PoseliftError` if a file is missing or is no such record."""
    path = folder / "provenance.json"
    try:
        environment = json.loads(path.read_text(encoding="utf-8"))["environment"]
    except FileNotFoundError:
        raise PoseliftError(f"{path}: no such file; train the run first") from None
    except (ValueError, KeyError, TypeError) as error:
        raise PoseliftError(f"{path}: not the record of a run ({error!r}); train it again") from None
    return Trained(read_run(folder), environment)


def models(
    runs: Iterable[Trained], costs: Mapping[tuple[str, str], Cost], variant_costs: Mapping[str, Cost]
) -> Section:
    """Sizes and hyper-parameters of the architectures, and what they cost."""
    shapes: dict[tuple[str, str], tuple[int, int]] = {
        (one.run.settings.size, one.run.settings.architecture): (one.run.settings.depth, one.run.settings.dim)
        for one in runs
    }
    places = cost_decimals([*costs.values(), *variant_costs.values()])

    def row(size: str, architecture: str) -> tuple[Cell, ...]:
        cost = costs.get((architecture, size))
        return (
            Cell(architecture_label(architecture)),
            *(plain(number, 0) for number in shapes[size, architecture]),
            *cost_cells(cost, places),
            plain(cost.macs_all / GIGA if cost else None, places[1]),
        )

    columns = [Column("Model", kind="text")]
    columns += [
        Column(name, kind="number")
        for name in ("Blocks", "Channels", "Frames", "Par. (M)", "MACs (G)", "all MACs (G)")
    ]
    blocks = [
        Block(tuple(row(*shape) for shape in shapes if shape[0] == size), size)
        for size in dict.fromkeys(size for size, _ in shapes)
    ]
    if variant_costs:
        changed = tuple(
            (Cell(name), Cell(), Cell(), *cost_cells(cost, places), plain(cost.macs_all / GIGA, places[1]))
            for name, cost in variant_costs.items()
        )
        blocks.append(Block(changed, "changed"))
    table = Table(
        "sizes", "Models", "MACs of linear layers, and of all.", "", tuple(columns), tuple(blocks), "Size"
    )
    return Section("Models", tables=(table,))


def recipes(groups: Sequence[Group]) -> Section:
    """The settings that runs share, and for each group of runs those that it does not."""
    recipe = usual([group.recipe for group in groups])
    of_models = {
        name: usual([group.model for group in groups if group.architecture == name])
        for name in dict.fromkeys(group.architecture for group in groups)
    }
    keys = dict.fromkeys(key for model in of_models.values() for key in model)

    def differences(group: Group) -> str:
        changed = differing(group.recipe, recipe) | differing(group.model, of_models[group.architecture])
        return ", ".join(f"{key} {shown(value)}" for key, value in changed.items()) or "nothing"

    return Section(
        "Recipes and seeds",
        ("Settings as in config.yaml, resolved. The groups' table has what differs from the first two.",),
        (
            Table(
                "recipe",
                "Training",
                "What nearly all runs share.",
                "",
                (Column("Setting", kind="text"), Column("Value", kind="text")),
                (Block(tuple((Cell(key), Cell(shown(value))) for key, value in recipe.items())),),
            ),
            Table(
                "hyperparameters",
                "Hyper-parameters",
                "What nearly all runs of an architecture share.",
                "",
                (
                    Column("Setting", kind="text"),
                    *(Column(architecture_label(name), kind="text") for name in of_models),
                ),
                (
                    Block(
                        tuple(
                            (Cell(key), *(Cell(shown(model.get(key, "–"))) for model in of_models.values()))
                            for key in keys
                        )
                    ),
                ),
            ),
            Table(
                "groups",
                "Runs",
                "Each group of runs: its seeds, and its settings that are not the above.",
                "",
                (
                    Column("Runs", kind="text"),
                    Column("Seeds", kind="text"),
                    Column("Differs in", kind="text"),
                ),
                (
                    Block(
                        tuple(
                            (
                                Cell(group.name),
                                Cell(", ".join(map(str, group.seeds))),
                                Cell(differences(group)),
                            )
                            for group in groups
                        )
                    ),
                ),
            ),
        ),
    )


def machines(runs: Sequence[Trained]) -> Section:
    """Where the runs were trained, as they recorded it."""
    keys = list(dict.fromkeys(key for one in runs for key in one.environment))
    counts = Counter(tuple(_noted(one.environment.get(key)) for key in keys) for one in runs)
    rows = tuple((*map(Cell, values), plain(count, 0)) for values, count in sorted(counts.items()))
    headings = [Column(key.replace("_", " "), kind="text") for key in keys]
    table = Table(
        "machines",
        "Environments",
        "As the trainings recorded them.",
        "",
        (*headings, Column("Runs", kind="number")),
        (Block(rows),),
    )
    return Section("Machines", tables=(table,))


def _noted(value: Any) -> str:
    return "–" if value is None else str(value)


def software(pins: Mapping[str, str]) -> Section:
    """The pinned versions of packages."""
    rows = tuple((Cell(name), Cell(version)) for name, version in sorted(pins.items()))
    columns = (Column("Package", kind="text"), Column("Version", kind="text"))
    table = Table(
        "software", "Packages", "Pinned versions of what the stages use.", "", columns, (Block(rows),)
    )
    return Section("Software", tables=(table,))


def time_spent(runs: Sequence[Trained], second: Sequence[Trained], trials: pd.DataFrame | None) -> Section:
    """The hours of the trainings, evaluation of each epoch included; of the search what its trials noted."""
    kinds: dict[str, list[Trained]] = {}
    for one in runs:
        variant = one.run.settings.variant
        kind = {None: "Models", GROUND_TRUTH_2D: "On ground-truth 2D"}.get(variant, "Ablation")
        kinds.setdefault(kind, []).append(one)
    if second:
        kinds["MPI-INF-3DHP"] = list(second)

    def row(name: str, members: Sequence[Trained]) -> tuple[Cell, ...]:
        summaries = [one.run.summary for one in members]
        hours = sum(summary["seconds"] for summary in summaries) / 3600
        gpu_hours = sum(summary["gpu_hours"] for summary in summaries)
        return Cell(name), plain(len(members), 0), plain(hours, 2), plain(gpu_hours, 2)

    rows = [row(name, members) for name, members in kinds.items()]
    if trials is not None:
        rows.append(
            (
                Cell("Search"),
                plain(len(trials), 0),
                Cell("–"),
                plain(pd.to_numeric(trials["gpu_hours"]).sum(), 2),
            )
        )
    table = Table(
        "time",
        "Time spent",
        "Hours of training by the clock, and GPU-hours. They differ from one build to the next.",
        "",
        (
            Column("Runs", kind="text"),
            Column("Count", kind="number"),
            Column("Hours", kind="number"),
            Column("GPU-hours", kind="number"),
        ),
        (Block(tuple(rows)), Block((row("Together", [*runs, *second]),))),
    )
    return Section("Time", tables=(table,))
