"""The chain is read wherever the results lie, and while other jobs are at work."""

import shutil
from pathlib import Path

from poselift.provenance.chain import read_chain, results_folder, short_hash
from poselift.provenance.verify import verify_results

TABLE = Path("results/toy/tables/main.tex")


def test_results_may_be_a_link_to_another_disk(toy, tmp_path_factory):
    before = toy.gather(), short_hash([TABLE])
    elsewhere = tmp_path_factory.mktemp("disk") / "large"
    shutil.move("results", elsewhere)
    Path("results").symlink_to(elsewhere)
    assert (toy.gather(), short_hash([TABLE])) == before
    assert results_folder(TABLE) == toy.root / toy.results
    assert verify_results(toy.results) == []


def test_a_receipt_that_is_being_written_is_not_read(toy):
    before = read_chain(toy.results)
    Path("results/toy/receipts/paper/.table_main.0a1b2c3d.json").write_text('{"rule": "ta')
    assert read_chain(toy.results) == before
    assert verify_results(toy.results) == []
