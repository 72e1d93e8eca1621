"""Run a command as a process of its own and say what it cost."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from threading import Event, Thread
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from resource import struct_rusage

PYTHON = sys.executable
ARCHIVER = str(Path(PYTHON).with_name("archiver"))
HOME = tempfile.gettempdir()

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": HOME,
    "PYTHONPATH": str(Path(__file__).parents[1]),
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "bench",
    "GIT_AUTHOR_EMAIL": "bench@example.org",
    "GIT_COMMITTER_NAME": "bench",
    "GIT_COMMITTER_EMAIL": "bench@example.org",
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process cost.

    Attributes:
        wall: Seconds from start to end.
        cpu: Seconds of processor time, its children included.
        memory: Largest resident set in bytes, of the process alone.
        output: What it printed, where that was asked for.
    """

    wall: float
    cpu: float
    memory: int
    output: bytes = b""


def middle(costs: Sequence[Cost]) -> Cost:
    """Return the medians of time and the maximum of memory."""
    return Cost(
        wall=median(cost.wall for cost in costs),
        cpu=median(cost.cpu for cost in costs),
        memory=max(cost.memory for cost in costs),
        output=costs[-1].output,
    )


def repeated(command: Sequence[str], folder: Path, *, stdin: bytes = b"", runs: int = 3) -> Cost:
    """Run `command` in `folder` several times; see `middle`."""
    return middle([once(command, folder, stdin=stdin) for _ in range(runs)])


def once(
    command: Sequence[str], folder: Path, *, stdin: bytes = b"", keep_output: bool = False
) -> Cost:
    """Run `command` in `folder`; it must succeed.

    Args:
        command: Program and arguments.
        folder: Its working directory.
        stdin: What it reads.
        keep_output: Return what it prints instead of dropping it.
    """
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as printed:
        given.write(stdin)
        given.seek(0)
        output = printed if keep_output else subprocess.DEVNULL
        started = perf_counter()
        child = subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, stdin=given, stdout=output)
        memory, usage = watched(child)
        wall = perf_counter() - started
        if child.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {child.returncode}")
        printed.seek(0)
        return Cost(wall, usage.ru_utime + usage.ru_stime, memory, printed.read())


def watched(child: subprocess.Popen[bytes]) -> tuple[int, struct_rusage]:
    """Wait for `child`; return its peak memory and its resource usage.

    The kernel's own ``ru_maxrss`` is no use here: it is the largest of all descendants.
    """
    peak, ended = [0], Event()

    def watch() -> None:
        while not ended.wait(0.004):
            peak[0] = max(peak[0], resident_peak(child.pid))

    watcher = Thread(target=watch)
    watcher.start()
    _, status, usage = os.wait4(child.pid, 0)
    ended.set()
    watcher.join()
    child.returncode = os.waitstatus_to_exitcode(status)
    return peak[0], usage


def resident_peak(pid: int) -> int:
    """Return the peak resident set of a living process in bytes; 0 once it is gone (Linux)."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    lines = (line.split() for line in status.splitlines())
    return next((int(line[1]) * 1024 for line in lines if line[0] == "VmHWM:"), 0)
