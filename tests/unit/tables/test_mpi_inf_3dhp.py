"""The tidy table and the LaTeX table of the second data set; no number here was measured."""

import re
from pathlib import Path

import pytest
import yaml

from poselift.analysis import results_3dhp
from poselift.analysis.results import names_in, per_seed, read
from poselift.analysis.view import DataNotice, Grid
from poselift.config.mpi_inf_3dhp import dataset_title
from poselift.errors import PoseliftError
from poselift.evaluation.report_3dhp import Report3DHP, Result3DHP, Scores, write_report
from poselift.tables import make
from shown import command, view

PUBLISHED = Path(__file__).parents[3] / "paper" / "published_mpi_inf_3dhp.yaml"
GRID = Grid(("baseline", "full"), ("small",), (0, 1))


def result(mpjpe: float, frames: int = 10) -> Result3DHP:
    scores = {"mpjpe": mpjpe, "pck": 100 - mpjpe / 10, "auc": 90 - mpjpe / 2}
    return Result3DHP(
        **scores,
        frames=2 * frames,
        per_sequence={name: Scores(**scores, frames=frames) for name in ("TS1", "TS2")},
        per_joint={"hip": {"mpjpe": 0.0}, "head": scores},
    )


def report(architecture: str, seed: int, last: float, frames: int = 10) -> Report3DHP:
    return Report3DHP(
        run=f"{architecture}-small-s{seed}",
        architecture=architecture,
        size="small",
        seed=seed,
        n_frames=81,
        checkpoints={"best": result(last - 1, frames), "last": result(last, frames)},
    )


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """results.csv of two seeds of the baseline and one of the full model."""
    reports = [report("baseline", 0, 20), report("baseline", 1, 22), report("full", 0, 18)]
    paths = []
    for made in reports:
        paths.append(tmp_path / f"{made.run}.json")
        write_report(paths[-1], made)
    out = tmp_path / "results.csv"
    results_3dhp.main(["--evaluations", *map(str, paths), "--out", str(out)])
    return out


def test_results_are_in_the_form_of_the_other_results(results):
    table = read(results)
    assert per_seed(table, "baseline", "small", "mpjpe", "best").to_dict() == {0: 19, 1: 21}
    assert per_seed(table, "full", "small", "auc", "last", "sequence", "TS2").to_dict() == {0: 81}
    assert per_seed(table, "full", "small", "pck", "last", "joint", "head").to_dict() == {0: 98.2}
    assert per_seed(table, "full", "small", "frames", "last").to_dict() == {0: 20}
    assert names_in(table, "sequence") == ["TS1", "TS2"]


def test_runs_tested_on_other_frames_are_not_put_together():
    with pytest.raises(PoseliftError, match="run 'full-small-s0', best: was tested on other frames than run"):
        results_3dhp.collect([report("baseline", 0, 20), report("full", 0, 18, frames=9)])
    with pytest.raises(PoseliftError, match="two evaluations of run 'full-small-s0'"):
        results_3dhp.collect([report("full", 0, 20), report("full", 0, 18)])


def made_table(results: Path, *options: str) -> str:
    out = results.with_name("table.tex")
    synthetic = "--synthetic" in options
    shown = view(GRID, DataNotice(dataset_title(synthetic), synthetic))
    words = [word for word in options if word != "--synthetic"]
    make.main([*command("tables", "mpi_inf_3dhp", shown, out, results=results), *words])
    return out.read_text()


def row_of(tex: str, start: str) -> list[str]:
    line = next(line for line in tex.splitlines() if line.strip().startswith(start))
    return [cell.strip() for cell in line.strip().removesuffix("\\\\").split("&")]


def test_table_beside_published_rows(results):
    tex = made_table(results, "--published", str(PUBLISHED))
    cells = row_of(tex, "MotionAGFormer-L")
    assert cells[-7:] == ["98.2", "", "85.3", "", "16.2", "", "B"]
    assert "81" in cells
    assert row_of(tex, "TCPFormer")[-7:-1] == ["99.0", "", "87.7", "", "15.0", ""]
    ours = row_of(tex, "Ours: Baseline")
    assert ours[:3] == ["Ours: Baseline", "small", "81"]
    # last epoch: 20 and 22 mm; standard deviation of n - 1
    assert ours[7:9] == ["21.0", r"\spread{1.4}"]
    assert ours[3:5] == ["97.9", r"\spread{0.1}"]
    assert ours[13:15] == ["20.0", r"\spread{1.4}"]
    assert r"\secondtrue" in tex
    assert "full-small-s1" in tex  # the run that is missing: a draft
    assert "Synthetic" not in tex


def test_synthetic_table_says_so_and_has_no_published_rows(results):
    tex = made_table(results, "--synthetic")
    assert "Synthetic data" in tex
    assert "synthetic motion in the form of" in tex
    assert "TCPFormer" not in tex
    assert "Ours" not in tex
    with pytest.raises(PoseliftError, match="cannot be compared"):
        made_table(results, "--synthetic", "--published", str(PUBLISHED))


@pytest.mark.parametrize("options", [("--synthetic",), ("--published", str(PUBLISHED))])
def test_all_rows_have_as_many_cells(results, options):
    tex = made_table(results, *options)
    columns = 3 + 12 + ("--published" in options)  # and the source of what is published
    *rows, _ = tex[tex.index("Method &") : tex.index(r"\bottomrule")].split("\\\\")
    assert len(rows) == (6 if "--published" in options else 3)
    for row in rows:
        row = row.replace(r"\heading", r"\multicolumn{2}{c}")
        spans = [int(n) for n in re.findall(r"\\multicolumn\{(\d+)\}", row)]
        assert row.count("&") + 1 - len(spans) + sum(spans) == columns


def test_unsure_rows_are_left_out(results, tmp_path):
    rows = yaml.safe_load(PUBLISHED.read_text())
    rows["rows"][0]["sure"] = "C"
    (tmp_path / "unsure.yaml").write_text(yaml.safe_dump(rows))
    tex = made_table(results, "--published", str(tmp_path / "unsure.yaml"))
    assert "MotionAGFormer-S" not in tex
    assert "MotionAGFormer-L" in tex


def test_without_a_second_data_set_the_text_is_told(tmp_path):
    make.main(["mpi_inf_3dhp", "--out", str(tmp_path / "table.tex")])
    tex = (tmp_path / "table.tex").read_text()
    assert r"\secondfalse" in tex
    assert "tabular" not in tex


def test_published_numbers_are_those_of_the_literature():
    rows = {row["method"]: row for row in yaml.safe_load(PUBLISHED.read_text())["rows"]}
    numbers = {name: (row["pck"], row["auc"], row["mpjpe"]) for name, row in rows.items()}
    assert numbers == {
        "MotionAGFormer-S": (98.3, 84.5, 17.1),
        "MotionAGFormer-L": (98.2, 85.3, 16.2),
        "TCPFormer": (99.0, 87.7, 15.0),
    }
