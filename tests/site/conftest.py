from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import browser as browsers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; skips where there is none."""
    with browsers.started() as found:
        yield found
