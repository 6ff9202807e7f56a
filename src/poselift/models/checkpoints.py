"""Weights from and to files: the published checkpoints of MotionAGFormer, and safetensors for our own."""

import pickle
import re
import warnings
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn

from poselift.errors import PoseliftError, one_line, untrusted
from poselift.files import atomic_path
from poselift.pickled_arrays import SCALARS

Model = TypeVar("Model", bound=nn.Module)

TEMPORAL_NORM = ".graph_temporal.mixer.batch_norm.weight"

# Published checkpoints keep the best error beside the weights, as a numpy float.
NUMPY_SCALARS: list[Any] = [(stand_in, ".".join(name)) for name, stand_in in SCALARS.items()]


def load_published(path: Path | str, model: Model) -> Model:
    """Load a checkpoint of MotionAGFormer's own training code into a `baseline` model; returns the model.

    That is a pickle of a dictionary with the weights under `model`. No code in it is run. `PoseliftError`
    where the file is no such checkpoint or the weights are another model's.
    """
    path = Path(path)
    checkpoint = _read_without_code(path)
    weights = checkpoint.get("model") if isinstance(checkpoint, dict) else None
    if not isinstance(weights, dict) or not all(map(_is_weight, weights.items())):
        keys = [key for key in checkpoint if isinstance(key, str)] if isinstance(checkpoint, dict) else []
        found = f"a dict of {one_line(sorted(keys)[:5])}" if isinstance(checkpoint, dict) else "none"
        raise PoseliftError(f"{path}: expected a dict with the weights under 'model', found {found}")
    return _load(weights, model, path)


def _is_weight(item: tuple[Any, Any]) -> bool:
    """Whether a name and a value are those of a plain tensor; sparse ones, say, would fail later on."""
    name, value = item
    return (
        isinstance(name, str)
        and isinstance(value, Tensor)
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and not (value.is_quantized or value.is_complex())
    )


def _read_without_code(path: Path) -> Any:
    with (
        untrusted(path, "expected a checkpoint, found a damaged or other file"),
        torch.serialization.safe_globals(NUMPY_SCALARS),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # of odd pickles, which get their error below
        _refuse_packed(path)
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:
            code = re.search(r"GLOBAL (\S+)", str(error))
            what = f"{one_line(code[1])}, which is code and is not run" if code else "a damaged or other file"
            raise PoseliftError(f"{path}: expected a checkpoint of weights only, found {what}") from None
    raise AssertionError  # `untrusted` lets no error pass


def _refuse_packed(path: Path) -> None:
    """Torch stores tensors as they are; an archive that unpacks to more than its size is a bomb."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > path.stat().st_size:
                raise PoseliftError(f"{path}: expected a checkpoint, found an archive that unpacks to more")


def save_weights(model: nn.Module, path: Path | str) -> None:
    """Write the model's state dict as safetensors, atomically."""
    with atomic_path(Path(path)) as temporary:
        # not by save_file, whose files nobody else may read
        temporary.write_bytes(save({name: value.contiguous() for name, value in model.state_dict().items()}))


def load_weights(path: Path | str, model: Model) -> Model:
    """Load what `save_weights` wrote into a model of the same architecture and size; returns the model.

    `PoseliftError` where the file is no safetensors file or the weights are another model's.
    """
    # opened for the system's own words if it cannot be read
    with untrusted(path, "expected safetensors, found a damaged or other file"), Path(path).open("rb"):
        weights = load_file(path)
    if strange := [name for name, value in weights.items() if not _is_weight((name, value))]:
        raise PoseliftError(f"{path}: {one_line(strange[0])}: expected real numbers")
    return _load(weights, model, Path(path))


def _load(found: Mapping[str, Tensor], model: Model, path: Path) -> Model:
    expected = model.state_dict()
    weights = {_unwrapped(name, expected): value for name, value in found.items()}
    if (wanted := _describe(expected)) != (described := _describe(weights)):
        raise PoseliftError(f"{path}: expected weights of {wanted}, found {described}")
    missing, unknown = sorted(expected.keys() - weights.keys()), sorted(weights.keys() - expected.keys())
    if missing or unknown:
        which = [
            "none" if not names else one_line(names[0]) + (f" (and {more} more)" if more else "")
            for names in (missing, unknown)
            for more in [len(names) - 1]
        ]
        raise PoseliftError(f"{path}: other weights than the model's: missing {which[0]}, unknown {which[1]}")
    for name, value in expected.items():
        if weights[name].shape != value.shape:
            shapes = f"expected shape {tuple(value.shape)}, found {tuple(weights[name].shape)}"
            raise PoseliftError(f"{path}: {name}: {shapes}")
    model.load_state_dict(weights)
    return model


def _unwrapped(name: str, expected: Collection[str]) -> str:
    """The name of a weight without what data parallelism (`module.`) and compiling (`_orig_mod.`) lead it by,
    once or several times."""
    while name not in expected and name.startswith(("module.", "_orig_mod.")):
        name = name.partition(".")[2]
    return name


def _describe(weights: Mapping[str, Tensor]) -> str:
    """The architecture, size and number of frames that the names and shapes of weights tell of."""
    embedding = weights.get("joints_embed.weight", torch.empty(()))
    layers = {name.split(".")[1] for name in weights if name.startswith("layers.")}
    blocks = {name.split(".")[1] for name in weights if re.match(r"layers\.\d+\.att_spatial\.", name)}
    if embedding.ndim == 0 or not blocks:
        return "no pose lifter of this project"
    if any(".mamba_gcn." in name for name in weights):
        architecture = "full"
    elif extra := len(layers - blocks):
        architecture = f"mamba_gcn with {extra} MambaGCN blocks"
    else:
        architecture = "baseline"
    n_frames = {value.numel() for name, value in weights.items() if name.endswith(TEMPORAL_NORM)}
    length = min(n_frames, default="unknown")
    return f"{architecture}, depth {len(blocks)}, dim {len(embedding)}, n_frames {length}"


def load_checkpoint(path: Path, model: Model) -> Model:
    """Fill `model` with the weights of a file of ours (safetensors) or of a published one (anything else);
    raises as `load_weights` and `load_published`."""
    load = load_weights if path.suffix == ".safetensors" else load_published
    return load(path, model)
