"""The file of published results, as people keep it."""

from pathlib import Path

import pytest

from poselift.analysis.published import read_published
from poselift.errors import PoseliftError

ROW = "- {method: A, frames: 243, mpjpe: 40.1, sure: A, source: the paper}\n"


def test_a_row_that_is_there_twice_is_named(tmp_path: Path):
    path = tmp_path / "published.yaml"
    path.write_text("rows:\n" + ROW + ROW.replace("243", "81"))
    assert [row.frames for row in read_published(path).rows] == [243, 81]
    path.write_text("rows:\n" + ROW + ROW.replace("40.1", "39.9"))
    with pytest.raises(PoseliftError, match=r"published\.yaml: rows: 'A' with 243 frames is there twice"):
        read_published(path)
