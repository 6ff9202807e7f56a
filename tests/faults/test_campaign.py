"""A short fault campaign, and the line to type after a crash; the long campaign:
`python tests/faults/campaign.py --kills 30`."""

import pytest

from faults.campaign import VICTIMS, campaign, line_after_a_crash
from project import REPOSITORY

KILLS = 6


@pytest.mark.slow
def test_final_artefacts_are_those_of_an_undisturbed_build(undisturbed, tmp_path):
    found = campaign(tmp_path / "disturbed", undisturbed, kills=KILLS, seed=0)
    assert found.faults == []
    assert found.kills.total() == KILLS
    assert set(found.kills) == set(VICTIMS)
    assert len(found.expected) > 50


def test_the_line_after_a_crash_is_the_same_everywhere():
    """The campaign types what the README says; the other place where it stands says the same."""
    assert line_after_a_crash() in (REPOSITORY / "docs/cluster.md").read_text().splitlines()
