"""Training: the loop and what it computes with, and around it what starts, saves and reports a run."""


def core_modules(architecture: str) -> tuple[str, str]:
    """The modules whose import closure decides the weights of a run: what a run is hashed with. What starts a
    run, saves its states, logs or writes its files cannot change a weight and stays out."""
    return ("poselift.training.loop", f"poselift.models.{architecture}")
