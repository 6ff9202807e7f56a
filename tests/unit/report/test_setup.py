"""The experimental setup: what it reads from made-up runs, and what it says of them."""

import dataclasses
import json
import re
import shutil

import pandas as pd
import pytest
import yaml

from poselift.analysis import results
from poselift.analysis.plan import software_of
from poselift.analysis.runs import read_run
from poselift.analysis.view import AblationEntry, DataNotice, Further, Grid
from poselift.errors import PoseliftError
from poselift.files import write_json, write_text
from poselift.provenance.code_hash import read_pins
from poselift.provenance.receipts import seal
from poselift.report import setup
from poselift.report.setup_facts import Data, Group, grouped, protocol, recipes, time_spent, usual
from shown import told, view


@pytest.fixture
def inputs(tmp_path, make_inputs):
    """The made-up paper, with what runs record of themselves; the last run was trained otherwise."""
    made = make_inputs(tmp_path, sizes=("base",), seeds=(0, 1))
    for i, run in enumerate(made.runs):
        metrics = json.loads((run / "metrics.json").read_text())
        metrics["summary"] |= {"seconds": 1800.0, "gpu_hours": 0.75}
        write_json(run / "metrics.json", metrics)
        device = "NVIDIA <H200>" if i else "cpu"
        write_json(run / "provenance.json", {"environment": {"torch": "2.13.0", "device": device}})
    changed = yaml.safe_load((made.runs[-1] / "config.yaml").read_text())
    changed["training"]["velocity_weight"] = 0.0
    changed |= {"variant": "no_velocity", "seed": 7}
    write_text(made.runs[-1] / "config.yaml", yaml.safe_dump(changed))
    write_json(made.root / "store/frames/manifest.json", {"raw": "abcd" * 16})
    write_text(made.root / "pins.txt", "torch==2.13.0\nnumpy==2.5.5 ; python_version > '3'\nunused==1.0\n")
    results.main(
        ["--evaluations", *map(str, made.evaluations), "--references",
         str(made.root / "evaluation/references.json"), "--out", str(made.root / "results.csv")]
    )  # fmt: skip
    return made


def arguments(made, *more: str, further: dict[str, Further] | None = None, ablation=()) -> list[str]:
    root = made.root
    grid = Grid(made.architectures, made.sizes, made.seeds)
    shown = view(grid, DataNotice("some | motion", synthetic=False), further=further or {}, ablation=ablation)
    others = [root / name for name in further or ()]
    return [
        "--results", str(root / "results.csv"), "--costs", str(root / "cost.csv"), *told(setup, shown),
        "--frames", str(root / "store/frames/manifest.json"),
        *(str(other / "data/frames/manifest.json") for other in others),
        "--runs", *(str(run / "metrics.json") for run in made.runs),
        *(str(path) for other in others for path in other.glob("runs/*/metrics.json")),
        "--software", *software_of(read_pins(root / "pins.txt")), "--out", str(root / "setup.md"), *more,
    ]  # fmt: skip


def written(made, *more: str, **others) -> str:
    setup.main(arguments(made, *more, **others))
    return (made.root / "setup.md").read_text()


def cells(line: str) -> list[str]:
    """The cells of a line of a table in Markdown."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def under(text: str, *first: str) -> dict[str, str]:
    """The row that begins with these cells, by what stands above it."""
    lines = text.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith(f"| {' | '.join(first)} |"))
    top = next(i for i in range(at, 0, -1) if not lines[i - 1].startswith("|"))
    return dict(zip(cells(lines[top]), cells(lines[at]), strict=True))


def test_data_are_counted(inputs):
    text = written(inputs)
    assert "## Data: some \\| motion" in text
    assert "abcd" * 16 in text
    # 4 cameras, 1500 frames each; 3 in the test
    train, test = (under(text, split) for split in ("train", "test"))
    assert train == {
        "Split": "train", "Subjects": "S1, S5, S6, S7, S8", "Sequences": "20", "Frames": "30000",
    }  # fmt: skip
    assert test == {"Split": "test", "Subjects": "S9, S11", "Sequences": "6", "Frames": "9000"}
    assert under(text, "27") == {"Frames per clip": "27", "Train clips": "1234", "Test clips": "56"}


def test_unlike_counts_of_frames_are_a_range():
    counts = [1500.0, 1400.0, 9.0]
    results = pd.DataFrame(
        {"metric": "frames", "group": ["all", "all", "sequence"], "name": ["", "", "one"], "value": counts}
    )
    assert protocol(results) == {"frames": "1,400 to 1,500", "sequences": 1, "actions": 0}


def test_models_have_their_shape_and_cost(inputs):
    # write_cost: 2.24 million parameters for the baseline of the first size
    assert under(written(inputs), "base", "Baseline") == {
        "Size": "base", "Model": "Baseline", "Blocks": "4", "Channels": "32", "Frames": "27",
        "Par. (M)": "2.24", "MACs (G)": "1.01", "all MACs (G)": "1.08",
    }  # fmt: skip


def test_a_variant_that_was_counted_has_a_row_by_its_title(inputs):
    counted = inputs.root / "full-base-no_velocity.csv"
    counted.write_text(
        "architecture,size,n_frames,parameters,macs_linear,macs_all\n"
        "full,base,27,7770000,3330000000,4440000000\n"
    )
    entry = AblationEntry(
        name="no_velocity", title="no velocity loss", architecture="full", size="base", seeds=(7,)
    )
    rows = {}
    for ablation in ((), (entry,)):
        text = written(inputs, "--variant-costs", str(counted), ablation=ablation)
        rows |= {ablation: [cells(line)[:2] for line in text.splitlines() if "7.77" in line]}
        assert text.count("| base | Full | 4 | 32 |") == 1
    assert rows == {(): [["base", "Full, no\\_velocity"]], (entry,): [["base", "Full, no velocity loss"]]}
    assert under(text, "base", "Full, no velocity loss") == {
        "Size": "base", "Model": "Full, no velocity loss", "Blocks": "4", "Channels": "32", "Frames": "27",
        "Par. (M)": "7.77", "MACs (G)": "3.33", "all MACs (G)": "4.44",
    }  # fmt: skip
    # one that costs what its base does has no row of its own
    assert "no velocity loss" not in written(inputs, ablation=(entry,)).split("## Recipes")[0]


def test_only_what_differs_is_said_of_a_group(inputs):
    text = written(inputs)
    assert "| velocity\\_weight | 20.0 |" in text
    assert under(text, "Baseline, base") == {
        "Runs": "Baseline, base", "Seeds": "0, 1", "Differs in": "nothing",
    }  # fmt: skip
    assert "| Full, base, no\\_velocity | 7 | velocity\\_weight 0.0 |" in text


def test_where_and_how_long(inputs):
    text = written(inputs)
    assert under(text, "2.13.0", "NVIDIA \\<H200\\>") == {
        "torch": "2.13.0", "device": "NVIDIA \\<H200\\>", "Runs": "5",
    }  # fmt: skip
    assert "| 2.13.0 | cpu | 1 |" in text
    assert under(text, "Models") == {"Runs": "Models", "Count": "5", "Hours": "2.50", "GPU-hours": "3.75"}
    assert "| Ablation | 1 | 0.50 | 0.75 |" in text
    assert "| Together | 6 | 3.00 | 4.50 |" in text


def test_how_differences_are_judged_is_said_as_it_was_configured(inputs):
    text = written(inputs, "--resamples", "4321", "--confidence", "0.9", "--seed", "17")
    assert "Differences have 90\N{NARROW NO-BREAK SPACE}% intervals, from 4,321 paired resamples" in text
    assert "(seed 17)" in text


def test_of_the_pins_those_in_use(inputs):
    text = written(inputs)
    assert under(text, "numpy") == {"Package": "numpy", "Pinned": "2.5.5", "Installed": "–"}
    assert "unused" not in text


def test_installed_versions_are_those_of_the_receipts(inputs, tmp_path):
    moved = tmp_path / "results/toy"
    shutil.copytree(inputs.root, moved, ignore=shutil.ignore_patterns("results"))
    made = dataclasses.replace(inputs, root=moved)
    for number, run in enumerate(made.runs):
        environment = {"numpy": "2.4.6" if number else "2.3.0", "torch": "2.13.0+cpu"}
        receipt = {"outputs": {f"results/toy/runs/{run.name}/metrics.json": {"sha256": "0" * 64, "size": 1}}}
        receipt |= {"rule": "train", "code": "c", "params": {}, "inputs": [], "environment": environment}
        receipt["volatile"] = {"ended": "2026-01-01T00:00:00+00:00", "host": "h"}
        write_json(moved / f"receipts/train/{run.name}.json", receipt | {"seal": seal(receipt)})
    text = written(made)
    assert "| numpy | 2.5.5 | 2.3.0 (1), 2.4.6 (5) |" in text
    assert "| torch | 2.13.0 | 2.13.0+cpu |" in text


def test_synthetic_data_and_missing_runs_come_first(inputs):
    text = written(inputs, "--synthetic", "--seeds", "0", "1", "2")
    assert text.splitlines()[2].startswith("**Synthetic data. DRAFT: 3 runs are missing (baseline-base-s2,")
    assert "**" not in written(inputs).splitlines()[2]


@pytest.mark.parametrize("title", ["MPI-INF-3DHP", "synthetic motion in the form of MPI-INF-3DHP"])
def test_each_further_data_set_has_a_section_under_its_title(inputs, title):
    places = [inputs.root / "mpi_inf_3dhp", inputs.root / "third"]
    for place in places:
        shutil.copytree(inputs.root / "store", place / "data")
        shutil.copytree(inputs.runs[0], place / "runs" / inputs.runs[0].name)
    further = {
        name: Further(
            notice=DataNotice(title, "synthetic" in title), grid=Grid(("baseline",), ("base",), (0,))
        )
        for name, title in (("mpi_inf_3dhp", title), ("third", "Circles"))
    }
    with (inputs.root / "results.csv").open("a") as table:
        table.write("third,baseline-base-s0,baseline,base,,detected,27,0,last,pck,all,,90\n")
    text = written(inputs, further=further)
    assert "| PCK | % |" in text  # which only the further data have
    assert under(text, "MPJPE")["Unit"] == "mm"
    assert [line for line in text.splitlines() if line.startswith("## Data")] == [
        "## Data: some \\| motion", f"## Data: {title}", "## Data: Circles",
    ]  # fmt: skip
    assert f"| {title}: Baseline, base | 0 | nothing |" in text
    assert f"| {title} | 1 | 0.50 | 0.75 |" in text
    assert "| Circles | 1 | 0.50 | 0.75 |" in text
    assert "| Together | 8 | 4.00 | 6.00 |" in text


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("store/frames/manifest.json", "no such file"),
        ("runs/full-base-s0/provenance.json", "train the run first"),
        ("runs/full-base-s0/metrics.json", "train the run first"),
        ("results.csv", "no such file"),
        ("cost.csv", "no such file"),
    ],
)
def test_a_missing_file_is_named(inputs, file, reason):
    (inputs.root / file).unlink()
    with pytest.raises(PoseliftError, match=f"{file}.*{reason}"):
        setup.main(arguments(inputs))
    assert not (inputs.root / "setup.md").exists()


@pytest.mark.parametrize("file", ["store/frames/manifest.json", "runs/full-base-s0/provenance.json"])
@pytest.mark.parametrize("text", ["", "[]", "{}"])
def test_a_damaged_file_is_named(inputs, file, text):
    (inputs.root / file).write_text(text)
    with pytest.raises(PoseliftError, match=f"{file}: not the"):
        setup.main(arguments(inputs))


def test_the_usual_value_is_the_most_frequent_one():
    settings = [{"a": 1, "b": 2}, {"a": 3, "b": 2}, {"a": 3, "c": None}]
    assert usual(settings) == {"a": 3, "b": 2, "c": None}


def test_hyper_parameters_are_the_usual_ones_of_their_architecture():
    models = [("full", {"dim": 16}), ("full", {"dim": 16}), ("baseline", {"dim": 4}), ("full", {"dim": 8})]
    groups = [Group(f"run {i}", name, (i,), {"lr": 0.1}, model) for i, (name, model) in enumerate(models)]
    found = recipes(groups, view())
    assert found["architectures"] == ["Full", "Baseline"]
    assert found["hyperparameters"] == [("dim", "16", "4")]
    said = [each for _, _, each in found["groups"]]
    assert said == ["nothing", "nothing", "nothing", "dim 8"]


def test_the_search_is_counted_with_its_gpu_hours(inputs):
    trials = pd.DataFrame({"trial": ["a", "b", "c"], "gpu_hours": ["0.25", "1.5", ""]})
    rows = time_spent([Data("", inputs.root, [read_run(run) for run in inputs.runs])], [trials])
    assert rows[-2:] == [("Search", 3, "–", "1.75"), ("Together", 6, "3.00", "4.50")]


def test_groups_keep_variants_apart(inputs):
    groups = grouped(Data("Here", inputs.root, [read_run(run) for run in inputs.runs]), view())
    assert [(group.name, group.seeds) for group in groups] == [
        ("Here: Baseline, base", (0, 1)),
        ("Here: MambaGCN, base", (0, 1)),
        ("Here: Full, base", (0,)),
        ("Here: Full, base, no_velocity", (7,)),
    ]
