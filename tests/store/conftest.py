"""A short way to make one capture."""

from __future__ import annotations

import pytest
from support.commits import Capture


@pytest.fixture(scope="session")
def capture() -> Capture:
    """Return ``capture(folder, files, state=…, branch=…) -> Committed``."""
    return Capture()
