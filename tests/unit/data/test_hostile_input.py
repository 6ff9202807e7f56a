"""Files from outside that mean harm: each ends in one line, quickly, and touches nothing."""

import io
import math
import pickle
import re
import resource
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from poselift.config import sections, yaml_files
from poselift.config.datasets import Source, dataset
from poselift.config.experiment import Config, Paper
from poselift.config.options import options
from poselift.config.sizes import ModelSize
from poselift.data.prepare import prepare
from poselift.data.store import read_sequences
from poselift.data.unpickle import bounded_memory, load_pickle, unpickle
from poselift.datasets.human36m.raw import read_raw
from poselift.errors import PoseliftError
from poselift.models.checkpoints import load_published, load_weights, save_weights
from poselift.models.registry import build_model

REPOSITORY = Path(__file__).parents[3]
in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])

HOSTILE_TEXT = [
    "../../etc/passwd", "$(touch pwned)", "`touch pwned`", "a; rm -rf /", 'a"b', "a'b", "%&#_{}~^\\",
    "\\input{x}", "a\nb", "\x1b[2J", "\0", "\ud800", "\u202eabc", "x" * 10_000, "", " ", "ü 漢", "-rf",
    "s_٣_act_02_cam_01", "s_" + "9" * 5000 + "_act_02_cam_01",
]  # fmt: skip
texts = st.text() | st.sampled_from(HOSTILE_TEXT)


def fault(call: Any, *arguments: Any) -> str:
    """The message of the error that the call ends with."""
    with pytest.raises(PoseliftError) as caught:
        call(*arguments)
    assert readable(caught.value)
    return str(caught.value)


def readable(error: PoseliftError) -> bool:
    """Whether the message is of few printable lines, none too long: one for each fault."""
    lines = str(error).split("\n")
    return len(lines) < 25 and all(line.isprintable() and len(line) < 1500 for line in lines)


def accepted(call: Any, *arguments: Any) -> Any:
    """What the call gives, None if it ends in such an error; any other is raised."""
    try:
        return call(*arguments)
    except PoseliftError as error:
        if not readable(error):
            raise
        return None


def test_two_thousand_hostile_files_do_no_harm():
    command = [
        sys.executable,
        str(REPOSITORY / "tests/fuzz/fuzz_readers.py"),
        "--inputs",
        "2000",
        "--seed",
        "1",
    ]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert answer.returncode == 0, answer.stdout
    assert answer.stdout.splitlines()[-1] == "2,000 inputs, 0 findings"


# --- pickles

OBJECTS_AS_BYTES = (
    b"\x80\x02cnumpy._core.multiarray\nscalar\n"
    b"(cnumpy\ndtype\n(X\x02\x00\x00\x00O8I00\nI01\ntR"
    b"(K\x03X\x01\x00\x00\x00|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    b"C\x08AAAAAAAAtR."
)
"""No code in it: a dtype whose state denies that it holds objects, and bytes to be taken for an address."""


def test_bytes_are_not_taken_for_addresses(tmp_path):
    (tmp_path / "raw.pkl").write_bytes(OBJECTS_AS_BYTES)
    assert "not a whole pickle" in fault(load_pickle, tmp_path / "raw.pkl")


@pytest.mark.parametrize("size", [2**10, 2**16, 2**22])
def test_an_array_keeps_the_memory_it_lies_in(size):
    """A bytearray, an array over it, and then a longer bytearray, which needs another place in memory."""
    numbers = size.to_bytes(4, "little")
    hostile = (
        b"\x80\x05\x96" + size.to_bytes(8, "little") + b"A" * size + b"\x940"
        b"cnumpy._core.numeric\n_frombuffer\n(h\x00cnumpy\ndtype\n(X\x02\x00\x00\x00u1\x89\x88tR"
        b"J" + numbers + b"\x85X\x01\x00\x00\x00CtR\x940h\x00(" + b"K\x01" * 3 * size + b"e0h\x01."
    )  # fmt: skip
    assert "Existing exports of data" in fault(unpickle, io.BytesIO(hostile), "raw.pkl", len(hostile))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(2, 3), (0, 17, 3), (4,), ()])
def test_arrays_over_buffers_are_read_as_they_were(shape, order):
    array = np.asarray(np.arange(math.prod(shape), dtype=np.float32).reshape(shape), order=order)
    read = unpickle(io.BytesIO(pickle.dumps(array, 5)), "raw.pkl")
    np.testing.assert_array_equal(read, array, strict=True)
    assert read.flags.f_contiguous == array.flags.f_contiguous


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x04Nr\xff\xff\xff\xff.",  # a memo of 2**32 places
        b"\x80\x04\x96" + (2**40).to_bytes(8, "little") + b"x.",
        b"\x80\x04" + b"(" * 10_000 + b"t" * 10_000 + b"0.",
        b"\x80\x04]" + b"\x942e" * 1000,
    ],
    ids=["memo", "bytearray", "nesting", "rubbish"],
)
def test_few_bytes_that_ask_for_much(data):
    fault(unpickle, io.BytesIO(data), "raw.pkl", len(data))


def test_memory_is_bounded_for_a_while_only():
    before = resource.getrlimit(resource.RLIMIT_AS)
    with pytest.raises(MemoryError), bounded_memory(10):
        bytearray(2**31)
    assert resource.getrlimit(resource.RLIMIT_AS) == before


def test_a_pickle_cannot_change_how_the_next_one_is_read():
    # sets a default of the function that stands for codecs.encode
    hostile = b"\x80\x02c_codecs\nencode\n(N}X\x0c\x00\x00\x00__defaults__X\x03\x00\x00\x00hex\x85stb."
    accepted(unpickle, io.BytesIO(hostile), "hostile", len(hostile))
    honest = pickle.dumps(np.arange(3), 2).replace(b"X\x06\x00\x00\x00latin1q\x0b\x86", b"\x85")
    np.testing.assert_array_equal(unpickle(io.BytesIO(honest), "honest", len(honest)), np.arange(3))


def test_a_million_keys(tmp_path):
    (tmp_path / "raw.pkl").write_bytes(pickle.dumps({"train": {str(i): i for i in range(10**6)}}))
    assert "joint_2d: the key is missing" in fault(read_raw, tmp_path / "raw.pkl")


arrays = st.sampled_from(
    [
        np.zeros((28, 17, 2)),
        np.zeros((28, 17, 3), "f4"),
        np.array(["a"] * 28),
        np.zeros(0),
        np.array([None] * 28),
    ]
)
anything = st.recursive(
    st.none() | st.integers() | st.floats() | st.binary() | texts | arrays | st.just(10**400),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4) | st.tuples(inner),
    max_leaves=8,
)


@in_one_folder
@given(
    split=st.sampled_from(["train", "test"]),
    changes=st.dictionaries(
        st.sampled_from(
            ["joint_2d", "confidence", "joint3d_image", "camera_name", "source", "2.5d_factor", "action"]
        ),
        anything | st.lists(anything, min_size=28, max_size=28),
        min_size=1,
        max_size=3,
    ),
    protocol=st.integers(2, 5),
)
def test_any_content_is_read_or_refused(raw_content, tmp_path, split, changes, protocol):
    content = raw_content()
    content[split] |= changes
    path = tmp_path / "raw.pkl"
    path.write_bytes(pickle.dumps(content, protocol))
    accepted(read_raw, path)


@given(st.binary())
@example(b"\x80\x04.")
def test_any_bytes_are_refused_as_a_raw_file(data):
    content = accepted(unpickle, io.BytesIO(data), "raw.pkl", len(data))
    assert content is None or isinstance(
        content, str | bytes | int | float | list | dict | tuple | set | np.ndarray
    )


@in_one_folder
@given(name=texts.filter(bool))
@example("50% of $\\alpha$ & more_")
def test_an_action_is_kept_as_it_is_or_refused(raw_content, tmp_path, name):
    content = raw_content()
    content["test"]["action"] = [name] * 19
    path = tmp_path / "a 'b' $(c) ü" / "raw.pkl"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(pickle.dumps(content))
    if accepted(prepare, dataset("human36m"), {"raw": path}, tmp_path / "store"):
        assert {sequence.action for sequence in read_sequences(tmp_path / "store", "test")} == {name}
        assert name.isprintable()
    assert {entry.name for entry in tmp_path.iterdir()} <= {path.parent.name, "store"}


# --- checkpoints


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    return build_model("baseline", ModelSize(depth=1, dim=8), 9)


@pytest.mark.parametrize(
    "strange",
    [
        {"joints_embed.weight": torch.zeros(())},
        {"joints_embed.weight": torch.zeros(8, 3).to_sparse()},
        {"joints_embed.weight": torch.zeros(8, 3, dtype=torch.complex64)},
        {"joints_embed.weight": torch.empty(8, 3, device="meta")},
        {7: torch.zeros(1)},
        {"a\nb\x1b[2J" * 1000: torch.zeros(1)},
        {f"weight {i}": torch.zeros(()) for i in range(10_000)},
    ],
    ids=["scalar", "sparse", "complex", "meta", "number", "text", "many"],
)
def test_strange_weights(tmp_path, model, strange):
    torch.save({"model": {**model.state_dict(), **strange}}, tmp_path / "best.pth.tr")
    fault(load_published, tmp_path / "best.pth.tr", model)


def test_checkpoint_with_a_million_keys_beside_the_weights(tmp_path, model):
    content = {**dict.fromkeys(range(10**6)), "model": 3}
    torch.save(content, tmp_path / "best.pth.tr")
    assert "expected a dict with the weights" in fault(load_published, tmp_path / "best.pth.tr", model)


def test_checkpoint_that_unpacks_to_more(tmp_path, model):
    path = tmp_path / "best.pth.tr"
    torch.save({"model": model.state_dict()}, tmp_path / "whole")
    with zipfile.ZipFile(tmp_path / "whole") as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, bytes(10**8) if name.endswith("/data/0") else old.read(name))
    assert path.stat().st_size < 10**6
    assert fault(load_published, path, model).endswith("found an archive that unpacks to more")


@in_one_folder
@given(cut=st.integers(0, 3000), put=st.binary(max_size=9))
def test_altered_weights_are_read_or_refused(tmp_path, model, cut, put):
    path = tmp_path / "weights"
    save_weights(model, path)
    data = path.read_bytes()
    path.write_bytes(data[:cut] + put + data[cut + len(put) :])
    accepted(load_weights, path, model)


# --- configurations

SMALL: dict[str, Any] = {
    "dataset": "trial",
    "data": {"title": "Trial", "synthetic": {}},
    "sizes": {"tiny": {"depth": 2, "dim": 16}},
    "experiment": {"architectures": ["baseline"], "sizes": ["tiny"], "seeds": [0]},
    "paper": {"title": "T", "authors": ["A"], "per_action_size": "tiny"},
}


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system [touch pwned]",
        "a: 2024-13-45",
        "a: !!int x",
        "a: !!timestamp x",
        "a: &a [*a]",
        "[" * 10_000,
        "a0: &a0 [0, 0]\n" + "\n".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 60)),
        "\n".join(f"key{i}: 1" for i in range(10**6)),
        "a: 0x" + "f" * 100_000,
    ],
    ids=["code", "date", "integer", "time", "cycle", "nesting", "aliases", "a million keys", "digits"],
)
def test_hostile_yaml(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(text)
    fault(yaml_files.load, Path("config.yaml"), Config)
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]


def test_aliases_in_measure_are_fine(tmp_path):
    (tmp_path / "config.yaml").write_text("a: &a [1, 2]\nb: [*a, *a]\n")
    assert yaml_files.read_yaml(tmp_path / "config.yaml") == {"a": [1, 2], "b": [[1, 2], [1, 2]]}


@given(dataset=texts, size=texts, variant=texts)
@example("../up", "tiny", "x")
@example("trial", "../tiny", "x")
@example("trial", "tiny", "../x")
@example("trial", "tiny", "$(touch pwned)")
def test_no_name_leads_out_of_the_results_folder(dataset, size, variant):
    changes = {
        "dataset": dataset,
        "sizes": {size: {"depth": 2, "dim": 16}},
        "experiment": SMALL["experiment"] | {"sizes": [size]},
        "ablation": [{"name": variant, "architecture": "baseline", "size": size}],
        "paper": SMALL["paper"] | {"per_action_size": size},
    }
    config = accepted(sections.parse, Config, SMALL | changes, "config.yaml")
    if config:
        assert all(re.fullmatch("[a-z0-9_-]+", name) for name in [config.dataset, *config.all_runs()])


@given(title=texts, author=texts)
@example("a; touch pwned", "$(b) `c` 'd' \"e\"")
def test_texts_pass_through_a_shell_unharmed(title, author):
    data = Source.model_construct(title=title, raw=None, sha256=None, expected_clips=None, synthetic=None)
    assert shlex.split(options(data, only=("title",))) == ["--title", title]
    paper = Paper.model_construct(title=title, authors=[author, author])
    words = shlex.split(options(paper, only=("title", "authors")))
    assert words == ["--title", title, "--authors", author, author]


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | texts | st.just(10**400),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    ),
    key=st.sampled_from([*Config.model_fields]) | texts,
)
def test_any_value_of_a_key_is_taken_or_refused(value, key):
    accepted(sections.parse, Config, SMALL | {key: value}, "config.yaml")


def test_half_a_surrogate_pair(tmp_path):
    paper = SMALL["paper"] | {"per_action_size": "\ud800"}
    assert "no Unicode" in fault(sections.parse, Config, SMALL | {"paper": paper}, "config.yaml")
