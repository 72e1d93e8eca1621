"""Where the folders of tests lie: in memory, if this machine has a place for them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

MEMORY = Path("/dev/shm")
ROOM = 1 << 30
"""Bytes: ten times what the folders of a run need, those of passed tests being removed at once."""


def in_memory() -> Path | None:
    """Return a file system in memory with room for a run and leave to execute, if there is one.

    The store waits for the disk several times in every capture (docs/store.md). That is right for
    an archive and says nothing in a test: no test pulls the plug, and SIGKILL loses nothing that
    the kernel has.
    """
    if not MEMORY.is_dir() or not os.access(MEMORY, os.W_OK | os.X_OK):
        return None
    executes = not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC
    return MEMORY if executes and shutil.disk_usage(MEMORY).free > ROOM else None
