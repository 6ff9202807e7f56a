"""The `poselift` command: each stage by its name, imported when it is asked for."""

import sys
from importlib import import_module

from poselift.errors import run

COMMANDS = {
    "synthetic": (
        "poselift.data.synthetic.__main__",
        "write synthetic motion in the schema of the raw pickle",
    ),
    "check": ("poselift.data.raw", "check a raw pickle and say what is in it"),
    "prepare": ("poselift.data.prepare", "turn the raw pickle into the frame store"),
    "export-clips": ("poselift.data.export_clips", "write clips in the community's one-pickle-a-clip layout"),
    "train": ("poselift.training.train", "train one model"),
    "evaluate": ("poselift.evaluation.evaluate", "evaluate a run or a published checkpoint"),
    "cost": ("poselift.models.cost", "count parameters and multiply-accumulates"),
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
