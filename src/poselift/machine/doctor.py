"""Check the installation: what this machine and the project's folder lack, and what to do."""

import argparse
import dataclasses
import json
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from poselift.errors import one_line
from poselift.machine import machine_checks as machine
from poselift.machine import project_checks as project
from poselift.machine.machine_checks import Check
from poselift.program import run

ESSENTIAL = """\
Essential are Python, the packages, a valid configuration and the files that it names, the expected numbers of
clips, LaTeX, disk space and write access. A GPU, the fused SSM kernel and SLURM are not."""


def examine(configs: list[Path]) -> list[Check]:
    """All checks, for the configuration files `configs`, later ones laid over earlier ones."""
    settings, config_check = project.configuration(configs)
    synthetic = settings is not None and settings.data.synthetic is not None
    checks = [
        *_guarded("python", machine.python),
        *_guarded("packages", machine.packages),
        *_guarded("torch", machine.torch_version),
        *_guarded("GPU", machine.gpus, synthetic),
        *_guarded("SSM", machine.ssm_kernel),
        *_guarded("LaTeX", machine.latex),
        *_guarded("SLURM", machine.slurm),
        *_guarded("commit", project.commit),
        config_check,
    ]
    if settings is not None:
        results = Path("results", settings.dataset)
        of_project = {
            "raw data": project.raw_files, "clips": project.clips, "time": project.time, "disk": project.disk
        }  # fmt: skip
        for name, check in of_project.items():
            checks += _guarded(name, check, settings, results)
        checks += _guarded("writing", project.write_access, results)
    return checks


def _guarded(name: str, check: Callable[..., Iterator[Check]], *arguments: Any) -> Iterator[Check]:
    """The lines of a check; an exception becomes a line as well."""
    try:
        yield from check(*arguments)
    except Exception as error:  # whatever is wrong with the machine, the other lines are to be seen
        yield Check(name, "warning", f"cannot be checked: {one_line(f'{type(error).__name__}: {error}')}")


def report(checks: list[Check], width: int) -> str:
    """The checks as text: one line each, and one of advice where there is something to do."""
    lines = []
    for check in checks:
        head = f"{check.name:<9} {check.state:<8} "
        lines += textwrap.wrap(check.found, width, initial_indent=head, subsequent_indent=" " * 19)
        if check.advice:
            arrow, indent = f"{'-> ':>22}", " " * 22
            lines += textwrap.wrap(check.advice, width, initial_indent=arrow, subsequent_indent=indent)
    missing = [check.name for check in checks if check.state == "missing"]
    end = f"Missing: {', '.join(missing)}." if missing else "Nothing essential is missing."
    return "\n".join([*lines, "", end])


def main(argv: list[str] | None = None) -> None:
    """Check the installation; exit status 1 if anything essential is missing."""
    parser = argparse.ArgumentParser(prog="poselift doctor", description=main.__doc__, epilog=ESSENTIAL)
    several = "the configuration, several files as Snakemake takes them (default: config.yaml)"
    parser.add_argument("--config", type=Path, nargs="+", default=[Path("config.yaml")], help=several)
    parser.add_argument("--json", action="store_true", help="answer as JSON, for scripts")
    given = parser.parse_args(argv)
    checks = examine(given.config)
    healthy = all(check.state != "missing" for check in checks)
    if given.json:
        print(json.dumps({"ok": healthy, "checks": list(map(dataclasses.asdict, checks))}, indent=1))
    else:
        print(report(checks, max(shutil.get_terminal_size().columns, 60)))
    if not healthy:
        sys.exit(1)


if __name__ == "__main__":
    run(main)
