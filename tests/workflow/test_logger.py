"""What a build shows (`snakemake --logger poselift`): real builds of a few jobs, piped and in a terminal."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SNAKEFILE = """
rule all:
    input: "raw.txt", "full-s0.txt"

rule raw:
    output: "raw.txt"
    log: "logs/raw.log"
    shell: "echo words; echo more >&2; touch {output}"

rule train:
    output: "{run}.txt"
    log: "logs/{run}.log"
    shell: "BODY"
"""
FAILS = r"for i in $(seq 12); do echo step $i; done > {log}; printf '[red]no\\033[2J\\n\\n' >> {log}; exit 3"

ADVICE = "mend the cause, then give the same command again: finished jobs are kept"


def begin(folder: Path, body: str, preamble: str = "", **options: object) -> subprocess.Popen[str]:
    """Start a build of two jobs, of which the training does `body`."""
    (folder / "Snakefile").write_text(preamble + SNAKEFILE.replace("BODY", body))
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--logger", "poselift"]
    # a shell lets what it starts in the background ignore Ctrl-C, this test run perhaps
    heard = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    return subprocess.Popen(command, cwd=folder, text=True, **heard, **options)  # type: ignore[call-overload]


def build(folder: Path, body: str) -> subprocess.CompletedProcess[str]:
    with begin(folder, body, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        stdout, stderr = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def test_a_line_per_phase_and_the_rest_in_the_log(tmp_path):
    answer = build(tmp_path, "touch {output}")
    assert answer.returncode == 0
    assert answer.stdout == ""
    first, *phases, last = answer.stderr.splitlines()
    log = re.fullmatch(r"3 jobs to do; the whole log: (\.snakemake/log/.+\.snakemake\.log)", first)
    assert sorted(line.split()[:3] for line in phases) == [
        [phase, "1", "job"] for phase in ("data", "paper", "training")
    ]
    assert re.fullmatch(r"done: 3 jobs, 0:\d\d", last)
    kept = (tmp_path / log[1]).read_text()
    assert {"words", "more", "Building DAG of jobs..."} <= set(kept.splitlines())

    again = build(tmp_path, "touch {output}")
    assert again.stderr == "nothing to do: all is up to date\n"


def test_a_whole_paper_is_a_few_lines(built_once):
    first, *phases, last = (built_once.folder / "shown.txt").read_text().splitlines()
    jobs, log = re.fullmatch(r"(\d+) jobs to do; the whole log: (.+)", first).groups()
    told = {line[:20].strip(): int(line[20:].split()[0]) for line in phases}
    assert set(told) == {"data", "training", "evaluation", "tables and figures", "paper"}
    assert len(phases) == len(told)
    assert sum(told.values()) == int(jobs)
    assert last.startswith(f"done: {jobs} jobs, ")
    (training,) = [line for line in phases if line.startswith("training")]
    errors = {
        path.parent.name: json.loads(path.read_text())["summary"]["best_mpjpe"]
        for path in built_once.folder.glob("results/tiny/runs/*/metrics.json")
    }
    best = min(errors, key=errors.get)
    assert training.endswith(f"best MPJPE {errors[best]:.1f} mm (tiny {best})")
    kept = (built_once.folder / log).read_text()
    assert f"{best} finished after epoch" in kept  # which the job printed


def test_a_mistake_in_the_project_is_named_with_what_to_do(built):
    (built.folder / "paper/claims.yaml").write_text("- claim: better\n  test: no such test\n")
    answer = built.snakemake("--logger", "poselift")
    assert answer.returncode == 1
    lines = answer.stderr.splitlines()
    at = lines.index("error: judge failed")
    assert lines[at + 1].startswith("    error: paper/claims.yaml: ")
    assert lines[at + 2 : at + 4] == ["its log: results/tiny/logs/paper/claims.log", ADVICE]
    assert len(lines) <= 8


def test_a_job_that_fails_is_named_with_the_end_of_its_log(tmp_path):
    answer = build(tmp_path, FAILS)
    assert answer.returncode == 1
    lines = answer.stderr.splitlines()
    at = lines.index("error: train full-s0 failed")
    assert lines[at + 1 : at + 13] == [
        *(f"    step {i}" for i in range(4, 13)),
        "    [red]no\\x1b[2J",
        "its log: logs/full-s0.log",
        ADVICE,
    ]
    assert re.fullmatch(r"stopped after [01] of 3 jobs, 0:\d\d", lines[-1])
    assert len(lines) <= 16
    assert "Traceback" not in answer.stderr
    assert "CalledProcessError" not in answer.stderr


def test_a_job_that_was_killed_is_said_to_be(tmp_path):
    answer = build(tmp_path, "touch {log}; kill -9 $$")
    assert answer.returncode == 1
    assert "error: train full-s0 failed (it was killed: often because memory ran out)" in answer.stderr
    assert "its log: logs/full-s0.log (empty)" in answer.stderr


def test_a_missing_file_is_one_line(tmp_path):
    (tmp_path / "Snakefile").write_text('rule raw:\n    input: "a.pkl", "b.pkl"\n    output: "raw.txt"\n')
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--logger", "poselift"]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert answer.returncode == 1
    (line,) = answer.stderr.splitlines()
    assert re.match(
        r"error: (a\.pkl, b\.pkl|b\.pkl, a\.pkl): no such file; the rule raw needs it: put it there", line
    )


def test_what_snakemake_warns_of_and_fails_at_is_shown(tmp_path):
    (tmp_path / "Snakefile").write_text(
        'logger.warning("look [here]")\nraise ValueError("no [such] thing")\n'
    )
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--logger", "poselift"]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert answer.returncode == 1
    assert answer.stderr.startswith("look [here]\nValueError in file")
    assert "no [such] thing" in answer.stderr


@pytest.mark.parametrize(
    ("body", "preamble", "words"),
    [
        ("touch begun; sleep 60", "", "stopping; the same command goes on from here\n"),
        (
            "",
            "import time\nopen('begun', 'w').close()\ntime.sleep(60)\n",
            "stopped before any job was begun\n",
        ),
    ],
)
def test_ctrl_c_is_one_message(tmp_path, body, preamble, words):
    with begin(tmp_path, body, preamble, stderr=subprocess.PIPE, start_new_session=True) as process:
        while process.poll() is None and not (tmp_path / "begun").exists():
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        _, stderr = process.communicate()
    assert process.returncode != 0
    assert words in stderr
    assert "error" not in stderr
    assert "Traceback" not in stderr


def test_a_terminal_has_a_live_line_which_jobs_do_not_tear(tmp_path):
    controller, terminal = pty.openpty()
    with begin(tmp_path, "echo torn >&2; sleep 2; touch {output}", stderr=terminal) as process:
        os.close(terminal)
        shown = b""
        while True:
            try:
                shown += os.read(controller, 4096)
            except OSError:
                break
    os.close(controller)
    assert process.returncode == 0
    text = shown.decode()
    assert "1 of 3 jobs: train full-s0" in text
    assert "torn" not in text
    assert text.index("\x1b[?25l") < text.rindex("\x1b[?25h")  # the cursor comes back
    assert re.search(r"\x1b\[2Kdone: 3 jobs, 0:\d\d\r\n$", text)


def test_a_dry_run_is_left_to_snakemake(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--logger", "poselift"]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert answer.returncode == 0
    assert "rule train:" in answer.stdout
    assert "This was a dry-run" in answer.stdout
    assert "jobs to do" not in answer.stdout + answer.stderr
