"""A user's mistakes and a machine's: one clear message, a non-zero exit, nothing half-made, nothing lost."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from poselift.config.datasets import dataset
from poselift.data import prepare


def stage(name: str, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run a stage as a user would."""
    command = [sys.executable, "-m", name, *arguments]
    return subprocess.run(command, capture_output=True, text=True, **options)  # type: ignore[call-overload]


def fault(answer: subprocess.CompletedProcess[str]) -> str:
    """The message that a stage ended with: the one line on standard error."""
    assert answer.returncode == 1, answer.stderr
    lines = answer.stderr.splitlines()
    assert len(lines) == 1, answer.stderr
    assert lines[0].startswith("error: ")
    return lines[0]


def test_missing_raw_file_in_two_lines(project):
    answer = project.snakemake(experiment=False)
    assert answer.returncode != 0
    message = answer.stderr[answer.stderr.index("error: ") :].strip().splitlines()
    assert len(message) == 2
    assert "data/motion3d/h36m_sh_conf_cam_source_final.pkl" in message[0]
    assert "make demo" in message[1]
    assert not (project.folder / "results").exists()


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("trainign: {epochs: 3}", "trainign: unknown key (did you mean 'training'?)"),
        ("experiment: {sizes: [pcio]}", "unknown size 'pcio' (did you mean 'pico'?)"),
        (
            "training: {epochs: -3}",
            "training.epochs: Input should be greater than or equal to 1, but it is -3",
        ),
    ],
)
def test_fault_in_the_configuration_names_the_key(project, setting, expected):
    answer = project.snakemake(changes=setting)
    assert answer.returncode != 0
    assert expected in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not (project.folder / "results").exists()


def test_faulty_raw_file_stops_the_workflow_and_spares_what_was_built(built, raw_content, write_raw):
    before = {path: path.read_bytes() for path in built.folder.glob("results/tiny/data/frames/**/*.npy")}
    content = raw_content()
    content["train"]["joint_2d"][13, 0, 0] = np.nan
    answer = built.snakemake(changes=f"data: {{raw: '{write_raw(content)}', synthetic: null}}")
    assert answer.returncode != 0
    assert "expected finite numbers" in answer.stderr
    assert "s_01_act_02_cam_02, its frame 4" in answer.stderr
    assert {path: path.read_bytes() for path in before} == before
    assert len(before) == 9


def test_clips_longer_than_every_sequence_stop_the_workflow(project):
    answer = project.snakemake("results/tiny/data/clips-31/manifest.json", changes="n_frames: 31")
    assert answer.returncode != 0
    assert "no sequence has n_frames = 31 frames, the longest has 30" in answer.stderr
    assert not list(project.folder.glob("results/tiny/data/clips-31/*.npy"))


def test_truncated_pickle(raw_content, write_raw, tmp_path):
    raw = write_raw(raw_content())
    raw.write_bytes(raw.read_bytes()[:-1000])
    message = fault(stage("poselift.data.prepare", "--raw", str(raw), "--out", str(tmp_path / "store")))
    assert f"{raw}: not a whole pickle" in message
    assert not (tmp_path / "store" / "frames").exists()


def test_unwritable_output_folder(raw_content, write_raw, tmp_path):
    (tmp_path / "file").write_text("in the way")
    arguments = ["--raw", str(write_raw(raw_content())), "--out", str(tmp_path / "file" / "store")]
    assert "Not a directory" in fault(stage("poselift.data.prepare", *arguments))


@pytest.mark.skipif(os.getuid() == 0, reason="permissions do not bind root")
def test_read_only_output_folder(raw_content, write_raw, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    arguments = ["--raw", str(write_raw(raw_content())), "--out", str(tmp_path / "locked" / "store")]
    assert "Permission denied" in fault(stage("poselift.data.prepare", *arguments))


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 200 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs the right to mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_no_space_left(raw_content, write_raw, small_disk):
    store = small_disk / "store"
    prepare.prepare(dataset("human36m"), {"raw": write_raw(raw_content())}, store)
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    runs = (("s_01_act_02_cam_01", "54138969", 2000),)
    large = write_raw(raw_content(train=runs), "large.pkl")
    message = fault(stage("poselift.data.prepare", "--raw", str(large), "--out", str(store)))
    assert "No space left on device" in message
    assert {path: path.read_bytes() for path in small_disk.rglob("*") if path.is_file()} == before


def test_interrupted_training_leaves_no_weights(raw_content, write_raw, tmp_path):
    store, out = tmp_path / "store", tmp_path / "run"
    prepare.main(["--raw", str(write_raw(raw_content())), "--out", str(store), "--n-frames", "4"])
    options = (
        "--architecture baseline --size tiny --depth 1 --dim 8 --n-frames 4 --epochs 100000 --device cpu"
    )
    command = [sys.executable, "-m", "poselift.training.train", "--store", str(store), "--out", str(out)]
    with subprocess.Popen([*command, *options.split()], stderr=subprocess.PIPE, text=True) as trainer:
        assert trainer.stderr is not None
        for line in trainer.stderr:
            if "epoch 1/" in line:
                break
        trainer.terminate()
    assert not list(Path(out).glob("*.safetensors"))
    assert list(Path(out).glob("state/*/state-*.pt"))
