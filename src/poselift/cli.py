"""The `poselift` command: each stage by its name, imported when it is asked for."""

import sys
from importlib import import_module

from poselift.errors import run

COMMANDS = {
    "synthetic": (
        "poselift.synthetic.__main__",
        "write synthetic motion in the schema of the raw pickle",
    ),
    "check": ("poselift.datasets.human36m.raw", "check a raw pickle and say what is in it"),
    "prepare": ("poselift.data.prepare", "turn the raw pickle into the frame store"),
    "export-clips": ("poselift.data.export_clips", "write clips in the community's one-pickle-a-clip layout"),
    "train": ("poselift.training.train", "train one model"),
    "monitor": ("poselift.monitoring.monitor", "show how runs get on"),
    "evaluate": ("poselift.evaluation.evaluate", "evaluate a run or a published checkpoint"),
    "experiments": ("poselift.experiments", "run experiments outside the paper, compare runs"),
    "cost": ("poselift.models.cost", "count parameters and multiply-accumulates"),
    "why": ("poselift.provenance.why", "say what is stale, for what cause, and what rebuilding costs"),
    "trace": ("poselift.provenance.trace", "show what a file, a run or a number was made from"),
    "verify": ("poselift.provenance.verify", "name the files that are no longer what was recorded"),
    "handover": ("poselift.paper.handover", "pack the paper for co-authors; bring their text home"),
    "doctor": ("poselift.machine.doctor", "say what is missing on this machine"),
}


def usage() -> str:
    """What the command offers."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {text}" for name, (_, text) in COMMANDS.items()]
    return "\n".join(
        ["usage: poselift COMMAND [OPTION ...]", "", *lines, "", "poselift COMMAND --help says more."]
    )


def main() -> None:
    """Run one of the commands with the rest of the command line."""
    name, *arguments = sys.argv[1:] or ["--help"]
    if name in ("-h", "--help"):
        print(usage())
    elif name not in COMMANDS:
        sys.exit(f"error: unknown command '{name}'\n{usage()}")
    else:
        stage = import_module(COMMANDS[name][0])
        run(lambda: stage.main(arguments))


if __name__ == "__main__":
    main()
