"""The experimental setup as a page, `setup.md`: data, protocol, models, recipes, seeds, machines, software,
time."""

from pathlib import Path

from poselift.analysis import options
from poselift.analysis.costs import read_costs, read_variant_costs
from poselift.analysis.names import second_dataset_title
from poselift.analysis.results import metrics_in, read
from poselift.analysis.trials import read_trials
from poselift.errors import run
from poselift.evaluation.metrics import METRICS
from poselift.files import write_text
from poselift.provenance.code_hash import code_manifest, read_pins
from poselift.report import setup_facts as facts
from poselift.report.markdown import render
from poselift.skeleton import N_JOINTS
from poselift.tables.table import caption_marks

STAGES = (
    "poselift.data.prepare", "poselift.training.train", "poselift.evaluation.evaluate",
    "poselift.models.cost", "poselift.tables.main", "poselift.figures.comparison",
)  # fmt: skip
"""The programs behind the results, whose packages are listed."""


def main(argv: list[str] | None = None) -> None:
    """Write the experimental setup as Markdown."""
    parser = options.parser(
        "Write the experimental setup as Markdown.", "results", "costs", *options.GRID, "dataset_title"
    )
    for name, metavar, what in (
        ("frames", "JSON", "manifest of the frame store"),
        ("runs", "JSON", "metrics.json of the runs"),
        ("variant-costs", "CSV", "costs of variants"),
        ("second-frames", "JSON", "manifest of the frame store of MPI-INF-3DHP"),
        ("second-runs", "JSON", "metrics.json of the runs on it"),
        ("trials", "CSV", "trials of the search"),
    ):
        parser.add_argument(f"--{name}", type=Path, nargs="*", default=[], metavar=metavar, help=what)
    parser.add_argument("--second-synthetic", action="store_true", help="mark MPI-INF-3DHP as synthetic")
    parser.add_argument("--pins", type=Path, required=True, metavar="TXT", help="pinned versions of packages")
    options.add_out(parser, "Markdown to write")
    arguments = parser.parse_args(argv)
    marks, statistics = options.marks(arguments), options.statistics(arguments)
    results = read(arguments.results)
    runs, second = (
        [facts.read_trained(path.parent) for path in paths]
        for paths in (arguments.runs, arguments.second_runs)
    )
    second_title = second_dataset_title(arguments.second_synthetic)
    datasets = [facts.data(marks.dataset_title, path.parents[1], runs) for path in arguments.frames]
    datasets += [facts.data(second_title, path.parents[1], second) for path in arguments.second_frames]
    groups = facts.grouped(one.run.settings for one in runs)
    groups += facts.grouped((one.run.settings for one in second), f"{second_title}: ")
    text = render(
        "setup",
        notice=caption_marks(marks, options.missing_runs(arguments, results["run"])),
        n_joints=N_JOINTS,
        datasets=datasets,
        protocol=facts.protocol(results),
        confidence=f"{100 * statistics.confidence:g}",
        resamples=f"{statistics.resamples:,}",
        seed=statistics.seed,
        thin_space="\N{NARROW NO-BREAK SPACE}",
        metrics=[METRICS[metric] for metric in metrics_in(results)],
        models=facts.models(runs, read_costs(arguments.costs), read_variant_costs(arguments.variant_costs)),
        recipes=facts.recipes(groups),
        machines=facts.machines([*runs, *second]),
        software=sorted(code_manifest(*STAGES, pins=read_pins(arguments.pins))["pins"].items()),
        time=facts.time_spent(runs, second, map(read_trials, arguments.trials)),
    )
    write_text(arguments.out, text)


if __name__ == "__main__":
    run(main)
