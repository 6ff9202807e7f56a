"""What goes to Zenodo: the files with their hashes, and metadata that say no more than CITATION.cff."""

import hashlib
import json
from pathlib import Path

import pytest

from poselift.errors import PoseliftError
from poselift.paper.deposit import main, metadata

REPOSITORY = Path(__file__).parents[3]

CITATION = {
    "keywords": ["pose", "video"],
    "title": "A title", "abstract": "What it is.\n", "license": "Apache-2.0", "version": "1.2.0",
    "authors": [
        {"name": "The group"},
        {"family-names": "Curie", "given-names": "Marie", "affiliation": "Paris",
         "orcid": "https://orcid.org/0000-0002-1825-0097"},
    ],
}  # fmt: skip


def test_metadata_have_the_form_of_zenodo():
    assert metadata(CITATION) == {
        "upload_type": "software", "title": "A title", "description": "What it is.", "license": "apache-2.0",
        "access_right": "open", "version": "1.2.0", "keywords": ["pose", "video"],
        "creators": [
            {"name": "The group"},
            {"name": "Curie, Marie", "affiliation": "Paris", "orcid": "0000-0002-1825-0097"},
        ],
    }  # fmt: skip


def test_files_are_there_with_their_hashes_and_the_projects_own_citation(tmp_path):
    (tmp_path / "paper.zip").write_bytes(b"text")
    options = ["--citation", str(REPOSITORY / "CITATION.cff"), "--out", str(tmp_path / "out")]
    main([str(tmp_path / "paper.zip"), *options])
    assert (tmp_path / "out/paper.zip").read_bytes() == b"text"
    digest = hashlib.sha256(b"text").hexdigest()
    assert (tmp_path / "out/SHA256SUMS").read_text() == f"{digest}  paper.zip\n"
    found = json.loads((tmp_path / "out/zenodo.json").read_text())["metadata"]
    assert found["license"] == "apache-2.0"
    assert found["creators"] == [{"name": "The poselift authors"}]


def test_what_is_wrong_is_said_in_a_line_and_nothing_is_written(tmp_path):
    options = ["--citation", str(REPOSITORY / "CITATION.cff"), "--out", str(tmp_path / "out")]
    with pytest.raises(PoseliftError, match=r"version 0\.1\.0, and the tag is v9"):
        main(["x.zip", "--tag", "v9", *options])
    with pytest.raises(PoseliftError, match=r"x\.zip: no such file"):
        main(["x.zip", "--tag", "v0.1.0", *options])
    files = [tmp_path / folder / "paper.zip" for folder in "ab"]
    for path in (*files, tmp_path / "zenodo.json"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("text")
    with pytest.raises(PoseliftError, match=r"^paper\.zip: two files of the deposit would have this name"):
        main([*map(str, files), *options])
    with pytest.raises(PoseliftError, match=r"^zenodo\.json: two files of the deposit would have this name"):
        main([str(tmp_path / "zenodo.json"), *options])
    with pytest.raises(PoseliftError, match="a folder; pack it"):
        main([str(tmp_path / "a"), *options])
    (tmp_path / "c.cff").write_text("title: none\n")
    with pytest.raises(PoseliftError, match="not a citation with title, authors"):
        main(["x.zip", "--citation", str(tmp_path / "c.cff"), "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()
