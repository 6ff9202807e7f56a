"""The kernels for half precision: the end of a residual block (`mlp_triton`), and the graph over similar
frames (`graph_triton`). On a GPU they take over where autocast is on, if they work in a block of that size.
"""

from collections.abc import Callable
from functools import cache, partial

import torch
from torch import Tensor, nn

from poselift.config.run import Kernels, RunSettings
from poselift.errors import PoseliftError, one_line
from poselift.models import graph_triton, mlp_triton
from poselift.models.blocks import EndsInMLP, ResidualBlock
from poselift.models.graph import TemporalGraph
from poselift.models.kernel_choice import Choice, interpreted, require_capability, require_equal
from poselift.models.precision import of_products
from poselift.training.arithmetic import HALF

TOLERANCE = 0.05


def equip(model: nn.Module, settings: RunSettings, device: torch.device) -> Choice | None:
    """`use` kernels where a run on `device` calls them; returns and raises as `chosen`."""
    choice = chosen(settings, device)
    if choice and choice.name == "triton":
        use(model)
    return choice


def chosen(settings: RunSettings, device: torch.device) -> Choice | None:
    """What a run in half precision calls on `device`; None in single precision.

    Raises `PoseliftError` where Triton was asked for and cannot be had.
    """
    recipe = settings.training
    if (half := HALF.get(recipe.precision)) is None:
        return None
    return _choose(recipe.kernels, half, settings.dim, settings.n_frames, device)


def use(model: nn.Module) -> None:
    """Let the parts of a model that have a kernel for half precision call it where autocast is on."""
    for part in model.modules():
        if isinstance(part, EndsInMLP):
            part.transform = partial(_transform, part, part.transform)  # type: ignore[method-assign]
        elif isinstance(part, TemporalGraph) and part.by_similarity:
            part.aggregate = partial(_aggregate, part.aggregate)  # type: ignore[method-assign]


def _transform(block: EndsInMLP, in_torch: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    if (half := of_products(x)) == x.dtype:
        return in_torch(x)
    norm, mlp = block.norm2, block.mlp
    weights = (each for layer in (norm, mlp.fc1, mlp.fc2) for each in (layer.weight, layer.bias))
    return mlp_triton.mlp(x, *weights, block.layer_scale_2, norm.eps, half)


def _aggregate(in_torch: Callable[[Tensor, Tensor], Tensor], x: Tensor, values: Tensor) -> Tensor:
    if of_products(x) == x.dtype:
        return in_torch(x, values)
    return graph_triton.aggregate(x, values)[0]


@cache
def _choose(kernels: Kernels, half: torch.dtype, dim: int, n_frames: int, device: torch.device) -> Choice:
    if kernels == "torch":
        return Choice("torch")
    try:
        if device.type != "cuda" and not interpreted():
            raise RuntimeError(f"expected a GPU, found {device.type}")
        _try(half, dim, n_frames, device)
    except Exception as error:  # what was built for another torch, CUDA or GPU fails in many ways
        reason = f"triton cannot be used here: {one_line(error) or type(error).__name__}"
        if kernels == "triton":
            raise PoseliftError(f"kernels: {reason}; choose auto or torch") from None
        return Choice("torch", reason=reason)
    return Choice("triton")


def _try(half: torch.dtype, dim: int, n_frames: int, device: torch.device) -> None:
    """Raise unless a block of these sizes gives what it gives in torch."""
    most = mlp_triton.MAX_DIM, graph_triton.MAX_FRAMES
    if dim > most[0] or n_frames > most[1]:
        raise RuntimeError(
            f"its kernels do {most[0]} channels and {most[1]} frames at most, found {dim} and {n_frames}"
        )
    require_capability(device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        block = ResidualBlock(dim, TemporalGraph(dim, n_frames))
        nn.init.ones_(block.layer_scale_1)
        nn.init.ones_(block.layer_scale_2)
        x = torch.randn(1, n_frames, 2, dim).to(device)
    block.to(device)
    expected = _values(block, x, half)
    use(block)
    require_equal(_values(block, x, half), expected, TOLERANCE)


def _values(block: nn.Module, x: Tensor, half: torch.dtype) -> list[Tensor]:
    """What a block makes of x, and the gradients of its parameters."""
    with torch.enable_grad(), torch.autocast(x.device.type, half):
        y = block(x).float()
    return [y, *torch.autograd.grad(y.square().sum(), [*block.parameters()])]
