"""The experimental setup as a page, `setup.md`, and its content, `setup.json`: data, protocol, models,
recipes, seeds, machines, software, time.

All is read from what was built: the frame stores, the settings and records that runs left, costs, results.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from poselift.analysis import options
from poselift.analysis.costs import read_costs, read_variant_costs
from poselift.analysis.names import second_dataset_title
from poselift.analysis.results import metrics_in, names_in, read
from poselift.analysis.stored import write_content
from poselift.analysis.trials import read_trials
from poselift.config.experiment import Statistics
from poselift.data.sequence import SPLITS
from poselift.data.store import read_sequences
from poselift.errors import PoseliftError, run
from poselift.evaluation.metrics import METRICS
from poselift.files import write_text
from poselift.provenance.code_hash import code_manifest, read_pins
from poselift.report.run_groups import grouped
from poselift.report.section import Section, as_markdown
from poselift.report.setup_runs import Trained, machines, models, read_trained, recipes, software, time_spent
from poselift.skeleton import N_JOINTS
from poselift.tables.table import Block, Cell, Column, Table, caption_marks, plain

TITLE = "Experimental setup"

STAGES = (
    "poselift.data.prepare", "poselift.training.train", "poselift.evaluation.evaluate",
    "poselift.models.cost", "poselift.tables.main", "poselift.figures.comparison",
)  # fmt: skip
"""The programs behind the results, whose packages are listed."""


def data(name: str, title: str, store: Path, runs: Sequence[Trained]) -> Section:
    """What a frame store holds: sequences, frames, clips, the hash of the raw file."""
    path = store / "frames" / "manifest.json"
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))["raw"]
    except FileNotFoundError:
        raise PoseliftError(f"{path}: no such file; make the store with `poselift prepare`") from None
    except (ValueError, KeyError, TypeError) as error:
        raise PoseliftError(f"{path}: not the manifest of a frame store ({error!r}); make it anew") from None
    hashes = raw if isinstance(raw, dict) else {"": raw}

    def split_row(split: str) -> tuple[Cell, ...]:
        sequences = read_sequences(store, split)
        subjects = sorted({sequence.subject for sequence in sequences}, key=lambda name: (len(name), name))
        frames = sum(sequence.length for sequence in sequences)
        return Cell(split), Cell(", ".join(subjects)), plain(len(sequences), 0), plain(frames, 0)

    clips = sorted(
        {
            (one.run.settings.n_frames, *(one.run.summary[f"{split}_clips"] for split in SPLITS))
            for one in runs
        }
    )
    return Section(
        f"Data: {title}",
        tuple(
            f"Raw file{f' of the {split} split' if split else ''}: sha256 {digest}."
            for split, digest in hashes.items()
        ),
        (
            Table(
                f"{name}_splits",
                "Frames",
                f"Poses of {N_JOINTS} joints.",
                "",
                (
                    Column("Split", kind="text"),
                    Column("Subjects", kind="text"),
                    Column("Sequences", kind="number"),
                    Column("Frames", kind="number"),
                ),
                (Block(tuple(map(split_row, SPLITS))),),
            ),
            Table(
                f"{name}_clips",
                "Clips",
                "What runs were trained and tested on.",
                "",
                (
                    Column("Frames a clip", kind="number"),
                    Column("Train clips", kind="number"),
                    Column("Test clips", kind="number"),
                ),
                (Block(tuple(tuple(plain(number, 0) for number in row) for row in clips)),),
            ),
        ),
    )


def protocol(results: pd.DataFrame, statistics: Statistics) -> Section:
    """How errors are measured and compared."""
    frames = results.loc[(results["metric"] == "frames") & (results["group"] == "all"), "value"]
    counts = " to ".join(f"{int(count):,}" for count in sorted({frames.min(), frames.max()}))
    shown = [METRICS[metric] for metric in metrics_in(results)]
    rows = tuple(
        (Cell(metric.label), Cell(metric.unit.replace("^2", "²")), Cell(metric.definition))
        for metric in shown
    )
    return Section(
        "Protocol",
        (
            f"Errors are measured on {counts} frames of {len(names_in(results, 'sequence'))} sequences, "
            f"averaged over the frames of each of {len(names_in(results, 'action'))} actions and then over "
            "the actions. Poses are relative to the root and in mm through the ground truth's own "
            "mm-per-pixel factor; predictions are averaged with those for the mirrored input.",
            "Best is the epoch with the lowest error on the test set, as in prior work; last is the last "
            "epoch. Models are compared after the last.",
            f"Differences have {100 * statistics.confidence:g}\N{NARROW NO-BREAK SPACE}% intervals, "
            f"from {statistics.resamples:,} paired resamples of the test recordings within their actions "
            f"(seed {statistics.seed}) and Student's 𝑡 over training seeds.",
        ),
        (
            Table(
                "metrics",
                "Metrics",
                "Means over joints and frames.",
                "",
                (
                    Column("Metric", kind="text"),
                    Column("Unit", kind="text"),
                    Column("What it is", kind="text"),
                ),
                (Block(rows),),
            ),
        ),
    )


def main(argv: list[str] | None = None) -> None:
    """Write the experimental setup as Markdown, and its content for other pages."""
    parser = options.parser(
        "Write the experimental setup, as Markdown and beside it as JSON.",
        *("results", "costs", *options.GRID, "dataset_title"),
    )
    parser.add_argument("--store", type=Path, required=True, metavar="DIR", help="frame store")
    parser.add_argument("--runs", type=Path, nargs="+", required=True, metavar="DIR", help="run folders")
    parser.add_argument(
        "--variant-costs", type=Path, nargs="*", default=[], metavar="CSV", help="of variants"
    )
    parser.add_argument("--second-store", type=Path, metavar="DIR", help="frame store of MPI-INF-3DHP")
    parser.add_argument("--second-runs", type=Path, nargs="*", default=[], metavar="DIR", help="runs on it")
    parser.add_argument("--second-synthetic", action="store_true", help="mark it as synthetic")
    parser.add_argument("--search", type=Path, metavar="CSV", help="trials of the search")
    parser.add_argument("--pins", type=Path, required=True, metavar="TXT", help="pinned versions of packages")
    options.add_out(parser, "Markdown to write")
    arguments = parser.parse_args(argv)
    marks, statistics = options.marks(arguments), options.statistics(arguments)
    results = read(arguments.results)
    runs, second = (
        [read_trained(folder) for folder in folders] for folders in (arguments.runs, arguments.second_runs)
    )
    second_title = second_dataset_title(arguments.second_synthetic)
    said = caption_marks(marks, options.missing_runs(arguments, results["run"]))
    sections = [data("main", marks.dataset_title, arguments.store, runs)]
    if arguments.second_store:
        sections.append(data("second", second_title, arguments.second_store, second))
    sections += [
        protocol(results, statistics),
        models(runs, read_costs(arguments.costs), read_variant_costs(arguments.variant_costs)),
        recipes(
            [
                *grouped(one.run.settings for one in runs),
                *grouped((one.run.settings for one in second), f"{second_title}: "),
            ]
        ),
        machines([*runs, *second]),
        software(code_manifest(*STAGES, pins=read_pins(arguments.pins))["pins"]),
        time_spent(runs, second, read_trials(arguments.search) if arguments.search else None),
    ]
    write_text(arguments.out, as_markdown(TITLE, said, sections))
    write_content(arguments.out.with_suffix(".json"), sections)


if __name__ == "__main__":
    run(main)
