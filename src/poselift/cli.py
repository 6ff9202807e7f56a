"""The `poselift` command: each stage by its name, imported when it is asked for."""

import difflib
import sys
from importlib import import_module, metadata

from poselift.errors import one_line
from poselift.program import run

COMMANDS = {
    "synthetic": ("poselift.synthetic.__main__", "write synthetic motion as the files of a data set"),
    "check": ("poselift.data.check", "check the files of a data set and say what is in them"),
    "prepare": ("poselift.data.prepare", "turn the files of a data set into the frame store"),
    "export-clips": (
        "poselift.data.export_clips",
        "write clips in the community's layout, a pickle per clip",
    ),
    "train": ("poselift.training.train", "train one model"),
    "finished": ("poselift.training.finished", "list and prune the finished trainings that are kept"),
    "monitor": ("poselift.monitoring.monitor", "show the progress of runs"),
    "leftovers": ("poselift.monitoring.leftovers", "list runs of removed entries, and remove them"),
    "evaluate": ("poselift.evaluation.evaluate", "evaluate a run or a published checkpoint"),
    "predict": ("poselift.inference.predict", "lift your own keypoints to 3D"),
    "export": ("poselift.inference.export", "write a model as ONNX and safetensors, with a model card"),
    "experiments": ("poselift.experiments", "run experiments outside the paper, compare runs"),
    "cost": ("poselift.models.cost", "count parameters and multiply-accumulates"),
    "plan": ("poselift.planning.plan", "estimate GPU-hours, days, memory and disk before anything runs"),
    "claims": ("poselift.analysis.verdicts", "print the verdicts on the paper's claims"),
    "why": ("poselift.provenance.why", "explain what is out of date, why, and what rebuilding costs"),
    "trace": ("poselift.provenance.trace", "show what a file, a run or a number was made from"),
    "verify": ("poselift.provenance.verify", "name the files that differ from what was recorded"),
    "prose": ("poselift.paper.prose", "name what in the text does not fit the results"),
    "handover": ("poselift.paper.handover", "pack the paper for co-authors, merge their text"),
    "deposit": ("poselift.paper.deposit", "put together what is uploaded to Zenodo"),
    "diff": ("poselift.comparison.builds", "say what differs between two builds of the paper, and why"),
    "doctor": ("poselift.machine.doctor", "check the installation"),
}


def usage() -> str:
    """The list of commands."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {text}" for name, (_, text) in COMMANDS.items()]
    end = "poselift COMMAND --help describes a command."
    return "\n".join(["usage: poselift COMMAND [OPTION ...] | --version", "", *lines, "", end])


def main() -> None:
    """Run one of the commands with the rest of the command line."""
    name, *arguments = sys.argv[1:] or ["--help"]
    if name in ("-h", "--help"):
        print(usage())
    elif name == "--version":
        print(f"poselift {metadata.version('poselift')}")
    elif name not in COMMANDS:
        close = difflib.get_close_matches(name, COMMANDS, n=1)
        meant = f"did you mean '{close[0]}'?" if close else "poselift --help lists the commands"
        sys.exit(f"error: unknown command '{one_line(name)}' ({meant})")
    else:
        sys.argv[0] = f"poselift {name}"  # what --help calls the program
        stage = import_module(COMMANDS[name][0])
        run(lambda: stage.main(arguments))


if __name__ == "__main__":
    main()
