"""The command that evaluates a run or a published checkpoint, with a tiny model on a tiny store."""

import dataclasses
import hashlib
import json
import re
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch
import yaml

from poselift.config.run import RunSettings
from poselift.data.store import open_split
from poselift.errors import PoseliftError
from poselift.evaluation import references
from poselift.evaluation.evaluate import RULE, examples, main
from poselift.evaluation.predict import predict
from poselift.evaluation.protocol import evaluate_human36m
from poselift.evaluation.report import PUBLISHED_SCALE, load_reports
from poselift.evaluation.speed import Stopwatch
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
    assert (report.variant, report.input_2d) == (None, "detected")
    assert f"{report.volatile.frames_per_second:,.0f} frames per second" in printed

    with np.load(tmp_path / "evaluation-examples.npz") as shown:  # refuses pickled objects
        assert shown["rule"] == RULE
        model = load_weights(run_folder / "best_model.safetensors", build_run(SETTINGS))
        expected_examples = examples(predict(model, test, CPU, 16), test)
        np.testing.assert_allclose(shown["prediction"], expected_examples["prediction"], atol=1e-3)
        assert set(shown) == set(expected_examples)


def test_weights_that_are_not_those_of_the_training_are_refused(
    run_folder: Path, store: Path, tmp_path: Path
) -> None:
    weights = [run_folder / f"{checkpoint}_model.safetensors" for checkpoint in ("best", "last")]
    outputs = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in weights}
    (run_folder / "history.json").write_text(json.dumps({"record": {"outputs": outputs}}))
    command = ["--run", str(run_folder), "--store", str(store), "--device", "cpu"]
    main([*command, "--out", str(tmp_path / "out.json")])
    content = bytearray(weights[1].read_bytes())
    content[-3] ^= 1
    weights[1].write_bytes(content)
    with pytest.raises(PoseliftError, match=r"last_model\.safetensors: not as it was recorded"):
        main([*command, "--out", str(tmp_path / "other.json")])
    assert not (tmp_path / "other.json").exists()


def test_evaluating_again_changes_only_what_is_measured(
    run_folder: Path, store: Path, tmp_path: Path
) -> None:
    written = []
    for name in ("one", "two"):
        out = tmp_path / f"{name}.json"
        main(["--run", str(run_folder), "--store", str(store), "--out", str(out), "--device", "cpu"])
        written.append(json.loads(out.read_text()))
    assert written[0].pop("volatile").keys() == {"frames_per_second", "device", "threads"}
    written[1].pop("volatile")
    assert written[0] == written[1]


@pytest.mark.parametrize(("changed", "passes"), [(None, 1), ("batch_norm.running_mean", 2)])
def test_weights_that_were_the_best_and_the_last_are_evaluated_once(
    run_folder: Path, store: Path, monkeypatch: pytest.MonkeyPatch, changed: str | None, passes: int
) -> None:
    model = load_weights(run_folder / "best_model.safetensors", build_run(SETTINGS))
    for name, buffer in model.named_buffers():
        if changed and name.endswith(changed):
            buffer += 1
    save_weights(model, run_folder / "last_model.safetensors")
    predicted = Mock(wraps=predict)
    monkeypatch.setattr("poselift.evaluation.evaluate.predict", predicted)
    out = run_folder / "evaluation.json"
    main(["--run", str(run_folder), "--store", str(store), "--out", str(out), "--device", "cpu"])
    (report,) = load_reports(out)
    assert predicted.call_count == passes
    assert (report.checkpoints["best"] == report.checkpoints["last"]) == (passes == 1)


def test_a_run_on_ground_truth_is_given_ground_truth(run_folder: Path, store: Path, tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"variant": "gt2d", "input_2d": "ground_truth"})
    (run_folder / "config.yaml").write_text(yaml.safe_dump(settings.model_dump()))
    out = tmp_path / "evaluation.json"
    main(["--run", str(run_folder), "--store", str(store), "--out", str(out), "--device", "cpu"])
    (report,) = load_reports(out)
    assert (report.run, report.variant, report.input_2d) == (
        "baseline-tiny-gt2d-s4",
        "gt2d",
        "ground_truth",
    )
    test = open_split(store, "test", 8)
    inputs = np.array(test.labels)
    inputs[..., 2] = 1
    model = load_weights(run_folder / "best_model.safetensors", build_run(SETTINGS))
    expected = evaluate_human36m(predict(model, dataclasses.replace(test, inputs=inputs), CPU, 16), test)
    assert report.checkpoints["best"].mpjpe == pytest.approx(expected.mpjpe)
    detected = evaluate_human36m(predict(model, test, CPU, 16), test)
    assert abs(detected.mpjpe - expected.mpjpe) > 1e-3


def test_weights_alone(
    run_folder: Path, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where the report goes if nothing is said
    model = build_run(SETTINGS.model_copy(update={"depth": 12, "dim": 64}))
    save_weights(model, tmp_path / "weights.safetensors")
    of = ["--checkpoint", "weights.safetensors", "--architecture", "baseline", "--size", "xsmall"]
    main([*of, "--n-frames", "8", "--store", str(store), "--device", "cpu"])
    (report,) = load_reports(tmp_path / "weights.json")
    test = open_split(store, "test", 8)
    expected = evaluate_human36m(predict(model, test, CPU, 16), test)
    assert report.checkpoints["published"].mpjpe == pytest.approx(expected.mpjpe)


def test_a_run_of_the_workflow_needs_nothing_else(
    run_folder: Path, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs").mkdir()
    run_folder = run_folder.rename(tmp_path / "runs" / run_folder.name)
    store.rename(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    main(["--run", str(run_folder.relative_to(tmp_path)), "--device", "cpu"])
    assert list(load_reports(tmp_path / "baseline-tiny-s4.json")[0].checkpoints) == ["best", "last"]
    weights = str(run_folder / "best_model.safetensors")
    with pytest.raises(PoseliftError, match="--checkpoint needs --store"):
        main(["--checkpoint", weights, "--architecture", "baseline", "--size", "xsmall"])


def test_speed_counts_frames_and_leaves_out_the_first_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 9.0, 10.0, 10.5, 20.0, 21.5])  # passes of 9, 0.5 and 1.5 s
    monkeypatch.setattr("poselift.evaluation.speed.time.perf_counter", lambda: next(clock))
    timed = Stopwatch(torch.nn.Identity(), CPU)
    for clips in (4, 4, 2):
        timed(torch.zeros(clips, 5, 17, 3))
    assert timed.measured().frames_per_second == pytest.approx((4 + 2) * 5 / 2)


def test_examples_are_the_median_and_the_worst_clip(store: Path) -> None:
    test = open_split(store, "test", 8)
    assert test.factor is not None
    assert test.target_mm is not None
    predictions = (test.labels - test.labels[:, :1])[test.clips]
    # mm by clip: the median is clip 0, the worst clip 3, the first of the other sequence
    off = np.array([30.0, 10, 20, 50, 40])
    predictions[:, :, 1:, 0] += (off[:, None] / test.factor[test.clips] / 500)[..., None]
    shown = examples(torch.from_numpy(predictions), test)

    assert shown["clip_kind"] == ["median", "worst"]
    assert shown["clip"].tolist() == [0, 3]
    assert shown["mpjpe"] == pytest.approx([30 * 16 / 17, 50 * 16 / 17], rel=1e-4)
    assert shown["frame"].tolist() == [list(range(8)), list(range(24, 32))]
    assert shown["action"] == ["Eating", "Walking"]
    assert shown["sequence"] == [f"s_11_act_02_subact_01_ca_0{i}.54138969" for i in range(2)]
    truth = test.target_mm[shown["frame"]]
    np.testing.assert_allclose(shown["target"], truth - truth[:, :, :1], atol=1e-3)
    np.testing.assert_allclose(shown["prediction"][1, 3, 5] - shown["target"][1, 3, 5], [50, 0, 0], atol=1e-2)
    # the fixture's detections are the projected truth, in pixels: mm over the factor
    pixels = truth[..., :2] / test.factor[shown["frame"]][..., None, None]
    np.testing.assert_allclose(shown["input_2d"], pixels, atol=1e-2)
    assert (shown["width"].tolist(), shown["height"].tolist()) == ([1000, 1000], [1002, 1000])


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


@pytest.mark.parametrize("name", ["poses.csv", "keypoints.json", "folder.json"])
def test_what_is_no_evaluation_is_not_replaced(
    run_folder: Path, store: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "keypoints.json").write_text('{"people": []}')
    (tmp_path / "folder.json").mkdir()
    there = sorted(tmp_path.rglob("*"))
    with pytest.raises(
        PoseliftError, match=rf"--out .*{name}: (expected|is there already, and no evaluation)"
    ):
        main(["--run", str(run_folder), "--store", str(store), "--out", str(tmp_path / name)])
    assert sorted(tmp_path.rglob("*")) == there
    assert (tmp_path / "keypoints.json").read_text() == '{"people": []}'


def test_a_diverged_model_leaves_no_output(run_folder: Path, store: Path, tmp_path: Path) -> None:
    model = build_run(SETTINGS)
    model.head.bias.data.fill_(torch.nan)
    save_weights(model, run_folder / "last_model.safetensors")
    out = tmp_path / "out" / "evaluation.json"
    with pytest.raises(PoseliftError, match="not finite"):
        main(["--run", str(run_folder), "--store", str(store), "--out", str(out), "--device", "cpu"])
    assert not out.parent.exists()


def test_a_checkpoint_of_a_size_of_ones_own(store: Path, tmp_path: Path) -> None:
    torch.manual_seed(3)
    model = build_run(SETTINGS.model_copy(update={"depth": 2, "dim": 16}))
    save_weights(model, tmp_path / "own.safetensors")
    told = {"checkpoint": tmp_path / "own.safetensors", "store": store, "out": tmp_path / "own.json"}
    told |= {
        "architecture": "baseline",
        "size": "mine",
        "depth": 2,
        "dim": 16,
        "n-frames": 8,
        "device": "cpu",
    }
    main([word for name, value in told.items() for word in (f"--{name}", str(value))])
    (report,) = load_reports(tmp_path / "own.json")
    test = open_split(store, "test", 8)
    expected = evaluate_human36m(predict(model, test, CPU, 16), test)
    assert report.checkpoints["published"].mpjpe == pytest.approx(expected.mpjpe)
    assert (report.size, report.n_frames) == ("mine", 8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n-frames": 9}, r"clips-9: no such folder; indexed: 8; use --n-frames, or index them"),
        ({"n-frames": 8, "store": "elsewhere"}, r"sequences\.json: no such file; say where .* \(--store\)"),
        ({"size": "mine"}, r"unknown size 'mine'.*others need depth and dim"),
        ({"input-2d": "guessed"}, r"input_2d: .*'detected' or 'ground_truth', but it is 'guessed'"),
    ],
)
def test_what_is_missing_is_said_with_the_option_for_it(
    store: Path, tmp_path: Path, options: dict, message: str
) -> None:
    shape = {"depth": 12, "dim": 64, "n_frames": options.get("n-frames", 243)}
    save_weights(build_run(SETTINGS.model_copy(update=shape)), tmp_path / "w.safetensors")
    told = {"checkpoint": tmp_path / "w.safetensors", "store": store, "architecture": "baseline"}
    told |= {"size": "xsmall", "device": "cpu"} | options
    with pytest.raises(PoseliftError, match=message):
        main([word for name, value in told.items() for word in (f"--{name}", str(value))])


def test_a_run_is_loaded_as_the_documents_say(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[3] / "docs/training.md").read_text()
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "of_run" in block]
    runs = run_folder.parent / "results" / "h36m" / "runs"
    runs.mkdir(parents=True)
    run_folder.rename(runs / "full-base-s0")
    monkeypatch.chdir(run_folder.parent)
    names: dict = {"inputs": torch.rand(2, 8, 17, 3)}
    exec(code, names)
    model = load_weights(runs / "full-base-s0" / "best_model.safetensors", build_run(SETTINGS))
    assert torch.equal(names["poses"], model.eval()(names["inputs"]))
    assert names["settings"] == SETTINGS


def test_the_data_set_may_be_told(run_folder: Path, store: Path, tmp_path: Path) -> None:
    told = ["--store", str(store), "--dataset", "mpi_inf_3dhp", "--out", str(tmp_path / "out.json")]
    main(["--run", str(run_folder), *told, "--device", "cpu"])
    (report,) = load_reports(tmp_path / "out.json")
    references.main([*told, "--n-frames", "8"])
    for each in (report, *load_reports(tmp_path / "out.json")):
        assert each.dataset == "mpi_inf_3dhp"
        for result in each.checkpoints.values():
            assert {row.metric for row in result.rows} == {"frames", "mpjpe", "pck", "auc"}
    assert report.input_2d == "annotated"
    rows = [row for result in report.checkpoints.values() for row in result.rows]
    assert {row.metric for row in rows if row.group == PUBLISHED_SCALE} == {"mpjpe", "pck", "auc"}


def test_another_data_set_than_the_stores_is_refused(run_folder: Path, store: Path, tmp_path: Path) -> None:
    manifest = store / "frames/manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "dataset": "human36m"}))
    told = ["--store", str(store), "--dataset", "mpi_inf_3dhp", "--out", str(tmp_path / "out.json")]
    for command in (
        lambda: main(["--run", str(run_folder), *told, "--device", "cpu"]),
        lambda: references.main([*told, "--n-frames", "8"]),
    ):
        with pytest.raises(PoseliftError, match=r"--dataset mpi_inf_3dhp: the store .* holds human36m"):
            command()
    assert not (tmp_path / "out.json").exists()
