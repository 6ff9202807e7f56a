"""A deposit for Zenodo: files, their hashes, and metadata from CITATION.cff, in the form that its API takes.

`zenodo.json` is what a deposition is created with (https://developers.zenodo.org/#representation).
"""

import argparse
import shutil
from pathlib import Path
from typing import Any

from poselift.config.yaml_files import read_yaml
from poselift.errors import PoseliftError
from poselift.files import own_folder, reading, write_json
from poselift.program import run
from poselift.provenance.hashing import sha256
from poselift.provenance.verify import SUMS

METADATA = "zenodo.json"


def metadata(citation: dict[str, Any]) -> dict[str, Any]:
    """What Zenodo has to know, from the content of a CITATION.cff. Raises `KeyError` for what it lacks."""
    return {
        "upload_type": "software",
        "title": citation["title"],
        "creators": [_creator(author) for author in citation["authors"]],
        "description": citation["abstract"].strip(),
        "license": citation["license"].lower(),
        "access_right": "open",
        "version": citation["version"],
        "keywords": citation.get("keywords", []),
    }


def _creator(author: dict[str, str]) -> dict[str, str]:
    """A person or a group, as CITATION.cff has it, for Zenodo."""
    name = author.get("name") or f"{author['family-names']}, {author['given-names']}"
    orcid = author.get("orcid", "").removeprefix("https://orcid.org/")
    others = {"affiliation": author.get("affiliation"), "orcid": orcid}
    return {"name": name} | {key: value for key, value in others.items() if value}


def deposit(citation: Path, files: list[Path], out: Path, tag: str | None = None) -> None:
    """Put the files of a deposit into the folder `out`, with `zenodo.json` and SHA256SUMS.

    Raises `PoseliftError` if something is missing, or if the `tag` is another version than the one to cite.
    """
    what = "a citation with title, authors, abstract, license and version"
    with reading(citation, what, "mend it"):
        described = metadata(read_yaml(citation))
    if tag and tag.removeprefix("v") != described["version"]:
        raise PoseliftError(
            f"{citation}: version {described['version']}, and the tag is {tag}; make them the same"
        )
    if missing := next((path for path in files if not path.is_file()), None):
        what = "a folder; pack it into a file" if missing.is_dir() else "no such file; a deposit needs it"
        raise PoseliftError(f"{missing}: {what}")
    names = [SUMS, METADATA, *(path.name for path in files)]
    if again := next((name for name in names if names.count(name) > 1), None):
        raise PoseliftError(f"{again}: two files of the deposit would have this name; rename one")
    with own_folder(out, "deposit") as folder:
        for path in files:
            shutil.copyfile(path, folder / path.name)
        sums = [f"{sha256(folder / path.name)}  {path.name}\n" for path in files]
        (folder / SUMS).write_text("".join(sums), encoding="utf-8")
        write_json(folder / METADATA, {"metadata": described})


def main(argv: list[str] | None = None) -> None:
    """Put together what is uploaded to Zenodo: files, hashes and metadata."""
    parser = argparse.ArgumentParser(prog="poselift deposit", description=main.__doc__)
    parser.add_argument("files", type=Path, nargs="+", help="hand-over, archive for arXiv, sources ...")
    parser.add_argument("--citation", type=Path, default=Path("CITATION.cff"), help="default: CITATION.cff")
    parser.add_argument("--tag", help="of the release; its version has to be the one to cite")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to make")
    deposit(**vars(parser.parse_args(argv)))


if __name__ == "__main__":
    run(main)
