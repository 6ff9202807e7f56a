"""A lifter of the user's own: one file is enough, and what is wrong with it is said in one line."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
import yaml

from own_lifter import write_lifter
from poselift.config import presentation, sections, yaml_files
from poselift.config.architectures import find
from poselift.config.card import Card
from poselift.config.experiment import Config
from poselift.config.options import options
from poselift.config.run import RunSettings
from poselift.config.sizes import ModelSize
from poselift.data import prepare
from poselift.errors import PoseliftError
from poselift.evaluation import evaluate
from poselift.models import cost
from poselift.models.checkpoints import load_weights, save_weights
from poselift.models.registry import build_model
from poselift.provenance import code_hash as hashing
from poselift.provenance.code_hash import code_hash, code_manifest
from poselift.search.stages import plan
from poselift.training import train

SIZE = ModelSize(depth=2, dim=16)
MINIMAL = """
from torch import nn

class Lifter(nn.Module):
    def forward(self, x):
        return x

def build(size, n_frames, settings):
    return Lifter()
"""


@pytest.fixture
def lifter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The MLP in a folder below the working folder."""
    monkeypatch.chdir(tmp_path)
    write_lifter(tmp_path / "lifters")
    find.cache_clear()
    return Path("lifters/mlp.py")


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Write an architecture's file; its path as config.yaml may name it."""
    monkeypatch.chdir(tmp_path)
    find.cache_clear()

    def write(text: str) -> str:
        Path("mine.py").write_text(text)
        return "mine.py"

    return write


def config(**changes: Any) -> Config:
    whole: dict[str, Any] = {
        "dataset": "trial",
        "data": {"title": "Trial", "synthetic": {}},
        "sizes": {"tiny": {"depth": 2, "dim": 16}},
        "experiment": {"architectures": ["baseline", "mlp"], "sizes": ["tiny"], "seeds": [0]},
        "paper": {"title": "T", "authors": ["A"], "per_action_size": "tiny"},
    }
    return sections.parse(Config, whole | changes, "config.yaml")


def fault_of(act: Callable[[], object]) -> str:
    with pytest.raises(PoseliftError) as caught:
        act()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_it_is_a_model_like_the_others(lifter: Path) -> None:
    own = find("mlp", str(lifter))
    torch.manual_seed(0)
    model = build_model(own, SIZE, 9, mlp_activation="gelu")
    after = torch.rand(1)
    assert model(torch.randn(2, 9, 17, 3)).shape == (2, 9, 17, 3)
    assert model.training
    torch.manual_seed(0)
    own.module.build(SIZE, 9, own.settings(mlp_activation="gelu"))
    assert torch.equal(torch.rand(1), after)  # trying the model out draws nothing
    with pytest.raises(PoseliftError, match=r"mlp: mlp_droput: unknown key \(did you mean 'mlp_dropout'\?\)"):
        build_model(own, SIZE, 9, mlp_droput=0.1)


def test_settings_and_card_may_be_left_out(written: Callable[[str], str]) -> None:
    own = find("mine", written(MINIMAL))
    assert own.settings.model_fields == {}
    assert build_model(own, SIZE, 9)(torch.ones(1, 9, 17, 3)).sum() == 9 * 17 * 3


def test_it_is_in_the_grid_with_overrides_models_ablation_and_search(lifter: Path) -> None:
    settings = config(
        architectures={"mlp": str(lifter)},
        models={"mlp": {"mlp_dropout": 0.1}},
        overrides=[{"architectures": ["mlp"], "recipe": "guide", "training": {"epochs": 7}}],
        ablation=[{"name": "dry", "architecture": "mlp", "size": "tiny", "model": {"mlp_dropout": 0}}],
        search={"stages": [{"name": "first", "architecture": "mlp", "size": "tiny",
                            "random": {"samples": 2, "space": {"mlp_dropout": {"low": 0.1, "high": 0.5}}}}]},
    )  # fmt: skip
    run = settings.runs()["mlp-tiny-s0"]
    assert (run.architecture_file, run.training.epochs, run.training.lr) == (str(lifter), 7, 1e-4)
    assert run.model.model_dump() == {"mlp_dropout": 0.1, "mlp_activation": "relu"}
    assert settings.all_runs()["mlp-tiny-dry-s0"].model.model_dump()["mlp_dropout"] == 0
    assert len(plan(settings)["first"].trials) == 2
    faults = {
        "models.mlp.mlp_droput: unknown key (did you mean 'mlp_dropout'?)": {
            "models": {"mlp": {"mlp_droput": 1}}
        },
        "models.mlp.mlp_dropout: Input should be less than 1": {"models": {"mlp": {"mlp_dropout": 1}}},
        "experiment.architectures: unknown architecture 'mlp'": {"architectures": {}},
    }
    for expected, changes in faults.items():
        assert expected in fault_of(lambda: config(**{"architectures": {"mlp": str(lifter)}} | changes))  # noqa: B023


def test_cards_tell_lifters_apart(lifter: Path, written: Callable[[str], str]) -> None:
    both = ["mlp", "mine", "full"]
    settings = config(
        architectures={"mlp": str(lifter), "mine": written(MINIMAL)},
        experiment={"architectures": both, "sizes": ["tiny"], "seeds": [0]},
    )
    cards = settings.cards()
    assert [card.label for card in cards.values()] == ["My MLP", "mine", "Full"]
    assert cards["mlp"].components == "MLP"
    assert len({(card.colour, card.marker) for card in cards.values()}) == 3
    assert all(isinstance(card, Card) for card in cards.values())
    many = dict.fromkeys([f"lifter{i}" for i in range(30)], "mine.py")
    looks = {(card.colour, card.marker, card.line) for card in presentation.cards(many, many).values()}
    assert len(looks) == 30


def test_train_evaluate_and_cost(
    lifter: Path, raw_content: Any, write_raw: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare.main(["--raw", str(write_raw(raw_content())), "--out", "store", "--n-frames", "4"])
    run = config(
        architectures={"mlp": str(lifter)}, n_frames=4, training={"epochs": 1, "batch_size": 8}
    ).runs()
    words = options(run["mlp-tiny-s0"]).split()
    train.main(["--store", "store", "--out", "runs/mlp-tiny-s0", "--device", "cpu", *words])
    resolved = yaml.safe_load(Path("runs/mlp-tiny-s0/config.yaml").read_text())
    assert sections.parse(RunSettings, resolved, "") == run["mlp-tiny-s0"]
    evaluate.main(["--run", "runs/mlp-tiny-s0", "--store", "store", "--out", "e.json", "--device", "cpu"])
    results = json.loads(Path("e.json").read_text())["checkpoints"]
    checkpoint = [*words[:4], "--size", "tiny", "--n-frames", "4"]
    with pytest.raises(PoseliftError, match="unknown size"):
        evaluate.main(
            ["--checkpoint", "runs/mlp-tiny-s0/best_model.safetensors", "--store", "store", *checkpoint]
        )
    cost.main([*words[:4], "--depth", "2", "--dim", "16", "--n-frames", "4", "--out", "cost.csv"])
    (row,) = pd.read_csv("cost.csv").to_dict("records")
    weights, biases = 51 * 32 + 2 * 32 * 32 + 32 * 51, 3 * 32 + 51
    assert (row["architecture"], row["parameters"]) == ("mlp", weights + biases)
    assert row["macs_linear"] == row["macs_all"] == row["macs_executed"] == 4 * weights
    capsys.readouterr()
    with pytest.raises(SystemExit):
        train.main([*words[:4], "--help"])
    assert "--mlp-dropout" in capsys.readouterr().out

    # the file moves: its run is still read, and evaluated where the file is now
    Path("lifters").rename("moved")
    find.cache_clear()
    moved = yaml_files.load(Path("runs/mlp-tiny-s0/config.yaml"), RunSettings)
    assert moved.model.model_dump() == run["mlp-tiny-s0"].model.model_dump()
    arguments = ["--run", "runs/mlp-tiny-s0", "--store", "store", "--out", "again.json", "--device", "cpu"]
    with pytest.raises(PoseliftError, match=r"mlp.py: no such file"):
        evaluate.main(arguments)
    evaluate.main([*arguments, "--architecture-file", "moved/mlp.py"])
    assert json.loads(Path("again.json").read_text())["checkpoints"] == results


def test_weights_of_another_model_are_refused(lifter: Path) -> None:
    mlp = build_model(find("mlp", str(lifter)), SIZE, 9)
    save_weights(build_model(find("mlp", str(lifter)), ModelSize(depth=3, dim=16), 9), "deeper.safetensors")
    save_weights(build_model("baseline", SIZE, 9), "baseline.safetensors")
    assert "unknown blocks.2.0.bias (and 1 more)" in fault_of(lambda: load_weights("deeper.safetensors", mlp))
    assert "found baseline, depth 2" in fault_of(lambda: load_weights("baseline.safetensors", mlp))


def test_its_code_decides_what_is_stale(lifter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hashed(entry: str = "lifters/mlp.py") -> str:
        hashing._imports.cache_clear()
        hashing._read.cache_clear()
        return code_hash("poselift.models.registry", entry, pins={})

    text, before = lifter.read_text(), hashed()
    manifest = code_manifest("lifters/mlp.py", pins={})
    assert {"lifters/mlp.py", "lifters/layers.py", "poselift.config.card"} <= manifest["modules"].keys()
    lifter.write_text(text.replace("residual MLP", "plain MLP") + "# a comment\n")
    assert hashed() == before
    lifter.write_text(text.replace("My MLP", "Our MLP"))  # its card
    assert hashed() == before
    lifter.write_text(text.replace("y + block(y)", "block(y)"))
    assert hashed() != before
    lifter.write_text(text)
    assert hashed() == before
    Path("lifters/layers.py").write_text("WIDTH = 3\n")
    assert hashed() != before
    Path("lifters/layers.py").write_text("from widths import WIDTH\n")
    Path("lifters/widths.py").write_text("WIDTH = 3\n")
    three = hashed()
    Path("lifters/widths.py").write_text("WIDTH = 4\n")
    assert hashed() != three
    write_lifter(Path("elsewhere/deep"))  # where it lies does not count
    assert hashed("elsewhere/deep/mlp.py") == before
    assert hashed(str(Path("elsewhere/deep/mlp.py").resolve())) == before


def test_a_module_that_can_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_lifter(tmp_path / "ours")
    text = Path("ours/mlp.py").read_text().replace("from layers", "from .layers")
    Path("ours/mlp.py").write_text(text)
    own = find("mlp", "ours.mlp")
    assert build_model(own, SIZE, 4)(torch.ones(1, 4, 17, 3)).shape == (1, 4, 17, 3)
    assert {"ours.mlp", "ours.layers"} <= code_manifest("ours.mlp", pins={})["modules"].keys()
    assert "ours.mpl: expected the path of a .py file or" in fault_of(lambda: find("mlp", "ours.mpl"))


def test_two_lifters_with_modules_of_one_name(tmp_path: Path) -> None:
    paths = [write_lifter(tmp_path / folder) for folder in ("a", "b")]
    (tmp_path / "b/layers.py").write_text("WIDTH = 5\n")
    models = [build_model(find(f"mlp{i}", str(path)), SIZE, 4) for i, path in enumerate(paths)]
    assert [model.first.out_features for model in models] == [32, 80]  # type: ignore[union-attr]


def test_configuration_needs_no_torch(lifter: Path) -> None:
    script = (
        "import sys; from poselift.config.architectures import known; import poselift.config.experiment;"
        f"print([known({{'mlp': '{lifter}'}})[name].settings() for name in ('mlp', 'full', 'baseline')]);"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def build(size, n_frames, settings)\n    pass\n",
         "mine.py:1: cannot be imported: SyntaxError: expected ':'"),
        ("import torch\n\nWIDTH = {}['a']\n", "mine.py:3: cannot be imported: KeyError: 'a'"),
        ("import nothing_of_this_name\n",
         "mine.py:1: cannot be imported: ModuleNotFoundError: No module named"),
        ("raise SystemExit\n", "mine.py:1: cannot be imported: SystemExit"),
        ("", "mine.py: expected a function build(size, n_frames, settings), found none"),
        ("build = 3\n", "mine.py: expected a function build(size, n_frames, settings), found 3"),
        ("\ndef build(size):\n    pass\n",
         "mine.py:2: expected a function build(size, n_frames, settings), found build(size)"),
        (MINIMAL + "class Settings: pass\n",
         "mine.py: Settings: expected a subclass of poselift.config.sections.Section"),
        (MINIMAL + "from poselift.config.sections import Section\nclass Settings(Section):\n    a: int\n",
         "mine.py: Settings: a: expected a default"),
        (MINIMAL + "CARD = {'label': 'Mine'}\n",
         "mine.py: CARD: expected a poselift.config.card.Card, found dict"),
    ],
)  # fmt: skip
def test_faults_of_a_file(text: str, expected: str, written: Callable[[str], str]) -> None:
    path = written(text)
    assert fault_of(lambda: find("mine", path)).startswith(expected)
    said = fault_of(lambda: config(architectures={"mine": path}))
    assert said.startswith("config.yaml: architectures: ")
    assert expected in said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def build(size, n_frames, settings):\n    return size.width\n",
         "mine.py:2: build failed: AttributeError: 'ModelSize' object has no attribute 'width'"),
        ("def build(size, n_frames, settings):\n    return 3\n",
         "mine.py: build: expected a torch.nn.Module, found int"),
        (MINIMAL.replace("return x", "return x[..., :2]"),
         "mine.py: forward pass: expected poses of shape (1, 9, 17, 3), found (1, 9, 17, 2)"),
        (MINIMAL.replace("return x", "return None"),
         "mine.py: forward pass: expected poses of shape (1, 9, 17, 3), found NoneType"),
        (MINIMAL.replace("return x", "return x @ x"),
         "mine.py:6: forward pass on (1, 9, 17, 3) failed: RuntimeError: Expected size"),
    ],
)  # fmt: skip
def test_faults_of_a_model(text: str, expected: str, written: Callable[[str], str]) -> None:
    own = find("mine", written(text))
    assert fault_of(lambda: build_model(own, SIZE, 9)).startswith(expected)


def test_fault_in_a_module_beside_it(lifter: Path) -> None:
    Path("lifters/layers.py").write_text("\nWIDTH = 1 / 0\n")
    sys.modules.pop("layers", None)
    said = fault_of(lambda: find("mlp", str(lifter)))
    assert said.endswith("lifters/layers.py:2: cannot be imported: ZeroDivisionError: division by zero")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("full", "architecture 'full' (mine.py): the name is taken; choose another one"),
        ("copy", "architecture 'copy' (mine.py): the name is taken; choose another one"),
        ("My-Net", "expected a name of small letters, digits and underscores that begins with a letter"),
        ("a b", "expected a name of small letters"),
        ("net$", "expected a name of small letters"),
        ("net\n", "expected a name of small letters"),
        ("_net", "expected a name of small letters"),
        ("", "expected a name of small letters"),
    ],
)
def test_names(name: str, expected: str, written: Callable[[str], str]) -> None:
    path = written(MINIMAL)
    assert expected in fault_of(lambda: config(architectures={name: path}))


def test_missing_file(tmp_path: Path) -> None:
    path = str(tmp_path / "absent.py")
    assert fault_of(lambda: find("mine", path)) == f"architecture 'mine': {path}: no such file"
    assert f"'mine': {path}: no such file" in fault_of(lambda: config(architectures={"mine": path}))


def test_settings_cannot_be_called_as_an_option_of_every_run(written: Callable[[str], str]) -> None:
    section = "from poselift.config.sections import Section\nclass Settings(Section):\n    lr: float = 0.1\n"
    path = written(MINIMAL + section)
    experiment = {"architectures": ["mine"], "sizes": ["tiny"], "seeds": [0]}
    said = fault_of(lambda: config(architectures={"mine": path}, experiment=experiment))
    assert "mine.py: Settings: lr is an option of every run; choose another name" in said


def test_the_path_is_no_part_of_what_determines_a_run(lifter: Path, tmp_path: Path) -> None:
    arrays = tmp_path / "store/frames/manifest.json"
    arrays.parent.mkdir(parents=True)
    arrays.write_text(json.dumps({"arrays": {}}))
    for split in ("train", "test"):
        (tmp_path / "store/clips-243").mkdir(exist_ok=True)
        (tmp_path / f"store/clips-243/{split}.npy").write_bytes(b"")
    write_lifter(Path("elsewhere"))
    here, there = (
        train.determining(
            config(architectures={"mlp": path}).runs()["mlp-tiny-s0"], tmp_path / "store", torch.device("cpu")
        )
        for path in ("lifters/mlp.py", "elsewhere/mlp.py")
    )
    assert here == there
