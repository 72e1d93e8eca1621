"""``archiver …`` as a real process, for what depends on the process itself."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = (sys.executable, "-m", "archiver")


def run_process(
    *arguments: object, measured: bool = True, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run ``archiver`` with `arguments` and more environment; return exit code and output."""
    inherited = os.environ if measured else unmeasured()
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        env={**inherited, **environ},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def unmeasured() -> dict[str, str]:
    """Return the environment without that which makes coverage.py follow a process.

    Sweeps of kills start hundreds of processes for one and the same capture. Following one costs
    90 ms and two thirds of its own time again, and a process that is killed reports nothing.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}


@contextmanager
def started(*arguments: object, **streams: Any) -> Iterator[subprocess.Popen[Any]]:
    """Yield a running ``archiver``, which does not outlive a test that fails."""
    command = [*COMMAND, *map(str, arguments)]
    with subprocess.Popen(command, text=True, **streams) as process:
        try:
            yield process
        finally:
            process.kill()
