"""The command line, as the tests of its commands call it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.commandline import run_archiver

if TYPE_CHECKING:
    from support.commandline import Archiver


@pytest.fixture(scope="session")
def archiver() -> Archiver:
    """Return ``archiver(*arguments, **environ) -> CompletedProcess``."""
    return run_archiver
