"""What was found: five sentences for the head of the page and the paper's conclusion, each with its table."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import pandas as pd

from poselift.analysis.claims import Judgement
from poselift.analysis.costs import GIGA, MILLION, Cost
from poselift.analysis.intervals import Differences, Families, Model, entry_pairs, grid_pairs
from poselift.analysis.intervals import Finding as Found
from poselift.analysis.results import per_seed
from poselift.analysis.view import View
from poselift.evaluation.report import Measured, Report
from poselift.evaluation.statistics import POWER, Interval
from poselift.tables.caption import caption_notice
from poselift.tables.cost import cost_decimals
from poselift.tables.table import Block, Cell, Row, Table, columns, number, plain

UNIT = "\N{NARROW NO-BREAK SPACE}"
FEW_SEEDS = 2
"""So many seeds or fewer leave Student's t one degree of freedom: an interval of 12.7 standard errors to each
side at 95 %."""


@dataclass(frozen=True)
class Finding:
    """A sentence under a title, and the table that it is from, `table-<name>`."""

    title: str
    text: str
    table: str


@dataclass(frozen=True)
class Speed:
    """How fast the evaluation of a model ran: frames per second, the mean over its runs, and where."""

    frames_per_second: float
    where: str


def speeds(reports: Iterable[Report]) -> dict[Model, Speed]:
    """The speed of each model of the grid, of those evaluations that measured it."""
    measured: dict[Model, list[Measured]] = {}
    for report in reports:
        if report.volatile and report.architecture and report.size and not report.variant:
            measured.setdefault(Model(report.architecture, report.size), []).append(report.volatile)
    return {
        model: Speed(
            fmean(each.frames_per_second for each in runs), ", ".join(sorted(set(map(_where, runs))))
        )
        for model, runs in measured.items()
    }


def _where(its: Measured) -> str:
    return f"CPU, {its.threads} thread{'s' * (its.threads > 1)}" if its.device == "cpu" else its.device


def speed_table(measured: Mapping[Model, Speed], view: View) -> Table:
    """The speeds as a table."""

    def rows(size: str) -> tuple[Row, ...]:
        there = [(name, measured.get(Model(name, size))) for name in view.grid.architectures]
        return tuple(
            (Cell(view.label(name)), plain(speed.frames_per_second, 0), Cell(speed.where))
            for name, speed in there
            if speed
        )

    return Table(
        "Speed in the evaluation",
        "Frames per second through the model while the test clips were predicted, the mean over seeds. Other "
        "jobs may have run beside it: this is what an evaluation took, and no benchmark.",
        caption_notice(view.notice),
        (*columns("text", "Model"), *columns("number", "Frames/s"), *columns("text", "Machine")),
        tuple(Block(rows(size), size) for size in view.grid.sizes),
        "Size",
        name="speed",
    )


def findings(
    results: pd.DataFrame,
    costs: Mapping[tuple[str, str], Cost],
    measured: Mapping[Model, Speed],
    judgements: Sequence[Judgement],
    view: View,
) -> list[Finding]:
    """The five sentences. The model that they are about is the one of lowest mean MPJPE after the last epoch
    among those that are compared with the base, at the size shown in detail."""
    size = view.per_action_size
    base = Model(view.grid.base, size)
    errors = {
        Model(name, size): values.mean()
        for name in view.grid.architectures
        if not (values := per_seed(results, name, size, "mpjpe", "last")).empty
    }
    rivals = [model for model in errors if model != base]
    best = min(rivals or errors, key=lambda model: errors[model], default=base)
    families: Families = {"grid": grid_pairs(view.grid), "ablation": entry_pairs(view.ablation)}
    differences = Differences(results, view.statistics, families)
    return [
        _improvement(best, base, errors, differences, view),
        _cost(best, base, costs, view),
        _speed(best, base, measured, view),
        _ablation(differences, view),
        _unjudged(judgements, results, view),
    ]


def _name(model: Model, view: View) -> str:
    return f"{view.label(model.architecture)}, {model.size}"


def _verdict(found: Interval, finding: Found, view: View) -> str:
    """The interval of a difference in words, and what is found."""
    if found.low is None or found.high is None:
        return "without an interval: nothing can be resampled"
    ends = " to ".join(number(end, view.decimals, sign=True) for end in (found.low, found.high))
    interval = f"{100 * view.statistics.confidence:g}{UNIT}% interval {ends}{UNIT}mm"
    if found.seeds < 2:
        return f"{interval}, over recordings alone: one seed decides nothing"
    margin = f"{number(view.statistics.equivalence_margin, view.decimals)}{UNIT}mm"
    could = f"{number(found.detectable or 0.0, view.decimals)}{UNIT}mm"
    said = {
        "significant": "significant after Holm's correction for all comparisons of its family",
        "equivalent": f"the two differ by less than {margin}",
        "inconclusive": f"inconclusive, as {100 * POWER:g}{UNIT}% power needs a difference of {could}",
    }
    return f"{interval}: {said.get(finding, finding)}"


def _improvement(
    best: Model, base: Model, errors: Mapping[Model, float], differences: Differences, view: View
) -> Finding:
    found = differences.difference(best, base, "mpjpe", "last") if best != base else None
    if found is None:
        return Finding("Improvement", "There are no two models to compare yet.", "main")
    lower = "lower" if found.estimate <= 0 else "higher"
    size = f"{number(abs(found.estimate), view.decimals)}{UNIT}mm"
    finding = differences.finding(best, base, "mpjpe", "last")
    share = number(100 * abs(found.estimate) / errors[base], 1)
    text = (
        f"After the last epoch the MPJPE of {_name(best, view)} is {size} ({share}{UNIT}%) {lower} than that "
        f"of {view.label(base.architecture)} ({_verdict(found, finding, view)})."
    )
    return Finding("Improvement", text, "differences")


def _cost(best: Model, base: Model, costs: Mapping[tuple[str, str], Cost], view: View) -> Finding:
    one, other = costs.get(best[:2]), costs.get(base[:2])
    if one is None or other is None or best == base:
        return Finding("Cost", "No two models were counted yet.", "cost")
    places = cost_decimals([one, other])

    def compared(what: str, here: float, there: float, decimals: int) -> str:
        ratio = number(here / there, 2)
        return f"{number(here, decimals)} {what} (that of {label}: {number(there, decimals)}, ratio {ratio})"

    label = view.label(base.architecture)
    parameters = compared(
        "million parameters", one.parameters / MILLION, other.parameters / MILLION, places[0]
    )
    macs = compared("billion MACs per clip", one.macs_linear / GIGA, other.macs_linear / GIGA, places[1])
    return Finding("Cost", f"{_name(best, view)}, has {parameters} and {macs}.", "cost")


def _speed(best: Model, base: Model, measured: Mapping[Model, Speed], view: View) -> Finding:
    one, other = measured.get(best), measured.get(base)
    if one is None or other is None or best == base:
        return Finding("Speed", "The speed of no two models was measured.", "cost")
    text = (
        f"In its evaluation {_name(best, view)}, took {one.frames_per_second:,.0f} frames per second "
        f"({one.where}), {view.label(base.architecture)} {other.frames_per_second:,.0f}"
    )
    if one.where == other.where:
        ratio = number(one.frames_per_second / other.frames_per_second, 2)
        return Finding("Speed", f"{text}: ratio {ratio}.", "speed")
    return Finding("Speed", f"{text} ({other.where}): other machines, so no ratio.", "speed")


def _ablation(differences: Differences, view: View) -> Finding:
    effects = []
    for entry, pair in zip(view.ablation, entry_pairs(view.ablation), strict=True):
        if found := differences.difference(*pair, "mpjpe", "last"):
            finding = differences.finding(*pair, "mpjpe", "last")
            effects.append((abs(found.estimate), entry, found, finding))
    if not effects:
        return Finding("Ablation", "No change of a model was tried.", "ablation")
    _, entry, found, finding = max(effects, key=lambda effect: effect[0])
    name = _name(Model(*entry.base), view)
    text = (
        f"Of {len(effects)} changes of a model, “{entry.title or entry.name}” has the largest effect: the "
        f"MPJPE of {name}, changes by {number(found.estimate, view.decimals, sign=True)}{UNIT}mm "
        f"({_verdict(found, finding, view)})."
    )
    return Finding("Ablation", text, "ablation")


def _unjudged(judgements: Sequence[Judgement], results: pd.DataFrame, view: View) -> Finding:
    counts = Counter(each.verdict for each in judgements)
    reasons = dict.fromkeys(each.reason for each in judgements if each.verdict == "not tested")
    parts = ["The paper claims nothing that is tested"]
    if judgements:
        told = [f"{counts[each]} {each}" for each in ("supported", "refuted", "inconclusive")]
        parts = [f"Of {len(judgements)} claims {', '.join(told[:2])} and {told[2]}"]
    if reasons:
        parts.append(f"{counts['not tested']} not tested ({', '.join(reasons)})")
    if missing := view.missing_runs(results["run"]):
        parts.append(f"{len(missing)} of the runs are missing")
    n = len(view.grid.most_seeds)
    if n == 1:
        parts.append("with one seed per model no difference is called significant")
    elif n <= FEW_SEEDS:
        parts.append(f"with {n} seeds per model most intervals are too wide to decide anything")
    return Finding("Open", "; ".join(parts) + ".", "claims")
