"""Hash of the code that a stage really uses: the edits that make what it builds stale, and no others.

The import closure of the stage's entry modules is followed through the project's own modules, without
importing any. Of each counts the syntax tree without docstrings, the words of error messages, and the `CARD`
of an architecture, which says how a model is shown; of other packages that the closure imports counts the
pinned version. What a hash is made of, its manifest, is kept with the results, so that a change can be
named.

An entry may also be a module or a file (by its path) of the user's: then what lies in its package, or beside
the file, is followed as well. The manifest has a path as it was given; the hash leaves its folder out.
"""

import ast
import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

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
            name: hashlib.sha256(_read(project[name]).meaning.encode()).hexdigest()[:16]
            for name in sorted(project)
        },
        "pins": {name: pins[name] for name in sorted(packages) if name in pins},
    }


def manifest_hash(manifest: Mapping[str, Any]) -> str:
    """The code hash that a manifest stands for; in which folder a user's file lies is left out of it."""
    folders = [entry.rpartition("/")[0] + "/" for entry in manifest["entries"] if "/" in entry]

    def bare(name: str) -> str:
        return next((name.removeprefix(folder) for folder in folders if name.startswith(folder)), name)

    modules = {bare(name): code for name, code in manifest["modules"].items()}
    return json_hash({**manifest, "entries": sorted(map(bare, manifest["entries"])), "modules": modules})[:16]


def keep_manifest(folder: Path, manifest: Mapping[str, Any]) -> str:
    """Keep a manifest as `folder`/<code hash>.json; returns the hash."""
    name = manifest_hash(manifest)
    if not (path := folder / f"{name}.json").exists():
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

    old, new = (defaultdict(lambda: "none", manifest["pins"]) for manifest in (before, after))
    return changed("modules") + [f"{name} {old[name]} -> {new[name]}" for name in changed("pins")]


def manifest_now(before: Mapping[str, Any], pins: Mapping[str, str]) -> dict[str, Any]:
    """What the code of a kept manifest is today; without those of its entries that are no more."""
    return code_manifest(*(entry for entry in before["entries"] if Module.entry(entry).file), pins=pins)


class Module(NamedTuple):
    """A module and the folder that it is imported from; one that was given by its path is named by it."""

    folder: Path
    name: str
    by_path: bool = False

    @property
    def file(self) -> Path | None:
        """Where its code is; None if there is no such module."""
        return _file(self.folder, self.name)

    @classmethod
    def entry(cls, entry: str) -> "Module":
        """The module that an entry means: a path, a module of the project, or another one."""
        if entry.endswith(".py"):
            return cls(Path(entry).parent, Path(entry).stem, by_path=True)
        outside = [] if entry.split(".")[0] == PACKAGE else [cls(Path(at), entry) for at in (*sys.path, ".")]
        return next((module for module in outside if module.file), cls(ROOT, entry))


@cache
def _file(folder: Path, name: str) -> Path | None:
    path = folder.joinpath(*name.split("."))
    return next(filter(Path.is_file, (path.with_suffix(".py"), path / "__init__.py")), None)


def closure(*entries: str) -> tuple[dict[str, Path], set[str]]:
    """The modules of the project and of the user's that `entries` import, directly or not, with their files;
    and the other top-level packages that they import. Imports inside functions count as well; modules
    imported by a computed name do not, so name them as entries, nor those that a type checker alone needs."""
    found: dict[str, Path] = {}
    foreign: set[str] = set()
    waiting = [Module.entry(entry) for entry in entries]
    if missing := [module for module in waiting if not module.file]:
        raise ModuleNotFoundError(f"no module {missing[0].name} below {missing[0].folder}")
    for module in waiting:
        file = module.file
        name = str(file) if module.by_path else module.name
        if file is None or name in found:
            continue
        found[name] = file
        if "." in module.name:  # the package's __init__ runs first
            waiting.append(module._replace(name=module.name.rpartition(".")[0]))
        own, others = _imports(module)
        waiting += own
        foreign |= others
    return found, foreign


def read_pins(constraints: Path) -> dict[str, str]:
    """Version by distribution of the lines `name==version` of a constraints file; markers are ignored."""
    lines = (line.split(";")[0].strip() for line in constraints.read_text(encoding="utf-8").splitlines())
    return {name.lower(): version for name, _, version in (line.partition("==") for line in lines) if version}


SAYING_FAULTS = ("reading", "untrusted")
"""Functions that raise errors in the words that they are given."""


@cache
def _imports(module: Module) -> tuple[frozenset[Module], frozenset[str]]:
    """What a module's import statements name: modules that are followed, and other top-level packages."""
    assert module.file is not None
    package = module.name.split(".")[: None if module.file.name == "__init__.py" else -1]
    names: set[str] = set()
    for node in _read(module.file).imports:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        else:
            above = package[: len(package) + 1 - node.level] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            names |= {base, *(f"{base}.{alias.name}" for alias in node.names)} if base else set()
    tops = {name: name.split(".")[0] for name in names}
    own = {Module(ROOT, name) for name, top in tops.items() if top == PACKAGE}
    beside = {name for name, top in tops.items() if module.by_path or top == module.name.split(".")[0]}
    own |= {module._replace(name=name) for name in beside if tops[name] != PACKAGE}
    there = frozenset(imported for imported in own if imported.file)
    known = {PACKAGE, *(imported.name for imported in there)}
    return there, frozenset(tops.values()) - known


class Code(NamedTuple):
    """The code of a file, without what is there for a type checker alone."""

    imports: list[ast.Import | ast.ImportFrom]
    meaning: str
    """without what changes no result: comments, layout, docstrings, card, the words of errors"""


@cache
def _read(path: Path) -> Code:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tree.body = [part for node in tree.body for part in (node.orelse if _for_types(node) else [node])]
    imports = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports.append(node)
        elif isinstance(node, ast.Raise) or _says_faults(node):
            for part in ast.walk(node):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    part.value = ""
        elif isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:] or [ast.Pass()]
    tree.body = [node for node in tree.body if not _is_card(node)]
    return Code(imports, ast.unparse(tree))


def _says_faults(node: ast.AST) -> bool:
    """Whether it is a call of what turns failures into the words of errors."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SAYING_FAULTS


def _is_card(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["CARD"]


def _for_types(node: ast.stmt) -> TypeGuard[ast.If]:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
