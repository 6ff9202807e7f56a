"""What is refused, or made right, before the workflow is read."""

import os
import platform
import subprocess
import sys
import time


def refused(answer: subprocess.CompletedProcess[str]) -> str:
    """The one line of an error."""
    assert answer.returncode != 0, answer.stdout
    said = answer.stdout + answer.stderr  # where a dry run's errors go depends on when it fails
    (line,) = [line for line in said.splitlines() if line.startswith("error:")]
    assert "Traceback" not in said
    return line


def test_a_key_that_stands_twice(project):
    changes = "training:\n  lr: 0.1\n  epochs: 1\n  lr: 0.2\n"
    line = refused(project.snakemake("--dry-run", changes=changes))
    assert line.endswith(
        "changes.yaml: not valid YAML: line 4: the key 'lr' stands on line 2 already; keep one of them"
    )
    project.edit("config.yaml", "n_frames: 243", "n_frames: 243\nn_frames: 81")
    assert "config.yaml: not valid YAML: line 13: the key 'n_frames' stands on line 12" in refused(
        project.snakemake("--dry-run")
    )


def test_a_fault_of_yaml_names_file_and_line(project):
    lines = (project.folder / "config.yaml").read_text().splitlines()
    begun = 1 + lines.index("  seeds: [0, 1, 2]")
    project.edit("config.yaml", "seeds: [0, 1, 2]", "seeds: [0, 1, 2")
    line = refused(project.snakemake("--dry-run"))
    assert "error: config.yaml: not valid YAML: line " in line
    assert f"while parsing a flow sequence begun on line {begun}" in line
    assert int(line.partition("YAML: line ")[2].partition(":")[0]) > begun


def test_files_that_snakemake_reads_by_itself(project):
    """Its own errors of these are tracebacks, or name no file."""
    (project.folder / "broken.yaml").write_text("a: 1\nb: [2\nc: 3\n")
    (project.folder / "list.yaml").write_text("- 1\n")

    def line(*given: str) -> str:
        return refused(project.snakemake("--dry-run", *given, experiment=False))

    assert line("--configfile", "tiny.yaml", "none.yaml") == "error: none.yaml: no such file"
    assert line("--configfile=paper") == "error: paper: Is a directory"
    assert line("--configfile", "broken.yaml").startswith("error: broken.yaml: not valid YAML: line 3: ")
    assert line("--configfile", "list.yaml", "tiny.yaml").startswith("error: list.yaml: expected keys")
    assert "defined as name=value pairs" in line("--config", "draft")
    (project.folder / "profile").mkdir()
    (project.folder / "profile/config.yaml").write_text("configfile: 3\n")
    assert line("--profile", "profile") == "error: 3: no such file"


def test_another_folder_is_not_the_projects(project, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    given = [sys.executable, "-m", "snakemake", "--dry-run", "--snakefile", "../project/Snakefile"]
    files = ["--configfile", "../project/tiny.yaml"]

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*given, *more, *files], cwd=tmp_path / "elsewhere", env=project.environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    line = refused(run())
    assert f"elsewhere is not the project's folder; go to {project.folder}, or add --directory" in line
    assert run("--directory", "../project").returncode == 0


def test_without_activation_jobs_run_the_same_python(project):
    """The first `python` on the path is another one, as where no environment is activated."""
    other = project.folder / "other"
    other.mkdir()
    (other / "python").write_text("#!/bin/sh\necho the wrong python >&2; exit 1\n")
    (other / "python").chmod(0o755)
    path = f"{other}{os.pathsep}{os.environ['PATH']}"
    answer = project.snakemake("results/tiny/data/raw.sha256", env={"PATH": path})
    assert answer.returncode == 0, answer.stderr


def test_a_configfile_in_place_of_the_profiles_is_told(project):
    target = "results/demo/data/raw.sha256"
    profile = ("--profile", "workflow/profiles/demo", "--dry-run", target, "--configfile")
    demo = "workflow/profiles/demo/experiment.yaml"
    project.settle("dataset: demo")
    for files, told in (([demo, "tiny.yaml"], False), (["tiny.yaml"], True)):
        answer = project.snakemake(*profile, *files, experiment=False)
        assert (f"--configfile replaces the profile's {demo}; to lay yours over it" in answer.stderr) == told


def test_a_locked_folder_is_one_line_and_unlocks(project):
    target = "results/tiny/data/raw.sha256"
    locks = project.folder / ".snakemake/locks"
    locks.mkdir(parents=True)
    (locks / "0.output.lock").write_text(f"{target}\n")
    line = refused(project.snakemake(target))
    assert line.startswith("error: a build is running here since ")
    assert line.endswith("if it is not running any more, run `snakemake --unlock`")
    assert project.snakemake("--unlock").returncode == 0
    assert project.snakemake(target).returncode == 0


def test_a_build_notes_in_its_lock_who_it_is(project):
    with project.start(
        "results/tiny/data/raw.sha256", stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        holder = project.folder / ".snakemake/locks/holder"
        while process.poll() is None and not (holder.exists() and holder.read_text()):
            time.sleep(0.01)
        noted = holder.read_text()
        process.communicate()
    assert noted == f"{platform.node()} {process.pid}"
    assert process.returncode == 0
    assert not holder.exists()


def test_a_published_number_that_cannot_be_trained_again_is_said_before_it_is_tried(project):
    changes = """
data: {raw: raw.pkl, synthetic: null, expected_clips: {train: 70, test: 50}}
paper: {published: paper/published.yaml}
reproduction: [{name: again, architecture: baseline, size: xsmall, n_frames: 27, published: MotionAGFormer-S}]
"""
    line = refused(project.snakemake("reproduction", "--dry-run", changes=changes))
    assert line == ("error: reproduction.again: n_frames is 27, but 'MotionAGFormer-S' was published at 81")
    assert project.snakemake("claims", "--dry-run", changes=changes).returncode == 0
