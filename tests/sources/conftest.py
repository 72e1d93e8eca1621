"""A server that misbehaves, and a transport that waits only on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from misbehaving import Server

from archiver.transport import Limits, Transport

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def waits() -> list[float]:
    """Return the seconds that the transport would have waited, so far."""
    return []


@pytest.fixture
def transport(waits: list[float]) -> Iterator[Transport]:
    limits = Limits(retries=2, longest_wait=60, max_bytes=100_000)
    with Transport(limits, sleep=waits.append, chance=lambda: 1.0) as client:
        yield client
