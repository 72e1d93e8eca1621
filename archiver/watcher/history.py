"""Questions about the history of a catalogue: compare, changes, log, records at a date."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Literal

import msgspec

from archiver.errors import UnknownRevision, UnreadableSnapshot
from archiver.watcher import moments
from archiver.watcher.comparison import Comparison
from archiver.watcher.versions import EMPTY, Versions, stamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from archiver.records.model import Summary
    from archiver.records.query import Predicate
    from archiver.store.history import Revision
    from archiver.watcher.catalogue import Catalogue
    from archiver.watcher.versions import Version


FIELDS = ("key", "metrics", "volatile", "sets", "tolerance")
"""What archiver.toml says about the meaning of fields."""


class Entry(msgspec.Struct, frozen=True):
    """One revision in the log.

    Attributes:
        revision: Full commit id.
        timestamp: Capture time, ``YYYY-MM-DD HH:MM:SS`` in UTC.
        committed_at: Time of the commit, ISO 8601 in UTC.
        subject: First line of the commit message.
        total: Number of records; None where the version cannot be read.
        summary: What changed since the readable version before; None where there is none.
        status: ``first``: nothing readable before; ``ok``; ``unreadable``: left out.
        reason: Why it cannot be read, or what is to be known of it.
    """

    revision: str
    timestamp: str
    committed_at: str
    subject: str
    total: int | None
    summary: Summary | None
    status: Literal["first", "ok", "unreadable"]
    reason: str | None = None


@contextmanager
def compare(
    catalogue: Catalogue,
    old: str | None,
    new: str | None,
    *,
    now: datetime,
    chosen: Predicate | None = None,
    fields: frozenset[str] = frozenset(),
) -> Iterator[Comparison]:
    """Yield the comparison of two versions.

    Args:
        catalogue: The catalogue.
        old: What names the old version (see `moments.find`); None: the last change.
        new: What names the new one; None: the newest.
        now: The time, for periods such as ``7d``.
        chosen: Which records are looked at; None: all.
        fields: Names of the fields that are looked at; empty: all.

    Raises:
        UnknownRevision: Nothing has this name.
        UnreadableSnapshot: A version holds no catalogue.
    """
    with opened(catalogue) as versions:
        if old is None:
            before, after = _last_change(catalogue, versions)
        else:
            before = moments.find(catalogue, versions, old, now)
            after = moments.find(catalogue, versions, new or "", now)
        found = Comparison(
            catalogue.source, before, after, catalogue.policy, chosen=chosen, fields=fields
        )
        found.notes = (*before.notes, *after.notes, *_other_policies(catalogue, found))
        yield found


@contextmanager
def changes_since(
    catalogue: Catalogue,
    since: datetime,
    *,
    chosen: Predicate | None = None,
) -> Iterator[Comparison]:
    """Yield the net change since a time; an archive that began later is compared with its first.

    Raises:
        ShallowHistory: The clone ends before that time.
        UnreadableSnapshot: A version holds no catalogue.
    """
    with opened(catalogue) as versions:
        readable = _readable(versions, _since(catalogue, since))
        newest = next(readable, None)
        if newest is None:
            raise UnknownRevision(f"no version of {catalogue.source} can be read")
        *_, (base, _) = chain((newest,), readable)
        before, after = versions.stored(base), newest[1]
        found = Comparison(catalogue.source, before, after, catalogue.policy, chosen=chosen)
        began = f"the archive begins later, at {stamp(base.authored_at)} UTC"
        late = (began,) if base.authored_at > since else ()
        found.notes = (*late, *before.notes, *after.notes, *_other_policies(catalogue, found))
        yield found


def steps(catalogue: Catalogue, since: datetime) -> Iterator[Comparison]:
    """Yield one comparison per revision since a time, newest first; read each before the next.

    Raises:
        ShallowHistory: The clone ends before that time.
    """
    with opened(catalogue) as versions:
        readable = _readable(versions, _since(catalogue, since))
        for (newer, _), (_, before) in pairwise(readable):
            yield Comparison(catalogue.source, before, versions.stored(newer), catalogue.policy)


def log(catalogue: Catalogue) -> Iterator[Entry]:
    """Yield the history, newest first; what cannot be read is named and passed over.

    Each readable version is compared with the readable one before it.

    Raises:
        ShallowHistory: The clone ends here; all entries that are certain are yielded.
        DamagedObject: A version is damaged.
    """
    with opened(catalogue) as versions:
        newer: Revision | None = None
        waiting: list[Entry] = []
        for revision in catalogue.revisions():
            try:
                version = versions.stored(revision)
            except UnreadableSnapshot as error:
                waiting.append(_unreadable(revision, str(error)))
                continue
            if newer is not None:
                yield _entry(
                    newer, Comparison("", version, versions.stored(newer), catalogue.policy)
                )
            yield from waiting
            waiting, newer = [], revision
        if newer is not None:
            yield _first(newer, versions.stored(newer))
        yield from waiting


@contextmanager
def version_at(catalogue: Catalogue, at: str | None, *, now: datetime) -> Iterator[Version]:
    """Yield the version at a revision or date (None: the newest), ready to be read once.

    Raises:
        UnknownRevision: Nothing has this name.
        UnreadableSnapshot: It holds no catalogue.
    """
    with opened(catalogue) as versions:
        yield moments.find(catalogue, versions, at or "", now)


def opened(catalogue: Catalogue) -> Versions:
    """Return what opens the versions of `catalogue`, for a ``with`` block."""
    return Versions(
        catalogue.repository, catalogue.path, shape=catalogue.shape, key=catalogue.policy.key
    )


def _last_change(catalogue: Catalogue, versions: Versions) -> tuple[Version, Version]:
    readable = _readable(versions, catalogue.revisions())
    newest = next(readable, None)
    if newest is None:
        raise UnknownRevision(f"no version of {catalogue.source} can be read")
    before = next(readable, None)
    return EMPTY if before is None else before[1], newest[1]


def _since(catalogue: Catalogue, since: datetime) -> Iterator[Revision]:
    """Yield the revisions back to the one in effect at `since`, or to the first."""
    try:
        base = moments.at(catalogue, since).id
    except UnknownRevision:
        base = ""
    for revision in catalogue.revisions():
        yield revision
        if revision.id == base:
            return


def _readable(
    versions: Versions, revisions: Iterator[Revision]
) -> Iterator[tuple[Revision, Version]]:
    for revision in revisions:
        try:
            yield revision, versions.stored(revision)
        except UnreadableSnapshot:
            continue


def _entry(revision: Revision, found: Comparison) -> Entry:
    summary = found.tally()
    notes = "; ".join(found.new.notes) or None
    return _row(revision, found.new, summary, "ok", notes)


def _first(revision: Revision, version: Version) -> Entry:
    return _row(revision, version, None, "first", "; ".join(version.notes) or None)


def _unreadable(revision: Revision, reason: str) -> Entry:
    return _row(revision, None, None, "unreadable", reason)


def _row(
    revision: Revision,
    version: Version | None,
    summary: Summary | None,
    status: Literal["first", "ok", "unreadable"],
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


def _other_policies(catalogue: Catalogue, found: Comparison) -> tuple[str, ...]:
    """Say so where archiver.toml meant something else when a version was taken."""
    notes = []
    for end in found.ends:
        was = catalogue.policy_then(end.revision) if end.revision else None
        if was is not None and was != catalogue.policy:
            names = ", ".join(
                name for name in FIELDS if getattr(was, name) != getattr(catalogue.policy, name)
            )
            notes.append(
                f"{names} in archiver.toml changed since {end.timestamp} UTC; "
                "today's is applied to both sides"
            )
    return tuple(dict.fromkeys(notes))
