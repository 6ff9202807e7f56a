"""What the code hashes of past builds were made of, kept so that a change can be named, not just noticed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from poselift.files import write_json
from poselift.provenance.code_hash import code_manifest, manifest_hash

FOLDER = "code"
"""Where manifests lie below `results/<dataset>`, each named by its hash."""


def keep_code(folder: Path, *entries: str, pins: Mapping[str, str]) -> str:
    """As `code_hash`; what the hash is made of stays in `folder`/<hash>.json."""
    manifest = code_manifest(*entries, pins=pins)
    name = manifest_hash(manifest)
    path = folder / f"{name}.json"
    if not path.exists():
        write_json(path, manifest)
    return name


def kept(folder: Path, name: str) -> dict[str, Any] | None:
    """What the code hash `name` was made of; None if that was not kept, or no longer is what was."""
    try:
        manifest: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return manifest if manifest_hash(manifest) == name else None


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The modules and packages that two manifests differ in, packages with both versions."""
    modules = {**before["modules"], **after["modules"]}
    changed = [
        name for name in sorted(modules) if before["modules"].get(name) != after["modules"].get(name)
    ]  # fmt: skip
    for name in sorted({**before["pins"], **after["pins"]}):
        versions = before["pins"].get(name, "none"), after["pins"].get(name, "none")
        if versions[0] != versions[1]:
            changed.append(f"{name} {versions[0]} -> {versions[1]}")
    return changed
