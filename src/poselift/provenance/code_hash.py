"""Hash of the code that a stage really uses: the edits that make what it builds stale, and no others.

The import closure from the stage's entry modules is followed through the project's own modules, without
importing any of them. Of each module counts the syntax tree without docstrings and without the words of error
messages; comments and layout do not. Of the packages outside the project that the closure imports counts the
pinned version. What a hash is made of, its manifest, is kept with the results that have it: a change can then
be named, not just noticed.
"""

import ast
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from poselift.files import write_json
from poselift.provenance.hashing import json_hash

PACKAGE = "poselift"
ROOT = Path(__file__).parents[2]

MANIFESTS = "code"
"""Where manifests are kept below `results/<dataset>`."""

# packages that are imported by another name than they are installed by
DISTRIBUTIONS = {
    "yaml": "pyyaml",
    "mpl_toolkits": "matplotlib",
    "pynvml": "nvidia-ml-py",
    "PIL": "pillow",
    "markdown_it": "markdown-it-py",
}


def code_hash(*entries: str, pins: Mapping[str, str]) -> str:
    """Hash of the closure of the modules `entries` and of those of `pins` (see `read_pins`) that it uses."""
    return manifest_hash(code_manifest(*entries, pins=pins))


def code_manifest(*entries: str, pins: Mapping[str, str]) -> dict[str, Any]:
    """What a code hash is made of: `entries`, the hash of each module, the version of each package."""
    project, foreign = closure(*entries)
    packages = {DISTRIBUTIONS.get(name, name).replace("_", "-") for name in foreign}
    return {
        "entries": sorted(set(entries)),
        "modules": {
            name: hashlib.sha256(_meaning(project[name]).encode()).hexdigest()[:16]
            for name in sorted(project)
        },
        "pins": {name: pins[name] for name in sorted(packages) if name in pins},
    }


def manifest_hash(manifest: Mapping[str, Any]) -> str:
    """The code hash that a manifest stands for."""
    return json_hash(manifest)[:16]


def keep_manifest(folder: Path, manifest: Mapping[str, Any]) -> str:
    """Keep a manifest as `folder`/<code hash>.json, so that a later change can be named; returns the hash."""
    name = manifest_hash(manifest)
    path = folder / f"{name}.json"
    if not path.exists():
        write_json(path, manifest)
    return name


def kept_manifest(folder: Path, name: str) -> dict[str, Any] | None:
    """The manifest of the code hash `name`; None if it was not kept, or no longer has this hash."""
    try:
        manifest: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return manifest if manifest_hash(manifest) == name else None


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The modules and packages that two manifests differ in, packages with both versions."""

    def changed(kind: str) -> list[str]:
        names = {**before[kind], **after[kind]}
        return [name for name in sorted(names) if before[kind].get(name) != after[kind].get(name)]

    old, new = before["pins"], after["pins"]
    return changed("modules") + [
        f"{name} {old.get(name, 'none')} -> {new.get(name, 'none')}" for name in changed("pins")
    ]


def closure(*entries: str) -> tuple[dict[str, Path], set[str]]:
    """The project's modules that `entries` import, directly or not, with their files; and the names of the
    top-level packages outside the project that they import. Imports inside functions count as well; modules
    imported by a computed name do not: name them as entries."""
    project: dict[str, Path] = {}
    foreign: set[str] = set()
    waiting = list(entries)
    while waiting:
        name = waiting.pop()
        if name in project:
            continue
        path = _module_file(name)
        if path is None:
            raise ModuleNotFoundError(f"no module {name} below {ROOT}")
        project[name] = path
        if "." in name:
            waiting.append(name.rpartition(".")[0])  # the package's __init__ runs first
        own, others = _imports(path)
        waiting += own
        foreign |= others
    return project, foreign


def read_pins(constraints: Path) -> dict[str, str]:
    """Version by distribution of the lines `name==version` of a constraints file; markers are ignored."""
    lines = (line.split(";")[0].strip() for line in constraints.read_text(encoding="utf-8").splitlines())
    return {name.lower(): version for name, _, version in (line.partition("==") for line in lines) if version}


def _module_file(name: str) -> Path | None:
    path = ROOT.joinpath(*name.split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((candidate for candidate in candidates if candidate.exists()), None)


@cache
def _imports(path: Path) -> tuple[frozenset[str], frozenset[str]]:
    """The project's modules and the top-level packages outside of it that a file's import statements (which
    are absolute) name."""
    names: set[str] = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    own = {name for name in names if name.split(".")[0] == PACKAGE}
    foreign = frozenset(name.split(".")[0] for name in names - own)
    return frozenset(name for name in own if _module_file(name)), foreign


@cache
def _meaning(path: Path) -> str:
    """The module's code without comments, layout, docstrings and the words of the errors that it raises: they
    change nothing of what a run that succeeds gives."""
    tree = _tree(path)
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise):
            for part in ast.walk(node):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    part.value = ""
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))
