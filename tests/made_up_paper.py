"""The whole paper from made-up evaluations, by the command lines that the workflow uses."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from poselift.analysis import claims, results
from poselift.analysis.view import DataNotice, Grid
from poselift.config.experiment import Statistics
from poselift.evaluation.report import write_reports
from poselift.figures import make as make_figure
from poselift.files import write_text
from poselift.paper import assemble, numbers, provenance_appendix
from poselift.tables import make as make_table
from shown import command, told, view

SOURCES = Path(__file__).parents[1] / "paper"
NOTICE = DataNotice("made-up motion (100% synthetic)", synthetic=True)
CHAIN = {"name": "chain", "title": "in a chain", "architecture": "baseline", "size": "base"}


def record(parts: list[str]) -> dict[str, Any]:
    """A record in which one job makes all parts from one raw file."""
    job = {"rule": "raw", "code": "0" * 16, "params": {}, "inputs": ["raw.pkl"], "outputs": parts}
    return {
        "hash": "0123456789ab" * 5,
        "core": {"parts": parts, "jobs": {"paper/all": job}, "sources": {"raw.pkl": "0" * 64}},
        "outputs": {part: {"sha256": "0" * 64, "size": 1} for part in parts},
        "code": {"0" * 16: None},
        "frozen": {},
        "mixed": {},
        "unpinned": {},
    }


def make(inputs: Any, make_report: Any, entries: Sequence[dict[str, str]] = (CHAIN,)) -> tuple[Path, Any]:
    """The folder of the paper, of what `make_inputs` made up with an ablation of `entries`; its view."""
    root = inputs.root
    variants = [("full", "gt2d", 18.0)]
    variants += [(entry["architecture"], entry["name"], 44.0 + i) for i, entry in enumerate(entries)]
    for architecture, variant, error in variants:
        for seed in inputs.seeds:
            one = make_report(architecture, "base", seed, error + 0.2 * seed, error, variant)
            write_reports(root / "evaluation" / f"{one.run}.json", [one])
    shown = view(
        Grid(inputs.architectures, inputs.sizes, inputs.seeds),
        NOTICE,
        statistics=Statistics(resamples=1000),
        ablation=[entry | {"seeds": inputs.seeds} for entry in entries],
        ground_truth_2d=Grid(("full",), ("base",), inputs.seeds, "gt2d"),
    )
    table, costs = ["--results", str(root / "results.csv")], ["--costs", str(root / "cost.csv")]
    references = ["--references", str(root / "evaluation" / "references.json")]

    def out(name: str) -> list[str]:
        return ["--out", str(root / name)]

    evaluations = sorted((root / "evaluation").glob("*-s?.json"))
    results.main(["--evaluations", *map(str, evaluations), *references, *out("results.csv")])
    judged = ["--claims", str(SOURCES / "claims.yaml"), *out("claims.json")]
    claims.main([*table, *told(claims, shown), *judged])
    files = {
        "results": root / "results.csv",
        "costs": root / "cost.csv",
        "runs": [run / "metrics.json" for run in inputs.runs],
        "last_examples": next((root / "evaluation").glob("*-examples.npz")),
        "judgements": root / "claims.json",
    }
    for part in assemble.parts_named(SOURCES):
        path = root / part
        if part == "tables/mpi_inf_3dhp.tex":
            make_table.main(["further", "--dataset", "mpi_inf_3dhp", "--out", str(path)])
        elif part.startswith("tables/"):
            make_table.main(command("tables", path.stem, shown, path, **files))
        elif part.startswith("figures/"):
            make_figure.main(command("figures", path.stem, shown, path.with_suffix(".pdf"), **files))
    store = ["--store", str(root / "store"), "--runs", *map(str, inputs.runs)]
    title = ["--title", "A Title & More", "--authors", "One", "Another"]
    verdicts = ["--judgements", str(root / "claims.json")]
    numbers.main([*table, *costs, *store, *verdicts, *title, *told(numbers, shown), *out("numbers.tex")])
    made = [
        f"results/x/{path.relative_to(root).as_posix()}"
        for path in root.glob("*/*.*")
        if path.suffix in (".tex", ".pdf")
    ]
    write_text(root / "provenance.tex", provenance_appendix.text(record(made)))
    assembled(root, root / "paper")
    return root / "paper", shown


def assembled(root: Path, out: Path, *options: str, sources: Path = SOURCES) -> None:
    """Put the paper together of the parts below `root`."""
    assemble.main(
        ["--sources", str(sources), "--tables", *map(str, (root / "tables").glob("*.tex")),
         "--figures", *map(str, (root / "figures").glob("*.[pt][de][fx]")),
         "--others", str(root / "numbers.tex"), str(root / "provenance.tex"), "--out", str(out), *options]
    )  # fmt: skip
