"""The history of a catalogue, revision by revision."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

import msgspec

from archiver.database.reading import Status, logged
from archiver.errors import UnreadableSnapshot
from archiver.history.catalogue import Edge
from archiver.history.comparison import Comparison
from archiver.history.index import advised, index
from archiver.history.unreadable import Problems
from archiver.history.versions import flaw, opened, stamp
from archiver.records.representation import short

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.history.catalogue import Catalogue
    from archiver.history.index import Index
    from archiver.history.versions import Version, Versions
    from archiver.records.model import Summary
    from archiver.records.policy import Policy
    from archiver.store.history import Revision


class Entry(msgspec.Struct, frozen=True):
    """One revision in the log.

    Attributes:
        revision: Full commit id.
        timestamp: Capture time, ``YYYY-MM-DD HH:MM:SS`` in UTC.
        committed_at: Time of the commit, ISO 8601 in UTC.
        subject: First line of the commit message.
        total: Number of records; None where the version cannot be read.
        summary: What changed since the readable version before; None where there is none.
        status: ``ok``; ``first``: nothing readable before; ``unreadable``: skipped; ``edge``: the
            state at the end of a shallow clone; what it changed is unknown.
        reason: Why it cannot be read, or what is to be known of it.
    """

    revision: str
    timestamp: str
    committed_at: str
    subject: str
    total: int | None
    summary: Summary | None
    status: Status
    reason: str | None = None

    __repr__ = short


def log(catalogue: Catalogue, *, tip: str | None = None, before: str = "") -> Iterator[Entry]:
    """Yield the history, newest first; from the index, if there is one.

    Each readable version is compared with the readable one before it; what cannot be read is
    named and skipped. A shallow clone is read as far as it reaches.

    Args:
        catalogue: The catalogue.
        tip: Full id of the commit to begin at; None: the newest.
        before: Full id of the revision to end at, which is not yielded; empty: there is none.

    Raises:
        NotADataRepository: There is no revision.
        UnreadableSnapshot: No version can be read.
        DamagedObject: A commit or a folder is missing or broken.
    """
    with index(catalogue, tip) as found:
        if found is not None:
            yield from takewhile(lambda entry: entry.revision != before, _indexed(found))
            return
    yield from _compared(catalogue, tip, before)


def _indexed(found: Index) -> Iterator[Entry]:
    return (Entry(*row) for row in logged(found.connection, found.last))


def _compared(catalogue: Catalogue, tip: str | None, before: str) -> Iterator[Entry]:
    """Yield the history by comparing each version with the one before."""
    with opened(catalogue) as versions:
        newer: Revision | None = None
        end: Edge | None = None
        waiting: list[Entry] = []
        problems = Problems()
        reached = False
        for revision in advised(catalogue, catalogue.reachable(tip)):
            end = revision if isinstance(revision, Edge) else None
            reached = reached or revision.id == before
            try:
                version = versions.stored(revision)
                entry = _entry(versions, newer, version, catalogue.policy) if newer else None
            except UnreadableSnapshot as error:
                if end is None and not reached:
                    waiting.append(_unreadable(revision, str(error)))
                if end is None:
                    problems.add(revision, error)
                continue
            if entry is not None:
                yield entry
            yield from waiting
            if reached:
                return
            waiting, newer = [], revision
        if newer is None:
            raise problems.error(catalogue) if problems else catalogue.no_revision()
        yield _last(newer, versions.stored(newer), end)
        yield from waiting


def _entry(versions: Versions, revision: Revision, before: Version, policy: Policy) -> Entry:
    """Return what a revision changed.

    Raises:
        UnreadableSnapshot: The version `before` is damaged behind what opened it.
    """
    found = Comparison("", before, versions.stored(revision), policy)
    try:
        summary = found.tally()
    except UnreadableSnapshot as error:
        if older := flaw(before):
            raise older from error
        return _unreadable(revision, str(error))
    notes = "; ".join(found.new.notes) or None
    return _row(revision, found.new, summary, "ok", notes)


def _last(revision: Revision, version: Version, end: Edge | None) -> Entry:
    if end is not None:
        return _row(revision, version, None, "edge", end.note)
    return _row(revision, version, None, "first", "; ".join(version.notes) or None)


def _unreadable(revision: Revision, reason: str) -> Entry:
    return _row(revision, None, None, "unreadable", reason)


def _row(
    revision: Revision,
    version: Version | None,
    summary: Summary | None,
    status: Status,
    reason: str | None,
) -> Entry:
    taken = stamp(revision.authored_at)
    return Entry(
        revision=revision.id,
        timestamp=(version and version.end.timestamp) or taken,
        committed_at=revision.committed_at.isoformat(),
        subject=revision.subject,
        total=version.end.total if version else None,
        summary=summary,
        status=status,
        reason=reason,
    )
