"""What is odd about the files of a data set, and when other numbers of clips than expected stop a build."""

import hashlib
import json
from pathlib import Path

import pytest
import yaml

from poselift.config.experiment import Config
from poselift.config.sections import parse
from poselift.data.jobs import DataJobs
from poselift.errors import PoseliftError
from poselift.provenance.receipts import write_receipt

ROOT = Path(__file__).parents[3]


@pytest.fixture
def jobs(tmp_path, monkeypatch):
    """The jobs of a configuration with these keys under `data`, and a raw file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "raw.pkl").write_bytes(b"raw")
    content = yaml.safe_load((ROOT / "config.yaml").read_text())

    def made(**data: object) -> DataJobs:
        data = {"title": "Trial", "raw": "raw.pkl"} | data
        return DataJobs(parse(Config, content | {"data": data, "further_data": {}}, "config.yaml"))

    return made


HELD = [f"raw@sha256:{hashlib.sha256(b'raw').hexdigest()}"]


def test_another_file_than_expected_is_odd(jobs):
    right, wrong = hashlib.sha256(b"raw").hexdigest(), "0" * 64
    assert list(jobs(sha256=right).doubts("h36m", HELD)) == []
    (doubt,) = jobs(sha256=wrong).doubts("h36m", HELD)
    assert doubt.startswith(f"raw.pkl: sha256 {right[:12]}…, expected 000000000000…: another file than")


def test_a_missing_file_is_odd(jobs, tmp_path):
    (tmp_path / "raw.pkl").unlink()
    (doubt,) = jobs().doubts("h36m", ["raw@missing:raw.pkl"])
    assert doubt.startswith("raw.pkl: no such file. It belongs there")


def test_other_numbers_of_clips_stop_what_was_made_from_the_present_file(jobs):
    clips = Path("results/h36m/data/clips-243")
    wrong = jobs(expected_clips={"train": 12, "test": 3})
    wrong.require_expected("h36m", HELD)  # nothing is made yet
    clips.mkdir(parents=True)
    (clips / "manifest.json").write_text(json.dumps({"clips": {"train": 12, "test": 4}}))
    wrong.require_expected("h36m", HELD)  # it is not known from what
    write_receipt("results/h36m/logs/frames.log", "frames", {"code": "c", "content": HELD}, [], [])
    with pytest.raises(PoseliftError, match="test: 4 clips, expected 3: not the raw file"):
        wrong.require_expected("h36m", HELD)
    wrong.require_expected("h36m", ["raw@sha256:" + "0" * 64])  # another file: the clips are made again
    jobs(expected_clips={"train": 12, "test": 4}).require_expected("h36m", HELD)
    jobs().require_expected("h36m", HELD)
