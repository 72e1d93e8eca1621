"""Remember the last full listing of a source, so that the next runs may list only what changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from archiver.history.versions import STAMP, stamp
from archiver.records.jsontext import UNREADABLE

if TYPE_CHECKING:
    from archiver.sources.listing import Listing
    from archiver.store.history import Revision
    from archiver.store.repository import Repository

_MARK: Final = "%Y-%m-%dT%H:%M:%SZ"


class Sweep(msgspec.Struct, frozen=True):
    """What stands in ``<source>/sweep.json`` of the state ref.

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

    @property
    def swept_at(self) -> datetime:
        """Capture time of the last full listing, UTC."""
        return datetime.strptime(self.swept, STAMP).replace(tzinfo=UTC)


def known(
    repository: Repository,
    source: str,
    newest: Revision | None,
    *,
    identity: str,
    every: timedelta,
    now: datetime,
) -> Sweep | None:
    """Return the last sweep if what changed since can be laid over the newest snapshot.

    Args:
        repository: The data repository.
        source: Name of the source.
        newest: Its newest snapshot.
        identity: Digest of what is asked today.
        every: A full listing is due when the last one is older.
        now: Time, UTC.
    """
    content = repository.read_state(f"{source}/sweep.json")
    if content is None or newest is None:
        return None
    try:
        sweep = msgspec.json.decode(content, type=Sweep)
        age = now - sweep.swept_at
    except UNREADABLE:
        return None
    usable = sweep.identity == identity and sweep.blob == newest.blob
    return sweep if usable and timedelta() <= age < every else None


def remembered(
    listing: Listing, last: Sweep | None, *, identity: str, blob: str | None, taken: datetime
) -> bytes | None:
    """Return what to keep of a listing whose records stand in `blob`; None: nothing.

    The mark never lies after the capture: a date in the future would hide every later change.

    Args:
        listing: The listing.
        last: The sweep before, if the listing was laid over it.
        identity: Digest of what was asked.
        blob: Object id of the snapshot.
        taken: Capture time, UTC.
    """
    if blob is None or not (listing.mark or last):
        return None
    mark = min(max(listing.mark, last.mark if last else ""), taken.strftime(_MARK))
    swept = last.swept if last else stamp(taken)
    return msgspec.json.encode(Sweep(identity, blob, mark, swept)) + b"\n"
