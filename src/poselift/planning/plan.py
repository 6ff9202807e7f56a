"""What a configuration will cost (GPU-hours, days, memory, disk) and what its tests will find."""

import argparse
import statistics
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.table import Table

from poselift.config.experiment import Config
from poselift.config.files import read_configuration
from poselift.files import write_json
from poselift.machine.project_checks import ESTIMATE, disk
from poselift.planning.estimates import Corrected, Estimate, StepCosts, estimates, trainings
from poselift.planning.gpus import GPUS, Gpu, gpu_named
from poselift.planning.power import power
from poselift.program import run
from poselift.provenance.code_hash import read_pins

PINS = Path("envs/constraints.txt")
STEPS = "steps.json"
"""Beside the last estimate, which `doctor` tells: the operators of each model's step."""


def detected() -> Gpu:
    """The device of this machine. Raises `PoseliftError` for one that `GPUS` does not have."""
    import torch

    if not torch.cuda.is_available():
        return GPUS["CPU"]
    return gpu_named(torch.cuda.get_device_name(0))


def days(hours: Iterable[float], gpus: int) -> float:
    """Days that trainings of these GPU-hours take on so many GPUs; not less than the longest takes."""
    each = list(hours)
    return max(sum(each) / gpus, max(each, default=0)) / 24


def proposals(config: Config, found: Corrected, budget: float) -> tuple[list[str], float]:
    """What to leave out of the paper, in words, until it fits a budget of GPU-hours; the hours that are left.

    First the seeds that some sizes have more, then the ablation's after the second, then its entries, the
    dearest first, then the largest size.
    """
    kept = [one for one in found.all if not one.training.part.startswith("search.")]
    said = []
    for words, left_out in _options(config, found, kept):
        if sum(map(found.hours, kept)) <= budget:
            break
        gone = [one for one in kept if one in left_out]
        if saved := sum(map(found.hours, gone)):
            kept = [one for one in kept if one not in gone]
            said.append(f"{words}: {saved:.1f} GPU-hours less")
    return said, sum(map(found.hours, kept))


def _options(config: Config, found: Corrected, paper: list[Estimate]) -> Iterator[tuple[str, list[Estimate]]]:
    ablation = [one for one in paper if one.training.part.startswith("ablation.")]
    of_all = config.experiment.seeds
    yield (
        "experiment.more_seeds: none",
        [one for one in paper if one.training.part == "grid" and one.training.settings.seed not in of_all],
    )
    seeds = of_all[:2]
    yield (
        f"ablation: seeds: {seeds} for each entry",
        [one for one in ablation if one.training.settings.seed not in seeds],
    )
    entries = {part: list(those) for part, those in groupby(ablation, lambda one: one.training.part)}
    for part, those in sorted(entries.items(), key=lambda entry: -sum(map(found.hours, entry[1]))):
        yield f"{part}: without this entry", those
    grid = (one.training.settings for one in paper if one.training.part == "grid")
    largest = max(grid, key=lambda run: run.depth * run.dim**2).size
    yield (
        f"experiment.sizes: without {largest}",
        [one for one in paper if one.training.settings.size == largest],
    )


def table(found: Corrected, gpus: int) -> Table:
    """The estimate by part of the paper, the entries of the ablation together; the search apart."""
    made = Table()
    made.add_column("part", no_wrap=True)
    for column in ("trainings", "GPU-hours", f"days, {gpus} GPU{'s' * (gpus > 1)}", "memory"):
        made.add_column(column, justify="right", no_wrap=True)

    def row(name: str, those: list[Estimate], last: bool = False) -> None:
        hours = [found.hours(one) for one in those]
        known = all(one.measured or one.estimated is not None for one in those)
        time = (f"{sum(hours):.1f}", f"{days(hours, gpus):.1f}") if known else ("not known",) * 2
        memory = f"{max(one.memory for one in those) / 1e9:.0f} GB"
        made.add_row(name, str(len(those)), *time, memory, end_section=last)

    groups = {name: list(those) for name, those in groupby(found.all, lambda one: one.training.group)}
    search = groups.pop("search", None)
    for name, those in groups.items():
        row(name, those, last=name == list(groups)[-1])
    row("the paper", [one for those in groups.values() for one in those], last=True)
    if search:
        row("search", search)
    return made


def remarks(found: Corrected, gpu: Gpu, config: Config) -> Iterator[str]:
    """What is to be known beside the table."""
    if found.ratios:
        low, middle, high = found.ratios[0], statistics.median_high(found.ratios), found.ratios[-1]
        yield (
            f"{len(found.ratios)} trainings have run on such a device. They took {low:.2g} to {high:.2g} "
            f"times their estimate (median {middle:.2g}), by which the others are corrected."
        )
    else:
        yield (
            f"An estimate for {gpu.name} by its data sheet, from the operators of a step: no training has "
            "run on such a device here. It may well be off by a factor of two."
        )
    if unknown := sorted({one.training.group for one in found.all if one.estimated is None}):
        yield f"Not known, as the clips are not counted yet: {', '.join(unknown)}. Build the data first."
    large = [one for one in found.all if one.memory > gpu.memory * 1e9]
    if again := [one for one in found.all if one.recomputed and one not in large]:
        yield (
            "To fit they compute parts of the model again, which takes longer and changes no bit "
            f"(execution.memory): {_models(again)}."
        )
    if large:
        yield (
            f"More memory than {gpu.name} has ({gpu.memory} GB): {_models(large)}. "
            "A smaller batch fits, and gives other weights."
        )
    yield power(config)
    for check in disk(config, Path("results", config.dataset)):
        yield f"Disk: {check.found}."


def _models(those: Iterable[Estimate]) -> str:
    """The models of some trainings, each with its part and memory, once."""
    return ", ".join(
        dict.fromkeys(
            f"{one.training.settings.architecture}-{one.training.settings.size} in {one.training.group} "
            f"({one.memory / 1e9:.0f} GB)"
            for one in those
        )
    )


def main(argv: list[str] | None = None) -> None:
    """Say what a configuration will cost (GPU-hours, days, memory, disk) and what its tests will find."""
    parser = argparse.ArgumentParser(prog="poselift plan", description=main.__doc__)
    several = "the configuration, several files as Snakemake takes them (default: config.yaml)"
    parser.add_argument("--config", type=Path, nargs="+", default=[Path("config.yaml")], help=several)
    parser.add_argument("--gpu", help=f"{', '.join(GPUS)} (default: this machine's)")
    parser.add_argument("--gpus", type=int, default=1, help="how many there are (default: 1)")
    parser.add_argument("--budget", type=float, help="GPU-hours to stay within: what to leave out?")
    given = parser.parse_args(argv)
    if given.gpus < 1:
        parser.error(f"--gpus: expected 1 or more, found {given.gpus}")
    if given.budget is not None and not 0 < given.budget < float("inf"):
        parser.error(f"--budget: expected GPU-hours above 0, found {given.budget:g}")
    config = read_configuration(given.config)
    gpu = gpu_named(given.gpu) if given.gpu else detected()
    estimate = Path("results", config.dataset) / ESTIMATE
    costs = StepCosts(config, estimate.with_name(STEPS), gpu.fused, read_pins(PINS))
    found = Corrected(estimates(trainings(config), costs, gpu, config.execution.memory))
    console = Console()
    console.print(table(found, given.gpus))
    for line in remarks(found, gpu, config):
        console.print(line, highlight=False, markup=False)
    hours = sum(found.hours(one) for one in found.all if one.training.group != "search")
    largest = max(one.memory for one in found.all) / 1e9
    write_json(estimate, {"gpu": gpu.name, "gpu_hours": hours, "memory_gb": largest, "of_gb": gpu.memory})
    if given.budget is not None:
        said, left = proposals(config, found, given.budget)
        console.print(f"To stay within {given.budget:g} GPU-hours (now {hours:.1f}):", highlight=False)
        for words in said or ["nothing has to be left out"]:
            console.print(f"  {words}", highlight=False, markup=False)
        fits = (
            "fits" if left <= given.budget else "still too much: a shorter or faster recipe, or fewer models"
        )
        console.print(f"  left: {left:.1f} GPU-hours, {fits}", highlight=False)


if __name__ == "__main__":
    run(main)
