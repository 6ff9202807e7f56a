"""What a certificate consists of: a page, `codecheck.yml`, an artifact appendix and the NeurIPS checklist.

What only people know (who checked, under which number, where it is published) is a blank that says so.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from poselift.analysis.lineage import ran, raw_data
from poselift.certificate.answers import Answer, verdict
from poselift.certificate.tolerance import TOLERANCES
from poselift.comparison.builds import CLAIMS, cells
from poselift.files import write_text
from poselift.latex import Tex, defined_numbers, escape, render, unescape
from poselift.paper.assemble import GENERATED
from poselift.paper.number_text import NEXT_AUTHOR, setting
from poselift.report import html

BLANK = "FIXME: "
"""How a field begins that is left to people; CODECHECK's own rules refuse it as long as it is there."""

SPECIFICATION = "https://codecheck.org.uk/spec/config/2.0/"

AGAIN = "paper"
"""Where in the folder of a certificate the paper lies that was made again."""

CHECKED = "codecheck"
"""Where in it the documents lie, as CODECHECK has it."""


def write_documents(
    bundle: Path, stated: Path, record: dict[str, Any], given: Mapping[str, Answer], taken: str, options: str
) -> None:
    """Write all documents into the folder `bundle`, in which the paper that was made again lies. `stated` is
    the one that was checked, with its `record`; files up to the stage `taken` were taken as given. Snakemake
    builds it with these `options`."""
    tex = (stated / GENERATED / "numbers.tex").read_text(encoding="utf-8")
    said = verdict(given)
    is_synthetic = r"\synthetictrue" in tex
    scope = f"Files up to the stage '{taken}' were taken as given; the rest was made again."
    if given["remade"].said == "no":
        scope = "It was not made again."
    elif taken == "nothing":
        scope = f"Everything was made again, {'the motion too' if is_synthetic else 'from the raw data'}."
    if is_synthetic:
        scope += (
            " All data are synthetic: the numbers show that the workflow runs, and nothing of real motion."
        )
    facts = {"verdict": said, "scope": scope, "record": record["hash"]}
    page = html.render("certificate", answers=given.values(), tolerances=TOLERANCES, **facts)
    write_text(bundle / CHECKED / "certificate.html", html.page("Certificate", page))
    size = sum(made["size"] for made in record["outputs"].values()) / 1e9
    appendix = render(
        "artifact_appendix",
        ran=ran(record),
        raw=raw_data(record),
        gigabytes=setting(float(f"{size:.2g}")),
        taken=taken,
        # in typewriter too, two hyphens would be one dash
        options=Tex(escape(options).replace("--", "-{}-")),
        **facts,
    )
    checklist = render("neurips_checklist", items=checklist_items(bundle, said, scope))
    content = codecheck(bundle, defined_numbers(tex), f"The paper was {said}. {scope}")
    written = yaml.dump(content, explicit_start=True, version=(1, 1), sort_keys=False, allow_unicode=True)
    write_text(bundle / "codecheck.yml", written)
    write_text(bundle / CHECKED / "artifact_appendix.tex", appendix)
    write_text(bundle / CHECKED / "neurips_checklist.tex", checklist)


def codecheck(bundle: Path, numbers: Mapping[str, str], summary: str) -> dict[str, Any]:
    """The content of `codecheck.yml`, version 2.0 of its specification; `numbers` are those of the paper."""
    generated = sorted((bundle / AGAIN / GENERATED).rglob("*"))
    made = [path.relative_to(bundle) for path in generated if path.suffix in (".tex", ".pdf")]
    people = filter(None, numbers.get("paper.authors", "").split(NEXT_AUTHOR))
    names = [unescape(name) for name in people] or [f"{BLANK}the corresponding author"]
    return {
        "version": SPECIFICATION,
        "manifest": [
            {"file": path.as_posix(), "comment": f"{path.parent.name}: {path.stem}"} for path in made
        ],
        "paper": {
            "title": unescape(numbers.get("paper.title", "")) or f"{BLANK}title of the paper",
            "authors": [{"name": name, "ORCID": f"{BLANK}without https"} for name in names],
            "reference": f"{BLANK}DOI of the paper",
        },
        "codechecker": [{"name": f"{BLANK}your name", "ORCID": f"{BLANK}without https"}],
        "report": f"{BLANK}DOI of the published certificate",
        "summary": summary,
        "check_time": datetime.now(UTC).isoformat(sep=" ", timespec="seconds"),
        "certificate": f"{BLANK}number in the register, YYYY-NNN",
    }


def checklist_items(bundle: Path, said: str, scope: str) -> list[dict[str, Any]]:
    """The questions of the NeurIPS checklist, each with what marks its answer, a justification and the files
    that prove it; those that the files of the bundle do not prove are left to the authors. `said` is the
    verdict, and `scope` says what was made again."""
    paper = bundle / AGAIN
    claims = paper / GENERATED / "tables" / f"{CLAIMS}.tex"
    judged = cells(claims.read_text(encoding="utf-8")) if claims.is_file() else {}
    verdicts = [cell for key, cell in judged.items() if key.endswith("Verdict")]
    texts = " ".join(path.read_text(encoding="utf-8") for path in sorted(paper.rglob("*.tex")))
    holds = {
        "always": True,
        "reproduced": said != "not reproduced",
        "all claims are supported": set(verdicts) == {"supported"},
        "no theorems": not any(f"\\begin{{{name}}}" in texts for name in ("theorem", "lemma", "proof")),
        "intervals": ".interval}" in texts,
    }
    questions = resources.files("poselift").joinpath("templates/neurips_checklist.yaml")
    items = []
    for item in yaml.safe_load(questions.read_text(encoding="utf-8")):
        proofs = item.get("proofs", [])
        proven = bool(proofs) and all((bundle / proof).is_file() for proof in proofs)
        answer = "TODO" if not proven else item["answer"] if holds[item["if"]] else item["else"]
        words = item["words"].format(scope=scope) if answer != "TODO" else ""
        known = {"words": words, "proofs": proofs if words else []}
        items.append(item | known | {"mark": Tex(rf"\answer{answer}")})
    return items
