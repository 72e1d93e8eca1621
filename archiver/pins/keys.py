"""Every key that any snapshot has ever had."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from archiver.errors import ShallowHistory, UnreadableSnapshot
from archiver.history import compare, revisions
from archiver.records import canonical

if TYPE_CHECKING:
    from datetime import datetime

    from archiver.history.catalogue import Catalogue
    from archiver.history.versions import Versions
    from archiver.store.history import Revision


class Known(NamedTuple):
    """Every key that exists or existed.

    Attributes:
        keys: The keys.
        complete: Whether the whole history was read; a shallow clone lacks a part of it.
    """

    keys: frozenset[str]
    complete: bool


def known_keys(catalogue: Catalogue, *, at: str, now: datetime) -> Known:
    """Return every key of the version `at` (empty: the newest) and of those before it.

    A key may be gone without a tombstone: it left a window, or its removal was never confirmed.
    So every version is read; parts that several versions share are read once.
    """
    complete = True
    with compare.opened(catalogue) as versions:
        newest = revisions.find(catalogue, versions, at, now)
        keys, removed = set(map(canonical.line_key, newest.lines())), newest.tombstones().keys()
        read = {part.id for part in newest.parts.values()}
        try:
            for revision in catalogue.revisions(newest.end.revision):
                keys.update(_others(versions, revision, read))
        except ShallowHistory:
            complete = False
    return Known(frozenset(key.decode() for key in keys) | removed, complete)


def _others(versions: Versions, revision: Revision, read: set[str | None]) -> list[bytes]:
    """Return the keys in those files of a revision that are not `read` yet, and mark these."""
    if revision.blob in read:
        return []
    try:
        parts = versions.stored(revision).parts.values()
        new = [part for part in parts if part.id is None or part.id not in read]
        found = [canonical.line_key(line) for part in new for line in part.lines()]
    except UnreadableSnapshot:
        return []
    read.update(part.id for part in new)
    return found
