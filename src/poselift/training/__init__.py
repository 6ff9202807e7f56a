"""Training: the loop and what it computes with, and around it what starts, saves and reports a run."""

from poselift.config.architectures import code_entries


def core_modules(architecture: str, file: str | None = None) -> tuple[str, ...]:
    """The modules whose import closure decides the weights of a run: what a run is hashed with. What starts a
    run, saves its states, logs or writes its files cannot change a weight and stays out. `file` is that of an
    architecture of the user's."""
    return ("poselift.training.loop", *code_entries(architecture, file))
