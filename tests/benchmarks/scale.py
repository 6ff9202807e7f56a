"""What the stages of the data cost as the data grow: seconds, memory, disk.

    python tests/benchmarks/scale.py measure [--shares 0.0625 ... 1] [--steps hash ...] [--repeats 3]
    python tests/benchmarks/scale.py draw

`measure` writes random poses in the raw file's schema, a share of the real number of frames, and runs the
workflow's commands on them, each in a process of its own with one thread; it adds a row per run to
docs/scale-data.csv. `draw` makes docs/scale.svg of the medians. The model that is evaluated is the smallest
there can be: what counts here is the data's way, not the model's.
"""

import argparse
import csv
import shlex
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from measured import cost

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
FRAMES = 2_126_672
N_FRAMES = 243
SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1)

STEPS = {
    "hash": "-m poselift.provenance.hashing raw.pkl --out raw.sha256",
    "check": "-m poselift.data.check --raw raw.pkl --out raw.json",
    "prepare": "-m poselift.data.prepare --raw raw.pkl --out data",
    "clips": f"-m poselift.data.clips --store data --n-frames {N_FRAMES}",
    "references": f"-m poselift.evaluation.references --store data --n-frames {N_FRAMES} --out rows.json",
    "evaluate": "-m poselift.evaluation.evaluate --run runs/pico --store data --out run.json --device cpu",
}
"""The workflow's commands, as arguments of Python."""

WRITE_RUN = f"""
from pathlib import Path
import yaml
from poselift.config.command_line import run_from_options
from poselift.models.checkpoints import save_weights
from poselift.models.registry import build_run
options = dict(architecture="baseline", size="pico", depth=1, dim=8, n_frames={N_FRAMES})
settings = run_from_options(options)
folder = Path("runs/pico")
folder.mkdir(parents=True)
(folder / "config.yaml").write_text(yaml.safe_dump(settings.model_dump(mode="json")))
for name in ("best", "last"):
    save_weights(build_run(settings), folder / f"{{name}}_model.safetensors")
"""
"""In a process of its own, as the peak memory of a process counts that of the one which starts it."""


def measure(shares: list[float], steps: list[str], repeats: int, folder: Path, out: Path) -> None:
    """Add a row for every share, repeat and step to the table `out`."""
    subprocess.run([sys.executable, "-c", WRITE_RUN], cwd=folder, check=True)
    for share in shares:
        raw = folder / "raw.pkl"
        subprocess.run([sys.executable, HERE / "prepare.py", raw, "--share", str(share)], check=True)
        for repeat in range(repeats):
            for step in steps:
                if step == "evaluate" and repeat:  # minutes, which are the model's, even with this one
                    continue
                found = cost(
                    [sys.executable, *shlex.split(STEPS[step])],
                    folder / "log",
                    folder,
                    {"OMP_NUM_THREADS": "1"},
                )
                row = {"step": step, "frames": round(share * FRAMES), "repeat": repeat}
                row |= {name: round(value, 2) for name, value in asdict(found).items() if name != "own_cpu"}
                row |= {"raw_mb": _mb(raw), "store_mb": _mb(folder / "data") if step == "clips" else ""}
                add(out, row)


def add(path: Path, row: dict[str, object]) -> None:
    """Add a row to a table, which gets its header from the first, and show it."""
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, row, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)
    print(row, flush=True)


def _mb(path: Path) -> float:
    files = path.rglob("*") if path.is_dir() else [path]
    return round(sum(file.stat().st_size for file in files if file.is_file()) / 1e6, 1)


def draw(table: Path, out: Path) -> None:
    """Draw computing time and memory over the number of frames, the medians of `table`."""
    # here, so that `measure` stays smaller than what it measures
    import matplotlib
    import pandas as pd
    from matplotlib import pyplot as plt

    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "scale", "font.size": 9})
    rows = pd.read_csv(table)
    medians = rows.groupby(["step", "frames"]).median(numeric_only=True).reset_index()
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    for axis, column, label in zip(
        axes, ("cpu", "peak"), ("computing time (s)", "highest resident memory (MB)"), strict=True
    ):
        for step in STEPS:
            of_step = medians[medians.step == step]
            axis.plot(of_step.frames, of_step[column], marker="o", markersize=3, label=step)
        axis.set(xscale="log", yscale="log", xlabel="frames, train and test", ylabel=label)
        axis.axvline(FRAMES, color="grey", linewidth=0.7, linestyle=":")
        axis.grid(alpha=0.3, linewidth=0.4)
    raw = medians[medians.step == "hash"]
    axes[1].plot(raw.frames, raw.raw_mb, "k--", linewidth=1, label="size of the raw file")
    figure.legend(*axes[1].get_legend_handles_labels(), loc="outside right center", fontsize=8)
    axes[0].text(FRAMES, axes[0].get_ylim()[0], " Human3.6M", fontsize=7, va="bottom")
    figure.savefig(out, metadata={"Date": None})


def main() -> None:
    """Measure, or draw what was measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("measure", "draw"))
    parser.add_argument(
        "--shares", type=float, nargs="+", default=SHARES, help="of the real number of frames"
    )
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=list(STEPS), help="in this order")
    parser.add_argument("--repeats", type=int, default=3, help="of each step but evaluate")
    parser.add_argument("--folder", type=Path, help="where to write (default: a temporary folder)")
    parser.add_argument("--table", type=Path, default=DOCS / "scale-data.csv")
    given = parser.parse_args()
    if given.what == "draw":
        draw(given.table, DOCS / "scale.svg")
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        measure(given.shares, given.steps, given.repeats, Path(folder), given.table)


if __name__ == "__main__":
    main()
