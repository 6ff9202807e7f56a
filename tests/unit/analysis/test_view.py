"""The view on a command line, and what a program sees of it."""

import argparse
import shlex

import pytest

from poselift.analysis.view import PARTS, AblationEntry, Further, Grid, add_options, from_options, to_options
from poselift.config.card import Card
from poselift.config.search import Tuned
from poselift.errors import PoseliftError
from shown import REAL, SYNTHETIC, view

ENTRY = AblationEntry(name="chain", title="Bob's chain", architecture="full", size="base", seeds=(0, 1))
WHOLE = view(
    ablation=(ENTRY,),
    ground_truth_2d=Grid(("full",), ("base",), (0,), "gt2d"),
    further={"third": Further(notice=REAL, grid=Grid(("full",), ("tiny",), (7,)))},
    stages=("coarse", "fine"),
    tuned={"full": Tuned(keys=["lr"], trials=9, size="base", seeds=3, subject="S8")},
    streaming=True,
)


def read(words: str, parts: tuple[str, ...]):
    parser = argparse.ArgumentParser()
    add_options(parser, parts)
    return from_options(parser.parse_args(shlex.split(words)), parts)


def test_a_view_is_read_as_it_was_said():
    parts = tuple(part for part in PARTS if part != "labels")
    assert read(to_options(WHOLE, parts), parts) == WHOLE
    more = Grid(("full",), ("tiny", "base"), (0,), more_seeds={"base": (2, 1)})
    for other in (view(), view(notice=SYNTHETIC), view(decimals=0), view(more)):
        assert read(to_options(other, parts), parts) == other


def test_numbers_and_names_are_plain_words_of_the_command_line():
    assert to_options(WHOLE, ["grid", "decimals"]) == (
        "--architectures baseline full --sizes xsmall base --seeds 0 1 2 --decimals 1"
    )


@pytest.mark.parametrize("part", PARTS)
def test_a_program_sees_its_part_alone(part):
    found = read(to_options(WHOLE, [part]), (part,))
    field = {"labels": "cards"}.get(part, part)
    assert getattr(found, field)
    for other in {"labels": "cards"}.items() | {name: name for name in PARTS}.items():
        if other[1] != field and other[0] != "labels":
            with pytest.raises(AttributeError):
                getattr(found, other[1])


def test_labels_are_the_cards_without_their_look():
    blue = view(cards={"mine": Card(label="Mine", colour="#0000ff", components="𝐴")})
    green = view(cards={"mine": Card(label="Mine", colour="#00ff00", components="𝐴")})
    assert to_options(blue, ["labels"]) == to_options(green, ["labels"])
    assert to_options(blue, ["cards"]) != to_options(green, ["cards"])
    assert read(to_options(blue, ["labels"]), ("labels",)).card("mine").components == "𝐴"


def test_an_architecture_without_a_card_has_its_name():
    assert view().label("another") == "another"
    assert view().card("another").marker == Card(label="x").marker


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("--architectures full --sizes base", "--seeds is missing"),
        ("", "--architectures is missing"),
    ],
)
def test_a_missing_option_is_named(words, reason):
    with pytest.raises(PoseliftError, match=reason):
        read(words, ("grid",))


def test_nonsense_is_one_line():
    with pytest.raises(PoseliftError, match=r"options: statistics\.confidence: .* but it is 3\.0") as error:
        read("--confidence 3", ("statistics",))
    assert "\n" not in str(error.value)


def test_missing_runs_are_those_of_the_grid_the_ablation_and_ground_truth():
    there = WHOLE.grid.missing([])
    assert WHOLE.missing_runs(there) == ["full-base-gt2d-s0", "full-base-chain-s0", "full-base-chain-s1"]
    assert view().missing_runs(there[1:]) == [there[0]]


@pytest.mark.parametrize(
    ("architectures", "base"),
    [(("full", "baseline"), "baseline"), (("mine", "full"), "mine"), (("mine",), "mine")],
)
def test_models_are_compared_with_the_baseline_and_without_it_with_the_first(architectures, base):
    assert Grid(architectures, ("base",), (0,)).base == base


def test_a_size_may_have_more_seeds():
    grid = Grid(("full",), ("tiny", "base"), (0, 1), more_seeds={"base": (1, 5)})
    assert grid.missing(["full-tiny-s0", "full-base-s1"]) == ["full-tiny-s1", "full-base-s0", "full-base-s5"]
    assert grid.most_seeds == (0, 1, 5)
    assert view(grid).detail == Grid(("full",), ("base",), (0, 1, 5))


def test_runs_of_an_entry_and_of_what_it_is_compared_with_are_missed():
    entry = AblationEntry(
        name="wider", title="", architecture="baseline", size="wide", seeds=(0,), against=("full", "base")
    )
    assert entry.missing([]) == ["full-base-s0", "baseline-wide-wider-s0"]
