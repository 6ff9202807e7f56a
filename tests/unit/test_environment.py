"""The environment files agree with pyproject.toml and with what the code imports."""

import re
import sys
import tomllib
from pathlib import Path

import yaml

from poselift.provenance.code_hash import DISTRIBUTIONS, closure, read_pins

REPOSITORY = Path(__file__).parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
PINS = read_pins(REPOSITORY / "envs/constraints.txt")


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def test_every_dependency_is_pinned_at_or_above_its_floor():
    for requirement in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]:
        name, floor = re.fullmatch(r"([\w-]+)(?:\[\w+\])?>=([\d.]+)", requirement).groups()
        assert version(PINS[name.lower()]) >= version(floor), requirement


def test_constraints_name_no_addresses():
    text = (REPOSITORY / "envs/constraints.txt").read_text()
    assert "://" not in text
    assert "--" not in text


def test_conda_environment_installs_the_package_with_the_pins():
    environment = yaml.safe_load((REPOSITORY / "envs/poselift.yaml").read_text())
    python = next(d for d in environment["dependencies"] if str(d).startswith("python="))
    assert version(python) >= version(PROJECT["requires-python"])
    (from_pip,) = (d["pip"] for d in environment["dependencies"] if isinstance(d, dict))
    assert from_pip == ["-c constraints.txt", "-e .."]


def test_every_import_has_a_pin():
    modules = [
        ".".join(path.relative_to(REPOSITORY / "src").with_suffix("").parts)
        for path in (REPOSITORY / "src").rglob("*.py")
        if path.name != "__init__.py"
    ]
    optional = {"mamba_ssm"}
    for name in closure(*modules)[1] - set(sys.stdlib_module_names) - optional:
        assert DISTRIBUTIONS.get(name, name).replace("_", "-") in PINS, name
