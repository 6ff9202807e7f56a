"""Make a paper folder a research object: RO-Crate metadata, hashes of all files, and the means to check them.

<folder>/ro-crate-metadata.json  what made each file: a Process Run Crate, of Workflow Run RO-Crate
<folder>/SHA256SUMS              hash of every file, for `sha256sum -c` and verify.py
<folder>/verify.py               poselift.provenance.verify

Profile: https://w3id.org/ro/wfrun/process/0.5; RO-Crate 1.1, https://w3id.org/ro/crate/1.1.
"""

import argparse
import mimetypes
from pathlib import Path
from typing import Any
from urllib.parse import quote

from poselift.files import MARK, copy_file, read_json, write_json, write_text
from poselift.program import run
from poselift.provenance import verify
from poselift.provenance.chain import RECORD
from poselift.provenance.hashing import sha256

METADATA = "ro-crate-metadata.json"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
CRATE = "https://w3id.org/ro/crate/1.1"
LICENCE = "LICENSE"
"""The file of the paper folder, if people wrote one, with the terms of its text and figures."""
LATEXMK = "https://ctan.org/pkg/latexmk"
CONTEXT = [f"{CRATE}/context", "https://w3id.org/ro/terms/workflow-run/context"]

Entity = dict[str, Any]

NO_LICENCE: Entity = {
    "@id": "#license",
    "@type": "CreativeWork",
    "name": "No licence given: all rights with the authors",
}


def files_of(folder: Path) -> list[str]:
    """All files of a paper folder that are recorded, by their path in it."""
    names = (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file())
    return [name for name in names if name not in (METADATA, verify.SUMS, MARK) and "__pycache__" not in name]


def graph(folder: Path, record: dict[str, Any], title: str) -> list[Entity]:
    """The entities of the crate: the folder's files, the files behind them, the jobs, the programs."""
    names = files_of(folder)
    files = [_file(folder, name) for name in names]
    jobs = record["core"]["jobs"]
    ended = {name: job["ended"] for name, job in record["volatile"]["jobs"].items()}
    last = max(ended.values())
    digests = record["core"]["sources"] | {path: made["sha256"] for path, made in record["outputs"].items()}
    copies = {(Path(file["name"]).name, file["sha256"]): file["@id"] for file in files}
    # a recorded file by its copy in the folder if there is one, else by an identifier of its own
    here = {path: copies.get((Path(path).name, made), f"#{quote(path)}") for path, made in digests.items()}
    actions: list[Entity] = []
    properties: dict[str, Entity] = {}
    for name, job in jobs.items():
        inputs, outputs = ([here[path] for path in job[key]] for key in ("inputs", "outputs"))
        action = _action(name, job["rule"], f"#code/{job['code']}", inputs, outputs, ended[name])
        ran = [_property(*fact) for fact in (job.get("environment") or {}).items() if fact[1] is not None]
        properties |= {each["@id"]: each for each in ran}
        actions.append(action | {"environment": [{"@id": each["@id"]} for each in ran]})
    if "main.pdf" in names:
        read = [quote(name) for name in names if name.endswith((".tex", ".bib")) or "/figures/" in name]
        actions.append(_action("main.pdf", "compile", "#latexmk", read, ["main.pdf"], last))
    return [
        {"@id": METADATA, "@type": "CreativeWork", "conformsTo": {"@id": CRATE}, "about": {"@id": "./"}},
        {
            "@id": "./",
            "@type": "Dataset",
            "name": title,
            "description": f"A paper, and what it was made from: record {record['hash']}",
            "identifier": record["hash"],
            "datePublished": last,
            "license": {"@id": LICENCE if LICENCE in names else "#license"},
            "conformsTo": {"@id": PROFILE},
            "hasPart": [{"@id": quote(name)} for name in names],
            "mentions": [{"@id": action["@id"]} for action in actions],
        },
        {"@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
        *(() if LICENCE in names else (NO_LICENCE,)),
        *files,
        *(
            {"@id": identifier, "@type": "CreativeWork", "name": path, "sha256": digests[path]}
            for path, identifier in here.items()
            if identifier.startswith("#")
        ),
        *properties.values(),
        *(_program(code, manifest) for code, manifest in record["code"].items()),
        {"@id": "#latexmk", "@type": "SoftwareApplication", "name": "latexmk", "url": LATEXMK},
        *actions,
    ]


def _action(name: str, rule: str, program: str, objects: list[str], results: list[str], ended: str) -> Entity:
    return {
        "@id": f"#job/{name}",
        "@type": "CreateAction",
        "name": f"{rule}: {name}",
        "instrument": {"@id": program},
        "object": [{"@id": each} for each in objects],
        "result": [{"@id": each} for each in results],
        "endTime": ended,
        "actionStatus": {"@id": "http://schema.org/CompletedActionStatus"},
    }


def _property(key: str, value: Any) -> Entity:
    identifier = f"#environment/{quote(f'{key}/{value}')}"
    return {"@id": identifier, "@type": "PropertyValue", "name": key, "value": str(value)}


def _program(code: str, manifest: dict[str, Any] | None) -> Entity:
    known = manifest or {"entries": ["unknown"], "pins": {}}
    return {
        "@id": f"#code/{code}",
        "@type": "SoftwareApplication",
        "name": ", ".join(known["entries"]),
        "version": code,
        "softwareRequirements": [f"{name}=={version}" for name, version in known["pins"].items()],
    }


def _file(folder: Path, name: str) -> Entity:
    path = folder / name
    return {
        "@id": quote(name),
        "@type": "File",
        "name": name,
        "contentSize": path.stat().st_size,
        "encodingFormat": mimetypes.guess_type(name)[0] or "text/plain",
        "sha256": sha256(path),
    }


def write_crate(folder: Path) -> None:
    """Write metadata, verify.py and hashes into the paper folder. Raises `PoseliftError` without a record."""
    record = read_json(folder / RECORD, dict, "a record of provenance", "put the folder together again")
    copy_file(Path(verify.__file__), folder / "verify.py")
    write_json(folder / METADATA, {"@context": CONTEXT, "@graph": graph(folder, record, folder.parent.name)})
    names = [*files_of(folder), METADATA]
    write_text(folder / verify.SUMS, "".join(f"{sha256(folder / name)}  {name}\n" for name in sorted(names)))


def main(argv: list[str] | None = None) -> None:
    """Record every file of a paper folder and what made it, as RO-Crate metadata."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path, help="paper folder, compiled")
    write_crate(parser.parse_args(argv).folder)


if __name__ == "__main__":
    run(main)
