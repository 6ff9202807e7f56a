"""Write synthetic motion as the files of a data set: `poselift synthetic --out FILE.pkl`."""

import argparse
from pathlib import Path

from poselift.config.datasets import dataset, function
from poselift.config.options import add_options
from poselift.config.sections import parse
from poselift.errors import PoseliftError
from poselift.program import run


def main(argv: list[str] | None = None) -> None:
    """Generate motion and write it; equal options give the same bytes."""
    chosen = argparse.ArgumentParser(add_help=False)
    what = "name of a data set, or a file with one of your own"
    chosen.add_argument("--dataset", default="human36m", metavar="NAME", help=what)
    source = dataset(chosen.parse_known_args(argv)[0].dataset)
    if source.synthesise is None:
        raise PoseliftError(f"{source.title}: has no synthetic motion; give its files")
    parser = argparse.ArgumentParser(prog="poselift synthetic", description=__doc__, parents=[chosen])
    keys = source.source.file_keys()
    written = f"files to write: {', '.join(keys)}"
    parser.add_argument("--out", type=Path, nargs=len(keys), required=True, help=written)
    kind = source.source.synthetic_settings()
    add_options(parser, kind)
    given = vars(parser.parse_args(argv))
    files = dict(zip(keys, given.pop("out"), strict=True))
    given.pop("dataset")
    function(source.synthesise)(parse(kind, given, "options"), files)


if __name__ == "__main__":
    run(main)
