"""What gathering the evaluations of many runs costs: python tests/benchmarks/scale_results.py [--runs 95 ...]

The evaluations are copies of one, of random poses with as many sequences as Human3.6M's test split has. A row
a command goes to docs/scale-results.csv.
"""

import argparse
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from measured import cost
from scale import DOCS, add

WRITE = """
import sys
from pathlib import Path
sys.path.insert(0, {here!r})
import evaluation
import numpy as np
import torch
from poselift.evaluation.protocol import evaluate_human36m
from poselift.evaluation.report import Report, write_reports
split = evaluation.random_split(np.random.default_rng(0))
result = evaluate_human36m(torch.from_numpy(split.labels[split.clips]) + 0.1, split)
for seed in range({runs}):
    name = f"baseline-base-s{{seed}}"
    report = Report(
        run=name, architecture="baseline", size="base", seed=seed, n_frames=243,
        checkpoints={{"best": result, "last": result}},
    )
    write_reports(Path(f"{{name}}.json"), [report])
row = Report(run="mean_pose", n_frames=243, checkpoints={{"reference": result}})
write_reports(Path("references.json"), [row])
"""


def measure(runs: int, folder: Path, out: Path) -> None:
    """Add a row for a table of so many runs."""
    write = WRITE.format(here=str(Path(__file__).parent), runs=runs)
    subprocess.run([sys.executable, "-c", write], cwd=folder, check=True)
    files = [f"baseline-base-s{seed}.json" for seed in range(runs)]
    command = ["-m", "poselift.analysis.results", "--evaluations", *files, "--references", "references.json"]
    found = cost([sys.executable, *command, "--out", "results.csv"], folder / "log", folder)
    table = folder / "results.csv"
    with table.open() as lines:
        rows = sum(1 for _ in lines) - 1
    costs = {name: round(value, 2) for name, value in asdict(found).items() if name != "own_cpu"}
    add(out, {"runs": runs, "rows": rows, "table_mb": round(table.stat().st_size / 1e6, 1)} | costs)


def main() -> None:
    """Measure tables of all sizes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, nargs="+", default=(30, 95, 300, 1000))
    parser.add_argument("--table", type=Path, default=DOCS / "scale-results.csv")
    given = parser.parse_args()
    for runs in given.runs:
        with tempfile.TemporaryDirectory() as folder:
            measure(runs, Path(folder), given.table)


if __name__ == "__main__":
    main()
