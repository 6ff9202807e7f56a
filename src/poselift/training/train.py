"""Train one model: the whole loop, top to bottom.

A run is determined by its settings, the code and the data alone: on one machine the same seed gives the
same bits, and a run that was killed and resumed ends like one that was not.
"""

import argparse
import json
import logging
import math
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from torch import nn
from tqdm import tqdm

from poselift.config.command_line import add_run_options, run_from_options
from poselift.config.run import RunSettings
from poselift.data.batches import Batches
from poselift.data.store import Split, open_split
from poselift.devices import reserved_device
from poselift.errors import PoseliftError, run
from poselift.evaluation.predict import predict
from poselift.evaluation.protocol import evaluate_human36m
from poselift.files import atomic_path, write_json, write_text
from poselift.models.checkpoints import save_weights
from poselift.models.registry import build_run, ssm_backend_used
from poselift.provenance.code_hash import code_hash
from poselift.provenance.content import sha256
from poselift.provenance.record import record
from poselift.training.losses import losses
from poselift.training.state import TrainingState, exclusive, load_state, save_state, state_key

log = logging.getLogger("poselift.train")

OUTPUTS = ("best_model.safetensors", "last_model.safetensors", "metrics.json", "config.yaml", "training.log")


def train(settings: RunSettings, store: Path, out: Path, device: torch.device) -> dict[str, Any]:
    """Train the run that `settings` describe on `store`, into the run directory `out`; its summary.

    Raises `PoseliftError` for data that do not fit and for a loss that is no number.
    """
    torch.use_deterministic_algorithms(True)
    train_split, test_split = (open_split(store, name, settings.n_frames) for name in ("train", "test"))
    data = json.loads((store / "frames" / "manifest.json").read_text(encoding="utf-8"))["arrays"]
    code = code_hash("poselift.training.train", f"poselift.models.{settings.architecture}", pins={})
    key = state_key(
        settings=settings.model_dump(mode="json"),
        code=code,
        data=data,
        device=device.type,
        torch=torch.__version__,
    )
    folder = out / "state"
    with exclusive(folder) as waited, _log_file(folder / key / "training.log") as log_file:
        if waited and _finished(out, key):
            log.info("the other process finished the run")
            return dict(json.loads((out / "metrics.json").read_text(encoding="utf-8"))["summary"])
        model, state = _epochs(settings, train_split, test_split, folder / key / "state.pt", out, device)
        for name in ("best", "last"):
            model.load_state_dict(getattr(state, f"{name}_model"))
            save_weights(model, out / f"{name}_model.safetensors")
        write_text(out / "config.yaml", yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False))
        summary = _summary(state, train_split, test_split, device)
        write_json(out / "metrics.json", {"epochs": state.history, "summary": summary})
        log.info(
            "%s finished: best MPJPE %.1f mm (epoch %s), last %.1f mm, %s",
            settings.name, summary["best_mpjpe"], summary["best_epoch"], summary["last_mpjpe"],
            duration(summary["seconds"]),
        )  # fmt: skip
        with atomic_path(out / "training.log") as temporary:
            shutil.copyfile(log_file, temporary)
        inputs = {"data": data, "code": code, "key": key}
        environment = {
            "torch": torch.__version__,
            "cuda": torch.version.cuda,
            "device": _device_name(device),
            "ssm_backend": ssm_backend_used(model),
        }
        write_json(
            out / "provenance.json",
            record(out, OUTPUTS, inputs, settings.model_dump(mode="json"), environment),
        )
    shutil.rmtree(folder / key)
    return summary


def _epochs(
    settings: RunSettings, train_split: Split, test_split: Split, path: Path, out: Path, device: torch.device
) -> tuple[nn.Module, TrainingState]:
    """All epochs that are not done yet; the state is written after each."""
    recipe = settings.training
    torch.manual_seed(settings.seed)
    model = build_run(settings).to(device)
    optimizer = torch.optim.AdamW(parameter_groups(model, recipe.weight_decay), lr=recipe.lr, fused=True)
    batches = Batches(train_split, recipe.batch_size, recipe.flip, settings.seed, device)
    parameters = sum(p.numel() for p in model.parameters())
    log.info("%s: %s parameters on %s", settings.name, f"{parameters:,}", _device_name(device))
    log.info("%s train and %s test clips of %s frames", len(train_split), len(test_split), settings.n_frames)

    state = load_state(path, device) or TrainingState()
    if state.epoch:
        model.load_state_dict(state.last_model)
        optimizer.load_state_dict(state.optimizer)
        log.info("resuming after epoch %s", state.epoch)

    for epoch in range(state.epoch, recipe.epochs):
        start = time.perf_counter()
        # dropout draws from this generator: seeded by epoch, a resumed run draws the same
        torch.manual_seed(epoch_seed(settings.seed, epoch))
        lr = recipe.lr * recipe.lr_decay**epoch
        for group in optimizer.param_groups:
            group["lr"] = lr
        model.train()
        sums: dict[str, torch.Tensor] = {}
        progress = tqdm(
            batches.epoch(epoch), total=len(batches), desc=f"epoch {epoch + 1}", leave=False, disable=None
        )
        for inputs, labels in progress:
            terms = losses(model(inputs), labels, recipe.n_mpjpe_weight, recipe.velocity_weight)
            optimizer.zero_grad(set_to_none=True)
            terms["total"].backward()
            optimizer.step()
            for name, value in terms.items():  # stays on the device: no wait for the host in the step
                sums[name] = sums.get(name, torch.zeros((), device=device)) + value.detach() * len(inputs)
        means = {name: float(value) / len(train_split) for name, value in sums.items()}
        trained = time.perf_counter()
        if not math.isfinite(means["total"]):
            raise PoseliftError(
                f"{settings.name}: the loss is {means['total']} in epoch {epoch + 1}; "
                f"try a smaller learning rate than {recipe.lr}; the state after epoch {epoch} is kept"
            )
        result = evaluate_human36m(predict(model, test_split, device), test_split)
        now = time.perf_counter()
        row: dict[str, float] = {
            **{f"loss_{name}": value for name, value in means.items()},
            "lr": lr,
            "mpjpe": result.mpjpe,
            "p_mpjpe": result.p_mpjpe,
            "train_seconds": trained - start,
            "seconds": now - start,
        }
        for name, number in row.items():
            state.history.setdefault(name, []).append(number)
        state.epoch = epoch + 1
        state.last_model = {name: tensor.cpu().clone() for name, tensor in model.state_dict().items()}
        state.optimizer = optimizer.state_dict()
        if result.mpjpe <= min(state.history["mpjpe"]):
            state.best_epoch, state.best_model = epoch, state.last_model
        save_state(state, path)
        write_json(out / "metrics.json", {"epochs": state.history})
        left = (recipe.epochs - state.epoch) * float(np.mean(state.history["seconds"]))
        log.info(
            "%s epoch %s/%s: loss %.4f, MPJPE %.1f mm, P-MPJPE %.1f mm (best %.1f mm), %.0f clips/s, %s left",
            settings.name, state.epoch, recipe.epochs, means["total"], result.mpjpe, result.p_mpjpe,
            min(state.history["mpjpe"]), len(train_split) / row["train_seconds"], duration(left),
        )  # fmt: skip
    return model, state


def _summary(
    state: TrainingState, train_split: Split, test_split: Split, device: torch.device
) -> dict[str, Any]:
    """The outcome of a run in a few numbers; epochs count from 1."""
    errors = state.history["mpjpe"]
    return {
        "best_epoch": state.best_epoch + 1,
        "best_mpjpe": errors[state.best_epoch],
        "last_mpjpe": errors[-1],
        "train_clips": len(train_split),
        "test_clips": len(test_split),
        "seconds": sum(state.history["seconds"]),
        "device": _device_name(device),
    }


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Parameters with and without weight decay: those that a model marks `_no_weight_decay` go without."""
    groups: dict[bool, list[nn.Parameter]] = {True: [], False: []}
    for parameter in model.parameters():
        groups[not getattr(parameter, "_no_weight_decay", False)].append(parameter)
    decays = {True: weight_decay, False: 0.0}
    return [{"params": group, "weight_decay": decays[decay]} for decay, group in groups.items() if group]


def epoch_seed(seed: int, epoch: int) -> int:
    """A seed for an epoch of a run; neighbouring seeds and epochs share nothing."""
    return int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0])


def duration(seconds: float) -> str:
    """Seconds as h:mm:ss or m:ss."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"


def _finished(out: Path, key: str) -> bool:
    """Whether the run directory holds the whole outcome of the run with this key."""
    try:
        made = json.loads((out / "provenance.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    return made["inputs"]["key"] == key and all(
        (out / name).exists() and sha256(out / name) == digest for name, digest in made["outputs"].items()
    )


@contextmanager
def _log_file(path: Path) -> Iterator[Path]:
    """Let what is logged also go to the file, at its end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger = logging.getLogger("poselift")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield path
    finally:
        logger.removeHandler(handler)
        handler.close()


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def main(argv: list[str] | None = None) -> None:
    """Train one model on a frame store."""
    parser = argparse.ArgumentParser(prog="poselift train", description=main.__doc__)
    parser.add_argument("--store", type=Path, required=True, help="folder of the frame store")
    parser.add_argument("--out", type=Path, required=True, help="run directory to write")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 ...")
    parser.add_argument("--threads", type=int, help="CPU threads (results depend on their number)")
    add_run_options(parser)
    given = vars(parser.parse_args(argv))
    store, out, device = given.pop("store"), given.pop("out"), given.pop("device")
    if threads := given.pop("threads"):
        torch.set_num_threads(threads)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    settings = run_from_options(given)
    with reserved_device(device) as chosen:
        train(settings, store, out, chosen)


if __name__ == "__main__":
    run(main)
