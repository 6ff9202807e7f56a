"""The clips that the page plays: chosen by what all models do, and predicted as the evaluation does."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from poselift.config.run import RunSettings
from poselift.data.store import open_split
from poselift.errors import PoseliftError
from poselift.evaluation import evaluate, shown_clips
from poselift.evaluation.shown_clips import choose, joined
from poselift.models.checkpoints import save_weights
from poselift.models.registry import build_run


def test_of_each_action_the_lower_median_and_the_worst() -> None:
    errors = np.array([5.0, 1, 9, 3, 7, 2])
    actions = ["walk", "eat", "walk", "walk", "sit", "walk"]
    assert choose(errors, actions) == [
        ("eat", "median", 1),
        ("sit", "median", 4),
        ("walk", "median", 3),  # of 2, 3, 5, 9
        ("walk", "worst", 2),
    ]


def test_short_clips_are_joined_with_their_neighbours() -> None:
    # sequence 4 has five clips, sequence 9 seven; three of 20 frames make more than a second
    sequence = np.array([4] * 5 + [9] * 7)
    assert joined(sequence, 20).tolist() == [[0, 1, 2], [5, 6, 7], [8, 9, 10]]
    assert joined(sequence, 243).tolist() == [[i] for i in range(12)]
    assert joined(sequence, 3).tolist() == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]  # the shortest has no more
    assert joined(np.array([4, 4]), 25).tolist() == [[0, 1]]


@pytest.fixture
def evaluated(store: Path, tmp_path: Path) -> list[str]:
    """Two evaluated runs with other weights each: the options that name them and what was kept of them."""
    folders, kept = [], []
    for seed, inputs in ((3, "detected"), (4, "ground_truth")):
        settings = RunSettings.model_validate(
            {"architecture": "baseline", "size": "tiny", "depth": 1, "dim": 8, "n_frames": 8, "seed": seed}
            | {"input_2d": inputs, "model": {}, "training": {}}
        )
        folder = tmp_path / settings.name
        folder.mkdir()
        (folder / "config.yaml").write_text(yaml.safe_dump(settings.model_dump()))
        for number, checkpoint in enumerate(("best", "last")):
            torch.manual_seed(10 * seed + number)
            save_weights(build_run(settings), folder / f"{checkpoint}_model.safetensors")
        out = tmp_path / f"{settings.name}.json"
        command = ["--run", str(folder), "--store", str(store), "--out", str(out), "--device", "cpu"]
        evaluate.main(command)
        folders.append(str(folder))
        kept.append(str(out.with_name(f"{out.stem}-examples.npz")))
    return ["--runs", *folders, "--examples", *kept, "--store", str(store), "--device", "cpu"]


def test_all_models_predict_the_same_clips(
    evaluated: list[str], store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shown_clips, "FRAMES", 8)  # as long as the clips, which stay single
    given, models_of_run = [], shown_clips.models_of_run

    def noted(folder: Path, file: str | None) -> Any:
        given.append(file)
        return models_of_run(folder)

    monkeypatch.setattr(shown_clips, "models_of_run", noted)
    lifters = ["--lifters", "full=other.py", "baseline=moved=here.py"]
    shown_clips.main([*evaluated, *lifters, "--out", str(tmp_path / "shown.npz")])
    assert given == ["moved=here.py"] * 2
    shown = dict(np.load(tmp_path / "shown.npz"))  # refuses pickled objects
    assert shown["run"].tolist() == ["baseline-tiny-s3", "baseline-tiny-s4"]
    assert shown["action"].tolist() == ["Eating", "Eating", "Walking", "Walking"]
    assert shown["clip_kind"].tolist() == ["median", "worst"] * 2
    assert shown["prediction"].shape == (2, 4, 8, 17, 3)

    # what was written is what the evaluations measured, up to whole millimetres
    vectors = shown["prediction"].astype(float) - shown["target"]
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=-1).mean(axis=(2, 3)), shown["mpjpe"], atol=0.9)
    # Walking has two clips, the last two of the store: the worst has the larger mean over the models
    median, worst = shown["mpjpe"][:, 2:].mean(axis=0)
    assert median <= worst
    # the fixture's detections are the projected truth
    test = open_split(store, "test", 8)
    assert test.factor is not None
    assert test.target_mm is not None
    clips = {tuple(np.rint(test.target_mm[c] / test.factor[c][:, None, None])[0, 3, :2]) for c in test.clips}
    assert {tuple(pixels) for pixels in shown["input_2d"][:, 0, 3].astype(float)} <= clips


def test_clips_are_chosen_by_the_mean_over_the_models(
    evaluated: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shown_clips, "FRAMES", 8)
    first, second = evaluated[4:6]
    for path, errors in ((first, [10, 11, 12, 13, 20]), (second, [90, 11, 12, 50, 20])):
        np.savez(path, **dict(np.load(path)) | {"evaluated_mpjpe": np.array(errors, dtype=float)})
    shown_clips.main([*evaluated, "--out", str(tmp_path / "shown.npz")])
    # Eating has the means 50, 11 and 12, Walking 31.5 and 20
    assert np.load(tmp_path / "shown.npz")["mpjpe"].tolist() == [[12, 10, 20, 13], [12, 90, 20, 50]]


def test_excerpts_are_pieces_of_a_sequence(evaluated: list[str], store: Path, tmp_path: Path) -> None:
    shown_clips.main([*evaluated, "--out", str(tmp_path / "shown.npz")])
    shown = dict(np.load(tmp_path / "shown.npz"))
    length = shown["target"].shape[1]
    assert length > 8
    vectors = shown["prediction"].astype(float) - shown["target"]
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=-1).mean(axis=(2, 3)), shown["mpjpe"], atol=0.9)
    test = open_split(store, "test", 8)
    assert test.target_mm is not None
    truth = np.rint(test.target_mm - test.target_mm[:, :1]).astype(int)
    for excerpt in shown["target"]:
        assert any(np.array_equal(excerpt, truth[i : i + length]) for i in range(len(truth) - length + 1))


def test_runs_of_other_clips_are_refused(evaluated: list[str], tmp_path: Path) -> None:
    other = Path(evaluated[evaluated.index("--examples") + 2])
    arrays = dict(np.load(other))
    np.savez(other, **arrays | {"evaluated_clip": arrays["evaluated_clip"][1:]})
    with pytest.raises(PoseliftError, match=f"{other.name}: of other clips than"):
        shown_clips.main([*evaluated, "--out", str(tmp_path / "shown.npz")])
    del arrays["evaluated_clip"]
    np.savez(other, **arrays)
    with pytest.raises(PoseliftError, match=f"{other.name}: not the examples of an evaluation") as error:
        shown_clips.main([*evaluated, "--out", str(tmp_path / "shown.npz")])
    assert "\n" not in str(error.value)
