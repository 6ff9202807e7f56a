"""Graphics cards by name: what their data sheets say, and how long a training step takes by it.

An operator takes as long as its memory traffic or its products, whichever is longer, and at least a launch.
This leaves out what a cache keeps. It compares programs and devices, and says the order of magnitude.
"""

from dataclasses import dataclass

from poselift.config.sections import suggest
from poselift.errors import PoseliftError
from poselift.training.step_cost import StepCost

REACHED = {"bandwidth": 0.9, "single": 0.75, "half": 0.5}
"""What a well-written kernel reaches of each rate."""


@dataclass(frozen=True)
class Gpu:
    """A device: memory (GB), its bandwidth (TB/s), and its peak rates of matrix products (TFLOP/s)."""

    name: str
    memory: float
    bandwidth: float
    single: float
    half: float
    fused: bool = True
    """runs the project's kernels in Triton"""
    launch: float = 4e-6
    """seconds that an operator takes at least"""

    def holds(self, cost: StepCost) -> bool:
        """Whether a step fits into the memory of the device: cards have a little more than they are named
        after, which is left to libraries and to what the allocator cannot use. On the CPU, where the system
        may have more, a training does not ask."""
        return self.name == "CPU" or cost.memory <= self.memory * 1e9

    def seconds(self, cost: StepCost) -> float:
        """The time of a step on the device."""
        traffic = 1e12 * self.bandwidth * REACHED["bandwidth"]
        single, half = 1e12 * self.single * REACHED["single"], 1e12 * self.half * REACHED["half"]
        return sum(
            number * (max(one.bytes / traffic, one.flops / (half if one.half else single)) + self.launch)
            for one, number in cost.operators.items()
        )


GPUS = {
    gpu.name: gpu
    for gpu in (
        Gpu("H100", memory=80, bandwidth=3.35, single=67, half=989),
        Gpu("H200", memory=141, bandwidth=4.8, single=67, half=989),
        Gpu("A100", memory=80, bandwidth=2.04, single=19.5, half=312),
        Gpu("V100", memory=32, bandwidth=0.9, single=15.7, half=125, fused=False),
        Gpu("RTX 4090", memory=24, bandwidth=1.01, single=82.6, half=165),
        Gpu("CPU", memory=64, bandwidth=0.05, single=0.8, half=0.8, fused=False, launch=1e-5),
    )
}
"""Dense rates of the SXM versions (RTX: desktop), from NVIDIA's data sheets of V100, A100 80 GB, H100, H200
and its paper on the Ada architecture. The CPU stands for a desktop of 16 cores."""


def gpu_named(name: str) -> Gpu:
    """The device whose name is in `name`, such as `NVIDIA A100-SXM4-80GB`. Raises `PoseliftError`."""
    plain = name.casefold().replace("-", " ").replace("_", " ")
    for known, gpu in GPUS.items():
        if known.casefold() in plain:
            return gpu
    raise PoseliftError(f"--gpu: unknown device '{name}'{suggest(name, GPUS)}")
