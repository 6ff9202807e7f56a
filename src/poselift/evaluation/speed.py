"""How fast a model runs, measured on the forward passes that are made anyway."""

import time

import torch
from torch import Tensor, nn

from poselift.evaluation.report import Measured


class Stopwatch(nn.Module):
    """A model that times its forward passes (B, T, J, 3) -> (B, T, J, 3)."""

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        super().__init__()
        self.model = model
        self.device = device
        self.passes: list[tuple[int, float]] = []
        """frames and seconds of each"""

    def forward(self, clips: Tensor) -> Tensor:
        """The model's output; on a GPU, once it is complete."""
        self._wait()
        start = time.perf_counter()
        output: Tensor = self.model(clips)
        self._wait()
        self.passes.append((clips.shape[0] * clips.shape[1], time.perf_counter() - start))
        return output

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def measured(self) -> Measured:
        """Frames per second over all passes but the first, which warms up; there was one at least."""
        counted = self.passes[1:] or self.passes
        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else self.device.type
        return Measured(
            frames_per_second=sum(n for n, _ in counted) / sum(seconds for _, seconds in counted),
            device=name,
            threads=torch.get_num_threads(),
        )
