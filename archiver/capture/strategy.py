"""Obtain a listing: in full, resumed where one was interrupted, or only what changed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from archiver.capture import state
from archiver.capture.validation import Baseline
from archiver.errors import SnapshotRejected, SourceError, SourceRefused, SourceUnavailable, reason
from archiver.history.versions import opened
from archiver.language import sentence, stored
from archiver.sources import checkpoint
from archiver.sources.listing import Listing, fetch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from archiver.capture.connection import Connection
    from archiver.capture.state import Sweep
    from archiver.sources import Source
    from archiver.sources.listing import NotModified
    from archiver.store.history import Revision


@contextmanager
def obtained(
    connection: Connection, newest: Revision | None, *, now: datetime, saved: bool, full: bool
) -> Iterator[tuple[Listing | NotModified, Sweep | None]]:
    """List what changed since the last full listing if that is possible, else everything.

    A listing that was given is yielded as it is. The listing lasts as long as the block. With it
    comes the sweep that it only adds to; None: it is a full listing.

    Args:
        connection: The source.
        newest: Its newest revision.
        now: Time, UTC.
        saved: Whether an interrupted listing is kept for the next run.
        full: List everything, whether or not anything was modified.
    """
    if connection.given is not None:
        yield connection.given, None
        return
    target = connection.target
    validators: Mapping[str, str] = {}
    if not full:
        every, identity = connection.source.full_every, connection.identity
        sweep = state.last_sweep(target, newest, identity=identity, every=every, now=now)
        if sweep is not None:
            with opened(target.catalogue) as versions:
                baseline = Baseline(target.catalogue, versions, newest)
                with _changes(connection, sweep.mark, baseline, now) as changed:
                    if changed is not None:
                        yield changed, sweep
                        return
        validators = state.validators(target, newest)
    with _everything(connection, validators, newest, now=now, saved=saved) as listing:
        yield listing, None


@contextmanager
def _everything(
    connection: Connection,
    validators: Mapping[str, str],
    newest: Revision | None,
    *,
    now: datetime,
    saved: bool,
) -> Iterator[Listing | NotModified]:
    """List everything.

    The pages of an interrupted listing stay on disk while a retry may help; they are deleted once
    the listing is used or refused. Those that are older than the newest revision, as a copy that
    a cache brought back may be, would say less than it.
    """
    target = connection.target
    if not connection.source.resumable:
        yield _fetched(connection, connection.source, validators=validators)
        return
    folder = target.repository.common_dir / "archiver" / "listing"
    path = folder / f"{target.source.name}.sqlite" if saved else None
    captured = newest.authored_at if newest is not None else None
    with (
        _forgetting(path),
        checkpoint.opened(path, identity=connection.identity, now=now, after=captured) as state,
    ):
        if pages := len(state.ledger.entries):
            brought = sentence(
                "{pages:,} pages with {distinct:,} records",
                pages=pages,
                distinct=state.ledger.distinct,
            )
            connection.notes.append(
                stored("{brought} were there from an interrupted listing", brought=brought)
            )
        yield _fetched(connection, connection.source, checkpoint=state)


@contextmanager
def _changes(
    connection: Connection, mark: str, baseline: Baseline, now: datetime
) -> Iterator[Listing | None]:
    """List what changed since `mark`, laid over the baseline.

    The block receives None, with a note, where such a listing cannot be relied on.
    """
    narrower = connection.source.changed_since(mark)
    if narrower is None:
        yield None
        return
    with checkpoint.opened(None, identity="", now=now) as state:
        try:
            listing = _fetched(connection, narrower, checkpoint=state)
            assert isinstance(listing, Listing)  # noqa: S101  nothing was asked conditionally
            listing.lines.keep(baseline.lines())
            _refuse_difference(listing, connection.source.drift)
        except SourceUnavailable:
            raise
        except SourceError as error:
            connection.notes.append(stored("listed in full: {error}", error=reason(error)))
            listing = None
        yield listing


def _fetched(connection: Connection, source: Source, **known: Any) -> Listing | NotModified:
    key, progress = connection.target.source.key, connection.progress
    return fetch(source, connection.transport, key=key, progress=progress, **known)


def _refuse_difference(listing: Listing, drift: float) -> None:
    """Refuse a listing of changes if, laid over the baseline, the totals do not agree."""
    announced, found = listing.proof.announced, len(listing.lines)
    if announced is None:
        raise SourceError(sentence("the changes do not say how many records there are"))
    if abs(found - announced) > drift * announced:
        raise SourceError(
            sentence(
                "with the changes there are {found:,} records, {announced:,} announced",
                found=found,
                announced=announced,
            )
        )


@contextmanager
def _forgetting(path: Path | None) -> Iterator[None]:
    """Delete the listing at `path` once it is used or refused, not while a retry may help."""
    try:
        yield
    except (SourceUnavailable, SourceRefused):
        raise
    except (SourceError, SnapshotRejected):
        if path is not None:
            checkpoint.forget(path)
        raise
    if path is not None:
        checkpoint.forget(path)
