"""The verdicts on the claims of a paper that is built, for the terminal."""

import argparse
from pathlib import Path

from poselift.analysis.claims import check
from poselift.errors import PoseliftError
from poselift.program import run


def main(argv: list[str] | None = None) -> None:
    """Print the verdict on each of the paper's claims; exit status 1 unless all are supported."""
    parser = argparse.ArgumentParser(prog="poselift claims", description=main.__doc__)
    where = "results/<dataset> (default: the one with judged claims)"
    parser.add_argument("results", type=Path, nargs="?", help=where)
    given = parser.parse_args(argv).results
    judged = [given / "claims.json"] if given else sorted(Path("results").glob("*/claims.json"))
    if not judged:
        raise PoseliftError("results: no judged claims; build them with `snakemake claims`")
    if len(judged) > 1:
        several = " or ".join(str(path.parent) for path in judged)
        raise PoseliftError(f"which claims? name one of the results: {several}")
    check(judged[0])


if __name__ == "__main__":
    run(main)
