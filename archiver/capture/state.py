"""What the state ref remembers of a source from one run to the next, besides the run reports."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from archiver.capture import pacing, runlog
from archiver.changes.lifecycle import read_tombstones, write_missing
from archiver.errors import StoreError, reason
from archiver.history.catalogue import MISSING, REMOVED
from archiver.history.versions import STAMP, stamp
from archiver.language import sentence
from archiver.records.jsontext import UNREADABLE, dump

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archiver.capture.candidate import Candidate, Draft
    from archiver.capture.connection import Connection
    from archiver.capture.target import Target
    from archiver.changes.lifecycle import Missing, Tombstone
    from archiver.config import SourceConfig
    from archiver.sources.listing import Listing
    from archiver.store.history import Revision

LAST_RUN: Final = "last-run.json"
"""What the last run found."""
SWEEP: Final = "sweep.json"
"""The last full listing, where the source can list only what changed since: a `Sweep`."""
VALIDATORS: Final = "validators.json"
"""What to send along for "modified since?"."""
WAITING: Final = "enrich.json"
"""The keys that wait for their detail calls."""

_MARK: Final = "%Y-%m-%dT%H:%M:%SZ"


class Memory(NamedTuple):
    """What earlier runs remember of the records that were not listed.

    Attributes:
        missing: From the state ref: records that wait for another complete listing.
        removed: From the branch: the tombstones.
        unnamed: Number of unusable records without a key in the last listing.
    """

    missing: Mapping[str, Missing]
    removed: Mapping[str, Tombstone]
    unnamed: int


class _LastRun(msgspec.Struct):
    unnamed: int = 0


def memory(target: Target, tip: str | None) -> Memory:
    """Read what earlier runs remember, as of the commit `tip`.

    Raises:
        StoreError: A file cannot be read.
    """
    name = target.source.name
    last = target.catalogue.remembered(LAST_RUN) or b"{}"
    removed = tombstones(target, tip)
    try:
        unnamed = msgspec.json.decode(last, type=_LastRun).unnamed
        return Memory(target.catalogue.missing(), removed, unnamed)
    except UNREADABLE as error:
        raise StoreError(
            sentence(
                "what is remembered of {name} cannot be read: {error}",
                name=name,
                error=reason(error),
            )
        ) from error


def tombstones(target: Target, commit: str | None) -> dict[str, Tombstone]:
    """Return the tombstones of a commit; None: there is no commit, hence none.

    Raises:
        StoreError: They cannot be read.
    """
    path = f"{target.catalogue.folder}/{REMOVED}"
    content = target.repository.read(commit, path) if commit else None
    try:
        return read_tombstones(content or b"")
    except ValueError as error:
        raise StoreError(
            sentence("{path} cannot be read: {error}", path=path, error=reason(error))
        ) from error


def remembered(
    connection: Connection,
    candidate: Candidate,
    draft: Draft,
    sweep: Sweep | None,
    now: datetime,
) -> dict[str, bytes | None]:
    """Return the files of the state ref that change with a run.

    Args:
        connection: The source.
        candidate: What the run found.
        draft: What it commits.
        sweep: The full listing that its listing only adds to; None: it is one itself.
        now: Time, UTC.
    """
    target, listing, report = connection.target, candidate.listing, draft.report
    last = {
        "timestamp": stamp(candidate.taken),
        "outcome": report.outcome,
        "total": report.new.total,
        "unnamed": sum(not bad.key for bad in listing.bad),
    }
    incremental = connection.source.changed_since("") is not None
    files = {
        LAST_RUN: dump(last) + b"\n",
        VALIDATORS: _validators(target, listing, draft.blob),
        WAITING: candidate.waiting,
        MISSING: write_missing(candidate.confirmation.missing) or None,
        pacing.PACE: pacing.remembered(target, draft.blob, committed=report.outcome != "unchanged"),
        SWEEP: _sweep(connection, candidate, draft.blob, sweep) if incremental else None,
    }
    reported = runlog.reported(target, report, began=candidate.taken, now=now)
    return reported | {f"{target.source.name}/{name}": each for name, each in files.items()}


class Sweep(msgspec.Struct, frozen=True):
    """The last full listing, and what was seen since.

    Attributes:
        identity: Digest of what was asked; another question makes the sweep worthless.
        blob: Object id of the snapshot that the last listing became.
        mark: The newest change it saw, as ``YYYY-MM-DDTHH:MM:SSZ``.
        swept: Capture time of the last full listing, UTC.
    """

    identity: str
    blob: str
    mark: str
    swept: str


def last_sweep(
    target: Target, newest: Revision | None, *, identity: str, every: timedelta, now: datetime
) -> Sweep | None:
    """Return the last sweep if what changed since can be laid over the newest snapshot.

    Args:
        target: The source.
        newest: Its newest snapshot.
        identity: Digest of what is asked today.
        every: A full listing is due when the last one is older.
        now: Time, UTC.
    """
    content = target.catalogue.remembered(SWEEP)
    if content is None or newest is None:
        return None
    try:
        sweep = msgspec.json.decode(content, type=Sweep)
        age = now - datetime.strptime(sweep.swept, STAMP).replace(tzinfo=UTC)
    except UNREADABLE:
        return None
    usable = sweep.identity == identity and sweep.blob == newest.blob
    return sweep if usable and timedelta() <= age < every else None


def _sweep(
    connection: Connection, candidate: Candidate, blob: str | None, last: Sweep | None
) -> bytes | None:
    """Return what to keep of a listing; None: nothing.

    The mark never lies after the capture: a date in the future would hide every later change.
    """
    newest = candidate.listing.mark
    if blob is None or not (newest or last):
        return None
    mark = min(max(newest, last.mark if last else ""), candidate.taken.strftime(_MARK))
    swept = last.swept if last else stamp(candidate.taken)
    return msgspec.json.encode(Sweep(connection.identity, blob, mark, swept)) + b"\n"


class _Answer(msgspec.Struct):
    """An answer's validators: under which settings, and the snapshot that it became."""

    settings: str
    blob: str
    validators: dict[str, str]


def validators(target: Target, newest: Revision | None) -> Mapping[str, str]:
    """Return the validators to send.

    There are none unless the answer they belong to is the newest snapshot, read with today's
    settings: after a revert everything is fetched again.
    """
    content = target.catalogue.remembered(VALIDATORS)
    if content is None or newest is None:
        return {}
    try:
        kept = msgspec.json.decode(content, type=_Answer)
    except UNREADABLE:
        return {}
    known = kept.blob == newest.blob and kept.settings == _settings(target.source)
    return kept.validators if known else {}


def _validators(target: Target, listing: Listing, blob: str | None) -> bytes | None:
    """Return the validators to keep of an answer; None: none."""
    if not listing.validators or blob is None:
        return None
    answer = _Answer(_settings(target.source), blob, dict(listing.validators))
    return msgspec.json.encode(answer) + b"\n"


def _settings(source: SourceConfig) -> str:
    return hashlib.sha256(dump([source.settings, list(source.key)])).hexdigest()
