"""The settings of a trial: those of a run, changed by an earlier winner's values and by its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from poselift.config.run import RunSettings, TrainingSettings
from poselift.config.sections import parse
from poselift.errors import PoseliftError
from poselift.search.space import Point, significant

MODEL = ("architecture", "size")


@dataclass(frozen=True)
class Trial:
    """One trial: `base`, the run as the configuration has it, and what the trial changes."""

    name: str
    base: RunSettings
    values: Point
    factors: Mapping[str, float]

    def settings(self, inherited: Mapping[str, Any]) -> RunSettings:
        """The resolved settings, starting from the searched values of a winner, `inherited`, as far as the
        trial's architecture has them. Raises `PoseliftError` for values that do not fit."""
        start = changed(self.base, self.taken(inherited))
        scaled = {key: _scaled(value_of(start, key), factor, key) for key, factor in self.factors.items()}
        return changed(start, {key: value for key, value in self.values.items() if key not in MODEL} | scaled)

    def searched(self, inherited: Mapping[str, Any]) -> Point:
        """Every searched key with its value: those that the trial varies and those it has from a winner."""
        settings, keys = self.settings(inherited), {**self.taken(inherited), **self.values, **self.factors}
        return {key: value_of(settings, key) for key in keys}

    def taken(self, inherited: Mapping[str, Any]) -> Point:
        """The values of an earlier winner that apply to this trial."""
        known = {*TrainingSettings.model_fields, *type(self.base.model).model_fields}
        return {key: value for key, value in inherited.items() if key in known}


def value_of(settings: RunSettings, key: str) -> Any:
    """The value of a searchable key: the model's name or size, a hyper-parameter, a key of the training."""
    for section in (settings, settings.training, settings.model):
        if key in type(section).model_fields:
            return getattr(section, key)
    raise PoseliftError(f"{key} has no meaning for architecture '{settings.architecture}'")


def changed(settings: RunSettings, changes: Mapping[str, Any]) -> RunSettings:
    """`settings` with some keys of the training or of the model changed, validated again."""
    nested = settings.model_dump()
    for key, value in changes.items():
        value_of(settings, key)
        nested["training" if key in TrainingSettings.model_fields else "model"][key] = value
    return parse(RunSettings, nested, ", ".join(f"{key} = {value}" for key, value in changes.items()))


def _scaled(value: Any, factor: float, key: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PoseliftError(f"{key} = {value!r} is not a number that a factor could change")
    return round(value * factor) if isinstance(value, int) else significant(value * factor, 6)
