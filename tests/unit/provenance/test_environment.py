"""What ran, not what was pinned: by job, by part, and said where it matters."""

import json
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest

from poselift.paper.crate import write_crate
from poselift.provenance import environment
from poselift.provenance.chain import read_chain
from poselift.provenance.environment import ran_with
from poselift.provenance.receipts import seal, with_receipt
from poselift.provenance.record import mixed, unpinned
from poselift.provenance.trace import main as trace
from poselift.provenance.verify import main as verify

R = "results/toy"


def rerun(name: str, **ran: str) -> None:
    """Let the receipt of a job say that it ran with something else."""
    path = Path(R, "receipts", f"{name}.json")
    content = json.loads(path.read_text()) | {"environment": ran}
    path.write_text(json.dumps({**content, "seal": seal(content)}))


def test_a_job_is_asked_what_is_installed():
    ran = ran_with(["numpy", "torch", "no-such-package"])
    assert (ran["python"], ran["numpy"]) == (platform.python_version(), version("numpy"))
    assert ran["torch"] == version("torch")
    assert "no-such-package" not in ran
    command = [sys.executable, "-c", "import torch; print(torch.version.cuda)"]
    cuda = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert ran.get("cuda", "None") == cuda


def test_cuda_and_all_gpus_of_a_machine_are_named(monkeypatch, tmp_path):
    (tmp_path / "version.py").write_text(
        "from typing import Optional\ncuda: Optional[str] = '12.4'\nhip = None\n"
    )
    torch = SimpleNamespace(version="2.1", locate_file=lambda name: tmp_path / Path(name).name)
    monkeypatch.setattr(environment, "distribution", lambda name: torch)
    names = ("H100", "A100", "H100")
    nvml = SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlSystemGetDriverVersion=lambda: "550.1",
        nvmlDeviceGetCount=lambda: len(names),
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetName=lambda handle: names[handle],
    )
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    environment.installed.cache_clear()
    ran = ran_with(["torch"])
    environment.installed.cache_clear()
    assert ran == {
        "python": platform.python_version(), "torch": "2.1", "cuda": "12.4",
        "driver": "550.1", "gpu": "A100, H100",
    }  # fmt: skip


def test_another_environment_is_asked_itself_and_a_container_is_named(tmp_path):
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin/python"
    python.write_text('#!/bin/sh\nshift 2; echo "{\\"python\\": \\"3.99\\", \\"asked\\": \\"$*\\"}"\n')
    python.chmod(0o755)
    assert ran_with(["torch", "numpy"], str(tmp_path)) == {"python": "3.99", "asked": "numpy torch"}
    assert ran_with(["torch"], None, "/images/poselift.sif") == {"container": "poselift.sif"}
    assert ran_with(["torch"], str(tmp_path / "gone")) == {"conda": "gone"}
    alone = [sys.executable, "-I", environment.__file__, "numpy"]
    answer = subprocess.run(alone, capture_output=True, text=True, check=True).stdout
    assert json.loads(answer)["numpy"] == version("numpy")


def test_the_receipt_has_what_its_job_ran_with(toy):
    def run(input, output, params, wildcards, threads, resources, log, rule, conda_env, container_img):
        Path(output[0]).write_text("made")

    manifest = {"entries": ["x"], "modules": {}, "pins": {"numpy": "0.1"}}
    job = with_receipt(run, {"c": manifest}, {})
    job([], [f"{R}/one.csv"], {"code": "c"}, {}, 1, {}, f"{R}/logs/new.log", "new", None, None)
    made = read_chain(toy.results).makers[f"{R}/one.csv"].environment
    assert made == {"python": platform.python_version(), "numpy": version("numpy")}
    job([], [f"{R}/one.csv"], {"code": "c"}, {}, 1, {}, f"{R}/logs/new.log", "new", None, "a/b.sif")
    assert read_chain(toy.results).makers[f"{R}/one.csv"].environment == {"container": "b.sif"}
    job([], [f"{R}/one.csv"], {"code": "c"}, {}, 1, {}, f"{R}/logs/new.log", "new", "a/gone", None)
    assert read_chain(toy.results).makers[f"{R}/one.csv"].environment == {"conda": "gone"}


def test_mixed_environments_behind_a_part_are_named_with_their_numbers(toy):
    for run, torch in (("baseline-base-s0", "2.0"), ("full-base-s0", "2.0"), ("full-base-s1", "2.1")):
        rerun(f"evaluate/{run}", torch=torch, python="3.11", pandas=f"2.{torch}")
    rerun("paper/curves", torch="9.0")  # alone of its kind
    record = toy.gather()
    said = "evaluate: torch 2.0 (2), 2.1 (1)"
    assert record["mixed"] == dict.fromkeys(record["core"]["parts"], said)
    rerun("evaluate/full-base-s1", torch="2.0", python="3.11")
    assert toy.gather()["mixed"] == {}


@pytest.mark.parametrize(
    "key", ["python", "torch", "numpy", "cuda", "driver", "gpu", "device", "ssm_backend"]
)
def test_whatever_can_change_a_number_is_compared(toy, key):
    rerun("evaluate/full-base-s0", **{key: "one"})
    rerun("evaluate/full-base-s1", **{key: "other"})
    assert set(mixed(toy.gather()).values()) == {f"evaluate: {key} one (1), other (1)"}


def test_a_job_without_a_gpu_is_unlike_one_with(toy):
    rerun("evaluate/full-base-s0", torch="2.0", gpu="NVIDIA H100")
    rerun("evaluate/full-base-s1", torch="2.0")
    assert set(mixed(toy.gather()).values()) == {"evaluate: gpu NVIDIA H100 (1), none (1)"}
    rerun("evaluate/full-base-s0", torch="2.0")
    assert mixed(toy.gather()) == {}


def test_a_part_that_does_not_rest_on_the_odd_job_is_not_named(toy):
    toy.job("paper/table_cost", "table", [f"{R}/data/frames/manifest.json"], {f"{R}/tables/cost.tex": "x"})
    toy.parts.append(f"{R}/tables/cost.tex")
    rerun("evaluate/full-base-s1", torch="2.1")
    rerun("evaluate/full-base-s0", torch="2.0")
    assert f"{R}/tables/main.tex" in mixed(toy.gather())
    assert f"{R}/tables/cost.tex" not in mixed(toy.gather())


@pytest.mark.parametrize(("ran", "said"), [("2.0+cpu", None), ("2.1+cpu", "torch 2.1+cpu instead of 2.0")])
def test_another_torch_than_the_pinned_one_is_said_of_each_part(toy, ran, said):
    for run in ("baseline-base-s0", "full-base-s0", "full-base-s1"):
        rerun(f"evaluate/{run}", torch=ran)
    rerun("frames", numpy="1.9")  # which is not said of each number
    record = toy.gather()
    assert record["code"][record["core"]["jobs"]["frames"]["code"]]["pins"]["numpy"] == "2.0"
    assert record["code"][record["core"]["jobs"]["evaluate/full-base-s0"]["code"]]["pins"]["torch"] == "2.0"
    assert unpinned(record) == (dict.fromkeys(record["core"]["parts"], said) if said else {})


def test_what_a_training_noted_of_itself_comes_before_the_receipt(toy):
    rerun("train/full-base-s0", torch="7.7", gpu="Some GPU")  # the training itself noted 2.0
    job = toy.gather()["core"]["jobs"]["train/full-base-s0"]
    assert job["environment"] == {"torch": "2.0", "gpu": "Some GPU"}


def test_verify_and_trace_say_it_and_the_crate_has_it(toy, paper_folder, capsys):
    rerun("evaluate/full-base-s0", torch="2.1", gpu="NVIDIA H100")
    rerun("evaluate/full-base-s1", torch="2.0")
    record = json.dumps(toy.gather())
    (toy.results / "provenance.json").write_text(record)
    (paper_folder / "generated/provenance.json").write_text(record)
    write_crate(paper_folder)
    of_page = {"mixed": {}, "unpinned": {f"{R}/setup.md": "torch 2.2 instead of 2.0"}, "outputs": {}}
    (toy.results / "report_provenance.json").write_text(json.dumps(of_page))
    verify([str(toy.results)])
    assert f"note: {R}/setup.md: made with torch 2.2 instead of 2.0" in capsys.readouterr().out
    for folder in (toy.results, paper_folder):
        verify([str(folder)])
        said = capsys.readouterr().out
        assert f"note: {R}/tables/main.tex: mixed environments: evaluate: torch 2.0 (1), 2.1 (1)" in said
        assert f"note: {R}/tables/main.tex: made with torch 2.1 instead of 2.0" in said
    trace(["full-base-s0.json", "--in", R])
    assert ", torch 2.1, gpu NVIDIA H100" in capsys.readouterr().out
    graph = json.loads((paper_folder / "ro-crate-metadata.json").read_text())["@graph"]
    by_id = {entity["@id"]: entity for entity in graph}
    action = by_id["#job/evaluate/full-base-s0"]
    values = [by_id[each["@id"]] for each in action["environment"]]
    assert {each["name"]: each["value"] for each in values} == {"torch": "2.1", "gpu": "NVIDIA H100"}
