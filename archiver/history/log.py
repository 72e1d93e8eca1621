"""The history of a catalogue, revision by revision."""

from __future__ import annotations

from collections import deque
from itertools import count, groupby, takewhile
from operator import itemgetter
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from archiver.changes.breakdown import Breakdown
from archiver.changes.flapping import Flapping, Moving
from archiver.database.reading import Status, changed, logged
from archiver.errors import UnreadableSnapshot
from archiver.history.ahead import WINDOW
from archiver.history.catalogue import Edge
from archiver.history.comparison import Comparison
from archiver.history.flapping import indexed
from archiver.history.index import advised, index
from archiver.history.unreadable import Problems
from archiver.history.versions import flaw, opened, stamp
from archiver.records.field_path import readings
from archiver.records.representation import short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from archiver.changes.flapping import Episode, Moves
    from archiver.history.catalogue import Catalogue
    from archiver.history.index import Index
    from archiver.history.versions import Version, Versions
    from archiver.records.model import Kind, Summary
    from archiver.store.history import Revision

T = TypeVar("T", bound="Breakdown | Moving | None")

_NO_CHANGES: Final[tuple[int, Iterator[tuple[int, Kind, str]]]] = (0, iter(()))


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
        path: Where the file was; absent where it is in the newest revision.
    """

    revision: str
    timestamp: str
    committed_at: str
    subject: str
    total: int | None
    summary: Summary | None
    status: Status
    reason: str | None = None
    path: str | UnsetType = UNSET

    __repr__ = short


def log(
    catalogue: Catalogue, *, tip: str | None = None, before: str = "", limit: int | None = None
) -> Iterator[Entry]:
    """Yield the history, newest first; from the index, if there is one.

    Each readable version is compared with the readable one before it; what cannot be read is
    named and skipped. A shallow clone is read as far as it reaches.

    Args:
        catalogue: The catalogue.
        tip: Full id of the commit to begin at; None: the newest.
        before: Full id of the revision to end at, which is not yielded; empty: there is none.
        limit: How many entries are wanted; None: all. More may be yielded.

    Raises:
        NotADataRepository: There is no revision.
        UnreadableSnapshot: No version can be read.
        DamagedObject: A commit or a folder is missing or broken.
    """
    with index(catalogue, tip) as found:
        if found is not None:
            yield from takewhile(lambda entry: entry.revision != before, _indexed(found, catalogue))
            return
    yield from (entry for entry, _ in _compared(catalogue, tip, before, lambda: None, limit))


def log_damped(
    catalogue: Catalogue, *, tip: str | None = None, before: str = "", limit: int | None = None
) -> Iterator[tuple[Entry, list[Episode]]]:
    """Yield the history as `log` does, and of each revision the episodes that end there.

    It is read a little further than it is yielded: as far as an episode goes back.

    Args:
        catalogue: The catalogue; its `damping` says what flaps.
        tip: As of `log`.
        before: As of `log`.
        limit: As of `log`.
    """
    with index(catalogue, tip) as found:
        if found is not None:
            known = indexed(found, catalogue.damping)
            told = ((each, _ended(known, each)) for each in _indexed(found, catalogue))
            yield from takewhile(lambda each: each[0].revision != before, told)
            return
    ahead: deque[Entry] = deque()
    further = None if limit is None else limit + catalogue.damping
    compared = _compared(catalogue, tip, "", Moving, further)
    known = Flapping(_moves(compared, ahead), catalogue.damping)
    while ahead or known.read_on() or ahead:
        entry = ahead.popleft()
        if entry.revision == before:
            return
        yield entry, _ended(known, entry)


def _ended(known: Flapping, entry: Entry) -> list[Episode]:
    return known.ended(entry.revision) if entry.status == "ok" else []


def _moves(found: Iterable[tuple[Entry, Moving]], ahead: deque[Entry]) -> Iterator[Moves]:
    """Yield what came and went in each readable revision; `ahead` receives all that are read."""
    for entry, moving in found:
        ahead.append(entry)
        if entry.status == "ok":
            yield moving.moves(entry.revision, entry.timestamp)


def log_by(
    catalogue: Catalogue,
    path: str,
    *,
    tip: str | None = None,
    before: str = "",
    limit: int | None = None,
) -> Iterator[tuple[Entry, Breakdown]]:
    """Yield the history as `log` does, and of each revision what it changed, by a field.

    Args:
        catalogue: The catalogue.
        path: Dotted path of the field; see `Breakdown`.
        tip: As of `log`.
        before: As of `log`.
        limit: As of `log`.
    """
    moves = any(map(catalogue.policy.concerns, {first for first, *_ in readings(path)}))
    with index(catalogue, tip) as found:
        if found is not None and not moves:  # a settled part holds no metrics
            yield from takewhile(
                lambda each: each[0].revision != before, _broken(found, catalogue, path)
            )
            return
    yield from _compared(catalogue, tip, before, lambda: Breakdown(path), limit)


def _indexed(found: Index, catalogue: Catalogue) -> Iterator[Entry]:
    """Yield the rows of an index; it takes the first commit of any repository for the first."""
    for row in logged(found.connection, found.last):
        entry = Entry(*row[:-1], path=row.path or UNSET)
        if entry.status == "first":
            revision = catalogue.at(entry.revision)
            if end := catalogue.beginning(revision):
                note = str(Edge.of(revision, end).note)
                entry = msgspec.structs.replace(entry, status="edge", reason=note)
        yield entry


def _broken(found: Index, catalogue: Catalogue, path: str) -> Iterator[tuple[Entry, Breakdown]]:
    groups = groupby(changed(found.connection, found.last), key=itemgetter(0))
    capture, changes = next(groups, _NO_CHANGES)
    for number, entry in zip(count(found.last, -1), _indexed(found, catalogue)):
        by = Breakdown(path)
        if number == capture:
            for _, kind, record in changes:
                by.add(kind, record.encode())
            capture, changes = next(groups, _NO_CHANGES)
        yield entry, by


def _compared(
    catalogue: Catalogue,
    tip: str | None,
    before: str,
    collector: Callable[[], T],
    limit: int | None,
) -> Iterator[tuple[Entry, T]]:
    """Yield the history by comparing each version with the one before.

    Args:
        catalogue: The catalogue.
        tip: As of `log`.
        before: As of `log`.
        collector: Makes what receives the changes of a revision; None: they are only counted.
        limit: As of `log`.
    """
    with opened(catalogue) as versions:
        newer: Revision | None = None
        end: Edge | None = None
        waiting: list[Entry] = []
        problems = Problems()
        reached = False
        ahead = versions.ahead.compared(
            catalogue.reachable(tip),
            first=WINDOW if limit is None else limit + 1,
            last=lambda each: each.id == before,
        )
        for revision in advised(catalogue, ahead):
            end = revision if isinstance(revision, Edge) else None
            reached = reached or revision.id == before
            by = collector()
            try:
                version = versions.stored(revision)
                entry = None
                if newer is not None:
                    entry = _entry(catalogue, versions, newer, version, by)
            except UnreadableSnapshot as error:
                if end is None and not reached:
                    waiting.append(_unreadable(catalogue, revision, str(error)))
                if end is None:
                    problems.add(revision, error)
                continue
            if entry is not None:
                yield entry, by
            yield from ((each, collector()) for each in waiting)
            if reached:
                return
            waiting, newer = [], revision
        if newer is None:
            raise problems.error(catalogue) if problems else catalogue.no_revision()
        yield _last(catalogue, newer, versions.stored(newer), end), collector()
        yield from ((each, collector()) for each in waiting)


def _entry(
    catalogue: Catalogue,
    versions: Versions,
    revision: Revision,
    before: Version,
    by: Breakdown | Moving | None,
) -> Entry:
    """Return what a revision changed; each change is added to `by`, if there is one.

    Raises:
        UnreadableSnapshot: The version `before` is damaged behind what opened it.
    """
    found = Comparison("", before, versions.stored(revision), catalogue.policy)
    try:
        summary = found.tally(by)
    except UnreadableSnapshot as error:
        if older := flaw(before):
            raise older from error
        return _unreadable(catalogue, revision, str(error))
    notes = "; ".join(found.new.notes) or None
    return _row(catalogue, revision, found.new, summary, status="ok", reason=notes)


def _last(catalogue: Catalogue, revision: Revision, version: Version, end: Edge | None) -> Entry:
    if end is not None:
        return _row(catalogue, revision, version, None, status="edge", reason=str(end.note))
    notes = "; ".join(version.notes) or None
    return _row(catalogue, revision, version, None, status="first", reason=notes)


def _unreadable(catalogue: Catalogue, revision: Revision, reason: str) -> Entry:
    return _row(catalogue, revision, None, None, status="unreadable", reason=reason)


def _row(
    catalogue: Catalogue,
    revision: Revision,
    version: Version | None,
    summary: Summary | None,
    *,
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
        path=catalogue.elsewhere(revision) or UNSET,
    )
