"""The experimental setup as a page, `setup.md`: data, protocol, models, recipes, machines, software, time."""

import argparse
from pathlib import Path

from poselift.analysis.costs import read_costs, read_variant_costs
from poselift.analysis.results import metrics_in, of_dataset, read_all
from poselift.analysis.trials import read_trials
from poselift.analysis.view import add_options, from_options
from poselift.evaluation.metrics import METRICS
from poselift.files import write_text
from poselift.program import run
from poselift.report import setup_facts as facts
from poselift.report.markdown import render
from poselift.skeleton import N_JOINTS
from poselift.tables.caption import caption_notice

NEEDS = ("notice", "grid", "statistics", "ablation", "ground_truth_2d", "further", "labels")

STAGES = (
    "poselift.data.prepare", "poselift.training.train", "poselift.evaluation.evaluate",
    "poselift.models.cost", "poselift.tables.make", "poselift.figures.make",
)  # fmt: skip
"""The programs behind the results; the workflow tells their packages (`analysis.plan.software_of`)."""


def main(argv: list[str] | None = None) -> None:
    """Write the experimental setup as Markdown."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--results", type=Path, required=True, metavar="CSV", help="the table of all results")
    parser.add_argument("--costs", type=Path, nargs="+", required=True, metavar="CSV", help="of the models")
    for name, metavar, what in (
        ("frames", "JSON", "manifests of frame stores, that of the main data set first"),
        ("runs", "JSON", "metrics.json of the runs, below the folders of their data sets"),
        ("variant-costs", "CSV", "costs of variants"),
        ("trials", "CSV", "trials of the search"),
    ):
        parser.add_argument(f"--{name}", type=Path, nargs="*", default=[], metavar=metavar, help=what)
    parser.add_argument("--software", nargs="+", required=True, metavar="NAME==VERSION", help="packages used")
    parser.add_argument("--out", type=Path, required=True, metavar="MD", help="file to write")
    add_options(parser, NEEDS)
    given = parser.parse_args(argv)
    view, everything = from_options(given, NEEDS), read_all(given.results)
    results, statistics = of_dataset(everything), view.statistics
    data = facts.read_data(given.frames, given.runs, view)
    costs, variant_costs = read_costs(given.costs), read_variant_costs(given.variant_costs)
    text = render(
        "setup",
        notice=caption_notice(view.notice, view.missing_runs(results["run"])),
        n_joints=N_JOINTS,
        datasets=[facts.dataset(each, view) for each in data],
        protocol=facts.protocol(results),
        confidence=f"{100 * statistics.confidence:g}",
        resamples=f"{statistics.resamples:,}",
        seed=statistics.seed,
        thin_space="\N{NARROW NO-BREAK SPACE}",
        metrics=[METRICS[metric] for metric in metrics_in(everything)],
        models=facts.models(data[0].runs, costs, variant_costs, view),
        recipes=facts.recipes([group for each in data for group in facts.grouped(each, view)], view),
        machines=facts.machines(path.with_name("provenance.json") for path in given.runs),
        software=facts.software(given.software, [given.results, *given.runs]),
        time=facts.time_spent(data, map(read_trials, given.trials)),
    )
    write_text(given.out, text)


if __name__ == "__main__":
    run(main)
