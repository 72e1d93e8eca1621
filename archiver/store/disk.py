"""Measure what git keeps on the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.store.repository import STATE_REF

if TYPE_CHECKING:
    from datetime import datetime

    from archiver.store.repository import Repository

_KIB = 1024


def stored_bytes(repository: Repository) -> int:
    """Return the bytes of all objects, packed and loose, as they lie on the disk."""
    rows = (line.split(": ") for line in repository.git.line("count-objects", "-v").splitlines())
    facts = {name: int(value) for name, value in rows if value.isdigit()}
    return (facts.get("size", 0) + facts.get("size-pack", 0)) * _KIB


def disk_usage(repository: Repository, tip: str, since: datetime) -> int:
    """Return the bytes on the disk of what the commits since a time brought.

    Args:
        repository: A whole clone.
        tip: Full id of the commit to begin with.
        since: Commits that were made before (committer date, UTC) do not count; order is
            ancestry, the date only says where to begin.
    """
    state = repository.tip(STATE_REF)
    tips = [tip, state] if state else [tip]
    olds = [old for each in tips if (old := _before(repository, each, since))]
    known = [f"^{old}" for old in olds]
    return int(repository.git.line("rev-list", "--disk-usage", "--objects", *tips, *known))


def _before(repository: Repository, tip: str, since: datetime) -> str:
    """Return the newest commit before a time; empty: there is none."""
    limit = f"--before={int(since.timestamp())}"
    return repository.git.line("rev-list", "--first-parent", "--max-count=1", limit, tip)
