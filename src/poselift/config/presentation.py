"""How the architectures of an experiment are presented."""

from collections.abc import Iterable, Mapping

from poselift.config.architectures import find
from poselift.config.card import Card

COLOURS = ("#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
MARKERS = ("^", "v", "P", "X", "*", "h")
LINES = (":", "--", "-.")


def cards(names: Iterable[str], own: Mapping[str, str]) -> dict[str, Card]:
    """The card of each architecture by name. What that of a user's (one of `own`) does not say is chosen such
    that no two of them look alike."""
    chosen = {}
    for name in names:
        card = find(name, own.get(name)).card
        said = card.model_dump(exclude_unset=True) if card else {}
        i = list(own).index(name) if name in own else 0
        look = {"colour": COLOURS[i % 5], "marker": MARKERS[i % 6], "line": LINES[i % 3]}
        chosen[name] = Card.model_validate({"label": name, **look, **said})
    return chosen
