"""From an artefact down to the hash of the raw file, in the project and in a paper folder far from it."""

import hashlib
import json
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from poselift.errors import PoseliftError
from poselift.provenance.chain import short_hash
from poselift.provenance.receipts import seal, write_receipt
from poselift.provenance.trace import main, runs_of_number

from .conftest import NONSENSE, damaged, mistyped

RAW = hashlib.sha256(b"raw motion").hexdigest()


def traced(capsys, *arguments: str) -> str:
    main([*arguments])
    return capsys.readouterr().out


@pytest.mark.parametrize(
    "target", ["tables/main", "table:main", "results/toy/tables/main.tex", "figures/curves", "results.csv"]
)
def test_a_file_down_to_the_raw_one(toy, capsys, target):
    text = traced(capsys, target)
    assert f"data/raw.pkl  sha256 {RAW}" in text
    assert "by evaluate, code " in text
    assert "runs/full-base-s0/history.json" in text


def test_a_run_has_its_own_chain_alone(toy, capsys):
    text = traced(capsys, "full-base-s1")
    assert text.startswith("results/toy/runs/full-base-s1/history.json")
    assert "full-base-s0" not in text
    assert RAW in text


def test_a_frozen_run_says_what_changed_since_or_that_nobody_knows(toy, capsys):
    path = Path("results/toy/provenance.json")
    for changed, said in (
        (["poselift.models.graph"], "poselift.models.graph"),
        (None, "not known what differs"),
    ):
        record = toy.gather() | {"frozen": {"full-base-s1": {"code": "c", "now": None, "changed": changed}}}
        path.write_text(json.dumps(record))
        assert f"; FROZEN, older code than now: {said}\n" in traced(capsys, "full-base-s1")
    assert "FROZEN" not in traced(capsys, "full-base-s0")


def test_a_run_of_the_second_data_set_has_to_be_named_in_full(toy, capsys):
    second = "results/toy/second/runs/full-base-s1"
    toy.job("second/train/full-base-s1", "train", ["data/raw.pkl"], {f"{second}/history.json": "{}"})
    assert traced(capsys, "full-base-s1").startswith("results/toy/runs/full-base-s1/history.json")
    assert traced(capsys, f"{second}/history.json").startswith(second)


def test_a_number_comes_from_the_runs_of_its_model(toy, capsys):
    text = traced(capsys, "full.base.mpjpe")
    assert text.startswith("full.base.mpjpe = 39.5 ± 0.3\n")
    assert "evaluation/full-base-s0.json" in text
    assert "evaluation/full-base-s1.json" in text
    assert "baseline" not in text


def test_a_change_comes_from_the_baseline_too(toy, capsys):
    text = traced(capsys, "detail.full.mpjpe.change")
    assert "evaluation/baseline-base-s0.json" in text
    assert "evaluation/full-base-s1.json" in text


@pytest.mark.parametrize("data", ["", "third/"])
def test_a_number_comes_from_its_model_and_a_change_from_the_base_on_the_same_data(data):
    made = [
        f"results/toy/{folder}runs/{model}-{size}-s{seed}/history.json"
        for folder in ("", "third/")
        for model in ("baseline", "full", "mamba_gcn")
        for size in ("small", "base")
        for seed in (0, 1)
    ]
    grid = {path for path in made if path.startswith(f"results/toy/{data}runs/")}
    key = f"{data.replace('/', '.')}full.base.mpjpe"
    own = {path for path in made if path.startswith(f"results/toy/{data}runs/full-base-")}
    base = {path for path in made if path.startswith(f"results/toy/{data}runs/mamba_gcn-base-")}
    made.append(f"results/toy/{data}runs/full-base-no_ssm-s0/history.json")
    # their variance is pooled over the grid, and a verdict is corrected for all its comparisons
    pooled = [
        f"{key}.{name}" for name in ("interval", "change.interval", "change.detectable", "change.verdict")
    ]
    for name, expected in ((key, own), (f"{key}.change", own | base), *((name, grid) for name in pooled)):
        relevant = runs_of_number(name, {"setup.base": "mamba_gcn"}, made)
        assert set(filter(relevant, made)) == expected


def test_an_edited_file_is_said(toy, capsys):
    Path("results/toy/results.csv").write_text("edited")
    assert "warning: results/toy/results.csv: not as rule results made it" in traced(capsys, "tables/main")


def test_in_a_paper_folder_alone(paper_folder, tmp_path_factory, monkeypatch, capsys):
    folder = shutil.copytree(paper_folder, tmp_path_factory.mktemp("away") / "paper")
    monkeypatch.chdir(folder.parent)
    text = traced(capsys, "paper/main.pdf")
    assert "results/toy/tables/main.tex" in text
    assert f"data/raw.pkl  sha256 {RAW}" in text
    assert RAW in traced(capsys, "--in", "paper", "full.base.mpjpe")
    assert RAW in traced(capsys, "paper/generated/tables/main.tex")


def test_many_of_a_kind_are_counted_unless_all_are_wanted(toy, capsys):
    assert "more files" not in traced(capsys, "results.csv")  # three are not many, four are
    run = "full-base-s2"
    toy.job(f"evaluate/{run}", "evaluate", [], {f"results/toy/evaluation/{run}.json": run})
    evaluations = sorted(map(str, Path("results/toy/evaluation").glob("*.json")))
    toy.job("paper/results", "results", evaluations, {"results/toy/results.csv": "more"})
    assert "... and 3 more files of such jobs (--all)" in traced(capsys, "results.csv")
    assert "full-base-s2.json" in traced(capsys, "results.csv", "--all")


def test_sources_are_of_no_kind_and_each_is_named(toy, capsys):
    texts = [f"src/{name}.tex.j2" for name in "abcde"]
    for path in texts:
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_text(path)
    toy.job("paper/table_main", "table", ["results/toy/results.csv", *texts], {toy.parts[0]: "a table\n"})
    lines = traced(capsys, "tables/main")
    assert all(f"{path}  sha256 " in lines for path in texts)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("full.base.mpjep", "did you mean full.base.mpjpe"),
        ("zzz", "no build made it"),
        ("best_model.safetensors", "may mean .*; say which"),
    ],
)
def test_what_is_not_there_is_said(toy, target, message):
    with pytest.raises(PoseliftError, match=message):
        main([target])


def test_a_folder_without_records(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PoseliftError, match="say where"):
        main(["tables/main"])
    with pytest.raises(PoseliftError, match="neither results of the workflow"):
        main(["tables/main", "--in", "."])


@pytest.mark.parametrize("text", NONSENSE)
def test_a_damaged_record_or_receipt_is_one_line(toy, paper_folder, text):
    damaged(paper_folder / "generated/provenance.json", text)
    with pytest.raises(PoseliftError, match=r"provenance\.json: not a record of what was made from what"):
        main(["full.base.mpjpe", "--in", str(paper_folder)])
    damaged(toy.results / "receipts/paper/results.json", text)
    with pytest.raises(PoseliftError, match=r"results\.json: not the receipt that its job wrote"):
        main(["tables/main"])


def test_any_value_of_another_type_is_one_line_or_makes_no_difference(toy, paper_folder, capsys):
    receipt = toy.results / "receipts/paper/results.json"
    content = json.loads(receipt.read_text())
    del content["seal"]
    for changed in mistyped(content):
        receipt.write_text(json.dumps({**changed, "seal": seal(changed)}))
        with suppress(PoseliftError):
            main(["tables/main"])
    record = paper_folder / "generated/provenance.json"
    whole = json.loads(record.read_text())
    whole["frozen"] = {"full-base-s0": {"code": "c", "now": "d", "changed": ["x"]}}
    for changed in mistyped(whole):
        record.write_text(json.dumps(changed))
        with suppress(PoseliftError):
            main(["main.pdf", "--in", str(paper_folder)])


def test_a_chain_of_three_thousand_jobs(toy, capsys):
    Path("results/toy/chain").mkdir()
    before = "data/raw.pkl"
    for number in range(1, 3001):
        made = f"results/toy/chain/{number}"
        Path(made).touch()
        log = f"results/toy/logs/chain/{number // 100}/{number}.log"
        write_receipt(log, "step", {"code": "c"}, [before], [made])
        before = made
    lines = traced(capsys, "results/toy/chain/3000").splitlines()
    assert [line.split()[0] for line in lines[::2][:2]] == [
        "results/toy/chain/3000",
        "results/toy/chain/2999",
    ]
    assert lines[-1].split()[0] == "data/raw.pkl"
    assert len(lines) == 2 * 3000 + 1
    assert short_hash([Path("results/toy/chain/3000")])


def test_a_file_made_from_itself_is_one_line(toy):
    for one, other in ("ab", "ba"):
        toy.job(f"x/{one}", "table", [f"results/toy/{other}"], {f"results/toy/{one}": ""})
    with pytest.raises(
        PoseliftError, match=r"results/toy/[ab]: the receipts say that it was made from itself"
    ):
        main(["results/toy/a"])


def test_escapes_in_receipts_do_nothing_to_the_terminal(toy, capsys):
    toy.job("x", "table", ["raw\x1b]0;title\x07\x1b[2J\r"], {"results/toy/x.csv": ""})
    shown = traced(capsys, "x.csv")
    assert "\\x1b]0;title\\x07\\x1b[2J\\r" in shown
    assert all(line.isprintable() for line in shown.splitlines())


def test_a_number_of_which_there_is_no_receipt_is_said(toy):
    Path("results/toy/receipts/paper/numbers.json").unlink()
    with pytest.raises(PoseliftError, match="no build made it"):
        main(["full.base.mpjpe"])


def test_what_is_above_is_named_by_the_file_that_is_above(toy, capsys):
    frames = [f"results/toy/data/{name}" for name in ("manifest.json", "arrays.npy")]
    toy.job("both", "frames", ["data/raw.pkl"], dict.fromkeys(frames, "x"))
    toy.job("index", "frames", frames[:1], {"results/toy/data/index.npy": "x"})
    toy.job("end", "table", ["results/toy/data/index.npy", frames[1]], {"results/toy/end": "x"})
    lines = [line.strip() for line in traced(capsys, "results/toy/end").splitlines()]
    assert f"{frames[1]}  2d711642b726  (made with {frames[0]}, above)" in lines


def test_the_one_data_set_that_knows_a_number_is_found(toy, capsys):
    shutil.copytree("results/toy", "results/other")
    for path in Path("results/other/receipts").rglob("*.json"):
        content = json.loads(path.read_text().replace("results/toy", "results/other"))
        path.write_text(json.dumps({**content, "seal": seal(content)}))
    Path("results/other/numbers.tex").write_text("\\defnum{full.base.p_mpjpe}{31.0}\n")
    assert "results/other/numbers.tex" in traced(capsys, "full.base.p_mpjpe")
    assert "results/toy/numbers.tex" in traced(capsys, "full.base.mpjpe")
    with pytest.raises(PoseliftError, match="say where with --in results/other or --in results/toy"):
        main(["tables/main"])
