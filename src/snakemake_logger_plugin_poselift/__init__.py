"""What a build shows while it runs: a logger plugin, `snakemake --logger poselift`, which `make demo` uses.

A line per finished phase, in a terminal a live line below them, and what went wrong: which job, the end of
its log, what to do. All else, also what the jobs print, goes to Snakemake's log file.
"""

import logging
import os
import re
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from poselift.monitoring.build import Build, Job
from poselift.monitoring.run_progress import duration
from poselift.program import visible

LINES_OF_LOG = 10
"""Shown of the log of a job that failed."""

AGAIN = "then give the same command again: finished jobs are kept"

STOPPING = "stopping; the same command goes on from here"

IN_WORDS = {
    "Nothing to be done": "nothing to do: all is up to date",
    "Terminating processes on user request": STOPPING,
    "Will exit after finishing currently running jobs": "stopping, once the jobs that run are done",
}
"""Snakemake's messages that are worth showing, by how they begin."""

OF_NO_USE = (
    "Warning: the following output files of rule",
    "Exiting because a job execution failed",
    "WorkflowError:\nAt least one job did not complete",
)
"""Warnings and errors of Snakemake's that say what is known, by how they begin."""


def mistake_on_command_line(record: logging.LogRecord) -> bool:
    """A filter of Snakemake's logger: its traceback, or error without a name, of `--config` or a
    configuration file becomes one line."""
    text, faults = record.getMessage().rstrip(), r"in (parse_config|load_configfile)\n|Config file "
    if getattr(record, "exception", None) and re.search(faults, text):
        from poselift.config.files import fault_in_files

        record.msg = f"error: {fault_in_files(sys.argv[1:]) or text.splitlines()[-1].partition(': ')[2]}"
    return True


# Snakemake reads its options before any of this workflow, but after its plugins
logging.getLogger("snakemake.logging").addFilter(mistake_on_command_line)


class LogHandler(LogHandlerBase):
    """Shows Snakemake's events; called by one thread, in their order."""

    writes_to_file = False
    has_filter = True
    has_formatter = True
    needs_rulegraph = False

    @property
    def writes_to_stream(self) -> bool:
        """A dry run is left to Snakemake."""
        return not self.common_settings.dryrun

    def __post_init__(self) -> None:
        # not at the top: Snakemake imports all plugins whenever it starts
        from rich.console import Console
        from rich.live import Live

        self.build = Build({})
        self.begun = time.time()
        self.log: Path | None = None
        self.told: set[str] = set()
        self.reasons: list[str] = []
        self.stderr = sys.stderr
        # what Snakemake's own process says to the user still comes here once file descriptor 2 is the log
        self.stream: TextIO = os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")
        live = self.stream.isatty() and os.environ.get("TERM") != "dumb"
        self.console = Console(
            file=self.stream, force_terminal=live, markup=False, highlight=False, emoji=False, soft_wrap=True
        )
        self.live = Live(
            get_renderable=lambda: self.build.line(time.time(), self.console.width),
            console=self.console, transient=True, redirect_stdout=False,
        ) if live else None  # fmt: skip
        if self.writes_to_stream:
            sys.stderr = self.stream
            sys.excepthook = _without_traceback_after_ctrl_c

    def emit(self, record: logging.LogRecord) -> None:
        """Show what a record says, if it is worth it."""
        if not self.writes_to_stream:
            return
        try:
            self._show(record)
        except Exception:  # a fault here must not end the thread that all records come through
            self.handleError(record)

    def _show(self, record: Any) -> None:
        match getattr(record, "event", None):
            case LogEvent.WORKFLOW_STARTED:
                self._hand_jobs_the_log()
            case LogEvent.RUN_INFO:
                self.build = Build({rule: n for rule, n in record.stats.items() if rule != "total"})
                where = os.path.relpath(self.log) if self.log else "no log file"
                total = self.build.total
                self._tell(f"{total} job{'s' * (total != 1)} to do; the whole log: {where}")
                if self.live:
                    self.live.start()
            case LogEvent.JOB_INFO:
                job = Job(record.rule_name, dict(record.wildcards), list(record.output), record.created)
                self.build.start(record.jobid, job)
            case LogEvent.JOB_FINISHED:
                self._tell(self.build.finish(record.job_id, record.created))
            case LogEvent.PROGRESS:
                self.build.total = record.total  # changes at checkpoints
            case LogEvent.JOB_ERROR:
                self._tell(self._failure(record))
            case LogEvent.ERROR:
                self._tell(self._fault(record))
            case None:
                message = record.getMessage()
                words = next((words for start, words in IN_WORDS.items() if message.startswith(start)), "")
                if record.levelno >= logging.WARNING and not message.startswith(OF_NO_USE):
                    words = message
                self._tell(words)

    def _tell(self, text: str) -> None:
        """Print something, once."""
        if text and text not in self.told:
            self.told.add(text)
            self.console.print(text)

    def _failure(self, record: Any) -> str:
        """A job that failed: its name, the end of its log, what to do."""
        job = self.build.running.pop(record.jobid, None)
        command = str(record.shellcmd)
        ends = [text.partition(command)[2] for text in self.reasons if command in text]
        if STOPPING in self.told or any(re.search(r"SIGINT|status 130", end) for end in ends):
            return ""  # Ctrl-C, which all jobs get
        killed = any(re.search(r"SIGKILL|status 137", end) for end in ends)
        lines = [f"error: {job.name if job else record.rule_name} failed"]
        lines[0] += " (it was killed: often because memory ran out)" if killed else ""
        for path in map(Path, record.log):
            with suppress(OSError):
                end = path.read_text(encoding="utf-8", errors="replace").split("\n")
                shown = [f"    {visible(line)}" for line in end if line.strip()][-LINES_OF_LOG:]
                lines += [*shown, f"its log: {path}{'' if shown else ' (empty)'}"]
        return "\n".join([*lines, f"mend the cause, {AGAIN}"])

    def _fault(self, record: Any) -> str:
        """An exception that ends the build. That of a job is kept for `_failure`."""
        text = str(record.getMessage())
        if "CalledProcessError" in text:
            self.reasons.append(text)
            return ""
        if record.exception == "MissingInputException":
            rule = re.search(r"for rule (\w+)", text)
            files = ", ".join(text.partition("affected files:")[2].split())
            return (
                f"error: {files}: no such file; the rule {rule and rule[1]} needs it: put it there, {AGAIN}"
            )
        return "" if text.startswith(OF_NO_USE) else text

    def _hand_jobs_the_log(self) -> None:
        """Let what is started from now on print into Snakemake's log file."""
        handlers = logging.getLogger("snakemake.logging").handlers
        paths = [Path(each.baseFilename) for each in handlers if isinstance(each, logging.FileHandler)]
        if paths:
            self.log = paths[0]
            self.stdout = os.dup(1)
            with self.log.open("ab") as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)

    def close(self) -> None:
        """Say how it ended, and give back standard output and error."""
        if self.stream.closed:
            return
        if self.live:
            self.live.stop()
        if self.build.total:
            done, total = self.build.finished.total(), self.build.total
            words = "done:" if done == total else f"stopped after {done} of"
            self._tell(f"{words} {total} job{'s' * (total != 1)}, {duration(time.time() - self.begun)}")
        if self.log:
            os.dup2(self.stdout, 1)
            os.dup2(self.stream.fileno(), 2)
            os.close(self.stdout)
        sys.stderr = self.stderr
        self.stream.close()
        super().close()


def _without_traceback_after_ctrl_c(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Ctrl-C before jobs run, which Snakemake leaves to Python."""
    if issubclass(kind, KeyboardInterrupt):
        print("stopped before any job was begun", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)
