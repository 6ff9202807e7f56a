"""`poselift claims`: the verdicts of the results that are there."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from poselift.analysis.claims import Judgement
from poselift.analysis.verdicts import main
from poselift.errors import PoseliftError


@pytest.fixture
def judged(tmp_path, monkeypatch):
    """Write a judged claim of a data set."""
    monkeypatch.chdir(tmp_path)

    def write(dataset: str, verdict: str) -> None:
        judgement = Judgement(f"Good on {dataset}.", "mpjpe(full, base) < 40 mm", verdict, "so it is", "mm")
        path = Path("results", dataset, "claims.json")
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps([asdict(judgement)]))

    return write


def test_the_claims_of_the_only_results_are_printed(judged, capsys):
    judged("one", "supported")
    main([])
    assert capsys.readouterr().out.startswith("supported: Good on one. [mpjpe(full, base) < 40 mm]")
    judged("two", "refuted")
    with pytest.raises(PoseliftError, match=r"which claims.* results/one or results/two"):
        main([])
    with pytest.raises(PoseliftError, match="of 1 claims: 1 refuted"):
        main(["results/two"])


@pytest.mark.parametrize("verdict", ["refuted", "inconclusive", "not tested"])
def test_a_claim_that_is_not_supported_is_an_error(judged, verdict):
    judged("one", verdict)
    with pytest.raises(PoseliftError, match=f"of 1 claims: 1 {verdict}"):
        main([])


def test_without_claims_it_says_how_to_have_them_judged(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PoseliftError, match="no judged claims; build them with `snakemake claims`"):
        main([])
