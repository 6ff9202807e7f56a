"""Precision, determinism and random numbers of a run."""

import os

import numpy as np
import torch

from poselift.config.run import TrainingSettings

HALF = {"bf16": torch.bfloat16, "fp16": torch.float16}


def set_arithmetic(recipe: TrainingSettings) -> None:
    """Set what torch does in the whole process.

    Deterministic runs use deterministic kernels, the others the fastest that there are. In neither is float32
    cut to TF32 (10 bits of mantissa, on CUDA): that would reach what half precision is kept from, such as the
    similarities of frames, which decide the edges of the temporal graph.
    """
    # cuBLAS is deterministic only with a workspace of its own, fixed before it starts
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if recipe.compile:  # tells the compiler as well, which it imports for that
        torch.use_deterministic_algorithms(recipe.deterministic)
    else:
        torch.set_deterministic_debug_mode("error" if recipe.deterministic else "default")
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # costs a kernel for every empty tensor
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False  # allowed by default


def autocast(recipe: TrainingSettings, device: torch.device) -> torch.autocast:
    """Context in which the matrix products of the forward pass have the recipe's precision."""
    half = HALF.get(recipe.precision)
    return torch.autocast(device.type, dtype=half or torch.bfloat16, enabled=half is not None)


def step_seed(*position: int) -> int:
    """A seed for a step of a run on one process; neighbouring seeds, steps and processes share nothing."""
    return int(np.random.SeedSequence(position).generate_state(1)[0])


def seed(number: int, device: torch.device) -> None:
    """Seed what dropout on `device` draws from. Unlike `torch.manual_seed`, which notes each call for devices
    that are not in use, it can be called at every step."""
    torch.default_generator.manual_seed(number)
    if device.type == "cuda":
        torch.cuda.manual_seed(number)
