"""Seconds that Snakemake takes to see that there is nothing to do: `python tests/benchmarks/noop.py`.

Target: under 5 s for the experiment of config.yaml with its hyper-parameter search. Nothing is trained for
this: in a copy of the project each job only leaves empty files of realistic sizes, which takes a minute or
two. With `--folder` the copy stays and is measured again at once.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from finished import finish
from project import Project

# without expected counts: the manifests here are empty
EXPERIMENT = {
    "experiment": False,
    "changes": "search: {with_paper: true}\ndata: {expected_clips: null}",
}
OPTIONS = ("--configfile", "changes.yaml")

SIZES = {
    "inputs.npy": 320_000_000,
    "labels.npy": 320_000_000,
    "target_mm.npy": 110_000_000,
    "_model.safetensors": 50_000_000,
    "results.csv": 43_000_000,
    "-examples.npz": 200_000,
    "shown_clips.npz": 3_000_000,
}
"""Bytes of large files by the end of their names."""

RAW = "data/motion3d/h36m_sh_conf_cam_source_final.pkl"
RAW_SIZE = 1_000_000_000


def finished(folder: Path) -> Project:
    """The project in `folder`, with the whole paper finished."""
    if (folder / "results").exists():
        return Project(folder)
    project = Project.copied(folder)
    raw = folder / RAW
    raw.parent.mkdir(parents=True)
    with raw.open("wb") as file:
        file.truncate(RAW_SIZE)
    finish(project, *OPTIONS, sizes=SIZES, **EXPERIMENT)
    return project


def measure(project: Project, times: int, *arguments: str) -> None:
    """Print what the call takes, in seconds."""
    taken, computed = [], []
    for _ in range(times):
        start, before = time.perf_counter(), os.times()
        answer = project.snakemake(*arguments, *OPTIONS, **EXPERIMENT)
        taken.append(time.perf_counter() - start)
        after = os.times()
        computed.append(after.children_user - before.children_user)
        said = answer.stdout + answer.stderr
        if "Nothing to be done" not in said:
            sys.exit(said)
    each = ", ".join(f"{seconds:.2f}" for seconds in sorted(taken))
    print(
        f"{' '.join(['snakemake', *arguments])}: {statistics.median(taken):.2f} s (median of {each}),"
        f" of which {statistics.median(computed):.2f} s of computing"
    )


def main() -> None:
    """Measure a run of Snakemake that has nothing to do."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--folder", type=Path, help="keep the finished project here")
    parser.add_argument("--times", type=int, default=5, help="calls, of which the median counts (default: 5)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        project = finished(given.folder or Path(temporary, "project"))
        notes = [
            path for path in (project.folder / "results/.snakemake/metadata").rglob("*") if path.is_file()
        ]
        print(f"finished: {len(notes)} files")
        measure(project, given.times)
        measure(project, given.times, "--dry-run")


if __name__ == "__main__":
    main()
