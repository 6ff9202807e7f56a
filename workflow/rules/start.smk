# Before anything else is read: the working folder is the project's, and the configuration files are valid YAML
# (Snakemake's own reader names no line of a fault, and of a key that stands twice it keeps one in silence).
import sys
from pathlib import Path

from poselift.config.files import check_files, replaced_files
from poselift.program import reported
from poselift.machine.build_lock import explain_lock
from poselift.machine.launch import put_own_python_first

with reported():
    check_files([Path("config.yaml"), *workflow.configfiles], Path(str(workflow.current_basedir)).parents[1])
    if replaced := " ".join(replaced_files(sys.argv[1:], workflow.configfiles)):
        print(
            f"note: --configfile replaces the profile's {replaced}; to lay yours over it, name both",
            file=sys.stderr,
        )

put_own_python_first()
logger.addFilter(explain_lock)
