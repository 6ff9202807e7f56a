"""What the cluster is asked for: the sbatch line of every rule that goes through the queue.

SLURM's commands are stand-ins here, which note how they are called; tests/slurm has a real one.
"""

import os
import re
import subprocess
from pathlib import Path

import yaml

from project import REPOSITORY, Project

PROFILE = ("--profile", "workflow/profiles/slurm", "--slurm-init-seconds-before-status-checks", "1")
DEMO = "workflow/profiles/demo"
ARCHITECTURES = ("baseline", "mamba_gcn", "full")
GOLDEN = Path(__file__).with_name("sbatch_lines.txt")

# with four GPUs a node (in the profile): one process, a whole node, two nodes; and all that there can be
EVERYTHING = """
ground_truth_2d: null
overrides:
  - {architectures: [mamba_gcn], training: {processes: 4}}
  - {architectures: [full], training: {processes: 8}}
ablation:
  - {name: wide, architecture: full, size: pico, model: {mamba_gcn_dim: 32}}
search:
  stages:
    - {name: coarse, architecture: baseline, size: pico, epochs: 1, grid: {lr: [1.0e-3]}}
further_data:
  mpi_inf_3dhp:
    synthetic: {train_frames: 9, test_frames: 9}
    n_frames: 9
    architectures: [baseline]
"""
TARGETS = (
    "results/tiny/evaluation/references.json",
    *(f"results/tiny/evaluation/{architecture}-pico-s0.json" for architecture in ARCHITECTURES),
    "results/tiny/evaluation/shown_clips.npz",
    *(f"results/tiny/cost/{architecture}-pico.csv" for architecture in ARCHITECTURES),
    "results/tiny/cost/full-pico-wide.csv",
    "results/tiny/search/coarse/lr=0.001/rung-0.json",
    "results/tiny/mpi_inf_3dhp/evaluation/baseline-pico-s0.json",
)

# the first attempt of each training fails, everything else succeeds at once; the output is there, or shows up
# when the job has long ended
SBATCH = """\
#!/bin/sh
case "$*" in
    *"--comment rule_train_"*) grep -q -e "--attempt 1 " - && state=FAILED || state=COMPLETED ;;
    *) state=COMPLETED ;;
esac
echo "$*" | head -n 1 >>{folder}/calls
echo "$$|$state" >>{folder}/states
(sleep {delay}; cp -Rn {folder}/results .) >/dev/null 2>&1 {ampersand}
echo $$
"""


class Queue:
    """SLURM's commands as stand-ins in a folder, and a project whose jobs go there."""

    def __init__(self, folder: Path, project: Project, outputs_after: int = 0) -> None:
        self.folder = folder
        self.project = Project(project.folder, PROFILE)
        folder.mkdir()
        commands = {
            "sbatch": SBATCH.format(
                folder=folder, delay=outputs_after, ampersand="&" if outputs_after else ""
            ),
            "squeue": f"#!/bin/sh\ncat {folder}/states\n",
            "scontrol": "#!/bin/sh\necho 'MinJobAge = 300 sec'\n",
            **dict.fromkeys(("sacctmgr", "sshare", "sacct", "scancel"), "#!/bin/sh\n"),
        }
        for name, text in commands.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Let all jobs that `TARGETS` need go through the queue."""
        planned = self.project.snakemake("--dry-run", *arguments, changes=EVERYTHING)
        assert planned.returncode == 0, planned.stderr
        for outputs in re.findall(r"^ +(?:output|benchmark): (.*)$", planned.stdout, re.MULTILINE):
            for path in outputs.split(", "):
                (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / path).touch()
        path = os.pathsep.join([str(self.folder), self.project.environment["PATH"]])
        return self.project.snakemake(
            "--slurm-status-command", "squeue", *arguments, changes=EVERYTHING, env={"PATH": path}
        )

    @property
    def lines(self) -> list[str]:
        """How sbatch was called, without what differs from run to run."""
        calls = (self.folder / "calls").read_text().replace(str(self.project.folder), "PROJECT")
        calls = calls.replace(" /dev/stdin", "")  # the job's script
        return sorted(re.sub(r"^.*?(--comment)", r"\1", call) for call in calls.splitlines())


def test_lines_are_those_that_were_reviewed(project, tmp_path):
    queue = Queue(tmp_path / "slurm", project)
    answer = queue.run("--latency-wait", "5", *TARGETS)  # retries are the profile's
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert queue.lines == GOLDEN.read_text().splitlines()


def rules_of_the_cluster() -> set[str]:
    """The rules whose jobs go through the queue: those that have a command and are not local."""
    texts = [REPOSITORY / "Snakefile", *(REPOSITORY / "workflow/rules").glob("*.smk")]
    commands: dict[str, bool] = {}
    local: set[str] = set()
    for text in texts:
        for rule in re.split(r"^ *(?=rule |checkpoint |use rule )", text.read_text(), flags=re.MULTILINE)[1:]:
            base, name = re.match(r"(?:use rule (\w+) as|rule|checkpoint) (\w+)", rule).groups()
            commands[name] = "shell:" in rule or commands.get(base, False)
            if "localrule: True" in rule:  # not inherited from the base
                local.add(name)
    return {name for name in commands if commands[name]} - local


def test_every_rule_that_can_go_to_the_cluster_has_its_line():
    profiles = [
        yaml.safe_load((REPOSITORY / name / "config.yaml").read_text()) for name in (PROFILE[1], DEMO)
    ]
    groups = profiles[0]["groups"]
    rules = rules_of_the_cluster()
    assert {rule for profile in profiles for rule in profile["set-resources"]} <= rules
    assert {"train", "trial", "cost", "frames"} <= rules
    assert not {"all", "search", "pdf", "table"} & rules
    for rule in rules:
        name = rf"{groups[rule]}_(\w+_)?{rule}" if rule in groups else rule
        line = rf"^--comment rule_{name}(_| )"
        assert re.search(line, GOLDEN.read_text(), re.MULTILINE), f"no line of rule {rule}: add its target"


def test_outputs_may_show_up_late(project, tmp_path):
    """As on a network file system: the job has ended, and its files are seen seconds later."""
    (target, *_) = TARGETS
    queue = Queue(tmp_path / "slurm", project, outputs_after=8)
    answer = queue.run(target)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "Waiting at most 60 seconds for missing files" in answer.stdout + answer.stderr


def test_time_grows_with_the_size(project):
    changes = "experiment: {architectures: [baseline], sizes: [xsmall, small, base, large]}\nablation: []\n"
    cluster = Project(project.folder, PROFILE)
    answer = cluster.snakemake("--dry-run", changes=changes + "paper: {per_action_size: base}")
    assert answer.returncode == 0, answer.stderr
    found = re.findall(
        r"wildcards: dataset=tiny, run=baseline-(\w+)-s0\n +resources:.* runtime=(\d+)", answer.stdout
    )
    assert ("xsmall", "360") in found
    times = [
        max(int(time) for size, time in found if size == name)
        for name in ("xsmall", "small", "base", "large")
    ]
    assert times == sorted(set(times))


def test_the_paper_as_it_is_configured_can_be_submitted(project):
    """Clips of three lengths share a place in the queue."""
    command = ["snakemake", "--dry-run", *PROFILE, "--quiet", "all"]
    answer = subprocess.run(
        command, cwd=project.folder, env=project.environment, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert "sha256" not in answer.stderr  # of a file that is not there
