#!/bin/sh
# Make .venv with the package and its pinned dependencies. Needs python3 and pip; uv comes from pip.
set -eu
cd "$(dirname "$0")/.."

# the python to build on is the machine's, also when .venv is active
PATH=$(printf %s "$PATH" | sed "s#$PWD/.venv/bin:##g")

# uv does not read pip's settings: hand over where pip finds local wheels
UV_FIND_LINKS="${UV_FIND_LINKS:-${PIP_FIND_LINKS:-}}"
export UV_FIND_LINKS

# pip refuses to touch a Debian python; into a folder of our own it may, and uv needs no python3-venv
[ -x .tools/bin/uv ] || python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target .tools uv
[ -d .venv ] || .tools/bin/uv venv --quiet --python python3 .venv

# the registry's torch carries CUDA; without a GPU take the CPU build (a local wheel, or uv's own source of it)
backend=
if ! nvidia-smi >/dev/null 2>&1 && ! ls "${UV_FIND_LINKS%/}"/torch-*.whl >/dev/null 2>&1; then
    backend=--torch-backend=cpu
fi
.tools/bin/uv pip install --quiet --python .venv/bin/python $backend -c envs/constraints.txt -e '.[dev]'
# imported once, what jobs import is compiled, or each job compiles torch again where nobody may write bytecode
env -u PYTHONDONTWRITEBYTECODE .venv/bin/python -c "
import matplotlib.backends.backend_pdf, scipy.special, scipy.stats, snakemake.cli, torch._dynamo
import poselift.figures.make, poselift.tables.make, poselift.training.train"
