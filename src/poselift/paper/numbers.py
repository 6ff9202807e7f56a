r"""Every number of the prose as a macro: `\num{full.base.mpjpe}`, in `numbers.tex`.

`paper/README.md` lists the keys. The prose may use any; an unknown one is a LaTeX error that names it.
A number that no run gives yet is a dash.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from poselift import latex
from poselift.analysis.claims import read_judgements
from poselift.analysis.costs import read_costs
from poselift.analysis.intervals import Differences, families_of, recording
from poselift.analysis.results import names_in, of_dataset, read_all
from poselift.analysis.runs import Run, read_run
from poselift.analysis.view import add_options, from_options
from poselift.data.sequence import SPLITS
from poselift.data.sequence import Sequence as Recording
from poselift.data.store import read_sequences
from poselift.errors import PoseliftError
from poselift.files import write_text
from poselift.findings import findings
from poselift.latex import Tex, escape, render
from poselift.paper.number_text import NEXT_AUTHOR, Numbers, listing, of_all, setting
from poselift.paper.result_numbers import (
    below,
    extreme,
    of_ablation,
    of_further,
    of_grid,
    of_models,
    of_references,
)
from poselift.paper.setting_text import of_hyperparameters, of_settings, of_statistics, of_tuning
from poselift.program import run
from poselift.skeleton import N_JOINTS
from poselift.tables.table import MISSING

NEEDS = (
    "notice", "grid", "per_action_size", "decimals", "statistics", "ablation", "ground_truth_2d", "further",
    "labels", "tuned",
)  # fmt: skip


def _data(results: pd.DataFrame, runs: Sequence[Run], recordings: dict[str, list[Recording]]) -> Numbers:
    numbers: Numbers = {}
    for split, sequences in recordings.items():
        subjects = sorted({each.subject for each in sequences}, key=lambda name: (len(name), name))
        numbers |= {
            f"{split}_frames": setting(sum(sequence.length for sequence in sequences)),
            f"{split}_sequences": setting(len(sequences)),
            f"{split}_subjects": setting(len(subjects)),
            f"{split}_subject_names": listing(subjects),
            f"{split}_clips": of_all(run.summary[f"{split}_clips"] for run in runs),
        }
    evaluated = results.loc[(results["metric"] == "frames") & (results["group"] == "all"), "value"]
    return numbers | {
        "evaluated_frames": of_all(map(int, evaluated)),
        "evaluated_sequences": setting(len(names_in(results, "sequence"))),
        "actions": setting(len(names_in(results, "action"))),
        "excluded": setting(len(_excluded(recordings["test"]))),
        "joints": setting(N_JOINTS),
        "cameras": setting(len({sequence.camera for sequence in recordings["test"]})),
    }


def _excluded(sequences: Sequence[Recording]) -> set[str]:
    """The recordings, of all cameras, that the evaluation leaves out."""
    return {recording(sequence.name) for sequence in sequences if sequence.excluded}


def main(argv: list[str] | None = None) -> None:
    """Write every number of the prose as a LaTeX macro."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--results", type=Path, required=True, metavar="CSV", help="the table of all results")
    parser.add_argument("--costs", type=Path, nargs="+", required=True, metavar="CSV", help="of the models")
    parser.add_argument("--judgements", type=Path, required=True, metavar="JSON", help="the claims, judged")
    parser.add_argument("--runs", type=Path, nargs="+", required=True, metavar="DIR", help="run folders")
    parser.add_argument("--store", type=Path, required=True, metavar="DIR", help="frame store")
    parser.add_argument("--title", required=True, help="title of the paper")
    parser.add_argument("--authors", nargs="+", required=True, metavar="NAME", help="names, in order")
    parser.add_argument("--out", type=Path, required=True, metavar="TEX", help="file to write")
    add_options(parser, NEEDS)
    arguments = parser.parse_args(argv)
    view, everything = from_options(arguments, NEEDS), read_all(arguments.results)
    results, on_truth = of_dataset(everything), view.ground_truth_2d
    if view.per_action_size not in view.grid.sizes:
        sizes = ", ".join(view.grid.sizes)
        raise PoseliftError(f"--per-action-size {view.per_action_size}: not one of the sizes {sizes}")
    differences = Differences(results, view.statistics, families_of(view))
    runs = [read_run(folder) for folder in arguments.runs]
    recordings = {split: read_sequences(arguments.store, split) for split in SPLITS}
    costs, judgements = read_costs(arguments.costs), read_judgements(arguments.judgements)
    found = findings(results, costs, {}, judgements, view)
    numbers = {
        **of_models(results, costs, differences, view),
        **of_references(results, view.decimals),
        **extreme(results, view.grid, view),
        **of_ablation(results, differences, view),
        **(below("gt2d", of_grid(results, differences, on_truth, view.grid.base, view)) if on_truth else {}),
        **of_further(everything, view),
        **below("statistics", of_statistics(view)),
        "data.title": view.notice.dataset_title,
        **below("data", _data(results, runs, recordings)),
        **below("setup", of_settings(runs, view.grid)),
        **below("tuning", of_tuning(runs, view)),
        **below("model", of_hyperparameters(runs, view)),
        **{f"found.{each.title.lower()}": each.text for each in found},
        "paper.title": arguments.title,
        "paper.authors": Tex(NEXT_AUTHOR.join(map(escape, arguments.authors))),
        "paper.authors.listed": ", ".join(arguments.authors),
    }
    human36m = set(results["dataset"]) <= {"human36m"}
    tex = render(
        "numbers",
        numbers=[(Tex(key), latex.MISSING if value == MISSING else value) for key, value in numbers.items()],
        synthetic=view.notice.synthetic,
        human36m=human36m,
        excluded=human36m and bool(_excluded(recordings["test"])),
        actions=bool(names_in(results, "action")),
        draft=bool(view.missing_runs(results["run"])),
        ablated=bool(view.ablation),
        architectures=map(Tex, view.grid.architectures),
    )
    write_text(arguments.out, tex)


if __name__ == "__main__":
    run(main)
