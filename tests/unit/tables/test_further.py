"""The tidy table and the LaTeX table of a further data set; the numbers are invented."""

import re
from pathlib import Path

import pytest
import yaml

from poselift.analysis import results as table_of_results
from poselift.analysis.intervals import Differences, Model
from poselift.analysis.published import read_published
from poselift.analysis.results import collect, metrics_in, names_in, per_seed, read
from poselift.analysis.view import DataNotice, Grid
from poselift.config.experiment import Statistics
from poselift.errors import PoseliftError
from poselift.evaluation.report import Report, Result, Row, write_reports
from poselift.tables import further, make
from shown import command, view

PUBLISHED = Path(__file__).parents[3] / "paper" / "published_mpi_inf_3dhp.yaml"
GRID = Grid(("baseline", "full"), ("small",), (0, 1))


def report(architecture: str, seed: int, last: float, frames: int = 10) -> Report:
    def result(mpjpe: float) -> Result:
        scores = {"mpjpe": mpjpe, "pck": 100 - mpjpe / 10, "auc": 90 - mpjpe / 2}
        groups = {
            "all": {"": scores | {"frames": 2 * frames}},
            "published scale": {"": scores | {"mpjpe": mpjpe + 5}},
            "joint": {"hip": {"mpjpe": 0.0}, "head": scores},
            "sequence": {name: {"frames": frames} | scores for name in ("TS1", "TS2")},
        }
        rows = [
            Row(metric, group, name, value)
            for group, named in groups.items()
            for name, values in named.items()
            for metric, value in values.items()
        ]
        return Result(tuple(rows))

    return Report(
        run=f"{architecture}-small-s{seed}",
        dataset="mpi_inf_3dhp",
        architecture=architecture,
        size="small",
        input_2d="annotated",
        seed=seed,
        n_frames=81,
        checkpoints={"best": result(last - 1), "last": result(last)},
    )


@pytest.fixture
def results(tmp_path: Path, make_report, make_references) -> Path:
    """results.csv of two seeds of the baseline and one of the full model, beside a run on the main data."""
    reports = [report("baseline", 0, 20), report("baseline", 1, 22), report("full", 0, 18)]
    paths = [str(tmp_path / f"{i}.json") for i in range(4)]
    for path, made in zip(paths, [make_report("full", "small", 0, 40.0, 39.0), *reports], strict=True):
        write_reports(Path(path), [made])
    write_reports(tmp_path / "references.json", make_references())
    out = tmp_path / "results.csv"
    references = ["--references", str(tmp_path / "references.json")]
    table_of_results.main(["--evaluations", *paths, *references, "--out", str(out)])
    return out


def test_results_are_in_the_form_of_the_other_results(results):
    table = read(results, "mpi_inf_3dhp")
    assert per_seed(table, "baseline", "small", "mpjpe", "best").to_dict() == {0: 19, 1: 21}
    assert per_seed(table, "full", "small", "auc", "last", "sequence", "TS2").to_dict() == {0: 81}
    assert per_seed(table, "full", "small", "pck", "last", "joint", "head").to_dict() == {0: 98.2}
    assert per_seed(table, "full", "small", "frames", "last").to_dict() == {0: 20}
    assert names_in(table, "sequence") == ["TS1", "TS2"]
    assert metrics_in(table) == ["mpjpe", "pck", "auc"]


def test_main_data_set_is_the_first(results):
    table = read(results)
    assert set(table["dataset"]) == {"human36m"}
    assert per_seed(table, "full", "small", "mpjpe", "last").to_dict() == {0: 40}


def test_intervals_are_over_the_recordings_of_one_action(results):
    differences = Differences(read(results, "mpi_inf_3dhp"), Statistics(resamples=200))
    found = differences.interval(Model("baseline", "small"), "pck", "last")
    assert found.estimate == pytest.approx(97.9)
    assert found.low < 97.9 < found.high  # two seeds differ; the recordings do not
    change = differences.difference(Model("full", "small"), Model("baseline", "small"), "mpjpe", "last")
    assert (change.estimate, change.seeds) == (pytest.approx(-2), 1)


def test_runs_tested_on_other_frames_are_not_put_together():
    with pytest.raises(PoseliftError, match="run 'full-small-s0', best: was tested on other frames than run"):
        collect([report("baseline", 0, 20), report("full", 0, 18, frames=9)])
    with pytest.raises(PoseliftError, match="two evaluations of run 'full-small-s0'"):
        collect([report("full", 0, 20), report("full", 0, 18)])


def made_table(results: Path, *options: str) -> str:
    out = results.with_name("table.tex")
    synthetic = "--synthetic" in options
    shown = view(GRID, DataNotice(f"{'synthetic motion in the form of ' * synthetic}MPI-INF-3DHP", synthetic))
    words = [word for word in options if word != "--synthetic"]
    shown = shown.model_copy(update={"statistics": Statistics(resamples=200)})
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
    assert ours[19:21] == ["25.0", r"\spread{1.4}"]  # published scale
    assert len(cells) == 3 + 3 * 6 + 1  # published rows stand below it
    assert r"\secondtrue" in tex
    assert r"\label{tab:mpi-inf-3dhp}" in tex
    assert "PCK in \\%, share of 14 joints closer than 150" in tex
    assert "scales its predictions for TS5 and TS6" in tex
    assert "Best epoch, published scale" in tex
    assert "full-small-s1" in tex  # the run that is missing: a draft
    assert "Synthetic" not in tex


def test_without_another_scale_published_rows_stand_beside_the_best_epoch(results):
    table = read(results, "mpi_inf_3dhp")
    table = table[table["group"] != "published scale"]
    content = further.table(table, read_published(PUBLISHED), view(GRID))
    assert "scale" not in content.caption.replace(read_published(PUBLISHED).note, "")
    assert [column.group for column in content.columns][-4:] == ["Best epoch"] * 3 + [""]
    assert len(content.blocks[0].rows[0]) == len(content.columns) == 3 + 2 * 3 + 1


def test_synthetic_table_says_so_and_has_no_published_rows(results):
    tex = made_table(results, "--synthetic")
    assert "Synthetic data" in tex
    assert "synthetic motion in the form of" in tex
    assert "TCPFormer" not in tex
    assert "Ours" not in tex
    with pytest.raises(PoseliftError, match="cannot be compared"):
        made_table(results, "--synthetic", "--published", str(PUBLISHED))


def test_differences_are_marked_by_the_metrics_direction(tmp_path, results):
    """The full model is better by nearly the same with each of two seeds."""
    table = collect(
        [report("baseline", seed, 20 + 2 * seed) for seed in (0, 1)]
        + [report("full", seed, 18 + 2.001 * seed) for seed in (0, 1)]
    )
    table.to_csv(tmp_path / "better.csv", index=False)
    # PCK: higher; MPJPE, the primary metric unless another is declared: lower
    for primary, at, bold in (("pck", 3, "98.1"), ("mpjpe", 7, "19.0")):
        tex = made_table(tmp_path / "better.csv", "--primary", primary)
        full = row_of(tex, "Full")
        assert full[at] == rf"\textbf{{{bold}}}"
        assert full[at + 1].endswith(r"\significant")
        assert "".join(full).count("textbf") == 1
        assert "textbf" not in "".join(row_of(tex, "Baseline"))


def test_without_the_baseline_differences_are_from_the_first_architecture():
    table = collect(
        [report("mamba_gcn", seed, 20 + 2 * seed) for seed in (0, 1)]
        + [report("full", seed, 22 + 2.001 * seed) for seed in (0, 1)]
    )
    grid = Grid(("mamba_gcn", "full"), ("small",), (0, 1))
    assert grid.base == "mamba_gcn"
    (_, block) = further.table(table, None, view(grid)).blocks
    first, second = block.rows
    assert second[5].star  # significantly worse
    assert not second[5].bold
    assert first[5].bold
    assert not first[5].star
    assert "difference from MambaGCN of its size" in further.table(table, None, view(grid)).caption


@pytest.mark.parametrize("options", [("--synthetic",), ("--published", str(PUBLISHED))])
def test_all_rows_have_as_many_cells(results, options):
    tex = made_table(results, *options)
    columns = 3 + 18 + ("--published" in options)  # and the source of what is published
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
    make.main(["further", "--dataset", "mpi_inf_3dhp", "--out", str(tmp_path / "table.tex")])
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
