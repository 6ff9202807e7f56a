"""What makes an artefact stale: code that is used, not its comments, and the pins of what it imports."""

from pathlib import Path

import pytest

from poselift.provenance import code_hash as module
from poselift.provenance.code_hash import closure, code_hash, read_pins
from poselift.training import core_modules

PINS = {"torch": "2.13.0", "numpy": "2.0.0", "pyyaml": "6.0"}


@pytest.fixture
def package(tmp_path, monkeypatch) -> Path:
    """A project of four modules: stage -> helper -> yaml; other stands alone."""
    folder = tmp_path / "poselift"
    folder.mkdir()
    (folder / "__init__.py").write_text('"""Package."""\n')
    (folder / "stage.py").write_text(
        "from poselift.helper import double\n\ndef run(x):\n    return double(x)\n"
    )
    (folder / "helper.py").write_text('import yaml\n\ndef double(x):\n    """Twice."""\n    return 2 * x\n')
    (folder / "other.py").write_text("import torch\n")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    clear()
    yield folder
    clear()


def clear() -> None:
    for remembered in (module._file, module._imports, module._read):
        remembered.cache_clear()


def hash_after(package: Path, name: str, text: str) -> str:
    (package / name).write_text(text)
    clear()
    return code_hash("poselift.stage", pins=PINS)


def test_closure_follows_imports(package):
    project, foreign = closure("poselift.stage")
    assert set(project) == {"poselift", "poselift.stage", "poselift.helper"}
    assert foreign == {"yaml"}


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("stage.py", "from .helper import double"),
        ("stage.py", "from . import helper"),
        ("stage/__init__.py", "from ..helper import double"),
        ("stage/inner.py", "from .. import helper"),
    ],
)
def test_closure_follows_imports_from_the_own_package(package, name, line):
    (package / "stage.py").unlink()
    path = package / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{line}\n")
    (path.parent / "__init__.py").touch()
    entry = "poselift.stage.inner" if path.stem == "inner" else "poselift.stage"
    assert "poselift.helper" in closure(entry)[0]


def test_what_a_type_checker_alone_needs_does_not_count(package):
    text = "from typing import TYPE_CHECKING\nimport yaml\n{}\ndef double(x):\n    return 2 * x\n"
    before = hash_after(package, "helper.py", text.format(""))
    block = "if TYPE_CHECKING:\n    import torch\n"
    assert hash_after(package, "helper.py", text.format(block)) == before
    assert closure("poselift.stage")[1] == {"typing", "yaml"}
    assert hash_after(package, "helper.py", text.format(f"{block}else:\n    import numpy\n")) != before
    assert closure("poselift.stage")[1] == {"typing", "yaml", "numpy"}


def test_comments_docstrings_and_layout_do_not_count(package):
    before = code_hash("poselift.stage", pins=PINS)
    text = '# why\nimport yaml\ndef double(x):\n    """Two times x."""\n\n    return (2 * x)  # twice\n'
    assert hash_after(package, "helper.py", text) == before


def test_code_counts_wherever_it_is_used_from(package):
    before = code_hash("poselift.stage", pins=PINS)
    assert hash_after(package, "helper.py", "import yaml\n\ndef double(x):\n    return 3 * x\n") != before


def test_words_of_error_messages_do_not_count_but_conditions_and_kinds_do(package):
    check = 'if x < 0:\n        raise ValueError(f"{x}: too small")'
    text = f"import yaml\n\ndef double(x):\n    {check}\n    return 2 * x\n"
    before = hash_after(package, "helper.py", text)
    assert hash_after(package, "helper.py", text.replace("too small", "below 0")) == before
    for old, new in (("x < 0", "x < 1"), ("ValueError", "OSError"), ("2 * x", "'2'")):
        assert hash_after(package, "helper.py", text.replace(old, new)) != before
    said = [hash_after(package, "helper.py", text.replace("2 * x", word)) for word in ("'one'", "'two'")]
    assert said[0] != said[1]


def test_a_module_that_is_not_used_does_not_count(package):
    before = code_hash("poselift.stage", pins=PINS)
    assert hash_after(package, "other.py", "import torch\nx = 1\n") == before


def test_a_new_import_is_picked_up(package):
    text = (
        "from poselift.helper import double\n\ndef run(x):\n    import poselift.other\n    return double(x)\n"
    )
    first = hash_after(package, "stage.py", text)
    assert hash_after(package, "other.py", "import torch\nx = 1\n") != first


def test_pins_of_imported_packages_count_and_no_others(package):
    before = code_hash("poselift.stage", pins=PINS)
    assert code_hash("poselift.stage", pins=PINS | {"torch": "3.0"}) == before
    assert code_hash("poselift.stage", pins=PINS | {"pyyaml": "7.0"}) != before


@pytest.mark.parametrize(
    ("imported", "distribution"),
    [
        ("numpy", "numpy"), ("typing_extensions", "typing-extensions"), ("mamba_ssm", "mamba-ssm"),
        ("PIL", "pillow"), ("pynvml", "nvidia-ml-py"), ("markdown_it", "markdown-it-py"),
        ("mpl_toolkits", "matplotlib"),
    ],
)  # fmt: skip
def test_a_package_is_pinned_by_the_name_that_it_is_installed_by(package, imported, distribution):
    before = hash_after(package, "helper.py", f"import {imported}.x\n")
    assert code_hash("poselift.stage", pins=PINS | {distribution: "9"}) != before


def test_unknown_entry(package):
    with pytest.raises(ModuleNotFoundError, match=r"poselift\.absent"):
        closure("poselift.absent")


def test_read_pins(tmp_path):
    path = tmp_path / "constraints.txt"
    path.write_text("numpy==2.0.0\nPyYAML==6.0.1 ; python_version > '3'\n# note\n")
    assert read_pins(path) == {"numpy": "2.0.0", "pyyaml": "6.0.1"}


def test_architectures_do_not_share_code_they_do_not_use():
    mamba = closure("poselift.models.architectures.mamba_gcn")[0]
    baseline = closure(*core_modules("baseline"))[0]
    assert "poselift.models.ssd" in mamba
    others = {f"poselift.models.architectures.{name}" for name in ("mamba_gcn", "full")}
    assert not {"poselift.models.ssd", *others} & set(baseline)


def test_nothing_but_the_command_line_reads_snakemake():
    import poselift

    for path in Path(poselift.__file__).parent.rglob("*.py"):
        assert "import snakemake" not in path.read_text(), path
        assert "from snakemake" not in path.read_text(), path
