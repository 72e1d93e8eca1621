"""The one loop that lists a source: ask, parse, keep the ledger, prove the listing whole."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from archiver.changes.guard import ACCEPT
from archiver.errors import MalformedPage, SnapshotRejected, SourceError
from archiver.records import canonical
from archiver.records.model import Bad, Line
from archiver.records.text import few
from archiver.sources.protocol import Entry, Ledger, Proof
from archiver.transport import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from archiver.records.model import Json, Record
    from archiver.sources.protocol import Kind, Parsed, Source
    from archiver.transport import Page, Request, Transport

MAX_PAGES = 100_000
"""More answers than this are taken for a loop."""
MAX_DAMAGE = 0.01
"""Share of the records received that may be bad, and share that may be duplicates."""

_NOT_MODIFIED = 304
_CONDITIONS = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}


@dataclass(frozen=True, slots=True)
class Listing:
    """A whole listing.

    Attributes:
        lines: One line per key, sorted by key (code points).
        proof: Why it is believed to be whole.
        duplicates: Keys that came again; the last record stands.
        bad: What stood in a record's place and was none.
        validators: ``etag`` and ``last-modified`` to send next time to the same address;
            empty if the listing has several pages or came without.
    """

    lines: list[Line]
    proof: Proof
    duplicates: tuple[str, ...]
    bad: tuple[Bad, ...]
    validators: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NotModified:
    """The source says that nothing changed since the validators were given."""


def fetch(
    source: Source,
    transport: Transport,
    *,
    key: tuple[str, ...],
    validators: Mapping[str, str] = MappingProxyType({}),
    progress: Callable[[Ledger], None] | None = None,
    max_pages: int = MAX_PAGES,
) -> Listing | NotModified:
    """List `source` to its end.

    Args:
        source: What to list.
        transport: Asks for it.
        key: Fields that make up the key of a record that comes as a plain mapping.
        validators: Of the last listing that was kept; sent with the first request.
        progress: Called with the ledger after each page.
        max_pages: More answers are taken for a loop.

    Raises:
        ConfigError: The source's settings cannot be used.
        SourceError: It did not answer, answered nonsense, or the listing is not whole.
    """
    gathering = _Gathering(key, max_pages)
    while (request := gathering.upcoming(source)) is not None:
        first = not gathering.ledger.entries
        page = transport.get(_conditional(request, validators) if first else request)
        if page.status == _NOT_MODIFIED:
            return NotModified()
        gathering.add(page, source.parse(page))
        if progress is not None:
            progress(gathering.ledger)
    return gathering.listing(source.kind)


def refuse_damage(listing: Listing) -> None:
    """Refuse a listing with more than 1 % bad records or more than 1 % duplicate keys.

    Raises:
        SnapshotRejected: It names how many, and the first few.
    """
    allowed = MAX_DAMAGE * listing.proof.received
    reasons = tuple(f"{bad.place}: {bad.reason}" for bad in listing.bad)
    for what, names in (("bad records", reasons), ("duplicate keys", listing.duplicates)):
        if len(names) > allowed:
            counts = f"{len(names):,} of {listing.proof.received:,}"
            raise SnapshotRejected(
                f"{what}: {counts} ({few(names, '; ')})",
                hint=ACCEPT,
            )


class _Gathering:
    """A listing under way."""

    def __init__(self, key: tuple[str, ...], max_pages: int) -> None:
        self.ledger = Ledger()
        self._key = key
        self._max_pages = max_pages
        self._asked: set[str] = set()
        self._last_body = b""
        self._lines: dict[str, Line] = {}
        self._duplicates: list[str] = []
        self._bad: list[Bad] = []
        self._validators: dict[str, str] = {}

    def upcoming(self, source: Source) -> Request | None:
        """Return the request to ask now; let the source plan when none is waiting."""
        if not self.ledger.pending:
            planned = tuple(source.plan(self.ledger))
            self.ledger = replace(self.ledger, pending=planned)
        if not self.ledger.pending:
            return None
        request = self.ledger.pending[0]
        if request.id in self._asked:
            raise MalformedPage(f"{redact(request.url)}: asked a second time; the pages loop")
        if len(self._asked) >= self._max_pages:
            raise MalformedPage(f"{redact(request.url)}: more than {self._max_pages:,} pages")
        self._asked.add(request.id)
        return request

    def add(self, page: Page, parsed: Parsed) -> None:
        """Keep what `page` brought, and move the ledger on."""
        before = len(self._bad)
        received = 0
        for received, record in enumerate(parsed.records, start=1):
            self._keep(record, f"{page.request.id}/{received - 1}")
        self._refuse_repetition(page, received)
        bad = len(self._bad) - before
        entry = Entry(page.request.id, received - bad, bad, parsed.total, parsed.end)
        pending = (*self.ledger.pending[1:], *parsed.next)
        self.ledger = Ledger((*self.ledger.entries, entry), pending)
        self._validators = {name: page.headers[name] for name in _CONDITIONS & page.headers.keys()}

    def listing(self, kind: Kind) -> Listing:
        """Return the whole listing; refuse it if it is not whole."""
        proof = self._proof(kind)
        if not proof.end:
            raise SourceError("the listing stopped, but no page showed that it was the last one")
        if kind == "complete" and not _explained(proof):
            raise SourceError(f"announced {proof.announced:,}, received {proof.received:,}")
        return Listing(
            lines=sorted(self._lines.values()),
            proof=proof,
            duplicates=tuple(self._duplicates),
            bad=tuple(self._bad),
            validators=self._validators if proof.pages == 1 else {},
        )

    def _proof(self, kind: Kind) -> Proof:
        return Proof(
            kind=kind,
            pages=len(self.ledger.entries),
            announced=self.ledger.announced,
            received=self.ledger.received,
            duplicates=len(self._duplicates),
            bad=len(self._bad),
            end=self.ledger.end,
        )

    def _keep(self, record: Record | Line | Bad, place: str) -> None:
        """Keep one record; of several with one key the last."""
        found = record if isinstance(record, Line | Bad) else self._line(record, place)
        if isinstance(found, Bad):
            self._bad.append(found)
            return
        if found.key in self._lines:
            self._duplicates.append(found.key)
        self._lines[found.key] = found

    def _line(self, record: Json, place: str) -> Line | Bad:
        if not isinstance(record, dict):
            return Bad(place, "it is not an object")
        try:
            return canonical.encode(record, self._key)
        except ValueError as error:
            return Bad(place, str(error))

    def _refuse_repetition(self, page: Page, received: int) -> None:
        """Refuse a page that brings the records of the one before once more."""
        digest = hashlib.sha256(page.body).digest()
        if received and digest == self._last_body:
            raise MalformedPage(f"{redact(page.request.url)}: the same page as the one before")
        self._last_body = digest


def _conditional(request: Request, validators: Mapping[str, str]) -> Request:
    headers = {
        header: validators[name] for name, header in _CONDITIONS.items() if name in validators
    }
    if not headers:
        return request
    accept = (*request.accept, _NOT_MODIFIED)
    return replace(request, headers={**request.headers, **headers}, accept=accept)


def _explained(proof: Proof) -> bool:
    """Tell whether nothing but repeated records stands between announced and received."""
    if proof.announced is None:
        return True
    return proof.received - proof.duplicates <= proof.announced <= proof.received
