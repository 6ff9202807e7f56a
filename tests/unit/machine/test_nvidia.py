"""How busy the GPUs of processes are, by what a driver's library tells."""

from types import SimpleNamespace

from poselift.machine import nvidia


class Driver:
    """Two GPUs: 97 and 31 % busy; on the second there are two processes."""

    NVMLError = RuntimeError
    busy, processes = (97, 31), ((11,), (22, 33))

    def nvmlDeviceGetCount(self) -> int:
        return len(self.busy)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetUtilizationRates(self, gpu: int) -> SimpleNamespace:
        return SimpleNamespace(gpu=self.busy[gpu], memory=self.busy[gpu] // 2)

    def nvmlDeviceGetComputeRunningProcesses(self, gpu: int) -> list[SimpleNamespace]:
        return [SimpleNamespace(pid=pid, usedGpuMemory=2**30) for pid in self.processes[gpu]]

    def nvmlSystemGetDriverVersion(self) -> str:
        return "580.1"


def test_a_process_is_as_busy_as_its_gpu(monkeypatch):
    monkeypatch.setattr(nvidia, "_nvml", Driver)
    assert nvidia.utilisation() == {11: 97, 22: 31, 33: 31}
    assert nvidia.driver_version() == "580.1"


def test_without_a_driver_nothing_is_known(monkeypatch):
    monkeypatch.setattr(nvidia, "_nvml", lambda: None)
    assert nvidia.utilisation() == {}
    assert nvidia.driver_version() is None
