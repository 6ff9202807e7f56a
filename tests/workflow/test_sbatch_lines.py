"""What the cluster is asked for: the sbatch line of every rule that goes through the queue.

SLURM's commands are stand-ins here, which note how they are called; tests/slurm has a real one.
"""

import os
import re
import sys
from pathlib import Path

import pytest

PROFILE = ("--profile", "workflow/profiles/slurm", "--slurm-init-seconds-before-status-checks", "1")
ARCHITECTURES = ("baseline", "mamba_gcn", "full")
GOLDEN = Path(__file__).with_name("sbatch_lines.txt")

# with four GPUs a node (in the profile): one process, a whole node, two nodes
PROCESSES = """
ground_truth_2d: null
ablation: []
overrides:
  - {architectures: [mamba_gcn], training: {processes: 4}}
  - {architectures: [full], training: {processes: 8}}
"""

# the first attempt of each training fails, everything else succeeds at once: its output lies there already
SBATCH = """\
#!/bin/sh
case "$*" in
    *"--comment rule_train_"*"--attempt 1 "*) state=FAILED ;;
    *) state=COMPLETED ;;
esac
echo "$*" | head -n 1 >>{folder}/calls
echo "$$|$state" >>{folder}/states
cp -Rn {folder}/results .
echo $$
"""


@pytest.fixture
def stand_ins(tmp_path: Path) -> Path:
    """A folder with SLURM's commands."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    commands = {
        "sbatch": SBATCH.format(folder=folder),
        "squeue": f"#!/bin/sh\ncat {folder}/states\n",
        "scontrol": "#!/bin/sh\necho 'MinJobAge = 300 sec'\n",
        **dict.fromkeys(("sacctmgr", "sshare", "sacct", "scancel"), "#!/bin/sh\n"),
    }
    for name, text in commands.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return folder


def lines(stand_ins: Path, project: Path) -> list[str]:
    """The recorded lines without the command to run and without what differs from run to run."""
    calls = (stand_ins / "calls").read_text().splitlines()
    text = "\n".join(
        sorted(re.sub(r"^.*?(--comment)", r"\1", call.partition(" --wrap=")[0]) for call in calls)
    )
    return text.replace(str(project), "PROJECT").splitlines()


def test_lines_are_those_that_were_reviewed(project, stand_ins):
    cluster = type(project)(project.folder, PROFILE)
    targets = [
        "results/tiny/evaluation/references.json",
        *(f"results/tiny/evaluation/{architecture}-pico-s0.json" for architecture in ARCHITECTURES),
        *(f"results/tiny/cost/{architecture}-pico.csv" for architecture in ARCHITECTURES),
    ]
    planned = cluster.snakemake("--dry-run", *targets, changes=PROCESSES)
    assert planned.returncode == 0, planned.stderr
    for outputs in re.findall(r"^ +(?:output|benchmark): (.*)$", planned.stdout, re.MULTILINE):
        for path in outputs.split(", "):
            (stand_ins / path).parent.mkdir(parents=True, exist_ok=True)
            (stand_ins / path).touch()
    answer = cluster.snakemake(
        "--slurm-status-command", "squeue", "--retries", "1", "--latency-wait", "5", *targets,
        changes=PROCESSES,
        env={"PATH": os.pathsep.join([str(stand_ins), str(Path(sys.executable).parent), os.environ["PATH"]])},
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert lines(stand_ins, project.folder) == GOLDEN.read_text().splitlines()


def test_time_grows_with_the_size(project):
    changes = "experiment: {architectures: [baseline], sizes: [xsmall, small, base, large]}\nablation: []\n"
    cluster = type(project)(project.folder, PROFILE)
    answer = cluster.snakemake("--dry-run", changes=changes + "paper: {per_action_size: base}")
    assert answer.returncode == 0, answer.stderr
    found = re.findall(r"wildcards: run=baseline-(\w+)-s0\n +resources:.* runtime=(\d+)", answer.stdout)
    assert ("xsmall", "360") in found
    times = [
        max(int(time) for size, time in found if size == name)
        for name in ("xsmall", "small", "base", "large")
    ]
    assert times == sorted(set(times))
