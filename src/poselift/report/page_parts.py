"""What the report shows beside tables: figures with their captions, claims, what all was made from."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jinja2
from markupsafe import Markup

from poselift.analysis.claims import Judgement
from poselift.analysis.stored import read_content
from poselift.errors import PoseliftError
from poselift.figures.search import ABOUT_TRIALS, read_trials
from poselift.paper import origins
from poselift.report import html
from poselift.tables.table import MISSING, Block, Cell, Column, Table, number, plain

PIXELS_PER_POINT = 1.9
"""How much larger than in print figures are shown."""

SHOWN_TRIALS = 20


def captions(template: Path, names: Iterable[str], config: dict[str, Any]) -> dict[str, str]:
    """The caption of each figure, from the template of Snakemake's report, filled in as Snakemake does.

    Raises `PoseliftError` if the template is missing, faulty or without a caption for one of them.
    """
    try:
        text = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(
            template.read_text(encoding="utf-8")
        )
        rendered = {
            name: text.render(snakemake=SimpleNamespace(output=[f"figures/{name}.svg"], config=config))
            for name in names
        }
    except FileNotFoundError:
        raise PoseliftError(f"{template}: no such file") from None
    except jinja2.TemplateError as error:
        raise PoseliftError(f"{template}: {error}") from None
    found = {name: " ".join(caption.split()) for name, caption in rendered.items()}
    for name, caption in found.items():
        if not caption:
            raise PoseliftError(f"{template}: no caption for figure '{name}'; add one")
    return found


def figure(path: Path, caption: str) -> Markup:
    """An image with its caption. Raises `PoseliftError` if the file is missing or no image."""
    source = html.inlined(path)
    width = re.search(rb'<svg[^>]*\bwidth="([\d.]+)pt"', path.read_bytes())
    return Markup(
        html.render(
            "figure",
            name=path.stem,
            source=source,
            width=round(float(width[1]) * PIXELS_PER_POINT) if width else None,
            caption=caption,
        )
    )


def claims(path: Path, marks: str, decimals: int, confidence: float) -> Markup:
    """The table of claims with their verdicts. Raises `PoseliftError` if the file is missing or another."""
    rows = tuple(
        (
            Cell(each.claim),
            Cell(each.test),
            _measured(each, decimals),
            Cell(each.verdict, bold=True),
            Cell(each.reason),
        )
        for each in read_content(path, list[Judgement])
    )
    caption = (
        f"In brackets the {100 * confidence:g}\N{NARROW NO-BREAK SPACE}% confidence interval over test "
        "recordings and seeds; a claim is supported if the whole interval fulfils it."
    )
    columns = (
        Column("Claim", kind="text"),
        Column("Test", kind="text"),
        Column("Measured"),
        Column("Verdict", kind="text"),
        Column("Reason", kind="text"),
    )
    return html.table(Table("claims", "Claims of the paper", caption, marks, columns, (Block(rows),)))


def _measured(judgement: Judgement, decimals: int) -> Cell:
    if judgement.estimate is None:
        return Cell(MISSING)
    shown = f"{number(judgement.estimate, decimals)}\N{NARROW NO-BREAK SPACE}{judgement.unit}"
    if judgement.low is None or judgement.high is None:
        return Cell(shown, value=judgement.estimate)
    interval = f"({number(judgement.low, decimals)} to {number(judgement.high, decimals)})"
    return Cell(shown, interval, value=judgement.estimate)


def trials(path: Path, marks: str) -> Markup:
    """The best trials of the search. Raises `PoseliftError` if the file is missing or another."""
    listed = read_trials(path)
    searched = [name for name in listed.columns if name not in ABOUT_TRIALS]
    best = listed.sort_values("best", kind="stable", na_position="last").head(SHOWN_TRIALS)

    def row(trial: Mapping[Any, Any]) -> tuple[Cell, ...]:
        error = None if math.isnan(trial["best"]) else trial["best"]
        status = trial["status"] + (f": {trial['reason']}" if trial["reason"] else "")
        keys = (Cell(trial[name], value=_as_number(trial[name])) for name in searched)
        return Cell(trial["stage"]), *keys, plain(error, 2), plain(float(trial["epochs"]), 0), Cell(status)

    columns = (
        Column("Stage", kind="text"),
        *(Column(name.replace("_", " "), kind="text") for name in searched),
        Column("MPJPE (px)", kind="number"),
        Column("Epochs", kind="number"),
        Column("Status", kind="text"),
    )
    caption = (
        f"The best {len(best)} of {len(listed)} trials, by the lowest error on a train subject that is held "
        "out, in pixels. Stages differ in their length."
    )
    rows = tuple(row(trial) for trial in best.to_dict("records"))
    return html.table(Table("trials", "Hyper-parameter search", caption, marks, columns, (Block(rows),)))


def _as_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def read_record(path: Path) -> dict[str, Any]:
    """The record of provenance.record. Raises `PoseliftError` if it is missing or another file."""
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        record["hash"], record["core"]["parts"], record["outputs"]
    except FileNotFoundError:
        raise PoseliftError(f"{path}: no such file; build it with snakemake") from None
    except (ValueError, KeyError, TypeError) as error:
        raise PoseliftError(f"{path}: not a record of what was made from what ({error!r})") from None
    return record


def made_from(record: dict[str, Any]) -> Markup:
    """What all parts were made from, down to the raw data."""
    return Markup(
        html.render(
            "origins",
            hash=record["hash"],
            raw=origins.raw_data(record),
            frozen=record["frozen"],
            entries=origins.entries(record),
        )
    )
