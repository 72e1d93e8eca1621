"""Write files so that they survive a power cut: temp, fsync, replace, fsync the folder."""

from __future__ import annotations

import errno
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from archiver.errors import StoreError, StoreFull
from archiver.language import joined, sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

PAUSE = 0.05
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
MAKE_ROOM = sentence("make room; the history is whole and nothing was lost")
"""The hint for a full disk."""


@contextmanager
def disk_errors() -> Iterator[None]:
    """Turn errors of the operating system into ours.

    Raises:
        StoreFull: The disk, a quota or the largest file size is reached.
        StoreError: Anything else, such as a read-only or broken disk.
    """
    try:
        yield
    except OSError as error:
        message = joined(
            ": ", (str(error.filename or sentence("the repository")), error.strerror or "")
        )
        if error.errno in FULL:
            raise StoreFull(message, hint=MAKE_ROOM) from error
        raise StoreError(message) from error


def acquired(attempt: Callable[[], object], wait: float) -> bool:
    """Try to take a lock for `wait` seconds; False: another process holds it."""
    deadline = time.monotonic() + wait
    while True:
        try:
            attempt()
        except (BlockingIOError, FileExistsError):
            if time.monotonic() >= deadline:
                return False
            time.sleep(PAUSE)  # noqa: TID251  # the store may wait for a lock
        else:
            return True


def write_new(path: Path, chunks: Iterable[bytes], mode: int = 0o666) -> None:
    """Write a file that must not exist yet, down to the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.writelines(chunks)
        file.flush()
        os.fsync(descriptor)


def write_whole(path: Path, chunks: Iterable[bytes]) -> None:
    """Write or replace one of our files, durably and atomically; one writer at a time."""
    temporary = path.with_name(f"{path.name}.new")
    temporary.unlink(missing_ok=True)
    write_new(temporary, chunks)
    temporary.replace(path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folders(path: Path) -> None:
    """Make a folder and those above it, each durable in its parent."""
    if not path.is_dir():
        make_folders(path.parent)
        path.mkdir(exist_ok=True)
        sync_folder(path.parent)
