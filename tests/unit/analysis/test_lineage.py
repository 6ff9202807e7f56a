"""The entries of a record: parts first, jobs of the same code together, the raw data last."""

from poselift.analysis.lineage import entries, grouped, raw_data


def test_parts_come_first_and_the_raw_data_last(record):
    listed = entries(record)
    assert [str(entry.anchor) for entry in listed[:2]] == ["figures/curves.pdf", "tables/main.tex"]
    assert str(listed[2].anchor) == "results"
    assert str(listed[-1].anchor) == "raw"


def test_runs_of_the_same_code_are_one_entry(record):
    names = [entry.names for entry in entries(record)]
    assert ["train/{full-base-s0, full-base-s1}"] in names
    assert ["train/baseline-base-s0"] in names


def test_many_runs_of_the_same_code_are_counted_in_short(record):
    train = record["core"]["jobs"]["train/full-base-s0"]
    more = {f"train/full-base-s{seed}": train for seed in range(2, 9)}
    record["core"]["jobs"] |= more
    assert ["train/* (9)"] in [entry.names for entry in entries(record, short=True)]
    assert ["train/* (9)"] not in [entry.names for entry in entries(record)]


def test_an_entry_says_by_whom_and_from_what(record):
    table = entries(record)[1]
    assert table.modules == ["poselift.c-table"]
    assert table.inputs == [("results", "results"), ("main.tex.j2 (999999999999)", "")]


def test_what_was_read_leads_to_the_entry_that_made_it(record):
    listed = entries(record)
    (results,) = (entry for entry in listed if entry.anchor == "results")
    # runs of two codes are two entries
    assert results.inputs == [
        ("train/baseline-base-s0", "train/baseline-base-s0"),
        ("train/{full-base-s0, full-base-s1}", "train/full-base-s0"),
    ]
    anchors = {entry.anchor for entry in listed}
    assert {made for entry in listed for _, made in entry.inputs if made} <= anchors


def test_the_raw_data_are_the_files_that_are_checked_measured_or_made(record):
    assert raw_data(record) == {"raw_file.pkl": "0123456789abcdef" * 4}
    made = {"results/toy/data/motion.pkl": "a" * 64, "results/toy/data/raw.sha256": "b" * 64}
    record["core"]["jobs"]["raw"]["inputs"] = [*made]
    record["outputs"] |= {path: {"sha256": digest, "size": 1} for path, digest in made.items()}
    assert raw_data(record) == {"data/motion.pkl": "a" * 64}  # the digest is no motion


def test_names_of_many_jobs_are_counted():
    assert grouped(["a/1", "a/2", "b"], few=2) == ["a/{1, 2}", "b"]
    assert grouped(["a/1", "a/2", "a/3"], few=2) == ["a/* (3)"]
