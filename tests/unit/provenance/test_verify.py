"""Every changed byte is found and named, with nothing but Python; the folder is valid RO-Crate."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from rocrate.rocrate import ROCrate

from poselift.errors import PoseliftError
from poselift.paper.crate import write_crate
from poselift.provenance import verify as verify_module
from poselift.provenance.chain import read_chain
from poselift.provenance.hashing import sha256
from poselift.provenance.receipts import seal
from poselift.provenance.verify import main, verify

from .conftest import NONSENSE, damaged, mistyped


@pytest.fixture
def sealed(paper_folder) -> Path:
    write_crate(paper_folder)
    return paper_folder


def alone(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the copy in the folder with an interpreter that sees no installed package."""
    command = [sys.executable, "-I", "-S", "verify.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def test_an_untouched_folder_passes_alone(sealed):
    answer = alone(sealed)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "as recorded" in answer.stdout


def test_coreutils_agree(sealed):
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=sealed, check=True)


def test_a_flipped_bit_is_found_in_every_file(sealed):
    rng = random.Random(0)
    for path in files(sealed):
        whole = path.read_bytes()
        for position in {0, len(whole) - 1, *(rng.randrange(len(whole)) for _ in range(8))}:
            changed = bytearray(whole)
            changed[position] ^= 1 << rng.randrange(8)
            path.write_bytes(changed)
            try:
                found, _ = verify(sealed)
            except Exception as error:  # SHA256SUMS itself
                found = [str(error)]
                assert path.name == "SHA256SUMS"
            if path.name != "SHA256SUMS":  # there the file is named whose hash was changed
                assert [line for line in found if line.startswith(path.relative_to(sealed).as_posix())]
            assert found, (path, position)
        path.write_bytes(whole)
    assert verify(sealed)[0] == []


def test_each_kind_of_damage_is_named(sealed):
    (sealed / "generated/tables/main.tex").write_text("b table\n")
    (sealed / "main.pdf").write_bytes((sealed / "main.pdf").read_bytes()[:5])
    (sealed / "generated/figures/curves.pdf").unlink()
    (sealed / "generated/tables/extra.tex").write_text("new")
    (sealed / "main.aux").write_text("of a compilation, which is fine")
    answer = alone(sealed)
    assert answer.returncode == 1
    assert sorted(answer.stdout.splitlines()) == [
        "generated/figures/curves.pdf: missing",
        "generated/tables/extra.tex: added, no build made it",
        "generated/tables/main.tex: edited",
        "main.pdf: cut short or edited (5 of 18 bytes)",
    ]


def test_results_of_the_workflow(toy, capsys):
    main(["results/toy"])
    for path in files(toy.results):
        if path.is_relative_to(toy.results / "code"):
            continue
        whole = path.read_bytes()
        changed = bytearray(whole)
        changed[len(whole) // 2] ^= 1
        path.write_bytes(changed)
        name = path.as_posix()
        assert [line for line in verify(toy.results)[0] if line.startswith(name)], path
        path.write_bytes(whole)
    (toy.results / "results.csv").unlink()
    with pytest.raises(SystemExit, match="1"):
        main(["results/toy"])
    assert "results/toy/results.csv: missing" in capsys.readouterr().out


def test_a_missing_receipt_is_found_by_the_record(toy):
    (toy.results / "provenance.json").write_text(json.dumps(toy.gather()))
    (toy.results / "report_provenance.json").write_text(
        '{"outputs": {}}'
    )  # of the page, which has other parts
    (toy.results / "receipts/paper/table_main.json").unlink()
    assert verify(toy.results)[0] == ["results/toy/tables/main.tex: the receipt of its job is missing"]


def test_a_folder_without_records(tmp_path):
    with pytest.raises(SystemExit, match="neither SHA256SUMS"):
        main([str(tmp_path)])


def test_an_unsealed_folder_is_refused(tmp_path):
    with pytest.raises(PoseliftError, match=r"provenance.json: no such file"):
        write_crate(tmp_path)


def test_the_crate_tells_what_made_each_part(sealed):
    crate = ROCrate(str(sealed))
    assert crate.root_dataset["conformsTo"].id == "https://w3id.org/ro/wfrun/process/0.5"
    table = crate.get("generated/tables/main.tex")
    made = [action for action in crate.get_by_type("CreateAction") if table in action["result"]]
    assert [action["name"] for action in made] == ["table: paper/table_main"]
    assert made[0]["instrument"]["name"] == "poselift.analysis.costs"
    assert [each["name"] for each in made[0]["object"]] == ["results/toy/results.csv"]
    (pdf,) = [a for a in crate.get_by_type("CreateAction") if crate.get("main.pdf") in a["result"]]
    parts = ("numbers.tex", "tables/main.tex", "figures/curves.pdf")
    assert {each.id for each in pdf["object"]} == {"main.tex", *(f"generated/{part}" for part in parts)}
    trainer = crate.get("#job/train/full-base-s0")["instrument"]
    assert trainer["softwareRequirements"] == ["torch==2.0"]
    assert trainer.id == f"#code/{trainer['version']}"
    raw = crate.get("#data/raw.pkl")
    assert len(raw["sha256"]) == 64


def test_the_crate_says_when_each_job_ended_and_the_last_of_them(paper_folder):
    path = paper_folder / "generated/provenance.json"
    record = json.loads(path.read_text())
    ended = {name: f"2030-01-{day:02}" for day, name in enumerate(record["core"]["jobs"], start=1)}
    record["volatile"]["jobs"] = {name: {"ended": day, "host": ""} for name, day in ended.items()}
    path.write_text(json.dumps(record))
    write_crate(paper_folder)
    crate = ROCrate(str(paper_folder))
    assert {name: crate.get(f"#job/{name}")["endTime"] for name in ended} == ended
    assert crate.root_dataset["datePublished"].startswith(max(ended.values()))


def test_every_reference_in_the_crate_leads_somewhere(sealed):
    crate = ROCrate(str(sealed))
    keys = ("object", "result", "instrument", "hasPart", "mentions", "license", "conformsTo")
    for entity in crate.get_entities():
        for key in keys if entity.id != "ro-crate-metadata.json" else ():
            values = entity.get(key) or []
            for value in values if isinstance(values, list) else [values]:
                assert not isinstance(value, str), (entity.id, key)  # what is not found stays a string
    listed = {entity.id for entity in crate.data_entities}
    names = {path.relative_to(sealed).as_posix() for path in files(sealed)}
    assert names - listed == {"SHA256SUMS", "ro-crate-metadata.json"}


def test_the_licence_is_the_one_that_people_wrote_beside_the_text(paper_folder):
    write_crate(paper_folder)
    assert "No licence given" in ROCrate(str(paper_folder)).root_dataset["license"]["name"]
    (paper_folder / "LICENSE").write_text("CC BY 4.0\n")
    write_crate(paper_folder)
    crate = ROCrate(str(paper_folder))
    assert crate.root_dataset["license"].id == "LICENSE"
    assert crate.get("#license") is None


@pytest.mark.parametrize("text", NONSENSE)
def test_damaged_records_are_named_or_passed_over(toy, paper_folder, text, capsys):
    write_crate(paper_folder)
    damaged(paper_folder / "ro-crate-metadata.json", text)
    assert verify(paper_folder)[0] == ["ro-crate-metadata.json: edited"]
    receipt = toy.results / "receipts/paper/results.json"
    damaged(receipt, text)
    damaged(toy.results / "provenance.json", text)
    assert verify(toy.results)[0] == [f"{receipt}: damaged receipt"]


def test_receipts_of_other_types_are_named_or_make_no_difference(toy):
    receipt = toy.results / "receipts/paper/results.json"
    content = json.loads(receipt.read_text())
    del content["seal"]
    for changed in mistyped(content):
        receipt.write_text(json.dumps({**changed, "seal": seal(changed)}))
        verify(toy.results)


def test_escapes_do_nothing_to_the_terminal(toy, capsys):
    toy.job("x", "table", [], {"results/toy/x\x1b[2J": ""})
    Path("results/toy/x\x1b[2J").unlink()
    with pytest.raises(SystemExit):
        main(["results/toy"])
    assert "results/toy/x\\x1b[2J: missing" in capsys.readouterr().out


def test_of_two_receipts_the_later_counts(toy):
    table = toy.results / "tables/main.tex"
    for ended, text in (("2030", "newer"), ("2020", "older")):
        table.write_text(text)
        other = toy.results / f"receipts/paper/table_{ended}.json"
        content = json.loads((toy.results / "receipts/paper/table_main.json").read_text())
        content["outputs"][table.as_posix()] = {"sha256": sha256(table), "size": 5}
        content["volatile"]["ended"] = f"{ended}-01-01T00:00:00+00:00"
        other.write_text(json.dumps({**content, "seal": seal(content)}))
    assert verify(toy.results)[0] == [f"{table}: edited"]
    table.write_text("newer")
    assert verify(toy.results)[0] == []
    assert read_chain(toy.results).makers[table.as_posix()].name == "paper/table_2030"


def test_a_file_that_cannot_be_read_is_named(sealed, monkeypatch):
    def refused(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(verify_module, "sha256", refused)
    assert "main.tex: cannot be read (Permission denied)" in verify(sealed)[0]
