"""Which records of a catalogue flap, from its index or from git."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from archiver.changes.flapping import Damping, Flapping, Moves, Moving
from archiver.database.news import moves
from archiver.errors import UnreadableSnapshot
from archiver.history.catalogue import Edge
from archiver.history.comparison import Comparison
from archiver.history.index import index
from archiver.history.versions import flaw, opened, stamp

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from archiver.history.catalogue import Catalogue
    from archiver.history.versions import Version, Versions
    from archiver.records.policy import Policy
    from archiver.store.history import Revision


@contextmanager
def flapping(catalogue: Catalogue, tip: str | None = None) -> Iterator[Flapping]:
    """Yield what knows which records of a catalogue flap, by the ids of its commits.

    Nothing is read until it is asked. A version that cannot be read is no capture: it does not
    count.

    Args:
        catalogue: The catalogue; its `damping` says what flaps.
        tip: Full id of the commit to begin at; None: the newest. What came later is not known.
    """
    with closing(_moves(catalogue, tip)) as moves:
        yield Flapping(moves, catalogue.damping)


@contextmanager
def damping(catalogue: Catalogue, tip: str | None = None) -> Iterator[Damping | None]:
    """Yield what folds the changes of captures that are read newest first; None: nothing flaps.

    The arguments are those of `flapping`.
    """
    with flapping(catalogue, tip) as known:
        yield Damping(known) if catalogue.damping else None


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
        for revision in catalogue.reachable(tip):
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
