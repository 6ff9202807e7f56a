"""A lifter of the user's: its file is imported and checked; errors name the file and the line."""

import importlib
import importlib.util
import inspect
import re
import sys
import traceback
from pathlib import Path
from types import ModuleType

from poselift.config.architectures import Architecture, built_in
from poselift.config.card import Card
from poselift.config.run import ExecutionSettings, RunSettings, TrainingSettings
from poselift.config.sections import NAME, Section
from poselift.errors import PoseliftError, one_line

TAKEN = {
    *RunSettings.model_fields,
    *TrainingSettings.model_fields,
    *ExecutionSettings.model_fields,
    *("recipe", "store", "out", "device", "threads", "resume", "trial", "values", "factors", "rung"),
    *("stop_after", "keep_weights", "previous", "start", "measure"),
}
"""Options of programs that build models: a lifter of one's own cannot call a setting so."""

FUNCTION = "expected a function build(size, n_frames, settings)"

_folders: set[Path] = set()
"""Folders of the users' files that were imported."""


def load(name: str, source: str) -> Architecture:
    """The lifter called `name` from the file or importable module `source`.

    Raises `PoseliftError` for a name that is taken or does not fit into paths, macros and commands, and for a
    file that is missing, cannot be imported, or is not as `poselift.config.architectures` says.
    """
    if not re.fullmatch(NAME, name):
        raise PoseliftError(
            f"architecture '{one_line(name)}' ({source}): expected a name of small letters, digits and "
            "underscores that begins with a letter"
        )
    if name in built_in() or hasattr(Section, name):
        raise PoseliftError(f"architecture '{name}' ({source}): the name is taken; choose another one")
    module = _imported(name, source)
    _check(module, source)
    settings, card = getattr(module, "Settings", Section), getattr(module, "CARD", None)
    return Architecture(name, source, module, settings, card)


def fault(source: str, file: str | None, what: str, error: BaseException) -> PoseliftError:
    """An error that names the line of the user's `file` (`source` in config.yaml), or of one beside it."""
    places = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        places.append((error.filename, error.lineno))
    path = Path(file or source).resolve()
    own = [
        (Path(name).resolve(), line) for name, line in places if Path(name).resolve().parent == path.parent
    ]
    at, line = own[-1] if own else (path, None)
    shown = f"{source if at == path else at}{f':{line}' if line else ''}"
    reason = one_line(error.msg if isinstance(error, SyntaxError) else error)
    return PoseliftError(f"{shown}: {what}: {': '.join(filter(None, (type(error).__name__, reason)))}")


def _imported(name: str, source: str) -> ModuleType:
    """The user's module. A file may import what lies beside it; a module, what lies in the working folder."""
    path: str | None = None
    try:
        if not source.endswith(".py"):
            _search(Path.cwd(), last=True)
            spec = importlib.util.find_spec(source)
            if spec is None or not spec.origin:
                raise PoseliftError(f"{source}: expected the path of a .py file or an importable module")
            path = spec.origin
            return importlib.import_module(source)
        path = str(Path(source).resolve())
        if not Path(path).is_file():
            raise PoseliftError(f"{source}: no such file")
        _forget_others(Path(path).parent)
        _search(Path(path).parent)
        spec = importlib.util.spec_from_file_location(f"architecture_{name}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # where pydantic looks annotations up
        spec.loader.exec_module(module)
        return module
    except PoseliftError as error:
        raise PoseliftError(f"architecture '{name}': {error}") from None
    except (Exception, SystemExit) as error:  # the user's code can fail in any way
        raise fault(source, path, "cannot be imported", error) from None


def _search(folder: Path, last: bool = False) -> None:
    """Import modules from `folder`, before all others or after them."""
    if last and str(folder) not in sys.path:
        sys.path.append(str(folder))
    elif not last:
        sys.path[:] = [str(folder), *(entry for entry in sys.path if entry != str(folder))]


def _forget_others(folder: Path) -> None:
    """Forget modules beside other users' files: one in `folder` may have the same name."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and Path(file).parent in _folders - {folder} and not name.startswith("architecture_"):
            del sys.modules[name]
    _folders.add(folder)


def _check(module: ModuleType, source: str) -> None:
    """Raise `PoseliftError` where a user's module is not as `poselift.config.architectures` says."""
    build = getattr(module, "build", None)
    if not callable(build):
        raise PoseliftError(f"{source}: {FUNCTION}, found {'none' if build is None else repr(build)[:50]}")
    signature = inspect.signature(build)
    try:
        signature.bind(None, None, None)
    except TypeError:
        line = getattr(getattr(build, "__code__", None), "co_firstlineno", None)
        at = f"{source}:{line}" if line else source
        raise PoseliftError(f"{at}: {FUNCTION}, found build{signature}") from None
    settings, card = getattr(module, "Settings", Section), getattr(module, "CARD", None)
    if not (isinstance(settings, type) and issubclass(settings, Section)):
        raise PoseliftError(f"{source}: Settings: expected a subclass of poselift.config.sections.Section")
    for name, field in settings.model_fields.items():
        if name in TAKEN:
            raise PoseliftError(f"{source}: Settings: {name} is an option of every run; choose another name")
        if field.is_required():
            raise PoseliftError(f"{source}: Settings: {name}: expected a default")
    if card is not None and not isinstance(card, Card):
        raise PoseliftError(
            f"{source}: CARD: expected a poselift.config.card.Card, found {type(card).__name__}"
        )
