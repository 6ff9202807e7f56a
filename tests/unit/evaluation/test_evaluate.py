"""The command that evaluates a run or a published checkpoint, with a tiny model on a tiny store."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from poselift.config.run import RunSettings
from poselift.data.store import open_split
from poselift.errors import PoseliftError
from poselift.evaluation.evaluate import RULE, examples, main
from poselift.evaluation.predict import predict
from poselift.evaluation.protocol import evaluate_human36m
from poselift.evaluation.report import load_reports
from poselift.models.checkpoints import load_weights, save_weights
from poselift.models.registry import build_run

SETTINGS = RunSettings.model_validate(
    {"architecture": "baseline", "size": "tiny", "depth": 1, "dim": 8, "n_frames": 8, "seed": 4}
    | {"model": {}, "training": {}}
)
CPU = torch.device("cpu")


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A run whose best and last weights differ."""
    folder = tmp_path / "baseline-tiny-s4"
    folder.mkdir()
    (folder / "config.yaml").write_text(yaml.safe_dump(SETTINGS.model_dump()))
    for seed, checkpoint in enumerate(("best", "last")):
        torch.manual_seed(seed)
        save_weights(build_run(SETTINGS), folder / f"{checkpoint}_model.safetensors")
    return folder


def test_run(run_folder: Path, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "evaluation.json"
    main(["--run", str(run_folder), "--store", str(store), "--out", str(out), "--device", "cpu"])
    (report,) = load_reports(out)
    assert (report.run, report.architecture, report.size) == ("baseline-tiny-s4", "baseline", "tiny")
    assert (report.seed, report.n_frames) == (4, 8)
    assert list(report.checkpoints) == ["best", "last"]

    printed = capsys.readouterr().out
    test = open_split(store, "test", 8)
    for checkpoint, result in report.checkpoints.items():
        model = load_weights(run_folder / f"{checkpoint}_model.safetensors", build_run(SETTINGS))
        expected = evaluate_human36m(predict(model, test, CPU, 16), test)
        assert result.mpjpe == pytest.approx(expected.mpjpe)
        assert f"{expected.mpjpe:.2f}" in printed
    assert report.checkpoints["best"] != report.checkpoints["last"]

    with np.load(tmp_path / "evaluation-examples.npz") as shown:  # refuses pickled objects
        assert shown["rule"] == RULE
        model = load_weights(run_folder / "best_model.safetensors", build_run(SETTINGS))
        expected_examples = examples(predict(model, test, CPU, 16), test)
        np.testing.assert_allclose(shown["prediction"], expected_examples["prediction"], atol=1e-3)
        assert set(shown) == set(expected_examples)


def test_examples_are_the_median_and_the_worst_clip(store: Path) -> None:
    test = open_split(store, "test", 8)
    assert test.factor is not None
    assert test.target_mm is not None
    predictions = (test.labels - test.labels[:, :1])[test.clips]
    off = np.array([30.0, 10, 50, 20, 40])  # mm by clip: the median is clip 0, the worst clip 2
    predictions[:, :, 1:, 0] += (off[:, None] / test.factor[test.clips] / 500)[..., None]
    shown = examples(torch.from_numpy(predictions), test)

    assert shown["clip_kind"] == ["median", "worst"]
    assert shown["clip"].tolist() == [0, 2]
    assert shown["mpjpe"] == pytest.approx([30 * 16 / 17, 50 * 16 / 17], rel=1e-4)
    assert shown["frame"].tolist() == [[0, 2, 4, 5, 7], [16, 18, 20, 21, 23]]
    assert shown["action"] == ["Eating", "Eating"]
    truth = test.target_mm[shown["frame"]]
    np.testing.assert_allclose(shown["target"], truth - truth[:, :, :1], atol=1e-3)
    np.testing.assert_allclose(shown["prediction"][1, 3, 5] - shown["target"][1, 3, 5], [50, 0, 0], atol=1e-2)
    # the fixture's detections are the projected truth, in pixels: mm over the factor
    pixels = truth[..., :2] / test.factor[shown["frame"]][..., None, None]
    np.testing.assert_allclose(shown["input_2d"], pixels, atol=1e-2)
    assert (shown["width"].tolist(), shown["height"].tolist()) == ([1000, 1000], [1002, 1002])


def test_median_of_an_even_number_is_the_lower(store: Path) -> None:
    test = open_split(store, "test", 8)
    test = dataclasses.replace(test, clips=test.clips[:4])
    predictions = (test.labels - test.labels[:, :1])[test.clips]
    predictions[:, :, 1:, 0] += np.array([4.0, 3, 2, 1])[:, None, None]
    assert examples(torch.from_numpy(predictions), test)["clip"].tolist() == [2, 0]


def test_published_checkpoint(store: Path, tmp_path: Path) -> None:
    n_frames = ["--n-frames", "8", "--architecture", "baseline", "--size", "xsmall"]
    settings = SETTINGS.model_copy(update={"depth": 12, "dim": 64})
    torch.manual_seed(0)
    model = build_run(settings)
    weights = {f"module.{name}": value for name, value in model.state_dict().items()}
    torch.save({"model": weights, "epoch": 1}, tmp_path / "motionagformer.pth.tr")
    out = tmp_path / "published.json"
    main(
        [
            "--checkpoint",
            str(tmp_path / "motionagformer.pth.tr"),
            *n_frames,
            "--store",
            str(store),
            "--out",
            str(out),
        ]
    )
    (report,) = load_reports(out)
    test = open_split(store, "test", 8)
    expected = evaluate_human36m(predict(model, test, CPU, 16), test)
    assert (report.run, report.size, report.seed) == ("motionagformer.pth", "xsmall", None)
    assert report.checkpoints["published"].mpjpe == pytest.approx(expected.mpjpe)


@pytest.mark.parametrize("name", ["best_model.safetensors", "last_model.safetensors", "config.yaml"])
def test_a_missing_file_of_the_run_is_named(run_folder: Path, store: Path, tmp_path: Path, name: str) -> None:
    (run_folder / name).unlink()
    out = tmp_path / "out" / "evaluation.json"
    with pytest.raises(PoseliftError, match=f"{name}: no such file"):
        main(["--run", str(run_folder), "--store", str(store), "--out", str(out)])
    assert not out.parent.exists()


def test_options_that_contradict_the_run(run_folder: Path, store: Path, tmp_path: Path) -> None:
    options = ["--run", str(run_folder), "--store", str(store), "--out", str(tmp_path / "out.json")]
    with pytest.raises(PoseliftError, match="--n-frames: the run's"):
        main([*options, "--n-frames", "8"])
    with pytest.raises(PoseliftError, match="--checkpoint needs --architecture and --size"):
        main(["--checkpoint", "motionagformer.pth.tr", "--size", "base", *options[2:]])


def test_a_diverged_model_leaves_no_output(run_folder: Path, store: Path, tmp_path: Path) -> None:
    model = build_run(SETTINGS)
    model.head.bias.data.fill_(torch.nan)
    save_weights(model, run_folder / "last_model.safetensors")
    out = tmp_path / "out" / "evaluation.json"
    with pytest.raises(PoseliftError, match="not finite"):
        main(["--run", str(run_folder), "--store", str(store), "--out", str(out), "--device", "cpu"])
    assert not out.parent.exists()
