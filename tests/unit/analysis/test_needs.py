"""What the programs of tables and figures answer to a command line that lacks something."""

import pytest

from poselift.errors import PoseliftError
from poselift.figures import make as make_figure
from poselift.tables import make as make_table
from shown import command, view


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ([], "--results is missing: 'differences' is made from it"),
        (["--results", "a.csv", "b.csv"], "--results has 2 files"),
        (["--results", "none.csv"], "none.csv: no such file"),
    ],
)
def test_a_missing_input_of_a_table_is_named(tmp_path, files, reason):
    given = command("tables", "differences", view(), tmp_path / "x.tex")
    with pytest.raises(PoseliftError, match=reason):
        make_table.main([*given, *files])
    assert not (tmp_path / "x.tex").exists()


def test_a_missing_input_of_a_figure_is_named(tmp_path):
    with pytest.raises(PoseliftError, match="--runs is missing"):
        make_figure.main(command("figures", "curves", view(), tmp_path / "x.pdf"))


def test_an_unknown_table_and_a_part_that_it_does_not_need_are_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        make_table.main(["mian", "--out", str(tmp_path / "x.tex")])
    assert "differences" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        make_table.main([*command("tables", "cost", view(), tmp_path / "x.tex"), "--decimals", "1"])
    assert "--decimals" in capsys.readouterr().err
