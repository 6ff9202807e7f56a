"""The experimental setup as a page, `setup.md`: data, protocol, models, recipes, seeds, machines, software,
time."""

import argparse
from pathlib import Path

from poselift.analysis.costs import read_costs, read_variant_costs
from poselift.analysis.results import metrics_in, read
from poselift.analysis.trials import read_trials
from poselift.analysis.view import add_options, from_options
from poselift.errors import run
from poselift.evaluation.metrics import METRICS
from poselift.files import write_text
from poselift.provenance.code_hash import code_manifest, read_pins
from poselift.report import setup_facts as facts
from poselift.report.markdown import render
from poselift.skeleton import N_JOINTS
from poselift.tables.caption import caption_notice

NEEDS = ("notice", "grid", "statistics", "ablation", "ground_truth_2d", "labels")

STAGES = (
    "poselift.data.prepare", "poselift.training.train", "poselift.evaluation.evaluate",
    "poselift.models.cost", "poselift.tables.make", "poselift.figures.make",
)  # fmt: skip
"""The programs behind the results, whose packages are listed."""


def main(argv: list[str] | None = None) -> None:
    """Write the experimental setup as Markdown."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--results", type=Path, required=True, metavar="CSV", help="the table of all results")
    parser.add_argument("--costs", type=Path, nargs="+", required=True, metavar="CSV", help="of the models")
    for name, metavar, what in (
        ("frames", "JSON", "manifest of the frame store"),
        ("runs", "JSON", "metrics.json of the runs"),
        ("variant-costs", "CSV", "costs of variants"),
        ("second-frames", "JSON", "manifest of the frame store of MPI-INF-3DHP"),
        ("second-runs", "JSON", "metrics.json of the runs on it"),
        ("trials", "CSV", "trials of the search"),
    ):
        parser.add_argument(f"--{name}", type=Path, nargs="*", default=[], metavar=metavar, help=what)
    parser.add_argument("--second-title", default="", metavar="TEXT", help="how the paper calls it")
    parser.add_argument("--pins", type=Path, required=True, metavar="TXT", help="pinned versions of packages")
    parser.add_argument("--out", type=Path, required=True, metavar="MD", help="file to write")
    add_options(parser, NEEDS)
    arguments = parser.parse_args(argv)
    view, results = from_options(arguments, NEEDS), read(arguments.results)
    statistics = view.statistics
    runs, second = (
        [facts.read_trained(path.parent) for path in paths]
        for paths in (arguments.runs, arguments.second_runs)
    )
    second_title = arguments.second_title
    datasets = [facts.data(view.notice.dataset_title, path.parents[1], runs) for path in arguments.frames]
    datasets += [facts.data(second_title, path.parents[1], second) for path in arguments.second_frames]
    groups = facts.grouped((one.run.settings for one in runs), view)
    groups += facts.grouped((one.run.settings for one in second), view, f"{second_title}: ")
    text = render(
        "setup",
        notice=caption_notice(view.notice, view.missing_runs(results["run"])),
        n_joints=N_JOINTS,
        datasets=datasets,
        protocol=facts.protocol(results),
        confidence=f"{100 * statistics.confidence:g}",
        resamples=f"{statistics.resamples:,}",
        seed=statistics.seed,
        thin_space="\N{NARROW NO-BREAK SPACE}",
        metrics=[METRICS[metric] for metric in metrics_in(results)],
        models=facts.models(
            runs, read_costs(arguments.costs), read_variant_costs(arguments.variant_costs), view
        ),
        recipes=facts.recipes(groups, view),
        machines=facts.machines([*runs, *second]),
        software=sorted(code_manifest(*STAGES, pins=read_pins(arguments.pins))["pins"].items()),
        time=facts.time_spent(runs, second, map(read_trials, arguments.trials)),
    )
    write_text(arguments.out, text)


if __name__ == "__main__":
    run(main)
