"""The JSON schema of `config.yaml`, generated from the typed configuration."""

import argparse
from pathlib import Path

from poselift.config.experiment import Config
from poselift.files import write_json
from poselift.program import run


def main(argv: list[str] | None = None) -> None:
    """Write the JSON schema of config.yaml."""
    parser = argparse.ArgumentParser(prog="poselift.config.schema", description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    write_json(parser.parse_args(argv).out, Config.model_json_schema())


if __name__ == "__main__":
    run(main)
