"""The tests of the paper's claims, each beside its sentence in `paper/claims.yaml`, which has the syntax.

A test is about the last epoch unless it says `best`, and about the paper's main data set unless it names a
further one. An improvement is of the MPJPE unless another metric is named, in % of the other's number or in
the metric's unit. The size `detail` is the one that is shown in detail. Nothing of a claim is executed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from poselift.analysis.intervals import Model
from poselift.analysis.view import Grid
from poselift.config.architectures import built_in
from poselift.config.sections import suggest
from poselift.config.sizes import SIZES
from poselift.config.yaml_files import read_yaml
from poselift.errors import PoseliftError
from poselift.evaluation.metrics import METRICS

_TEST = re.compile(
    r"(?P<quantity>[\w-]+)\s*\((?P<subject>[^()]*)\)\s*(?P<relation><=|>=|<|>)\s*"
    r"(?P<value>-?\d+(?:\.\d+)?)\s*(?P<unit>%|mm(?:/frame(?:\^2)?)?)"
)
QUANTITIES = (*METRICS, "improvement")
SYNTAX = "expected as in 'mpjpe(full, base) < 40 mm' or 'improvement(full over baseline, base) > 10 %'"


@dataclass(frozen=True)
class Claim:
    """A claim and its test: the error of `model`, or by how much it is below that of `base`."""

    text: str
    test: str
    metric: str
    model: Model | None
    """None for the one with the best mean"""
    base: Model | None
    checkpoint: str
    relation: str
    value: float
    unit: str
    dataset: str = ""
    """a further data set; empty for the paper's main one"""


def parse(text: str, test: str, grid: Grid, detail: str, further: Mapping[str, Grid] | None = None) -> Claim:
    """Read a test, which may be about one of the `further` data sets, each with its grid.

    Raises `PoseliftError` that says what is wrong with it.
    """
    further = further or {}
    found = _TEST.fullmatch(test.strip())
    if found is None:
        raise PoseliftError(f"'{test}': cannot be read; {SYNTAX}")
    who, *words = [word.strip() for word in found["subject"].split(",")]
    quantity, improved = found["quantity"], found["quantity"] == "improvement"
    metric = next((word for word in words if word in METRICS), "mpjpe") if improved else quantity
    if metric not in METRICS:
        raise PoseliftError(f"'{test}': unknown metric '{quantity}'{suggest(quantity, QUANTITIES)}")
    dataset = next((word for word in words if word in further), "")
    sizes = [word for word in words if word not in ("best", "last", metric, dataset)]
    models: list[Model] = []
    best = "highest" if METRICS[metric].higher_is_better else "lowest"
    if who != best or improved or sizes:
        if len(sizes) != 1:
            odd = (word for word in sizes if word not in SIZES)
            unknown = [f"; unknown word '{word}'{suggest(word, QUANTITIES)}" for word in odd]
            reason = "names no size, or more than one" + "".join(unknown[-1:])
            raise PoseliftError(f"'{test}': {reason}; {SYNTAX}")
        names = [name.strip() for name in re.split(r"\bover\b", who)]
        if len(names) != 1 + improved:
            raise PoseliftError(f"'{test}': {SYNTAX}")
        if len(set(names)) < len(names):
            raise PoseliftError(f"'{test}': compares a model with itself")
        size = detail if sizes == ["detail"] else sizes[0]
        models = _models(test, names, size, [grid, *further.values()])
    model, base = [*models, None, None][:2]
    unit = METRICS[metric].unit
    if found["unit"] not in ({unit, "%"} if base else {unit}):
        raise PoseliftError(f"'{test}': {metric} is in {unit}, not in {found['unit']}")
    return Claim(
        text, test, metric, model, base, "best" if "best" in words else "last",
        found["relation"], float(found["value"]), found["unit"], dataset,
    )  # fmt: skip


def _models(test: str, architectures: list[str], size: str, grids: Sequence[Grid]) -> list[Model]:
    sizes = [*SIZES, *(size for grid in grids for size in grid.sizes)]
    known = [*built_in(), *(name for grid in grids for name in grid.architectures)]
    for what, name, there in [("size ", size, sizes), *(("", name, known) for name in architectures)]:
        if name not in there:
            raise PoseliftError(f"'{test}': no runs of {what}'{name}'{suggest(name, there)}")
    return [Model(name, size) for name in architectures]


def read_claims(
    path: Path, grid: Grid, detail: str, further: Mapping[str, Grid] | None = None
) -> list[Claim]:
    """The claims of a file. Raises `PoseliftError` with the number of the claim that is faulty."""
    listed = read_yaml(path)
    if not isinstance(listed, list):
        raise PoseliftError(f"{path}: expected a list of claims, each with the keys claim and test")
    claims = []
    for number, entry in enumerate(listed, start=1):
        keys = entry if isinstance(entry, dict) else {}
        if set(keys) != {"claim", "test"} or not all(isinstance(value, str) for value in keys.values()):
            raise PoseliftError(f"{path}: claim {number}: expected the keys claim and test, both text")
        try:
            claims.append(parse(keys["claim"], keys["test"], grid, detail, further))
        except PoseliftError as error:
            raise PoseliftError(f"{path}: claim {number}: {error}") from None
        # for which all would be corrected once more
        if (first := [each.test for each in claims].index(claims[-1].test) + 1) < number:
            raise PoseliftError(f"{path}: claim {number}: has the test of claim {first}; leave one out")
    return claims
