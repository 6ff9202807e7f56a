"""Python files of the user's: architectures and data sets. Errors name the file and the line."""

import importlib
import importlib.util
import re
import sys
import traceback
from pathlib import Path
from types import ModuleType

from poselift.errors import PoseliftError, one_line

PREFIX = "poselift_plugin_"
"""Of the names of files among the imported modules."""

_folders: set[Path] = set()
"""Folders of the files that were imported."""


def load(source: str, prefix: str = "") -> ModuleType:
    """The file (it ends in `.py`) or importable module `source`; `prefix` begins the error if it is missing.

    A file may import what lies beside it; a module, what lies in the working folder. Raises `PoseliftError`
    if it is missing or cannot be imported.
    """
    path: str | None = None
    try:
        if not source.endswith(".py"):
            if (here := str(Path.cwd())) not in sys.path:
                sys.path.append(here)
            spec = importlib.util.find_spec(source)
            if spec is None or not spec.origin:
                raise PoseliftError(f"{source}: expected the path of a .py file or an importable module")
            path = spec.origin
            return importlib.import_module(source)
        path = str(Path(source).resolve())
        if not Path(path).is_file():
            raise PoseliftError(f"{source}: no such file")
        _search_first(Path(path).parent)
        name = PREFIX + re.sub(r"\W", "_", f"{prefix}{Path(path).stem}")
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # where pydantic looks annotations up
        spec.loader.exec_module(module)
        return module
    except PoseliftError as error:
        raise PoseliftError(f"{prefix}{error}") from None
    except (Exception, SystemExit) as error:  # the user's code can fail in any way
        raise fault(source, path, "cannot be imported", error) from None


def fault(source: str, file: str | None, what: str, error: BaseException) -> PoseliftError:
    """An error that names the line of the user's `file` (`source` in config.yaml), or of one beside it."""
    lines = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        lines.append((error.filename, error.lineno))
    path = Path(file or source).resolve()
    resolved = [(Path(name).resolve(), line) for name, line in lines]
    at, line = next((one for one in reversed(resolved) if one[0].parent == path.parent), (path, None))
    shown = f"{source if at == path else at}{f':{line}' if line else ''}"
    reason = one_line(error.msg if isinstance(error, SyntaxError) else error)
    return PoseliftError(f"{shown}: {what}: {': '.join(filter(None, (type(error).__name__, reason)))}")


def _search_first(folder: Path) -> None:
    """Import modules from `folder` before all others, and forget those of other plug-ins' folders: one in
    `folder` may have the same name."""
    sys.path[:] = [str(folder), *(entry for entry in sys.path if entry != str(folder))]
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and Path(file).parent in _folders - {folder} and not name.startswith(PREFIX):
            del sys.modules[name]
    _folders.add(folder)
