"""What auditors find is either explained or an error; the page in docs/ has nothing that is not explained."""

import re
from pathlib import Path

import pytest

import audit

PAGE = (Path(__file__).parents[2] / "docs/audit.md").read_text(encoding="utf-8")


def test_all_that_was_found_is_explained_and_nothing_else():
    rows = re.findall(r"^\| .* \| .* \| (.*) \| (.*) \|$", PAGE, re.MULTILINE)[1:]
    found = {name for row in rows for cell in row for name in cell.split(", ")} - {"–"}
    assert found == set(audit.REASONS)
    assert "**an error**" not in PAGE


def test_every_auditor_that_was_asked_for_has_run_or_is_named_as_not_run():
    ran, _, not_run = PAGE.partition("| not run | why |")
    asked = (
        "snakemake --lint",
        "roc-validator",
        "cffconvert",
        "adduce 0.2.0, neurips",
        "adduce 0.2.0, acm",
        "rrdoctor",
    )
    assert all(f"| {name}" in ran for name in asked)
    assert all(f"| {name} |" in not_run for name in ("claims-cli", "actionlint"))


def test_a_fault_without_a_reason_is_an_error(monkeypatch, tmp_path):
    (tmp_path / "ro-crate-metadata.json").touch()
    for name in ("plain", "crate", "adduce"):
        monkeypatch.setattr(audit, name, lambda *_: audit.Finding("one", "well"))
    monkeypatch.setattr(audit, "version", lambda _: "1")
    monkeypatch.setattr(audit, "rrdoctor", lambda: audit.Finding("two", "badly", ("RRD002", "NEW")))
    options = ["--crate", str(tmp_path), "--out", str(tmp_path / "page.md")]
    with pytest.raises(SystemExit, match="not explained:\nNEW"):
        audit.main(options)
    assert "| NEW | **an error** |" in (tmp_path / "page.md").read_text()
    assert "| two | badly | RRD002, NEW |" in (tmp_path / "page.md").read_text()
