"""PCK, AUC and the protocol of MPI-INF-3DHP against cases worked by hand."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from poselift.config.datasets import dataset
from poselift.config.run import RunSettings, TrainingSettings
from poselift.data import clips, prepare
from poselift.data.sequence import Sequence
from poselift.data.store import Split, open_split
from poselift.datasets.mpi_inf_3dhp import Synthetic
from poselift.errors import PoseliftError
from poselift.evaluation import evaluate, metrics, protocol
from poselift.evaluation.metrics import PCK_JOINTS
from poselift.evaluation.report import Result, load_reports
from poselift.geometry import mirror
from poselift.models.architectures import baseline
from poselift.models.checkpoints import save_weights
from poselift.models.registry import build_run
from poselift.skeleton import JOINTS
from poselift.synthetic import mpi_inf_3dhp as twin

UNIT = 1024
"""mm of one unit of a prediction."""


def evaluate_mpi_inf_3dhp(predictions: torch.Tensor, split: Split) -> Result:
    source = dataset("mpi_inf_3dhp")
    return protocol.evaluate(predictions, split, source.metrics, source.also_published_scale)


def poses(*errors: float) -> tuple[torch.Tensor, torch.Tensor]:
    """A prediction whose joints are off by these distances, and its target, (1, J, 3) each."""
    target = torch.zeros(1, len(errors), 3, dtype=torch.float64)
    # 3-4-12-13: off in all three directions
    direction = torch.tensor([3 / 13, 4 / 13, 12 / 13], dtype=torch.float64)
    return target + torch.tensor(errors, dtype=torch.float64)[None, :, None] * direction, target


def test_pck_counts_joints_closer_than_150_mm():
    assert metrics.pck(*poses(0, 149.9, 151, 1000)).tolist() == [[100, 100, 0, 0]]
    # exactly 150 mm is not closer: 90-120-150
    off = torch.tensor([[[90.0, 120.0, 0.0]]])
    assert metrics.pck(off, torch.zeros_like(off)).tolist() == [[0]]


def test_auc_is_the_mean_of_pck_at_31_thresholds():
    # a joint off by 12 mm is within 15, 20, ..., 150: 28 of the 31 thresholds
    expected = [28 / 31, 30 / 31, 30 / 31, 1 / 31, 0]
    values = metrics.auc(*poses(12, 0, 4.9, 146, 150.1))[0]
    assert values.tolist() == pytest.approx([100 * share for share in expected])
    # the definition: PCK with its threshold moved, averaged
    prediction, target = poses(*np.random.default_rng(0).uniform(0, 200, 50))
    distance = torch.linalg.vector_norm(prediction - target, dim=-1)
    by_threshold = [100.0 * (distance < threshold).double() for threshold in range(0, 151, 5)]
    torch.testing.assert_close(metrics.auc(prediction, target), torch.stack(by_threshold).mean(dim=0))


def test_pck_counts_the_14_joints_of_the_data_sets_own_evaluation():
    left_out = {JOINTS[j] for j in range(17) if j not in PCK_JOINTS}
    assert left_out == {"hip", "spine", "neck"}  # pelvis, spine, head in the words of MPI-INF-3DHP
    assert len(PCK_JOINTS) == 14


def make_split(lengths: dict[str, int], valid: list[list[int]], n_frames: int = 3) -> Split:
    """A test split whose targets are random poses in mm."""
    rng = np.random.default_rng(0)
    sequences, first = [], 0
    for name, length in lengths.items():
        size = (1920, 1080) if name in ("TS5", "TS6") else (2048, 2048)
        sequences.append(Sequence(name, name, None, name, *size, first, length))
        first += length
    flags = np.zeros(first, dtype=bool)
    for sequence, frames in zip(sequences, valid, strict=True):
        flags[[sequence.first_frame + frame for frame in frames]] = True
    target = rng.uniform(-900, 900, (first, 17, 3))
    target -= target[:, :1]
    width = np.repeat([s.width for s in sequences], list(lengths.values()))
    return Split(
        name="test",
        inputs=np.zeros((first, 17, 3), np.float32),
        labels=(target / UNIT).astype(np.float32),
        sequence=np.repeat(np.arange(len(sequences)), list(lengths.values())).astype(np.int32),
        factor=(2048 / width).astype(np.float64),
        target_mm=target,
        sequences=sequences,
        clips=clips.centred_windows(sequences, flags, n_frames),
        evaluates="centre frame",
    )


@pytest.fixture
def split() -> Split:
    """Two valid frames of four in TS1, one of three in TS5."""
    return make_split({"TS1": 4, "TS5": 3}, [[0, 2], [1]])


def perfect(split: Split) -> torch.Tensor:
    assert split.target_mm is not None
    return torch.from_numpy(split.target_mm[split.clips] / UNIT)


def test_the_published_scale_makes_people_of_wide_images_smaller(split):
    """A perfect prediction, times 960 in place of 1024 for TS5: each joint is off by 6.25 % of its distance
    from the root there, and by nothing in TS1."""
    result = evaluate_mpi_inf_3dhp(perfect(split), split)
    frame = split.clips[2, 1]
    off = np.linalg.norm(split.target_mm[frame], axis=-1) * (1 - 960 / 1024)
    as_published = result.by_name("published scale")[""]
    assert as_published["mpjpe"] == pytest.approx(off.mean() / 3)
    assert as_published["pck"] == pytest.approx(100)  # 0.0625 of at most 1.56 m is closer than 150 mm
    assert result.mpjpe == pytest.approx(0, abs=1e-9)
    halved = evaluate_mpi_inf_3dhp(perfect(split) / 2, split).by_name("published scale")[""]
    distance = np.linalg.norm(split.target_mm[split.clips[:, 1]], axis=-1)
    halved_off = distance * np.array([[0.5], [0.5], [1 - 960 / 2048]])
    assert halved["mpjpe"] == pytest.approx(halved_off.mean())
    assert halved["pck"] == pytest.approx(100 * (halved_off[:, PCK_JOINTS] < 150).mean())


def test_scores_by_hand(split):
    prediction = perfect(split)
    prediction[:, [0, 2]] = 7  # only the centre counts
    off = torch.zeros(3, 17, 3)
    off[0, 5, 0] = 34  # left knee, TS1, frame 0
    off[1, 5, 1] = 68  # left knee, TS1, frame 2
    off[2, 5, 2] = 170  # left knee, TS5
    off[2, 7] = torch.tensor([51.0, 0, 0])  # spine, not among those that PCK counts
    prediction[:, 1] += off / UNIT
    result = evaluate_mpi_inf_3dhp(prediction, split)
    per_sequence = result.by_name("sequence")
    # 34 mm is within 35, 40, ..., 150 (24 of 31), 68 mm within 70, ..., 150 (17), 170 mm within none; the
    # others, off by nothing, within 30
    assert per_sequence["TS1"] == pytest.approx(
        {
            "mpjpe": (34 + 68) / 2 / 17,
            "pck": 100,
            "auc": 100 * (26 * 30 + 24 + 17) / 31 / 28,
            "frames": 2,
        }
    )
    assert per_sequence["TS5"] == pytest.approx(
        {"mpjpe": (170 + 51) / 17, "pck": 100 * 13 / 14, "auc": 100 * 13 * 30 / 31 / 14, "frames": 1}
    )
    # a mean over frames, not over sequences
    assert result.frames == 3
    assert result.mpjpe == pytest.approx((34 + 68 + 170 + 51) / 3 / 17)
    assert result.pck == pytest.approx(100 * 41 / 42)
    assert result.auc == pytest.approx(100 * (39 * 30 + 24 + 17) / 31 / 42)
    assert result.per_joint["left knee"] == pytest.approx(
        {"mpjpe": (34 + 68 + 170) / 3, "pck": 200 / 3, "auc": 100 * (24 + 17) / 31 / 3}
    )
    assert result.per_joint["spine"] == pytest.approx({"mpjpe": 17})
    assert result.per_joint["hip"] == pytest.approx({"mpjpe": 0})


def test_predicted_root_does_not_matter(split):
    prediction = perfect(split)
    prediction[:, :, 0] = 5
    assert evaluate_mpi_inf_3dhp(prediction, split).mpjpe == pytest.approx(0, abs=1e-9)


def test_prediction_right_in_mm_is_right_on_images_of_any_size(split):
    """The quirk of the published code: TS5 and TS6 scaled by 1920 would be 6.25 % too small."""
    result = evaluate_mpi_inf_3dhp(perfect(split), split)
    assert result.mpjpe == pytest.approx(0, abs=1e-9)
    assert result.auc == pytest.approx(100 * 30 / 31)
    quirky = dataclasses.replace(split, factor=np.ones(7))
    shrunk = evaluate_mpi_inf_3dhp(perfect(split), quirky).by_name("sequence")
    assert shrunk["TS1"]["mpjpe"] == pytest.approx(0, abs=1e-9)
    distance = np.linalg.norm(split.target_mm[5], axis=-1).mean()
    assert shrunk["TS5"]["mpjpe"] == pytest.approx(0.0625 * distance)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda p, s: (p[:, :2], s), "predictions of shape (3, 2, 17, 3), expected (3, 3, 17, 3)"),
        (lambda p, s: (p, dataclasses.replace(s, target_mm=None)), "test: has no mm per pixel"),
        (lambda p, s: (p[:2], dataclasses.replace(s, clips=s.clips[:2])), "sequence TS5 has no valid frame"),
        (lambda p, s: (p[:0], dataclasses.replace(s, clips=s.clips[:0])), "sequence TS1 has no valid frame"),
        (lambda p, s: (with_nan(p), s), "sequence TS5, frame 1"),
    ],
)
def test_what_cannot_be_evaluated_is_named(split, spoil, words):
    with pytest.raises(PoseliftError) as error:
        evaluate_mpi_inf_3dhp(*spoil(perfect(split), split))
    assert words in str(error.value)


def with_nan(prediction: torch.Tensor) -> torch.Tensor:
    prediction[2, 1, 9, 0] = float("nan")
    return prediction


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of a tiny twin with clips of 3 frames."""
    folder = tmp_path_factory.mktemp("twin")
    settings = Synthetic(train_frames=3, test_frames=12)
    twin.write_npz(folder / "train.npz", twin.generate_train(settings))
    twin.write_npz(folder / "test.npz", twin.generate_test(settings))
    files = {split: folder / f"{split}.npz" for split in ("train", "test")}
    prepare.prepare(dataset("mpi_inf_3dhp"), files, folder / "store")
    clips.make_clips(folder / "store", 3)
    return folder / "store"


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[[], Path]:
    """Write the folder of a run of a tiny baseline with random weights."""

    def make() -> Path:
        settings = RunSettings(
            architecture="baseline", size="nano", depth=1, dim=16, n_frames=3, seed=4,
            model=baseline.Settings(), training=TrainingSettings(),
        )  # fmt: skip
        folder = tmp_path / "run"
        folder.mkdir()
        (folder / "config.yaml").write_text(yaml.safe_dump(settings.model_dump(mode="json")))
        torch.manual_seed(0)
        for name in ("best", "last"):
            save_weights(build_run(settings), folder / f"{name}_model.safetensors")
        return folder

    return make


def test_command_evaluates_both_weights_of_a_run(store, make_run, tmp_path, capsys):
    run = make_run()
    out = tmp_path / "evaluation.json"
    evaluate.main(
        ["--run", str(run), "--store", str(store), "--out", str(out), "--device", "cpu"]
    )  # fmt: skip
    (report,) = load_reports(out)
    assert (report.run, report.seed, report.n_frames) == ("baseline-nano-s4", 4, 3)
    assert (report.dataset, report.input_2d) == ("mpi_inf_3dhp", "annotated")
    assert list(report.checkpoints) == ["best", "last"]
    result = report.checkpoints["best"]
    assert list(result.by_name("sequence")) == [f"TS{i}" for i in range(1, 7)]
    # against the whole chain by hand: flip averaged, root 0, times 1024 mm
    test = open_split(store, "test", 3)
    settings = RunSettings.model_validate(yaml.safe_load((run / "config.yaml").read_text()))
    torch.manual_seed(0)
    model = build_run(settings).eval()
    inputs = torch.from_numpy(test.inputs[test.clips])
    with torch.no_grad():
        output = (model(inputs) + mirror(model(mirror(inputs))))[:, 1] / 2
    output[:, 0] = 0
    distance = np.linalg.norm(output.numpy() * 1024 - test.target_mm[test.clips[:, 1]], axis=-1)
    assert result.mpjpe == pytest.approx(distance.mean(), rel=1e-5)
    assert result.pck == pytest.approx(100 * (distance[:, list(PCK_JOINTS)] < 150).mean(), abs=1e-3)
    printed = capsys.readouterr().out
    assert f"{result.mpjpe:.2f}" in printed
    assert "TS6" in printed


def test_report_cut_short_is_named(store, make_run, tmp_path):
    path = tmp_path / "evaluation.json"
    path.write_text('{"run": "baseline-nano-s4", "seed": 4')
    with pytest.raises(PoseliftError, match=r"evaluation\.json"):
        load_reports(path)


def test_run_without_best_weights_is_named(store, make_run, tmp_path):
    run = make_run()
    (run / "best_model.safetensors").unlink()
    with pytest.raises(PoseliftError, match="best_model"):
        evaluate.main(["--run", str(run), "--store", str(store), "--out", str(tmp_path / "o.json")])
