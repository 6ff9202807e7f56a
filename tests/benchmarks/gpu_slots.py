"""How long processes that ask for a GPU each at the same moment wait, if there is one for each.

python tests/benchmarks/gpu_slots.py [--gpus 1 8 64]
"""

import argparse
import multiprocessing
import tempfile
import time
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event

from poselift.machine.gpu_slots import held_slots


def ask(gpus: int, start: Event, end: Event, waited: "Queue[float]") -> None:
    """Ask for one of the GPUs at the start, keep it until the end."""
    start.wait()
    begin = time.perf_counter()
    with held_slots([f"GPU-{i:02}" for i in range(gpus)], 1):
        waited.put(time.perf_counter() - begin)
        end.wait()


def main() -> None:
    """Print how long the last one waited."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gpus", type=int, nargs="+", default=[1, 8, 64])
    context = multiprocessing.get_context("fork")
    for gpus in parser.parse_args().gpus:
        with tempfile.TemporaryDirectory() as tempfile.tempdir:  # where the locks are
            start, end, waited = context.Event(), context.Event(), context.Queue()
            processes = [context.Process(target=ask, args=(gpus, start, end, waited)) for _ in range(gpus)]
            for process in processes:
                process.start()
            time.sleep(1)
            start.set()
            last = max(waited.get() for _ in processes)
            end.set()
            for process in processes:
                process.join()
        tempfile.tempdir = None
        print(f"{gpus} processes, {gpus} GPUs: the last waited {last:.2f} s", flush=True)


if __name__ == "__main__":
    main()
