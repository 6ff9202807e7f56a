"""The report: all tables and figures of the paper and more on one page that needs nothing but itself."""

import argparse
import os
from collections.abc import Mapping
from itertools import chain
from pathlib import Path

from markupsafe import Markup

from poselift.analysis import lineage
from poselift.analysis.claims import read_judgements
from poselift.analysis.costs import read_costs
from poselift.analysis.remarks import read_remarks
from poselift.analysis.results import read
from poselift.analysis.stored import read_content
from poselift.analysis.view import add_options, from_options
from poselift.evaluation.report import load_reports
from poselift.files import reading, write_text
from poselift.findings import findings, speed_table, speeds
from poselift.program import run
from poselift.provenance.chain import SHORT
from poselift.report import html
from poselift.report.markdown import as_html
from poselift.report.player import player
from poselift.tables.caption import caption_notice
from poselift.tables.table import Table

NEEDS = (
    "notice", "grid", "per_action_size", "decimals", "statistics", "ablation", "ground_truth_2d", "labels",
)  # fmt: skip

SECTIONS = {
    "Results": ("tables/overview", "tables/main", "figures/comparison", "tables/differences"),
    "Claims": ("tables/claims",),
    "The text": ("prose",),
    "Cost": ("tables/cost", "tables/equal_cost", "figures/equal_cost", "tables/speed", "figures/pareto"),
    "Actions, joints, frames": (
        "tables/per_action", "figures/per_action", "tables/per_joint", "figures/joints", "figures/place",
        "figures/streaming",
    ),
    "Examples": ("shown_clips", "figures/qualitative"),
    "Ablation": ("tables/ablation", "figures/ablation"),
    "Ground-truth 2D": ("tables/ground_truth_2d",),
    "Other data": ("tables/mpi_inf_3dhp",),
    "Published results": ("tables/published",),
    "Models and training": ("figures/architecture", "figures/curves", "figures/search", "tables/trials"),
    "Experimental setup": ("setup",),
    "Where this comes from": ("lineage",),
}  # fmt: skip
"""The sections of the page, and the parts of each as far as they are there."""

FURTHER = "Further tables and figures"


def name_of(path: Path) -> str:
    """What `SECTIONS` calls a part: `tables/main`, `figures/pareto`."""
    folder = path.parent.name
    return f"{folder}/{path.stem}" if folder in ("tables", "figures") else path.stem


def sections(parts: Mapping[str, Markup]) -> list[tuple[str, list[tuple[str, Markup]]]]:
    """The parts by section, empty sections left out; at the end those that no section names."""
    placed = {name for names in SECTIONS.values() for name in names}
    further = [name for name in parts if name not in placed]
    found = [
        (title, [(name, parts[name]) for name in names if name in parts])
        for title, names in (*SECTIONS.items(), (FURTHER, further))
    ]
    return [(title, listed) for title, listed in found if listed]


def read_setup(path: Path) -> str:
    """The page of the experimental setup without its title. Raises `PoseliftError` if it is another file."""
    with reading(path, "the experimental setup", "build it with snakemake", "remove it and build it again"):
        title, _, text = path.read_text(encoding="utf-8").partition("\n")
        if title != "# Experimental setup":
            raise ValueError(f"it begins with {title!r}")
    return text


def main(argv: list[str] | None = None) -> None:
    """Write all tables and figures on one page of HTML that needs nothing else."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--results", type=Path, required=True, metavar="CSV", help="the table of all results")
    parser.add_argument("--costs", type=Path, nargs="+", required=True, metavar="CSV", help="of the models")
    parser.add_argument("--judgements", type=Path, required=True, metavar="JSON", help="the claims, judged")
    of_runs = "evaluations of the models' runs"
    parser.add_argument("--evaluations", type=Path, nargs="+", required=True, metavar="JSON", help=of_runs)
    parser.add_argument("--title", required=True, help="title of the paper")
    parser.add_argument("--authors", nargs="+", required=True, metavar="NAME", help="names, in order")
    parser.add_argument("--tables", type=Path, nargs="+", required=True, metavar="JSON", help="tables")
    parser.add_argument("--figures", type=Path, nargs="+", required=True, metavar="IMAGE", help="figures")
    parser.add_argument("--clips", type=Path, required=True, metavar="NPZ", help="clips to play")
    remarks = "what the check of the text found"
    parser.add_argument("--prose", type=Path, required=True, metavar="JSON", help=remarks)
    parser.add_argument("--setup", type=Path, required=True, metavar="MD", help="experimental setup")
    parser.add_argument("--record", type=Path, required=True, metavar="JSON", help="record of provenance")
    parser.add_argument("--files", type=Path, nargs="*", default=[], metavar="FILE", help="files to link to")
    parser.add_argument("--out", type=Path, required=True, metavar="HTML", help="file to write")
    add_options(parser, NEEDS)
    arguments = parser.parse_args(argv)
    view = from_options(arguments, NEEDS)
    results = read(arguments.results)
    missing = view.missing_runs(results["run"])
    measured = speeds(chain.from_iterable(map(load_reports, arguments.evaluations)))
    judgements = read_judgements(arguments.judgements)
    record = lineage.read_record(arguments.record)
    unpinned = {name_of(Path(part)): said for part, said in record["unpinned"].items()}
    origins = {
        "ran": lineage.ran(record),
        "mixed": record["mixed"],
        "raw": lineage.raw_data(record),
        "entries": lineage.entries(record),
    }
    tables = {name_of(path): read_content(path, Table | None) for path in arguments.tables}
    tables["tables/speed"] = speed_table(measured, view) if measured else None
    parts = {
        **{name: html.table(table) for name, table in tables.items() if table},
        **{name_of(path): html.figure(path) for path in arguments.figures},
        "shown_clips": player(arguments.clips, view),
        "prose": html.render("prose", remarks=read_remarks(arguments.prose)),
        "setup": as_html(read_setup(arguments.setup), lower=1),
        "lineage": html.render("lineage", hash=record["hash"], frozen=record["frozen"], **origins),
    }
    shown, base = sections(parts), arguments.out.parent
    body = html.render(
        "report",
        title=arguments.title,
        authors=arguments.authors,
        notice=view.notice,
        findings=findings(results, read_costs(arguments.costs), measured, judgements, view),
        sections=shown,
        files=[Path(os.path.relpath(path, base)).as_posix() for path in arguments.files],
        made={name_of(Path(path)): path.split("/", 2)[-1] for path in record["core"]["parts"]},
        unpinned=unpinned,
        hash=record["hash"][:SHORT],
    )
    headings = [heading for heading, _ in shown]
    made_otherwise = [f"Made with {said}, the pinned version." for said in dict.fromkeys(unpinned.values())]
    banner = " ".join(filter(None, [caption_notice(view.notice, missing), *made_otherwise]))
    write_text(arguments.out, html.page(arguments.title, body, banner, headings))


if __name__ == "__main__":
    run(main)
