"""A short campaign against work done twice; the long one: `python tests/faults/nothing_twice.py`."""

import pytest

from faults.nothing_twice import EDITS, edit, kill, prepared

pytestmark = pytest.mark.slow

SAMPLE, KILLS = 5, 2


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    return prepared(tmp_path_factory.mktemp("trained") / "project", seed=0)


def test_edits_that_change_no_byte_of_the_data_train_nothing(trial):
    for name in trial.dice.sample(sorted(EDITS), SAMPLE):
        edit(trial, name)
    assert trial.faults == []
    assert trial.done.total() == SAMPLE


def test_a_training_whose_snakemake_died_is_not_done_again(trial):
    for _ in range(KILLS):
        kill(trial)
    assert trial.faults == []
