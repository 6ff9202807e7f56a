"""Tables as stored content."""

import pytest

from poselift.analysis.stored import read_content, write_content
from poselift.errors import PoseliftError
from poselift.tables.table import Block, Cell, Column, Table

TABLE = Table(
    "A table", "Of a|b.", "", (Column("Name", kind="text"), Column("mm", "Last")),
    (Block(((Cell("x_1"), Cell("1.0", "±0.2", value=1.04)),), "big"),), "Size", "t",
)  # fmt: skip


def test_what_is_stored_is_read_back(tmp_path):
    write_content(tmp_path / "s.json", [TABLE])
    assert read_content(tmp_path / "s.json", list[Table]) == [TABLE]
    write_content(tmp_path / "t.json", None)
    assert read_content(tmp_path / "t.json", Table | None) is None


@pytest.mark.parametrize("text", ["", "{", '{"name": 1}', "[]"])
def test_another_file_is_refused_in_one_line(tmp_path, text):
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(PoseliftError, match=r"t.json: not what its job wrote") as error:
        read_content(tmp_path / "t.json", Table | None)
    assert "\n" not in str(error.value)
    with pytest.raises(PoseliftError, match=r"u.json: no such file"):
        read_content(tmp_path / "u.json", Table | None)
