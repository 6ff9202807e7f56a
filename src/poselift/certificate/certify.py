"""Check a paper: compare it with its record, make it again, compare the two, and write a certificate.

<out>/codecheck.yml   for CODECHECK: what was made again, and blanks for what only people know
<out>/codecheck/      certificate.html, and for conferences artifact_appendix.tex and neurips_checklist.tex
<out>/paper/          the paper that was made again, without its PDF
"""

import argparse
import json
import os
import shutil
from pathlib import Path
from typing import Any

from poselift.analysis.lineage import read_record
from poselift.certificate.answers import answers, verdict
from poselift.certificate.documents import AGAIN, CHECKED, write_documents
from poselift.certificate.rebuild import STAGES, rebuilt, taken_faults
from poselift.errors import PoseliftError
from poselift.files import own_folder
from poselift.paper.merge import opened
from poselift.program import run, visible
from poselift.provenance.chain import RECORD
from poselift.provenance.verify import SUMS, Unreadable, verify_paper

SHOWN = 3
"""Reasons of an answer that are printed; all are on the page."""


def certify(
    paper: Path, taken: str, workflow: dict[str, Any], parts: list[str], cores: int, out: Path
) -> None:
    """Check the paper in the folder or zip `paper`, print the answers and write the certificate `out`.

    The `parts` of the paper are made again as `rebuilt` says, with the stages up to `taken` as given. Raises
    `PoseliftError` if the paper is not reproduced.
    """
    with opened(paper) as stated, own_folder(out, "certify") as bundle:
        try:
            edited = verify_paper(stated)
        except (FileNotFoundError, Unreadable):
            raise PoseliftError(f"{paper}: no {SUMS} that can be read; build the paper first") from None
        record = read_record(stated / RECORD)
        faults = taken_faults(record, taken, Path.cwd())
        reason = "not begun: what is taken as given is not what the record names" if faults else ""
        again = None
        if not faults:
            try:
                with rebuilt(record, taken, workflow, parts, cores) as folder:
                    again = Path(shutil.copytree(folder, bundle / AGAIN))
            except PoseliftError as error:
                reason = str(error)
        given = answers(stated, again, edited, faults, reason)
        write_documents(bundle, stated, record, given, taken, _build_options(workflow["configfiles"]))
    for answer in given.values():
        more = [f"… and {len(answer.because) - SHOWN} more"] if len(answer.because) > SHOWN else []
        lines = [f"{answer.question} {answer.said}", *answer.because[:SHOWN], *more]
        print(*map(visible, lines), sep="\n  ")
    said = f"{verdict(given)}; the certificate is {out / CHECKED / 'certificate.html'}"
    if verdict(given) == "not reproduced":
        raise PoseliftError(f"{paper}: {said}")
    print(f"{paper}: {said}")


def _build_options(configfiles: list[str]) -> str:
    """Options of Snakemake that read these files; `config.yaml` is read in any case."""
    own = [os.path.relpath(path) for path in configfiles]
    laid_over = [path for path in own if path != "config.yaml"]
    return " ".join(["--cores all", *(["--configfile", *laid_over] if laid_over else [])])


def main(argv: list[str] | None = None) -> None:
    """Make a paper again and certify that it comes out as stated (`snakemake certificate`)."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("paper", type=Path, help="folder or zip of the paper that is checked")
    parser.add_argument("--taken", choices=STAGES, required=True, help="stage up to which files are given")
    parser.add_argument("--workflow", type=json.loads, required=True, help="configuration and rules, as JSON")
    parser.add_argument(
        "--parts", nargs="+", required=True, metavar="FILE", help="tables, figures, numbers ..."
    )
    parser.add_argument("--cores", type=int, required=True, help="for making it again")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    certify(**vars(parser.parse_args(argv)))


if __name__ == "__main__":
    run(main)
