"""A user's mistakes: one clear message, a non-zero exit, nothing half-made, nothing lost."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests_support import stage


def test_missing_raw_file_in_two_lines(project):
    answer = project.snakemake(configfile=False)
    assert answer.returncode != 0
    message = answer.stderr[answer.stderr.index("error: ") :].strip().splitlines()
    assert len(message) == 2
    assert "data/motion3d/h36m_sh_conf_cam_source_final.pkl" in message[0]
    assert "make demo" in message[1]
    assert not (project.folder / "results").exists()
