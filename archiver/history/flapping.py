"""Which records of a catalogue flap, from its index or from git."""

from __future__ import annotations

from contextlib import closing, contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Final

from archiver.changes.flapping import (
    COMING,
    GOING,
    Damping,
    Flapping,
    Moves,
    Moving,
    told,
)
from archiver.changes.severity import importance
from archiver.database.news import moves
from archiver.errors import MissingContent, StoreError, UnreadableSnapshot
from archiver.history.catalogue import Edge
from archiver.history.comparison import Comparison
from archiver.history.index import index
from archiver.history.versions import flaw, opened, stamp

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from archiver.history.catalogue import Catalogue
    from archiver.history.index import Index
    from archiver.history.versions import Version, Versions
    from archiver.records.model import Kind, RecordChange
    from archiver.records.policy import Policy
    from archiver.store.history import Revision

_AGAIN: Final[frozenset[Kind]] = COMING - {"new"}
"""A run remembers all removals: what it finds new was never there."""


@contextmanager
def flapping(catalogue: Catalogue, tip: str | None = None) -> Iterator[Flapping]:
    """Yield what knows which records of a catalogue flap, by the ids of its commits.

    Nothing is read until it is asked. A version that cannot be read is no capture: it does not
    count.

    Args:
        catalogue: The catalogue; its `damping` says what flaps.
        tip: Full id of the commit to begin at; None: the newest. What came later is not known.
    """
    with closing(_moves(catalogue, tip)) as found:
        yield Flapping(found, catalogue.damping)


def indexed(found: Index, damping: int) -> Flapping:
    """Return what knows which records flap in the captures of an index, by the ids of commits."""
    return Flapping(moves(found.connection, found.last), damping)


@contextmanager
def damping(catalogue: Catalogue, tip: str | None = None) -> Iterator[Damping]:
    """Yield what folds the changes of captures that are read newest first.

    The arguments are those of `flapping`.
    """
    with flapping(catalogue, tip) as known:
        yield Damping(known)


def captured(
    catalogue: Catalogue, changes: Iterable[RecordChange], *, tip: str | None, timestamp: str
) -> tuple[RecordChange, ...]:
    """Return the changes of a capture to be, the worst first; what ends an episode says so.

    What goes may come back or not, so it is told as it is. Where older commits are damaged, all
    changes are.

    Args:
        catalogue: The catalogue.
        changes: The changes that are named.
        tip: Full id of the commit it will stand on; None: the first of all.
        timestamp: Its time.
    """
    named = tuple(changes)
    gone, back = (
        frozenset(each.key for each in named if each.kind in kinds) for kinds in (GOING, _AGAIN)
    )
    if not catalogue.damping or not back or tip is None:
        return named
    newest = Moves("", timestamp, gone, back)
    try:
        with closing(_moves(catalogue, tip)) as earlier:
            known = Flapping(chain((newest,), earlier), catalogue.damping)
            shown = (
                told(each, known.episode("", each.key) if each.key in back else None)
                for each in named
            )
            return tuple(sorted(shown, key=importance))
    except MissingContent:
        raise
    except StoreError:
        return named


def noted(
    catalogue: Catalogue, found: Comparison, changes: Iterable[RecordChange]
) -> list[RecordChange]:
    """Return some changes of a comparison, the worst first; what flapped last says so.

    Where older commits are damaged, none has.

    Args:
        catalogue: The catalogue.
        found: The comparison of two of its versions.
        changes: The changes.
    """
    named = [*changes]
    old, new = (end.revision for end in found.ends)
    if not catalogue.damping or old is None or new is None:
        return named
    try:
        with flapping(catalogue, new) as known:
            shown = (
                told(each, known.latest(each.key, after=old) if each.kind in COMING else None)
                for each in named
            )
            return sorted(shown, key=importance)
    except MissingContent:
        raise
    except StoreError:
        return named


def _moves(catalogue: Catalogue, tip: str | None) -> Generator[Moves]:
    """Yield what came and went in each capture, newest first."""
    with index(catalogue, tip) as found:
        if found is not None:
            yield from moves(found.connection, found.last)
            return
    yield from _compared(catalogue, tip)


def _compared(catalogue: Catalogue, tip: str | None) -> Iterator[Moves]:
    """Yield the moves by comparing each readable version with the one before."""
    with opened(catalogue) as versions:
        newer: Revision | None = None
        for revision in versions.ahead.compared(catalogue.reachable(tip)):
            try:
                version = versions.stored(revision)
                found = (
                    None if newer is None else _between(versions, version, newer, catalogue.policy)
                )
            except UnreadableSnapshot:
                continue
            if found is not None:
                yield found
            if isinstance(revision, Edge):
                return
            newer = revision


def _between(
    versions: Versions, before: Version, revision: Revision, policy: Policy
) -> Moves | None:
    """Return what came and went in a revision; None: it is damaged behind what opened it.

    Raises:
        UnreadableSnapshot: The version `before` is.
    """
    after = versions.stored(revision)
    moved = Moving()
    try:
        Comparison("", before, after, policy).tally(moved)
    except UnreadableSnapshot as error:
        if older := flaw(before):
            raise older from error
        return None
    timestamp = after.end.timestamp or stamp(revision.authored_at)
    return moved.moves(revision.id, timestamp)
