"""The doctor: what each line says, given what is there; an answer whatever is absent."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import yaml

from poselift.data.outside import contents
from poselift.machine import doctor
from poselift.machine import machine_checks as machine
from poselift.machine.machine_checks import Check
from poselift.models.kernel_choice import Choice
from poselift.models.ssd import Mamba2
from poselift.provenance import hashing

CONFIG: dict[str, Any] = {
    "dataset": "trial",
    "data": {"title": "Trial", "raw": "raw.pkl", "expected_clips": {"train": 17748, "test": 2228}},
    "sizes": {"tiny": {"depth": 2, "dim": 16}},
    "experiment": {"architectures": ["baseline"], "sizes": ["tiny"], "seeds": [0, 1]},
    "paper": {"title": "T", "authors": ["A"], "per_action_size": "tiny"},
}

Diagnose = Callable[..., dict[str, Check]]


@pytest.fixture
def diagnose(tmp_path, monkeypatch) -> Diagnose:
    """The checks by name (the last of a name), in a folder with this configuration."""
    monkeypatch.chdir(tmp_path)

    def run(**changes: Any) -> dict[str, Check]:
        Path("config.yaml").write_text(yaml.safe_dump(CONFIG | changes))
        return {check.name: check for check in doctor.examine([Path("config.yaml")])}

    return run


def write_clips(train: int, test: int) -> None:
    folder = Path("results/trial/data/clips-243")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps({"clips": {"train": train, "test": test}}))


def only(check: Any) -> Check:
    (line,) = check
    return line


def test_missing_raw_file(diagnose):
    check = diagnose()["raw data"]
    assert (check.state, check.found) == ("missing", "raw.pkl: no such file")


def test_raw_file_with_its_hash(diagnose):
    Path("raw.pkl").write_bytes(b"motion")
    digest = hashlib.sha256(b"motion").hexdigest()
    data = CONFIG["data"]
    check = diagnose(data=data | {"sha256": digest})["raw data"]
    assert (check.state, check.found[:21]) == ("ok", "raw.pkl: 0.00 GB, sha")
    assert digest[:12] in check.found
    other = diagnose(data=data | {"sha256": "0" * 64})["raw data"]
    assert other.state == "warning"
    assert "expected 000000000000…" in other.found


def test_a_large_raw_file_is_hashed_once_for_the_doctor_and_the_workflow(diagnose, monkeypatch):
    Path("raw.pkl").write_bytes(bytes(hashing.LARGE + 1))
    digest = hashlib.sha256(bytes(hashing.LARGE + 1)).hexdigest()
    assert digest[:12] in diagnose()["raw data"].found
    monkeypatch.setattr(hashing, "_sha256_at", lambda *_: pytest.fail("read again"))
    assert list(contents({"raw": Path("raw.pkl")}, Path("results/trial"))) == [f"raw@sha256:{digest}"]


def test_runs_of_sizes_outside_the_experiment_are_not_counted(diagnose):
    elsewhere = [{"name": "deep", "architecture": "baseline", "size": "base"}]
    sizes = CONFIG["sizes"] | {"base": {"depth": 16, "dim": 256}}
    checks = diagnose(sizes=sizes, ablation=elsewhere)
    assert checks["config"].found == "config.yaml: data set trial, 2 runs"


def test_files_of_the_second_data_set(diagnose):
    Path("raw.pkl").touch()
    check = diagnose(further_data={"mpi_inf_3dhp": {"train": "a.npz", "test": "b.npz", "sizes": ["tiny"]}})[
        "raw data"
    ]
    assert (check.state, check.found) == ("missing", "b.npz: no such file")


def test_synthetic_motion_needs_neither_file_nor_gpu(diagnose, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(machine, "driver_version", lambda: None)
    assert diagnose()["GPU"].state == "warning"
    checks = diagnose(data={"title": "x", "synthetic": {}})
    assert (checks["GPU"].state, checks["raw data"].state) == ("ok", "ok")


def test_clips_not_built_yet(diagnose):
    check = diagnose()["clips"]
    assert (check.state, check.found) == ("ok", "not built yet (17,748 train, 2,228 test expected)")


def test_clips_as_expected_and_not(diagnose):
    write_clips(17748, 2228)
    check = diagnose()["clips"]
    assert check.state == "ok"
    assert check.found.startswith("17,748 train, 2,228 test of 243 frames")
    for train, test in ((17700, 2228), (17748, 2230)):  # too few and too many
        write_clips(train, test)
        check = diagnose()["clips"]
        assert check.state == "missing"
        assert check.found == f"{train:,} train, {test:,} test, expected 17,748 train, 2,228 test"
    check = diagnose(data=CONFIG["data"] | {"expected_clips": None})["clips"]
    assert check.found == "17,748 train, 2,230 test of 243 frames (any number expected)"


def test_damaged_manifest_is_a_line(diagnose):
    write_clips(1, 1)
    Path("results/trial/data/clips-243/manifest.json").write_text('{"clips": {"tr')
    check = diagnose()["clips"]
    assert (check.state, check.found[:18]) == ("warning", "cannot be checked:")


def test_code_that_no_repository_tracks_is_said(diagnose, monkeypatch):
    from poselift.provenance import record

    monkeypatch.setattr(record, "commit", lambda: "0123456789ab")
    assert diagnose()["commit"] == Check("commit", "ok", "0123456789ab")
    monkeypatch.setattr(record, "commit", lambda: None)
    check = diagnose()["commit"]
    assert (check.state, check.found) == ("warning", "no git repository tracks this code: records name none")


def test_full_disk(diagnose, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=10**6))
    check = diagnose()["disk"]
    assert check.state == "missing"
    assert "0.0 GB free" in check.found


def test_room_for_all_weights_and_for_the_states_of_the_largest_runs(diagnose):
    Path("raw.pkl").write_bytes(bytes(10))
    changes = {
        "sizes": {"tiny": {"depth": 2, "dim": 16}, "huge": {"depth": 100, "dim": 512}},
        "experiment": CONFIG["experiment"] | {"sizes": ["tiny", "huge"]},
        "execution": {"keep": 3},
    }
    huge = 4 * 80 * 100 * 512**2 / 1e9  # GB of weights
    # two files of each of two runs; of eight at a time four states, each four times as large; 1 GB to spare
    expected = 2 * 2 * huge + 8 * 4 * 4 * huge + 1
    assert diagnose(**changes)["disk"].found.startswith(f"about {expected:.1f} GB still needed below results")


def test_what_the_last_plan_has_estimated(diagnose):
    path = Path("results/trial/plan/estimate.json")
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"gpu_hours": 12.5, "gpu": "H200", "memory_gb": 30.2, "of_gb": 141}))
    assert diagnose()["time"].found == (
        "about 12.5 GPU-hours on H200 in all, a training at most 30 GB of its 141 GB, "
        "by the last `poselift plan`"
    )


def test_what_is_there_is_not_needed_again(diagnose):
    Path("raw.pkl").write_bytes(bytes(10))
    before = diagnose(sizes={"tiny": {"depth": 100, "dim": 512}})["disk"].found
    Path("results/trial").mkdir(parents=True, exist_ok=True)
    with Path("results/trial/weights").open("wb") as file:
        file.truncate(5 * 10**9)  # a hole: takes no room
    after = diagnose(sizes={"tiny": {"depth": 100, "dim": 512}})["disk"].found
    needed = [float(found.split()[1]) for found in (before, after)]
    assert needed[0] - needed[1] == pytest.approx(5, abs=0.2)


def test_no_write_access(diagnose):
    Path("results").symlink_to("/proc")  # where not even root can make a file
    check = diagnose()["writing"]
    assert (check.state, check.found.split(":")[0]) == ("missing", "/proc")


def test_faulty_configuration_is_named_and_the_machine_is_checked_all_the_same(diagnose):
    checks = diagnose(n_frames=-3)
    assert checks["config"].state == "missing"
    assert checks["config"].found.startswith("config.yaml: n_frames: Input should be greater")
    assert checks["python"].state == "ok"
    assert "raw data" not in checks


def test_files_are_merged_as_snakemake_does(diagnose, tmp_path):
    diagnose()
    Path("over.yaml").write_text("data: {raw: null, synthetic: {seed: 1}}\ndataset: other\n")
    checks = doctor.examine([Path("config.yaml"), Path("over.yaml")])
    (config,) = [check for check in checks if check.name == "config"]
    assert config.found == "config.yaml, over.yaml: data set other, 2 runs"


def test_packages(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    versions = {"torch": "2.13.0+cpu", "numpy": "2.0"}
    required = ["torch>=2.6", "numpy>=2.0", 'ruff>=0.6; extra == "dev"']
    monkeypatch.setattr(machine.metadata, "requires", lambda name: required)

    def version(name: str) -> str:
        if name in versions:
            return versions[name]
        raise machine.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(machine.metadata, "version", version)
    assert only(machine.packages()).found == "all 2 installed"
    Path("envs").mkdir()
    Path("envs/constraints.txt").write_text(
        "torch==2.13.0\nnumpy==2.1 ; python_version < '3.12'\nnumpy==2.2 ; python_version >= '3.12'\n"
    )
    check = only(machine.packages())
    assert check.state == "warning"
    assert check.found == "other versions than pinned: numpy 2.0 (pinned: 2.1 or 2.2)"
    versions["numpy"] = "2.2"
    assert only(machine.packages()).state == "ok"
    del versions["torch"]
    assert (only(machine.packages()).state, only(machine.packages()).found) == (
        "missing",
        "not installed: torch",
    )


def test_gpus(monkeypatch):
    monkeypatch.setattr(machine, "driver_version", lambda: "570.1")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    h200 = SimpleNamespace(name="NVIDIA H200", total_memory=139 * 2**30)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda i: h200)
    computed: list[int] = []
    monkeypatch.setattr(machine, "_compute_on", computed.append)
    assert only(machine.gpus(False)) == Check("GPU", "ok", "4 x NVIDIA H200, 139 GiB; driver 570.1")
    assert computed == [0, 1, 2, 3]

    def no_kernel(index: int) -> None:
        if index == 2:
            raise RuntimeError("CUDA error: no kernel image is available\nfor execution on the device")

    monkeypatch.setattr(machine, "_compute_on", no_kernel)
    check = only(machine.gpus(False))
    assert check.state == "missing"
    assert "cannot compute on GPU 2: CUDA error: no kernel image is available" in check.found
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert only(machine.gpus(False)).found == f"driver 570.1, but torch {torch.__version__} finds no device"


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_programs(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert only(machine.latex()).found == "not installed: latexmk, pdflatex"
    assert only(machine.slurm()).state == "ok"
    for name in ("latexmk", "pdflatex", "sbatch"):
        program(tmp_path, name, "")
    assert only(machine.latex()).state == "ok"
    assert only(machine.slurm()).found == "sinfo is missing"
    program(tmp_path, "sinfo", "echo gpu*; echo long")
    assert only(machine.slurm()).found == "partitions gpu*, long"
    program(tmp_path, "sinfo", "echo 'slurm_load_partitions: Unable to contact' >&2; exit 1")
    assert only(machine.slurm()).state == "warning"


@pytest.mark.parametrize(
    ("choice", "state", "found"),
    [
        (Choice("triton"), "ok", "fused kernels, triton 3.7.1"),
        (
            Choice("torch", reason="triton cannot be used here: no C compiler"),
            "warning",
            "torch implementation; triton",
        ),
    ],
)
def test_ssm_kernel(monkeypatch, choice, state, found):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert only(machine.ssm_kernel()).found == "torch implementation (the fused kernels need a GPU)"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(Mamba2, "cuda", lambda layer: SimpleNamespace(choice=choice))
    monkeypatch.setattr(machine.metadata, "version", lambda name: {"triton": "3.7.1"}[name])
    check = only(machine.ssm_kernel())
    assert (check.state, check.found[: len(found)]) == (state, found)


def test_one_screen():
    found = doctor.report([Check("raw data", "missing", "word " * 40, "do " * 40)], 80)
    assert max(map(len, found.splitlines())) <= 80
    assert found.splitlines()[-1] == "Missing: raw data."


def test_exit_status_and_json(diagnose, capsys):
    diagnose(data={"title": "x", "synthetic": {}})
    checks = {"python": Check("python", "ok", "3.11")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(doctor, "examine", lambda configs: list(checks.values()))
        doctor.main([])
        assert "Nothing essential is missing." in capsys.readouterr().out
        checks["GPU"] = Check("GPU", "warning", "none")
        doctor.main(["--json"])
        assert json.loads(capsys.readouterr().out)["ok"] is True
        checks["LaTeX"] = Check("LaTeX", "missing", "none")
        with pytest.raises(SystemExit) as caught:
            doctor.main(["--json"])
    assert caught.value.code == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["ok"], answer["checks"][2]["name"]) == (False, "LaTeX")


WITHOUT = """
import sys
for name in sys.argv[1].split(","):
    sys.modules[name] = None
sys.argv = ["poselift", "doctor"]
from poselift.cli import main
main()
"""


@pytest.mark.parametrize(
    "absent", ["torch,pynvml", "pydantic,yaml,numpy,torch,rich,filelock,pynvml,mamba_ssm"]
)
def test_no_traceback_whatever_is_absent(tmp_path, absent):
    command = [sys.executable, "-c", WITHOUT, absent]
    answer = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env={"PATH": ""}, timeout=120
    )
    assert (answer.returncode, answer.stderr) == (1, "")
    lines = answer.stdout.splitlines()
    for start in ("torch     missing  cannot be imported", "LaTeX     missing", "config    missing"):
        assert any(line.startswith(start) for line in lines)
