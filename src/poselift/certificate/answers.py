"""The questions of a certificate, answered from the record of the paper and from what was made again."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from poselift.certificate.tolerance import TOLERANCES, close, drawn_alike
from poselift.comparison.builds import Build, Change, changes, read_build
from poselift.comparison.causes import all_causes
from poselift.paper.assemble import GENERATED

Verdict = Literal["reproduced exactly", "reproduced within the tolerance", "not reproduced"]

SAME = {
    "code": ("code",), "settings": ("option", "seed"), "data": ("data",), "versions": ("versions",),
    "text": ("text",),
}  # fmt: skip
"""What can have been the same when the paper was made again, with the kinds of causes that speak against it.
These answers explain and do not decide: with other versions the numbers can be the same."""


@dataclass(frozen=True)
class Answer:
    """An answer with its reasons, and whether the paper is reproduced only if it is yes."""

    question: str
    said: Literal["yes", "no", "not checked"]
    because: Sequence[str] = ()
    decides: bool = True


def answers(
    stated: Path, again: Path | None, edited: Sequence[str], taken: Sequence[str], reason: str
) -> dict[str, Answer]:
    """The answers by their names.

    `stated` is the paper folder that is checked, `again` that which was made again, None if it could not be
    for a `reason`. Of the files of the one `edited` are not as recorded, nor are `taken` of those that were
    taken as given: a sentence each.
    """
    gone = [fault for fault in taken if re.search(r"/(runs|evaluation)/.*: missing$", fault)]
    builds = (read_build(stated), read_build(again)) if again else None
    listed = changes(*builds) if builds else []
    against = [*gone, *(_other_runs(*builds) if builds else ())]
    causes = all_causes(builds[0].record, builds[1].record) if builds else []
    causes += [each.causes[0] for each in listed if each.kind == "Text"]

    def said(question: str, against: Sequence[str], known: bool = True, decides: bool = True) -> Answer:
        return Answer(question, "no" if against else "yes" if known else "not checked", against, decides)

    found = {
        "recorded": said("Is the paper as its record says?", edited),
        "taken": said("Is what is taken as given what the record names?", taken),
        "complete": said("Are all runs of the paper there, and no others?", against, builds is not None),
        "remade": said("Could the rest be made again?", [reason] if reason else []),
    }
    for kind in TOLERANCES:
        question = f"Are the {kind.lower()} those that the paper states?"
        of_kind = [each for each in listed if each.kind == kind]
        beyond = [_in_words(each) for each in of_kind if not (again and _within(each, stated, again))]
        found[kind] = said(question, beyond, builds is not None)
        if of_kind and not beyond:
            within = [f"within the tolerance: {_in_words(each)}" for each in of_kind]
            found[kind] = Answer(question, "yes", within)
    for name, kinds in SAME.items():
        question = f"Was it made again with the same {name}?"
        of_kinds = [cause for cause in dict.fromkeys(causes) if cause.partition(":")[0] in kinds]
        found[name] = said(question, of_kinds, builds is not None, decides=False)
    return found


def verdict(given: Mapping[str, Answer]) -> Verdict:
    """What the answers come to."""
    deciding = [answer for answer in given.values() if answer.decides]
    if any(answer.said != "yes" for answer in deciding):
        return "not reproduced"
    within = any(answer.because for answer in deciding)
    return "reproduced within the tolerance" if within else "reproduced exactly"


def _in_words(change: Change) -> str:
    return f"{change.name}: {change.old or '–'} -> {change.new or '–'} ({'; '.join(change.causes)})"


def _within(change: Change, stated: Path, again: Path) -> bool:
    if change.kind != "Figures":
        return close(change.old, change.new)
    pair = [folder / GENERATED / "figures" / f"{change.name}.pdf" for folder in (stated, again)]
    return all(path.is_file() for path in pair) and drawn_alike(*pair)


def _other_runs(stated: Build, again: Build) -> list[str]:
    jobs = [build.record["core"]["jobs"] for build in (stated, again)]
    runs = [{name for name, job in each.items() if job["rule"] == "evaluate"} for each in jobs]
    sides = {"in the paper only": runs[0] - runs[1], "not in the paper": runs[1] - runs[0]}
    return [f"{run}: {where}" for where, names in sides.items() for run in sorted(names)]
