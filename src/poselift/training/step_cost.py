"""What a training step costs: its operators and the memory it needs, counted without computing any.

The optimiser's operators are left out, and no two operators are taken for one, as `torch.compile` does.
"""

import weakref
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch._library.custom_ops import OPDEFS
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from poselift.config.run import RunSettings, TrainingSettings
from poselift.models import ssd_triton
from poselift.models.attention import Attention
from poselift.models.kernel_choice import Choice
from poselift.models.kernel_launch import counted
from poselift.models.registry import build_run
from poselift.skeleton import N_JOINTS
from poselift.training.arithmetic import HALF, autocast
from poselift.training.half_kernels import use
from poselift.training.losses import losses
from poselift.training.recomputation import recompute

WITHOUT_WORK = {"_unsafe_view", "detach", "empty", "empty_like", "new_empty", "lift_fresh"}


class Operator(NamedTuple):
    """Bytes that an operator reads and writes, floating-point operations of its products, their precision."""

    bytes: int
    flops: int
    half: bool


@dataclass(frozen=True)
class StepCost:
    """How often a step calls each operator, and the bytes it needs at once."""

    operators: Counter[Operator]
    kept: int
    """weights, their gradients, the optimiser's moments, and what the forward pass keeps for the backward"""
    in_work: int
    """what comes on top of it while one part of the model is computed"""

    @property
    def memory(self) -> int:
        """The most bytes that the step needs at once."""
        return self.kept + self.in_work


class _Count(TorchDispatchMode):
    """Counts operators, and the bytes of the tensors that they make: those alive, and the most at once."""

    def __init__(self) -> None:
        super().__init__()
        self.operators: Counter[Operator] = Counter()
        self.alive = self.peak = 0
        self._storages: set[int] = set()
        self._within = False
        """one of the project's operators"""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        space, name = func._schema.name.split("::")
        if space == "poselift":
            return self._look_into(func, args, kwargs)
        if self._within and space != "prim":
            with self:  # where autograd has taken nothing apart into what it is made of
                if (out := func.decompose(*args, **kwargs)) is not NotImplemented:
                    return out
        out = func(*args, **kwargs)
        if space != "prim" and not func.is_view and name not in WITHOUT_WORK:
            tensors = [leaf for leaf in tree_leaves((args, kwargs, out)) if isinstance(leaf, Tensor)]
            self.operators[_operator(tensors, _flops(func, args, kwargs, out))] += 1
        for tensor in tree_leaves(out):
            if isinstance(tensor, Tensor):
                self._note(tensor.untyped_storage())
        return out

    def _look_into(self, func: Any, args: Any, kwargs: Any) -> Any:
        """An operator of the project: its kernels one by one, as they are launched, and what torch does
        around them. The products are those of the kernel that moves the most."""
        launches: list[list[Tensor]] = []
        self._within = True
        with self, counted(launches.append):
            out = OPDEFS[func._schema.name]._init_fn(*args, **kwargs)
        self._within = False
        launches.sort(key=_size)
        flops = [0] * (len(launches) - 1) + [_flops(func, args, kwargs, out)]
        self.operators.update(map(_operator, launches, flops))
        return out

    def _note(self, storage: torch.UntypedStorage) -> None:
        if (number := storage._cdata) not in self._storages:
            self._storages.add(number)
            self.alive += storage.nbytes()
            self.peak = max(self.peak, self.alive)
            weakref.finalize(storage, self._freed, number, storage.nbytes())

    def _freed(self, number: int, size: int) -> None:
        self._storages.discard(number)
        self.alive -= size


def _size(tensors: Iterable[Tensor]) -> int:
    """Bytes of tensors: of one that is broadcast only what is stored, of single numbers nothing."""
    return sum(min(t.nbytes, t.untyped_storage().nbytes()) for t in tensors if t.numel() > 1)


def _operator(tensors: list[Tensor], flops: int) -> Operator:
    return Operator(_size(tensors), flops, any(t.dtype in HALF.values() for t in tensors))


def _flops(func: Any, args: Any, kwargs: Any, out: Any) -> int:
    if "flash_attention_for_cpu" in func._schema.name:  # unknown to PyTorch's counter
        backward = "backward" in func._schema.name
        q, k = args[backward], args[backward + 1]
        return (10 if backward else 4) * q.shape[:-1].numel() * k.shape[-2] * q.shape[-1]
    formula = flop_registry.get(func._overloadpacket)
    return int(formula(*args, **kwargs, out_val=out)) if formula else 0


def count_step(run: RunSettings, fused: bool, again: bool = False) -> StepCost:
    """Count the operators of a step of one process, forward, loss and backward; with the project's kernels
    in Triton where they are `fused`, and with parts computed `again` in the backward pass in place of kept
    (`recompute`). Raises `PoseliftError` as `build_run`.

    Of blocks that are alike one is counted.
    """
    recipe = run.training
    parts = recipe.gradient_accumulation_steps
    clips = -(-recipe.batch_size // (recipe.processes * parts))
    with FakeTensorMode(), torch.random.fork_rng(devices=[]):
        model = without_matrices(build_run(run).train())
        if fused:
            fuse(model, recipe)
        parameters = sum(parameter.nbytes for parameter in model.parameters())
        poses = torch.zeros(clips, run.n_frames, N_JOINTS, 3)
        blocks = _shortened(model)
        if again:
            recompute(model)
        operators, kept, in_work = _count(
            model, poses, recipe, lambda prediction: losses(prediction, poses)["total"]
        )
        for block, repeats in blocks.items():
            block.zero_grad()  # adding to gradients that are there is no part of a step
            own, kept_of_block, on_top = _count(block, block.seen, recipe, lambda features: features.sum())
            operators += Counter({one: repeats * number for one, number in own.items()})
            kept, in_work = kept + repeats * kept_of_block, max(in_work, on_top)
    operators = Counter({one: parts * number for one, number in operators.items()})
    return StepCost(operators, kept + 4 * parameters, in_work)  # weights, their gradients, two moments


def _count(
    model: nn.Module, x: Tensor, recipe: TrainingSettings, loss: Callable[[Tensor], Tensor]
) -> tuple[Counter[Operator], int, int]:
    """The operators of forward and backward pass, the bytes that are kept between them, and how many more
    there are at once."""
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage()._cdata] = tensor  # alive, so that no number is given twice
        return tensor

    with _Count() as count:
        with (
            torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
            autocast(recipe, x.device),
        ):
            out = model(x)
        size = sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
        kept.clear()  # or what the backward pass has read would stay
        loss(out.float()).backward()
    return count.operators, size, max(0, count.peak - size)


class _Block(nn.Module):
    """The first of some blocks that are alike; it notes what it is given."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block
        self.seen = torch.empty(0)

    def forward(self, x: Tensor) -> Tensor:
        self.seen = x.detach().requires_grad_()
        return cast(Tensor, self.block(x))


def _shortened(model: nn.Module) -> dict[_Block, int]:
    """Leave blocks out of a model, of those that are alike in its lists all but the first; how many of each.

    Only of the project's own architectures is it known that a block gives what it is given the shape of.
    """
    if not type(model).__module__.startswith("poselift."):
        return {}
    firsts: dict[str, _Block] = {}
    repeats: Counter[_Block] = Counter()
    for blocks in (child for child in model.children() if isinstance(child, nn.ModuleList)):
        for i, block in enumerate(blocks):
            if (look := repr(block)) in firsts:
                repeats[firsts[look]] += 1
                blocks[i] = nn.Identity()
            else:
                blocks[i] = firsts[look] = _Block(block)
    return dict(repeats)


def without_matrices(model: nn.Module) -> nn.Module:
    """The model, whose attention writes no matrix of all pairs wherever it runs, as on a GPU."""
    for module in model.modules():
        if isinstance(module, Attention):
            module.matrix_up_to = 0
    return model


def fuse(model: nn.Module, recipe: TrainingSettings) -> None:
    """Let a model call the project's kernels in Triton, where its settings do not ask for others; to be
    counted, as no kernel runs in that."""
    modules: Iterable[Any] = model.modules()
    for module in modules:
        if getattr(module, "backend", "torch") in ("auto", "triton"):
            module.choice = Choice("triton", ssd_triton.mix)
    if recipe.precision in HALF and recipe.kernels != "torch":
        use(model)
