"""Figures are files: no screen, and no notebook's way of showing them."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("backend", ["module://matplotlib_inline.backend_inline", "tkagg", ""])
def test_the_backend_of_a_notebook_changes_nothing(backend):
    code = "import poselift.figures.make, matplotlib.pyplot as plt; plt.subplots(); print(plt.get_backend())"
    environment = os.environ | {"MPLBACKEND": backend, "DISPLAY": ""}
    answer = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert (answer.stdout, answer.returncode) == ("agg\n", 0), answer.stderr
