"""Obtain a listing: at once, where an interrupted one stopped, or only what changed."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archiver import __version__
from archiver.errors import SnapshotRejected, SourceError, SourceRefused, SourceUnavailable
from archiver.records.canonical import line_key
from archiver.records.jsontext import dump
from archiver.records.model import Line
from archiver.sources import checkpoint
from archiver.sources.listing import Listing, fetch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from archiver.capture.incremental import Sweep
    from archiver.capture.target import Target
    from archiver.history.versions import Version
    from archiver.sources import Ledger, Source
    from archiver.sources.checkpoint import Checkpoint
    from archiver.sources.listing import NotModified
    from archiver.transport import Transport


@dataclass(frozen=True, slots=True)
class Hub:
    """A configured source that can be asked.

    Attributes:
        target: Where it is archived.
        source: What to ask, and what the answers mean.
        transport: Asks.
        progress: Is told after each page.
        notes: What the person should know of the way the listing came about.
    """

    target: Target
    source: Source
    transport: Transport
    progress: Callable[[Ledger], None] | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def identity(self) -> str:
        """Digest of what is asked: another question, another listing."""
        config = self.target.source
        settings = [config.settings, list(config.key), self.source.kind, __version__]
        if (site := self.source.site("")) is not None:
            settings.append(site.endpoint)  # the environment may have named it
        return hashlib.sha256(dump(settings)).hexdigest()

    @contextmanager
    def listed(
        self, validators: Mapping[str, str], *, now: datetime, saved: bool
    ) -> Iterator[Listing | NotModified]:
        """List the source; the listing lasts as long as the block.

        What an interrupted listing brought stays on disk while trying again may help; it is
        forgotten when it was used or refused.

        Args:
            validators: Of the last answer.
            now: Time, UTC.
            saved: Whether an interrupted listing is kept for the next run.
        """
        if not self.source.resumable:
            yield self._fetch(self.source, validators)
            return
        path = self._path() if saved else None
        with (
            _forgetting(path),
            checkpoint.opened(path, identity=self.identity, now=now) as state,
        ):
            if state.ledger.entries:
                self.notes.append(
                    f"{_brought(state.ledger)} were there from an interrupted listing"
                )
            yield self._fetch(self.source, state=state)

    @contextmanager
    def increment(
        self, sweep: Sweep, before: Callable[[], Version], *, now: datetime
    ) -> Iterator[Listing | None]:
        """List what changed since `sweep`, laid over the version `before`.

        The block gets None, with a note, where that cannot be relied on.
        """
        narrower = self.source.changed_since(sweep.mark)
        if narrower is None:
            yield None
            return
        with checkpoint.opened(None, identity="", now=now) as state:
            try:
                listing = self._fetch(narrower, state=state)
                assert isinstance(listing, Listing)  # noqa: S101  nothing was asked conditionally
                listing.lines.keep(_lines(before()))
                _refuse_difference(listing, self.source.drift)
            except SourceUnavailable:
                raise
            except SourceError as error:
                self.notes.append(f"listed in full: {error}")
                listing = None
            yield listing

    def _fetch(
        self,
        source: Source,
        validators: Mapping[str, str] | None = None,
        state: Checkpoint | None = None,
    ) -> Listing | NotModified:
        return fetch(
            source,
            self.transport,
            key=self.target.source.key,
            validators=validators or {},
            progress=self.progress,
            checkpoint=state,
        )

    def _path(self) -> Path:
        folder = self.target.repository.common_dir / "archiver" / "listing"
        return folder / f"{self.target.source.name}.sqlite"


def _brought(ledger: Ledger) -> str:
    return f"{len(ledger.entries):,} pages with {ledger.distinct:,} records"


def _lines(version: Version) -> Iterator[Line]:
    for part in version.parts.values():
        yield from (Line(line_key(data).decode(), data) for data in part.lines())


def _refuse_difference(listing: Listing, drift: float) -> None:
    """Refuse a listing of changes if, laid over the records before, it does not add up."""
    announced, found = listing.proof.announced, len(listing.lines)
    if announced is None:
        raise SourceError("the changes do not say how many records there are")
    if abs(found - announced) > drift * announced:
        raise SourceError(f"with the changes there are {found:,} records, {announced:,} announced")


@contextmanager
def _forgetting(path: Path | None) -> Iterator[None]:
    """Forget the listing at `path` when it was used or refused, not when trying again helps."""
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
