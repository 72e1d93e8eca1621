"""One writer at a time: a lock that the kernel frees, whatever happens to its holder."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from archiver.errors import RepositoryBusy
from archiver.store.durable import disk_errors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAUSE = 0.05


@contextmanager
def held(path: Path, wait: float) -> Iterator[int]:
    """Hold the lock file at `path`; it is never deleted.

    Args:
        path: The lock file; its folder exists.
        wait: Seconds to wait for another holder.

    Yields:
        The descriptor. Children that inherit it hold the lock as long as they live.

    Raises:
        RepositoryBusy: Another run still holds the lock after `wait` seconds.
    """
    with disk_errors():
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        acquire(descriptor, time.monotonic() + wait)
        yield descriptor
    finally:
        os.close(descriptor)


def acquire(descriptor: int, deadline: float) -> None:
    """Lock the file, or give up at `deadline` (monotonic seconds)."""
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            if time.monotonic() >= deadline:
                message = "another run is writing to this repository"
                raise RepositoryBusy(message, hint="try again when it has ended") from taken
            time.sleep(PAUSE)  # noqa: TID251  # the store may wait for its lock
        else:
            return
