"""Derive a range of captures: what each changed, into the tables of a database.

A range stands on nothing but git: it begins by finding the last readable version before it. So the
ranges of a long history are derived in any order, by any number of processes, and joined in order.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from itertools import islice, pairwise
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from archiver import config as configuration
from archiver.changes.delta import deltas
from archiver.database import rows
from archiver.database.storage import written
from archiver.errors import DamagedObject, StoreError, UnreadableSnapshot
from archiver.history.ahead import WINDOW
from archiver.history.comparison import lives, unequal
from archiver.history.versions import EMPTY, opened, stamp
from archiver.language import sentence

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Sequence

    from archiver.changes.delta import Delta
    from archiver.database.reading import Status
    from archiver.history.catalogue import Catalogue
    from archiver.history.versions import Version, Versions
    from archiver.store.history import Revision

_PROOF: Final = "Archiver-Proof"

_SHORTEST: Final = 16
"""Captures that are worth a range of their own, where each process has one already."""
_EACH: Final = 4
"""Ranges for each process: one that is done early takes another."""
_LONGEST: Final = 32
"""Captures of the longest range: a part lies on a disk, or in a worker's memory, until its turn."""


def cut(captures: range, processes: int) -> list[range]:
    """Cut the numbers of captures into ranges of nearly equal length, for so many processes."""
    worth = max(processes, min(processes * _EACH, len(captures) // _SHORTEST))
    pieces = min(max(worth, ceil(len(captures) / _LONGEST)), len(captures))
    ends = [len(captures) * piece // pieces for piece in range(pieces + 1)] if pieces else [0]
    return [captures[first:last] for first, last in pairwise(ends)]


def pinned(catalogue: Catalogue, tip: str) -> Catalogue:
    """Return a catalogue that other processes can read, with the history of the commit `tip`.

    It says where records are and what fields mean; nothing else of archiver.toml, and nothing of
    the environment, which may hold secrets.
    """
    policy = replace(catalogue.policy, tolerance=dict(catalogue.policy.tolerance), severity={})
    config = catalogue.config and configuration.parse(b"", Path(configuration.FILE_NAME), {})
    return replace(catalogue, policy=policy, config=config, ref=tip)


def write_part(catalogue: Catalogue, captures: range, path: Path) -> None:
    """Derive a range into a database of its own at `path`.

    Args:
        catalogue: The catalogue; see `pinned`.
        captures: The numbers of the captures; 1 is the oldest.
        path: Where; must not exist.

    Raises:
        StoreError: As by `derive`; or the history has no such captures.
    """
    history = [*catalogue.revisions()][::-1]
    if captures[-1] > len(history):
        raise StoreError(
            sentence(
                "the history has {number} captures, and no {captures}",
                number=len(history),
                captures=captures[-1],
            )
        )
    with written(path, new=True) as connection:
        derive(catalogue, connection, history, captures)


def derive(
    catalogue: Catalogue,
    connection: sqlite3.Connection,
    history: Sequence[Revision],
    captures: range,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> None:
    """Add a range of captures to a database that ends before it, or that is empty.

    Args:
        catalogue: The catalogue.
        connection: The database.
        history: The revisions, oldest first.
        captures: The numbers of the captures; 1 is the oldest.
        progress: Receives how many captures are done, and how many there are.

    Raises:
        UnreadableSnapshot: A version cannot be read to its end.
        DamagedObject: git cannot read an object.
    """
    writer = rows.Writer(connection)
    with opened(catalogue) as versions:
        number, revision = _last_readable(versions, history, captures.start - 1)
        known = () if revision is None else (revision,)
        walk = versions.ahead.compared(
            (*known, *history[captures.start - 1 : captures.stop - 1]),
            first=WINDOW,
            begins=revision is None,
        )
        for now, each in zip(captures, islice(walk, len(known), None), strict=True):
            try:
                version = versions.stored(each)
            except DamagedObject:
                raise  # it may be mended, and no other commit would say so
            except UnreadableSnapshot as error:
                writer.add_capture(_unreadable(catalogue, now, each, str(error)), None)
            else:
                old = EMPTY if revision is None else versions.stored(revision)
                status: Status = "ok" if number else "first"
                capture = _capture(catalogue, now, each, version, status)
                found = _deltas(catalogue, old, version)
                writer.add(capture, found, before=number, old_total=old.end.total)
                number, revision = now, each
            progress(now, len(history))


def _last_readable(
    versions: Versions, history: Sequence[Revision], last: int
) -> tuple[int | None, Revision | None]:
    """Return number and revision of the newest readable version up to number `last`, if any."""
    for number in range(last, 0, -1):
        with suppress(UnreadableSnapshot):
            versions.stored(history[number - 1])
            return number, history[number - 1]
    return None, None


def _deltas(catalogue: Catalogue, old: Version, new: Version) -> Iterator[Delta]:
    known = lives(old, new)
    policy = catalogue.policy
    return deltas(unequal(old, new, known, policy), policy, known)


def _capture(
    catalogue: Catalogue, number: int, revision: Revision, version: Version, status: Status
) -> rows.Capture:
    return _unreadable(catalogue, number, revision, "")._replace(
        timestamp=version.end.timestamp or stamp(revision.authored_at),
        total=version.end.total,
        status=status,
        reason="; ".join(version.notes) or None,
    )


def _unreadable(catalogue: Catalogue, number: int, revision: Revision, reason: str) -> rows.Capture:
    proof = revision.trailers.get(_PROOF, "").partition(";")[0]
    return rows.Capture(
        id=number,
        revision=revision.id,
        object=revision.blob,
        timestamp=stamp(revision.authored_at),
        authored_at=stamp(revision.authored_at),
        committed_at=revision.committed_at.isoformat(),
        subject=revision.subject,
        total=None,
        status="unreadable",
        reason=reason,
        proof=proof or None,
        settings=None,
        path=catalogue.elsewhere(revision) or None,
    )
