"""Parts of a model that are computed again in the backward pass, in place of what they would have kept."""

from functools import partial

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


def recompute(model: nn.Module) -> None:
    """Let the parts of a model keep their input alone, and run again when the backward pass comes to them;
    the same bits, as dropout draws the same numbers again.

    Parts are as large as they can be without batch norm, whose statistics would count twice. Only of the
    project's own architectures is it known that nothing else changes when a part runs: a lifter of a user's
    own stays as it is. Chen et al., "Training Deep Nets with Sublinear Memory Cost" (2016).
    """
    if type(model).__module__.startswith("poselift."):
        _recompute_parts(model)


def _recompute_parts(module: nn.Module) -> None:
    for part in module.children():
        is_list = isinstance(part, nn.ModuleList)
        if is_list or any(isinstance(each, _BatchNorm) for each in part.modules()):
            _recompute_parts(part)
        elif list(part.children()):  # a single layer would keep as much as its input
            part.forward = partial(checkpoint, part.forward, use_reentrant=False)
