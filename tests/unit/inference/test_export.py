"""What leaves: the same numbers as torch's, and a card whose numbers are the run's."""

import argparse
import json
import logging
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from detections import N_FRAMES, TINY, alphapose, standing, written
from poselift.config.command_line import run_from_options
from poselift.errors import PoseliftError
from poselift.evaluation.report import Report, write_reports
from poselift.files import write_json
from poselift.inference import export, predict
from poselift.inference.checks import Known
from poselift.inference.export import _evaluation, card, main, write_onnx
from poselift.inference.lifters import from_onnx
from poselift.models.checkpoints import load_checkpoint
from poselift.models.registry import build_model, build_run

needs_onnx = pytest.mark.skipif(
    any(__import__("importlib.util").util.find_spec(name) is None for name in ("onnxscript", "onnxruntime")),
    reason="needs onnxscript and onnxruntime",
)

OF_MODEL = TINY[:-2]


@pytest.fixture(scope="module")
def exported(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported") / "model"
    main(["--checkpoint", str(checkpoint), *OF_MODEL, "--out", str(out)])
    return out


@needs_onnx
def test_predictions_are_torchs_also_without_torch(exported, checkpoint, tmp_path):
    path = written(tmp_path / "a.json", alphapose(standing(30)[None]))
    options = [str(path), "--size", "1000x1000"]
    predict.main([*options, "--checkpoint", str(checkpoint), *TINY, "--out", str(tmp_path / "torch")])
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "from poselift.inference.predict import main\n"
        f"main({[*options, '--onnx', str(exported / 'model.onnx'), '--out', str(tmp_path / 'onnx')]!r})"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    expected, found = (np.load(tmp_path / name / "poses.npz")["poses"] for name in ("torch", "onnx"))
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


@needs_onnx
def test_a_file_says_what_it_takes_and_no_option_does(exported, tmp_path):
    """The length of the clips is that of the input, whatever stands beside it; only measures are kept."""
    import onnx

    model = onnx.load(exported / "model.onnx")
    (told,) = (each for each in model.metadata_props if each.key == "poselift")
    told.value = json.dumps({"n_frames": 5, "confident": False, "known": {"size": [0, 1], "other": [0, 1]}})
    onnx.save(model, tmp_path / "model.onnx")
    lifter, known = from_onnx(tmp_path / "model.onnx")
    assert (lifter.n_frames, known) == (N_FRAMES, {"size": (0, 1)})
    path = written(tmp_path / "a.json", alphapose(standing(3)[None]))
    options = [str(path), "--onnx", str(tmp_path / "model.onnx"), "--crop", "--out", str(tmp_path / "o")]
    with pytest.raises(PoseliftError, match="--n-frames: the ONNX file says that"):
        predict.main([*options, "--n-frames", "27"])
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 16
    onnx.save(model, tmp_path / "other.onnx")
    with pytest.raises(PoseliftError, match=r"other\.onnx: no ONNX model of poselift"):
        from_onnx(tmp_path / "other.onnx")
    with pytest.raises(PoseliftError, match="--device cuda: an ONNX file is run by the CPU"):
        predict.main([*options, "--device", "cuda"])


@needs_onnx
@pytest.mark.parametrize("least", [0.9, 1])
def test_a_file_says_whether_its_training_had_confidence_1_alone(least, tmp_path):
    settings = run_from_options({"architecture": "baseline", "size": "tiny", "depth": 1, "dim": 8})
    known = {"confidence": (least, 1.0)}
    mm = 1024.0 if least == 1 else None
    assert write_onnx(build_run(settings).eval(), settings, known, tmp_path / "model.onnx", mm) == ""
    lifter, _ = from_onnx(tmp_path / "model.onnx")
    assert (lifter.confident, lifter.mm) == (least == 1, mm)


def test_the_best_weights_leave_with_what_their_training_was_like(tmp_path, monkeypatch):
    settings = run_from_options({"architecture": "baseline", "size": "tiny", "depth": 1, "dim": 8})
    models = {name: build_run(settings) for name in ("best", "last")}
    known, written_as_onnx = {"size": (0.5, 1.5)}, []
    monkeypatch.setattr(export, "evaluated", lambda _: ("name", settings, models))
    monkeypatch.setattr(export, "known_inputs", lambda *of: known if of == (Path("run"), settings) else None)
    monkeypatch.setattr(export, "write_onnx", lambda *given: written_as_onnx.append(given[:3]) or "")
    monkeypatch.setattr(export, "card", lambda *_, **__: "")
    main(["--run", "run", "--out", str(tmp_path / "out")])
    assert written_as_onnx == [(models["best"], settings, known)]
    left = load_file(tmp_path / "out" / "model.safetensors")
    np.testing.assert_array_equal(left["head.weight"], models["best"].head.weight.detach().numpy())


def test_an_evaluation_is_that_of_a_run(checkpoint, tmp_path, capsys):
    options = ["--checkpoint", str(checkpoint), *OF_MODEL, "--out", str(tmp_path / "o")]
    with pytest.raises(SystemExit):
        main([*options, "--evaluation", str(tmp_path / "run.json")])
    assert "--run is needed" in capsys.readouterr().err


@needs_onnx
def test_any_number_of_clips(exported, checkpoint):
    import onnxruntime

    session = onnxruntime.InferenceSession(exported / "model.onnx", providers=["CPUExecutionProvider"])
    from poselift.config.sizes import ModelSize

    model = build_model("baseline", ModelSize(depth=1, dim=16), N_FRAMES)
    model = load_checkpoint(exported / "model.safetensors", model).eval()
    for clips in (1, 3):
        x = torch.rand(clips, N_FRAMES, 17, 3)
        with torch.inference_mode():
            expected = model(x).numpy()
        found = session.run(None, {"keypoints": x.numpy()})[0]
        assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


@needs_onnx
@pytest.mark.parametrize("architecture", ["mamba_gcn", "full"])
def test_state_space_models_have_a_form_in_onnx(architecture, tmp_path, caplog, recwarn):
    import onnxruntime

    shape = {"size": "tiny", "depth": 1, "dim": 16, "n_frames": 70, "mamba_gcn_dim": 16}
    settings = run_from_options({"architecture": architecture, "input_2d": "ground_truth"} | shape)
    model, known = build_run(settings).eval(), {"size": (0.5, 1.5)}
    assert write_onnx(model, settings, known, tmp_path / "model.onnx") == ""
    # what torch's exporter says of itself helps nobody
    assert not [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert not recwarn.list
    lifter, told = from_onnx(tmp_path / "model.onnx")
    assert (lifter.n_frames, lifter.confident, told) == (70, True, known)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    x = torch.rand(3, 70, 17, 3)  # frames in two chunks, the second padded
    with torch.inference_mode():
        expected = model(x).numpy()
    found = session.run(None, {"keypoints": x.numpy()})[0]
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


@needs_onnx
def test_the_card_of_a_checkpoint_claims_nothing(exported, checkpoint):
    text = (exported / "README.md").read_text()
    assert text.startswith("**What this model was trained on is not recorded; it may be synthetic motion.**")
    assert "Not recorded." in text
    assert "Not evaluated." in text
    parameters = sum(value.size for name, value in load_file(checkpoint).items() if "running" not in name)
    assert f"opset 20: `keypoints` (B, {N_FRAMES}, 17, 3)" in text
    shown = int(text.split(" parameters;")[0].rsplit("\n", 1)[-1].replace(",", ""))
    assert 0.9 * parameters < shown <= parameters


def test_the_errors_of_the_card_are_those_of_the_weights_that_leave(make_report, tmp_path):
    write_reports(tmp_path / "run.json", [make_report("full", "base", 0, 40.0, 38.0)])
    errors = _evaluation(tmp_path / "run.json", "full-base-s0")["errors"]
    told = {each["title"]: each["interval"].estimate for each in errors}
    assert told["MPJPE"] == pytest.approx(38)  # of the best epoch
    with pytest.raises(
        PoseliftError, match=r"run\.json: is the evaluation of full-base-s0, not of full-base-s1"
    ):
        _evaluation(tmp_path / "run.json", "full-base-s1")


FULL = {"architecture": "full", "size": "base", "depth": 1, "dim": 16, "n_frames": 9, "mamba_gcn_dim": 16}
ARRAYS = {"train/inputs.npy": "d1"}


def card_of(
    results: Path, report: Report | None = None, known: Known | None = None, **options: object
) -> str:
    """The card of a run of `FULL` with these options and this evaluation in a folder of results."""
    settings = run_from_options(FULL | options)
    run = results / "runs" / settings.name
    inputs = {"data": ARRAYS, "code": "c1", "commit": "c2", "init_from": "d2"}
    inputs |= {"settings": settings.model_dump(mode="json")}
    record = {"key": "k1", "inputs": inputs, "environment": {"torch": "2.0"}}
    write_json(run / "provenance.json", record)
    summary = {
        "train_clips": 200, "test_clips": 30, "best_epoch": 2, "epochs": 3, "best_mpjpe": 45, "unit": "mm",
        "seconds": 7200, "gpu_hours": 8, "device": "A100",
    }  # fmt: skip
    write_json(run / "metrics.json", {"summary": summary})
    if report:
        write_reports(results / "evaluation" / f"{settings.name}.json", [report])
    given = argparse.Namespace(run=run, evaluation=None)
    return card(given, settings.name, settings, known or {}, onnx=True)


def write_manifest(results: Path, dataset: str, arrays: dict[str, str] = ARRAYS) -> None:
    manifest = {"dataset": dataset, "evaluates": "every frame", "arrays": arrays}
    write_json(results / "data" / "frames" / "manifest.json", manifest)


def test_the_card_of_a_run_says_what_its_records_say(make_report, tmp_path):
    report = make_report("full", "base", 0, 40.0, 38.0)
    text = card_of(tmp_path, report)
    told = dict(re.findall(r"^\| (.+?) \| (.+) \|$", text, re.MULTILINE))
    assert told["clips"] == "200 to train on, 30 to validate on"
    assert told["best epoch"] == "2 of 3, MPJPE 45.00 mm"
    assert told["took"] == "7200 s on A100, 8.00 GPU hours"
    assert told["key of the run"] == "k1 (code c1, commit c2)"
    error, low, high = map(float, re.fullmatch(r"(\S+) mm \| (\S+) to (\S+)", told["MPJPE"]).groups())
    assert low < error == 38 < high
    assert "may be synthetic" in text
    assert "data set not recorded" in told["data"]
    assert "a detector's or annotated: not recorded" in text
    assert "trained on, which is not recorded." in text
    assert "started from" not in text
    for file, said in (("raw.json", False), ("raw.sha256", True)):  # which is there where motion was made
        write_json(tmp_path / "data" / file, {})
        text = card_of(tmp_path, report)
        assert ("Trained on synthetic motion" in text) == ("synthetic" in text) == said
    assert "licensed data" in text


def test_the_card_says_which_data_the_weights_are_of(make_report, tmp_path):
    """Those of the store beside the run, if it is still the same one."""
    write_json(tmp_path / "data" / "raw.json", {})
    report = make_report("full", "base", 0, 40.0, 38.0)
    actions, sequences = (len(report.checkpoints["best"].by_name(group)) for group in ("action", "sequence"))
    write_manifest(tmp_path, "human36m")
    text = card_of(tmp_path, report)
    assert "| data | Human3.6M; SHA-256 of the training inputs d1 |" in text
    assert "Input: a detector's keypoints. " in text
    assert "* (width / 2)  # px; x right" in text
    assert f"On the test set of Human3.6M: {100 * actions:,} frames of {sequences} sequences." in text
    assert f"mean over the frames of an action, then over the {actions} actions," in text
    assert "Human3.6M is for academic use only." in text
    assert "Input: true 2D positions, confidence 1. " in card_of(tmp_path, input_2d="ground_truth")
    write_manifest(tmp_path, "human36m", {"train/inputs.npy": "d3"})
    assert "| data | data set not recorded; " in card_of(tmp_path, report)
    write_manifest(tmp_path, "mine")  # a file of the user's own, which only the configuration names
    text = card_of(tmp_path)
    assert "| data | mine; " in text
    assert "trained on, which is not recorded." in text


def test_the_card_of_a_run_on_annotated_2d_without_actions(make_result_of, tmp_path):
    write_json(tmp_path / "data" / "raw.json", {})
    write_manifest(tmp_path, "mpi_inf_3dhp")
    sequences = {f"TS{i}": {"mpjpe": 10.0 * i, "frames": 100 * i} for i in range(1, 7)}
    result = make_result_of({"all": {"": {"mpjpe": 910 / 21, "frames": 2100}}, "sequence": sequences})
    of_run = {"run": "full-base-s0", "architecture": "full", "size": "base", "seed": 0, "n_frames": 9}
    report = Report(
        **of_run, dataset="mpi_inf_3dhp", input_2d="annotated", checkpoints={"best": result, "last": result}
    )
    text = card_of(tmp_path, report, {"confidence": (1, 1)}, init_from="somewhere/other.safetensors")
    assert "Human3.6M" not in text
    assert "Input: annotated 2D positions, confidence 1. " in text
    assert "* 1024  # mm; x right" in text
    assert "in mm, from the sizes of the people it was trained on: not where a person is" in text
    assert "On the test set of MPI-INF-3DHP: 2,100 frames of 6 sequences. " in text
    assert "Root-relative, mean over all frames, with" in text
    assert "| MPJPE | 43.33 mm |" in text  # each frame counts once: (10 x 100 + 20 x 200 + …) / 2100
    assert "| started from | other.safetensors, SHA-256 d2 |" in text
    assert "MPI-INF-3DHP is for research only, and nothing commercial. They started from" in text


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod."])
def test_checkpoints_are_taken_as_they_are_published(prefix, checkpoint, tmp_path):
    weights = {f"{prefix}{name}": torch.from_numpy(value) for name, value in load_file(checkpoint).items()}
    torch.save({"epoch": 1, "model": weights}, tmp_path / "best_epoch.pth.tr")
    path = written(tmp_path / "a.json", alphapose(standing(12)[None]))
    for name, file in {"one": checkpoint, "other": tmp_path / "best_epoch.pth.tr"}.items():
        options = ["--size", "9x9", "--crop", "--checkpoint", str(file), *TINY, "--out", str(tmp_path / name)]
        predict.main([str(path), *options])
    one, other = (np.load(tmp_path / name / "poses.npz")["poses"] for name in ("one", "other"))
    np.testing.assert_array_equal(one, other)


def test_what_is_no_model_of_ours_is_named(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"\x08\x01")
    path = written(tmp_path / "a.json", alphapose(standing(3)[None]))
    with pytest.raises(PoseliftError, match="ONNX") as error:
        predict.main(
            [str(path), "--onnx", str(tmp_path / "model.onnx"), "--crop", "--out", str(tmp_path / "o")]
        )
    assert "\n" not in str(error.value)
