"""A short fault campaign; the long one: `python tests/faults/campaign.py --kills 30`."""

import pytest

from faults.campaign import campaign


@pytest.mark.slow
def test_final_artefacts_are_those_of_an_undisturbed_build(tmp_path):
    found = campaign(tmp_path, kills=4, seed=0)
    assert found.faults == []
    assert found.kills.total() == 4
    assert len(found.expected) > 50
