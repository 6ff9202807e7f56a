"""What the NVIDIA driver tells: its version, and how busy the GPUs are."""

import functools
from typing import Any


@functools.cache
def _nvml() -> Any:
    """The library of the driver; None where there is none."""
    try:
        import pynvml  # type: ignore[import-untyped]

        pynvml.nvmlInit()
    except Exception:  # no package, no driver, no device: all the same here
        return None
    return pynvml


def driver_version() -> str | None:
    """The version of the driver; None where there is none."""
    nvml = _nvml()
    return str(nvml.nvmlSystemGetDriverVersion()) if nvml else None


def utilisation() -> dict[int, int]:
    """Utilisation (%) of the GPU of each process, by process number; empty without a driver."""
    nvml = _nvml()
    busy: dict[int, int] = {}
    if nvml:
        try:
            for index in range(nvml.nvmlDeviceGetCount()):
                gpu = nvml.nvmlDeviceGetHandleByIndex(index)
                percent = nvml.nvmlDeviceGetUtilizationRates(gpu).gpu
                busy |= {process.pid: percent for process in nvml.nvmlDeviceGetComputeRunningProcesses(gpu)}
        except nvml.NVMLError:
            pass
    return busy
