"""The environment files agree with pyproject.toml and with what the code imports."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from poselift.provenance.code_hash import DISTRIBUTIONS, closure, read_pins

REPOSITORY = Path(__file__).parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
PINS = read_pins(REPOSITORY / "envs/constraints.txt")


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def test_every_dependency_is_pinned_at_or_above_its_floor():
    for requirement in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]:
        name, floor = re.fullmatch(r"([\w-]+)(?:\[\w+\])?>=([\d.]+)(?:,<\d+)?", requirement).groups()
        assert version(PINS[name.lower()]) >= version(floor), requirement


def test_the_workflow_asks_for_the_snakemake_that_is_installed():
    """One range of versions: the project's, the Snakefile's, and the pin lies in it."""
    (required,) = (each for each in PROJECT["dependencies"] if each.startswith("snakemake["))
    floor, ceiling = re.fullmatch(r"snakemake\[reports\]>=([\d.]+),<(\d+)", required).groups()
    assert (
        re.search(r'^min_version\("(.+)"\)$', (REPOSITORY / "Snakefile").read_text(), re.M).group(1) == floor
    )
    assert version(floor) <= version(PINS["snakemake"]) < version(ceiling)


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


def test_container_installs_the_package_with_the_pins():
    text = (REPOSITORY / "envs/poselift.def").read_text()
    environment = yaml.safe_load((REPOSITORY / "envs/poselift.yaml").read_text())
    (python,) = re.findall(r"^From: python:([\d.]+)-slim", text, re.MULTILINE)
    assert f"python={python}" in environment["dependencies"]
    copied = re.findall(r"^    (\S+) /opt/poselift/(\S+)$", text, re.MULTILINE)
    assert len(copied) == 6
    for source, target in copied:
        assert source == target
        assert (REPOSITORY / source).exists()
    assert "pip install --no-cache-dir -c /opt/poselift/envs/constraints.txt /opt/poselift\n" in text


MODULES = Path("/etc/profile.d/modules.sh")


@pytest.mark.skipif(not MODULES.exists(), reason="needs environment-modules")
def test_module_puts_the_environment_first_on_the_path():
    command = f". {MODULES}; module use {REPOSITORY}/envs/modules; module load poselift; echo $PATH"
    answer = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert answer.stdout.startswith(f"{REPOSITORY}/.venv/bin:")


def test_every_import_has_a_pin():
    modules = [
        ".".join(path.relative_to(REPOSITORY / "src").with_suffix("").parts)
        for path in (REPOSITORY / "src").rglob("*.py")
        if path.name != "__init__.py"
    ]
    optional = {"mamba_ssm", "cv2"}  # cv2: an entry in DISTRIBUTIONS would make saved runs stale
    for name in closure(*modules)[1] - set(sys.stdlib_module_names) - optional:
        assert DISTRIBUTIONS.get(name, name).replace("_", "-") in PINS, name


def test_a_clone_has_the_same_bytes_whatever_git_does_with_line_ends(tmp_path):
    """With core.autocrlf and without attributes, bash looks for a shell that is called `bash\\r`."""
    files = (".gitattributes", "Makefile", "envs/setup.sh", "Snakefile", "docs/demo-page.png")
    for file in files:
        (tmp_path / "one" / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / file, tmp_path / "one" / file)
    (tmp_path / "one/dos.yaml").write_bytes(b"a: 1\r\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "core.autocrlf=true"]
    for command in (["init"], ["add", "."], ["commit", "-m", "all"], ["clone", ".", "../two"]):
        subprocess.run([*git, *command], cwd=tmp_path / "one", check=True, capture_output=True)
    for file in files:
        assert (tmp_path / "two" / file).read_bytes() == (REPOSITORY / file).read_bytes()
    assert (tmp_path / "two/dos.yaml").read_bytes() == b"a: 1\n"
