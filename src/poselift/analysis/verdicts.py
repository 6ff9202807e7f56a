"""The verdicts on the claims of a paper that is built, for the terminal."""

import argparse
from collections import Counter
from pathlib import Path

from poselift.analysis.claims import measured_text, read_judgements
from poselift.errors import PoseliftError
from poselift.program import run


def check(path: Path) -> None:
    """Print the verdict on each claim. Raises `PoseliftError` unless all are supported."""
    judgements = read_judgements(path)
    for each in judgements:
        measured = measured_text(each, 2).replace("\N{NARROW NO-BREAK SPACE}", " ")
        print(f"{each.verdict}: {each.claim} [{each.test}]: {measured}; {each.reason}")
    counts = Counter(each.verdict for each in judgements)
    if set(counts) - {"supported"}:
        listed = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
        raise PoseliftError(f"{path}: of {len(judgements)} claims: {listed}")


def main(argv: list[str] | None = None) -> None:
    """Print the verdict on each of the paper's claims; exit status 1 unless all are supported."""
    parser = argparse.ArgumentParser(prog="poselift claims", description=main.__doc__)
    where = "results/<dataset>, or a file of verdicts (default: the results with judged claims)"
    parser.add_argument("results", type=Path, nargs="?", help=where)
    given = parser.parse_args(argv).results
    if given and given.suffix == ".json":
        judged = [given]
    else:
        judged = [given / "claims.json"] if given else sorted(Path("results").glob("*/claims.json"))
    if not judged:
        raise PoseliftError("results: no judged claims; build them with `snakemake claims`")
    if len(judged) > 1:
        several = " or ".join(str(path.parent) for path in judged)
        raise PoseliftError(f"which claims? name one of the results: {several}")
    check(judged[0])


if __name__ == "__main__":
    run(main)
