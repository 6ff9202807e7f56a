"""Write synthetic motion as a raw pickle: `poselift synthetic --out FILE.pkl`."""

import argparse
import pickle
from pathlib import Path

from poselift.config.experiment import Synthetic
from poselift.config.sections import add_options, parse
from poselift.errors import run
from poselift.files import atomic_path
from poselift.synthetic.dataset import generate


def main(argv: list[str] | None = None) -> None:
    """Generate motion and pickle it; equal options give the same bytes."""
    parser = argparse.ArgumentParser(prog="poselift synthetic", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="pickle to write")
    add_options(parser, Synthetic)
    given = vars(parser.parse_args(argv))
    out = given.pop("out")
    dataset = generate(parse(Synthetic, given, "options"))
    with atomic_path(out) as temporary, temporary.open("wb") as file:
        pickle.dump(dataset, file, protocol=4)


if __name__ == "__main__":
    run(main)
