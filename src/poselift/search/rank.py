"""Compare the trials of a stage after a rung."""

import argparse
from pathlib import Path

from poselift.program import run
from poselift.search.results import Ranking, promoted, ranked, read_result, write


def main(argv: list[str] | None = None) -> None:
    """Compare the trials of a stage after a rung."""
    parser = argparse.ArgumentParser(prog="poselift.search.rank", description=main.__doc__)
    parser.add_argument("--stage", type=Path, required=True, help="folder of the stage's trials")
    parser.add_argument("--trials", nargs="+", required=True, help="names of the trials")
    parser.add_argument("--rung", type=int, default=0, help="the rung they have run up to")
    parser.add_argument("--keep", type=float, default=1, help="fraction that goes on (default: all)")
    parser.add_argument("--count", type=int, help="number that goes on, in place of a fraction")
    parser.add_argument("--out", type=Path, required=True, help="ranking to write (JSON)")
    given = parser.parse_args(argv)
    results = [read_result(given.stage / trial / f"rung-{given.rung}.json") for trial in given.trials]
    write(given.out, Ranking(ranked(results), promoted(results, given.rung, given.keep, given.count)))


if __name__ == "__main__":
    run(main)
