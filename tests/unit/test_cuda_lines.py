"""Without a GPU: every line that runs only with one is walked, on a stand-in with tensors on the CPU.

What such a line computes only a GPU can show (`make test-cuda`); that it runs, and asks CUDA for what it
should, is seen here.
"""

import ast
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any
from unittest import mock

import pytest
import torch
import torch.distributed as dist
from torch import nn

from benchmarks.random_store import make_store
from gpu_stand_in import MEMORY, NAME, gpus
from poselift.config.command_line import run_from_options
from poselift.config.options import options
from poselift.config.run import ExecutionSettings
from poselift.data import batches
from poselift.errors import PoseliftError
from poselift.evaluation import evaluate
from poselift.machine import devices, gpu_slots, machine_checks
from poselift.models import cost, ssd
from poselift.planning import plan
from poselift.provenance import environment
from poselift.training import distributed, train
from poselift.training.batch_norm import SynchronisedBatchNorm
from poselift.training.half_kernels import chosen
from poselift.training.interruptions import memory_advice
from poselift.training.launch import LaunchInfo, device_of, launched
from poselift.training.memory import recomputes
from poselift.training.report import memory_bytes
from poselift.training.validation import open_splits
from project import REPOSITORY

SOURCES = REPOSITORY / "src/poselift"
FRAMES = 9
GPU = torch.device("cuda", 0)


def concerns_cuda(node: ast.AST) -> bool:
    """Whether code names the device `cuda`, or asks torch about it."""
    return any(
        (isinstance(each, ast.Constant) and each.value == "cuda")
        or (isinstance(each, ast.Attribute) and each.attr in ("cuda", "is_cuda", "pin_memory"))
        for each in ast.walk(node)
    )


def lines_for_cuda(path: Path) -> set[int]:
    """First lines of the statements that concern CUDA, of those under a condition that does, and of those
    after such a condition where it ends the function."""
    found: set[int] = set()

    def visit(statements: list[ast.stmt], all_of_them: bool) -> None:
        for node in statements:
            inner = [getattr(node, name, []) for name in ("body", "orelse", "finalbody")]
            inner += [case.body for case in getattr(node, "handlers", [])]
            heads = [name for name in ("test", "items", "iter") if hasattr(node, name)]
            parts = [getattr(node, head) for head in heads] if any(inner) else [node]
            of_cuda = any(
                concerns_cuda(each) for part in parts for each in (part if isinstance(part, list) else [part])
            )
            if of_cuda or all_of_them:
                found.add(node.lineno)
            decides = of_cuda and isinstance(node, ast.If)
            for body in inner:
                visit(body, all_of_them or (decides and body is node.body))
            ends = decides and isinstance(node.body[-1], ast.Return | ast.Raise)
            all_of_them = all_of_them or ends

    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            visit(node.body, all_of_them=False)
    return found


@contextmanager
def lines_seen(seen: set[tuple[str, int]]) -> Iterator[None]:
    """Note each line of the package that runs in the block."""
    prefix = str(SOURCES)

    def within(frame: FrameType, event: str, _: Any) -> Callable[..., Any]:
        if event == "line":
            seen.add((frame.f_code.co_filename, frame.f_lineno))
        return within

    def enter(frame: FrameType, *_: Any) -> Callable[..., Any] | None:
        return within if frame.f_code.co_filename.startswith(prefix) else None

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        yield
    finally:
        sys.settrace(before)


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("store") / "data"
    make_store(folder, FRAMES, {"train": 20, "test": 6})
    return folder


def settings(**changed: object) -> Any:
    shape = {"architecture": "full", "size": "tiny", "depth": 1, "dim": 16, "mamba_gcn_dim": 16}
    return run_from_options(shape | {"n_frames": FRAMES, "epochs": 1, "batch_size": 8} | changed)


@pytest.fixture(scope="module")
def walked(store, tmp_path_factory) -> Iterator[dict[str, Any]]:
    """All walks, one after the other: what came out by name, `asked` what CUDA was, `seen` the lines."""
    out = tmp_path_factory.mktemp("walked")
    found: dict[str, Any] = {"seen": set()}
    deterministic, threads = torch.are_deterministic_algorithms_enabled(), torch.get_num_threads()
    environment.installed.cache_clear()
    with pytest.MonkeyPatch.context() as patch, lines_seen(found["seen"]):
        patch.setattr(gpu_slots, "FOLDER", out / "slots")
        for name in ("CUDA_VISIBLE_DEVICES", "SLURM_JOB_ID", "SLURM_LOCALID"):
            patch.delenv(name, raising=False)
        with gpus() as asked:
            found["asked"] = asked
            _walk_a_run(found, store, out)
            _walk_batches(found, store, patch)
            _walk_the_machine(found, patch)
        with gpus(2):
            _walk_processes(found, patch)
        _walk_without(found)
    yield found
    torch.use_deterministic_algorithms(deterministic)
    torch.set_num_threads(threads)


def _walk_a_run(found: dict[str, Any], store: Path, out: Path) -> None:
    """A training, its evaluation, and one that finds too little memory."""
    words = ["--store", str(store), "--device", "cuda"]
    told = options(settings(precision="fp16")).split()
    train.main([*words, *told, "--out", str(out / "run")])
    found["history"] = json.loads((out / "run/history.json").read_text())
    evaluate.main([*words, "--run", str(out / "run"), "--out", str(out / "run.json")])
    found["report"] = json.loads((out / "run.json").read_text())
    with pytest.raises(PoseliftError) as error, memory_advice(settings(), False, GPU):
        raise torch.OutOfMemoryError("CUDA out of memory")
    found["advice"] = str(error.value)


def _walk_batches(found: dict[str, Any], store: Path, patch: pytest.MonkeyPatch) -> None:
    """Frames that are read by workers, as they do not fit, and those that are to lie on the device."""
    split, _ = open_splits(store, settings())
    execution = ExecutionSettings(num_workers=0)
    loaders: list[dict[str, Any]] = []
    patch.setattr(batches, "DataLoader", lambda *_, **given: loaders.append(given) or [])
    list(batches.Batches(split, settings().training, 0, GPU, execution=execution, is_resident=False).epoch(0))
    found["loader"] = loaders[0]
    room = 2 * split.inputs.nbytes
    fits = []
    for free in (room, room - 1):
        found["asked"].mem_get_info.return_value = (free, MEMORY)
        fits.append(batches.resident(execution, [split.inputs], GPU))
    found["fits"] = fits
    ways = [ExecutionSettings(data_path=path) for path in ("device", "loader")]
    found["told"] = [batches.resident(way, [split.inputs], GPU) for way in ways]


def _walk_the_machine(found: dict[str, Any], patch: pytest.MonkeyPatch) -> None:
    """What `doctor`, `plan` and `cost` ask; parts of a GPU; the choice of kernels."""
    assert [check.name for check in machine_checks.torch_version()] == ["torch"]
    found["checks"] = [*machine_checks.gpus(synthetic=False), *machine_checks.ssm_kernel()]
    found["planned"] = plan.detected()
    on_gpu = mock.Mock(is_cuda=True)
    found["memory"] = cost.peak_memory_mb(lambda: None, [on_gpu])
    patch.setattr(cost, "BATCHES", (1,))
    assert cost.measure("baseline", "xsmall", FRAMES).keys() == {"latency_ms_b1", "memory_mb_b1"}
    for name in ("auto", "cpu"):
        with devices.reserved_device(name) as found[name]:
            pass
    with pytest.raises(PoseliftError, match="2 devices are requested, but 'cuda:0' is one"):
        devices.reserved_devices("cuda:0", 2).__enter__()
    patch.setenv("CUDA_VISIBLE_DEVICES", "MIG-a, MIG-b")
    with devices.reserved_device("auto") as part:
        found["part"] = (part, os.environ["CUDA_VISIBLE_DEVICES"])
    patch.delenv("CUDA_VISIBLE_DEVICES")
    patch.setattr(ssd, "interpreted", lambda: True)  # as on a GPU, whose kernels cannot run here
    found["kernel"] = ssd.Mamba2(16).choice
    found["in double"] = ssd.Mamba2(16).double().choice
    in_half = settings(precision="bf16")
    found["in half"] = [chosen(in_half, device).reason for device in (GPU, torch.device("cpu"))]
    with gpus(capability=(7, 5)):
        found["in half"].append(chosen(in_half, torch.device("cuda", 1)).reason)
    patch.setattr(machine_checks.metadata, "version", lambda name: f"of {name}")
    patch.setattr(ssd, "Mamba2", mock.Mock())  # one whose kernels run
    ssd.Mamba2.return_value.cuda.return_value.choice.reason = ""
    found["checks"] += machine_checks.ssm_kernel()
    ssd.Mamba2.side_effect = RuntimeError("no memory left")
    patch.setattr(machine_checks, "_compute_on", mock.Mock(side_effect=RuntimeError("no kernel image")))
    found["broken"] = [*machine_checks.gpus(synthetic=False), *machine_checks.ssm_kernel()]
    patch.undo()


def _walk_processes(found: dict[str, Any], patch: pytest.MonkeyPatch) -> None:
    """The second of two processes, each with a GPU; what it would start is noted."""
    second, calls = LaunchInfo(rank=1, local_rank=1, size=2), mock.Mock()
    for name in ("init_process_group", "new_group", "destroy_process_group"):
        patch.setattr(dist, name, getattr(calls, name))
    patch.setattr(distributed, "DistributedDataParallel", calls.parallel)
    found["calls"] = calls
    with launched("auto", second) as (device, ranks):
        found["second"] = device
        model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
        ranks.synchronise(model, device)
        found["synchronised"] = model
        ranks.parallel(model, device)
    with pytest.raises(PoseliftError, match="3 processes or more on a machine with 2 GPUs"):
        device_of("cuda", LaunchInfo(rank=2, local_rank=2, size=3))


def _walk_without(found: dict[str, Any]) -> None:
    """The same questions where there is no GPU."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: False)
        assert memory_bytes(torch.device("cpu")) > 0
        assert not recomputes(settings(), "auto", torch.device("cpu"), fused=False)
        found["checks without"] = [*machine_checks.gpus(False), *machine_checks.ssm_kernel()]
        found["planned without"] = plan.detected()
        found["without"] = device_of("auto", LaunchInfo(rank=0, local_rank=0, size=1))
        with pytest.raises(PoseliftError, match="device 'cuda': this machine has no CUDA device"):
            device_of("cuda", LaunchInfo(rank=0, local_rank=0, size=1))
        with pytest.raises(PoseliftError, match=r"device 'cuda': torch .* finds no GPU"):
            devices.reserved_device("cuda").__enter__()


WALKED_ELSEWHERE = {"models/ssd_triton.py": "in Triton's interpreter (models/test_ssd_triton.py)"}
"""Files whose lines need more than a stand-in, and where they are walked."""


def test_each_line_for_cuda_was_walked(walked):
    missed = {
        f"{name}:{line}"
        for path in sorted(SOURCES.rglob("*.py"))
        if (name := path.relative_to(SOURCES).as_posix()) not in WALKED_ELSEWHERE
        for line in lines_for_cuda(path)
        if (str(path), line) not in walked["seen"]
    }
    assert missed == set()


def test_a_training_runs_on_the_gpu_that_it_reserved(walked):
    measured, record = (walked["history"][key] for key in ("measured", "record"))
    assert (measured["device"], record["environment"]["device"]) == (NAME, NAME)
    assert (measured["gpus"], measured["peak_memory_bytes"]) == (1, 10**9)
    asked = walked["asked"]
    assert mock.call(GPU) in asked.set_device.call_args_list
    # dropout is seeded at each of the three steps; speed is measured once the GPU has finished
    assert len({call.args for call in asked.manual_seed.call_args_list}) >= 3
    assert mock.call(GPU) in asked.synchronize.call_args_list


def test_without_memory_half_precision_is_advised(walked):
    assert "out of memory on cuda:0 with batch_size 8" in walked["advice"]
    assert "--precision bf16" in walked["advice"]


def test_frames_lie_on_the_gpu_if_they_take_at_most_half_of_what_is_free(walked):
    assert walked["fits"] == [True, False]
    assert walked["told"] == [True, False]
    assert walked["loader"]["pin_memory"] is True


def test_the_machine_is_described(walked):
    gpu, without, kernels = walked["checks"]
    assert gpu.state == "ok"
    assert gpu.found.startswith(f"1 x {NAME}, 80 GiB; driver ")
    assert without.found == "torch implementation; on cpu"  # where the stand-in has its weights
    assert (kernels.state, kernels.found) == ("ok", "fused kernels, triton of triton")
    assert walked["planned"].name == "H100"
    assert walked["memory"] == 10**9 / 1e6
    assert (walked["auto"], walked["cpu"]) == (GPU, torch.device("cpu"))
    gpu, kernels = walked["broken"]
    assert (gpu.state, kernels.state) == ("missing", "warning")
    assert gpu.found.endswith("cannot compute on GPU 0: no kernel image")
    assert kernels.found == "torch implementation; no memory left"
    gpu, kernels = walked["checks without"]
    assert kernels.found == "torch implementation (the fused kernels need a GPU)"
    assert (gpu.state, walked["planned without"].name) == ("warning", "CPU")
    assert walked["without"] == torch.device("cpu")


def test_the_plain_layer_is_taken_where_the_kernels_cannot_run(walked):
    kernel, in_double = walked["kernel"], walked["in double"]
    assert kernel.name == in_double.name == "torch"
    assert kernel.reason.startswith("triton cannot be used here: ")
    assert in_double.reason == "in double precision"


def test_so_is_half_precision_in_torch(walked):
    on_gpu, on_cpu, on_old = (reason.partition(": ")[2] for reason in walked["in half"])
    assert on_gpu
    assert on_cpu == "expected a GPU, found cpu"
    assert on_old == "its kernels need compute capability 8.0, the GPU has 7.5"


def test_a_part_of_a_gpu_is_all_that_its_job_sees(walked):
    assert walked["part"] == (GPU, "MIG-a")


def test_each_process_has_a_gpu_of_its_own_and_nccl(walked):
    second, calls = torch.device("cuda", 1), walked["calls"]
    assert walked["second"] == second
    assert calls.init_process_group.call_args == mock.call("nccl", rank=1, world_size=2, device_id=second)
    assert calls.new_group.call_args.kwargs["backend"] == "gloo"
    assert calls.parallel.call_args.kwargs["device_ids"] == [second]
    assert isinstance(walked["synchronised"][1], SynchronisedBatchNorm)
    calls.destroy_process_group.assert_called_once_with()
