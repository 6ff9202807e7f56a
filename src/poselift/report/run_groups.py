"""Runs that differ in their seeds alone, and what their settings share and do not share."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from poselift.analysis.names import architecture_label
from poselift.config.run import RunSettings


@dataclass(frozen=True)
class Group:
    """The seeds of a model, or of a variant of it, on one data set."""

    name: str
    architecture: str
    seeds: tuple[int, ...]
    recipe: dict[str, Any]
    """settings that all architectures have"""
    model: dict[str, Any]
    """hyper-parameters of the architecture"""


def grouped(runs: Iterable[RunSettings], prefix: str = "") -> list[Group]:
    """The groups of some runs in their order; `prefix` is put before their names."""
    alike: dict[tuple[str, str, str | None], list[RunSettings]] = {}
    for run in runs:
        alike.setdefault((run.architecture, run.size, run.variant), []).append(run)
    return [
        Group(
            prefix + ", ".join(filter(None, (architecture_label(architecture), size, variant))),
            architecture,
            tuple(sorted(run.seed for run in members)),
            {
                "n_frames": members[0].n_frames,
                "input_2d": members[0].input_2d,
                **members[0].training.model_dump(mode="json"),
            },
            members[0].model.model_dump(mode="json"),
        )
        for (architecture, size, variant), members in alike.items()
    ]


def usual(settings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The value that each key has most often; the first of those that are as frequent."""
    return {
        key: Counter(each[key] for each in settings if key in each).most_common(1)[0][0]
        for key in dict.fromkeys(key for each in settings for key in each)
    }


def differing(settings: Mapping[str, Any], from_usual: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that are not the usual ones."""
    return {key: value for key, value in settings.items() if value != from_usual[key]}


def shown(value: Any) -> str:
    """A setting as config.yaml has it: 0.0005, true, fp32."""
    return str(value).lower() if isinstance(value, bool) else str(value)
