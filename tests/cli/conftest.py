"""The command line as people run it: a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, TypeAlias

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

Ran: TypeAlias = "subprocess.CompletedProcess[str]"


def run_archiver(*arguments: object, **environ: str) -> Ran:
    """Run ``archiver`` with `arguments` and more environment; return exit code and output."""
    return subprocess.run(
        [sys.executable, "-m", "archiver", *map(str, arguments)],
        env={**os.environ, **environ},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.fixture(scope="session")
def archiver() -> Callable[..., Ran]:
    """Return ``archiver(*arguments, **environ) -> CompletedProcess``."""
    return run_archiver
