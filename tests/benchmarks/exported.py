"""How far ONNX Runtime's poses are from torch's, for each architecture and size.

    python tests/benchmarks/exported.py --n-frames 27

Weights are random, with layer scales of trained models' order (0.1): at the start blocks hardly count. Needs
`pip install 'poselift[export]'`.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from poselift.config.architectures import known
from poselift.config.command_line import run_from_options
from poselift.config.sizes import SIZES
from poselift.inference.export import write_onnx
from poselift.models.registry import build_run


def apart(architecture: str, size: str, n_frames: int, folder: Path) -> float:
    """The largest difference of a coordinate, as a share of the largest coordinate."""
    torch.manual_seed(0)
    settings = run_from_options({"architecture": architecture, "size": size, "n_frames": n_frames})
    model = build_run(settings).eval()
    for name, parameter in model.named_parameters():
        if "layer_scale" in name:
            parameter.data.fill_(0.1)
    if reason := write_onnx(model, settings, {}, folder / "model.onnx"):
        raise SystemExit(f"{architecture} {size}: no form in ONNX ({reason})")
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    clips = torch.rand(2, n_frames, 17, 3) * 2 - 1
    with torch.inference_mode():
        expected = model(clips).numpy()
    found = session.run(None, {"keypoints": clips.numpy()})[0]
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def main() -> None:
    """Print a line for each; exit status 1 if one is more than 1e-4 apart."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n-frames", type=int, default=27)
    given = parser.parse_args()
    worst = 0.0
    for size in SIZES:
        for architecture in known({}):
            began = time.process_time()
            with tempfile.TemporaryDirectory() as folder:
                found = apart(architecture, size, given.n_frames, Path(folder))
            spent = time.process_time() - began
            print(f"{architecture:10} {size:7} {found:.1e} of the largest, {spent:.0f} s", flush=True)
            worst = max(worst, found)
    if worst > 1e-4:
        raise SystemExit("more than 1e-4 apart")


if __name__ == "__main__":
    main()
