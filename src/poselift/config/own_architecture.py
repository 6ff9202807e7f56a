"""A lifter of the user's: its file is imported and checked."""

import inspect
import re

from poselift.config import plugins
from poselift.config.architectures import Architecture, built_in
from poselift.config.card import Card
from poselift.config.faults import RULES
from poselift.config.run import ExecutionSettings, RunSettings, TrainingSettings
from poselift.config.sections import NAME, Section
from poselift.errors import PoseliftError, one_line

TAKEN = {
    *RunSettings.model_fields,
    *TrainingSettings.model_fields,
    *ExecutionSettings.model_fields,
    *("recipe", "store", "out", "device", "threads", "resume", "trial", "values", "factors", "rung"),
    *("goes_on", "seeds"),
    *("stop_after", "keep_weights", "previous", "start", "measure"),
}
"""Options of programs that build models: a lifter of one's own cannot call a setting so."""

FUNCTION = "expected a function build(size, n_frames, settings)"


def load(name: str, source: str) -> Architecture:
    """The lifter called `name` from the file or importable module `source`.

    Raises `PoseliftError` for a name that is taken or does not fit into paths, macros and commands, and for a
    file that is missing, cannot be imported, or is not as `poselift.config.architectures` says.
    """
    if not re.fullmatch(NAME, name):
        raise PoseliftError(f"architecture '{one_line(name)}' ({source}): expected {RULES[NAME]}")
    if name in built_in() or hasattr(Section, name):
        raise PoseliftError(f"architecture '{name}' ({source}): the name is taken; choose another one")
    module = plugins.load(source, f"architecture '{name}': ")
    _check_build(getattr(module, "build", None), source)
    settings, card = getattr(module, "Settings", Section), getattr(module, "CARD", None)
    if not (isinstance(settings, type) and issubclass(settings, Section)):
        raise PoseliftError(f"{source}: Settings: expected a subclass of poselift.config.sections.Section")
    for key, field in settings.model_fields.items():
        if key in TAKEN:
            raise PoseliftError(f"{source}: Settings: {key} is an option of every run; choose another name")
        if field.is_required():
            raise PoseliftError(f"{source}: Settings: {key}: expected a default")
    if card is not None and not isinstance(card, Card):
        found = type(card).__name__
        raise PoseliftError(f"{source}: CARD: expected a poselift.config.card.Card, found {found}")
    return Architecture(name, source, module, settings, card)


def _check_build(build: object, source: str) -> None:
    if not callable(build):
        raise PoseliftError(f"{source}: {FUNCTION}, found {'none' if build is None else repr(build)[:50]}")
    signature = inspect.signature(build)
    try:
        signature.bind(None, None, None)
    except TypeError:
        line = getattr(getattr(build, "__code__", None), "co_firstlineno", None)
        at = f"{source}:{line}" if line else source
        raise PoseliftError(f"{at}: {FUNCTION}, found build{signature}") from None
