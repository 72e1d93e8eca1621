"""The loop that lists a source: send, parse, keep the ledger, prove the listing complete."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from archiver.changes.guard import ACCEPT
from archiver.errors import MalformedPage, SnapshotRejected
from archiver.language import Stored, sentence, stored
from archiver.records import canonical
from archiver.records.key import key_of, keyed_by
from archiver.records.model import Bad, Line
from archiver.records.representation import short
from archiver.records.text import few
from archiver.sources.checkpoint import NAMED, Checkpoint
from archiver.sources.ledger import Proof
from archiver.sources.lines import LinesInMemory
from archiver.transport import redact
from archiver.transport.prefetch import Prefetch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from archiver.records.model import Json, Record
    from archiver.sources.checkpoint import Records
    from archiver.sources.ledger import Ledger
    from archiver.sources.lines import Lines
    from archiver.sources.protocol import Parsed, Source
    from archiver.transport import Page, Request, Transport

MAX_PAGES = 100_000
"""More pages than this are taken for a loop."""
MAX_DAMAGE = 0.01
"""Share of the records received that may be bad, and share that may be duplicates."""

_AT_ONCE = 4096  # records
_NOT_MODIFIED = 304
_CONDITIONS = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}

Progress: TypeAlias = "Callable[[Ledger], None]"


@dataclass(frozen=True, slots=True)
class Listing:
    """A complete listing.

    Attributes:
        lines: One line per key, sorted by key (code points).
        proof: Why it is complete.
        duplicates: Repeated keys, the first thousand; the last record counts.
        bad: What stood in a record's place and was none.
        validators: ``etag`` and ``last-modified`` to send next time to the same address;
            empty if the listing has several pages or came without.
        mark: The newest change seen, as ``YYYY-MM-DDTHH:MM:SSZ``; empty: the source does not say.
        notes: What the reader of the run report should know of the answers.
    """

    lines: Lines
    proof: Proof
    duplicates: tuple[str, ...] = ()
    bad: tuple[Bad, ...] = ()
    validators: Mapping[str, str] = field(default_factory=dict)
    mark: str = ""
    notes: tuple[str, ...] = ()

    __repr__ = short


@dataclass(frozen=True, slots=True)
class NotModified:
    """The source answered 304: nothing changed since the validators were sent."""


def fetch(
    source: Source,
    transport: Transport,
    *,
    key: tuple[str, ...],
    validators: Mapping[str, str] = MappingProxyType({}),
    progress: Progress | None = None,
    max_pages: int = MAX_PAGES,
    checkpoint: Checkpoint | None = None,
) -> Listing | NotModified:
    """List `source` to its end.

    Args:
        source: The source.
        transport: Fetches its pages.
        key: Fields that form the key of a record that comes as a plain mapping.
        validators: Of the last listing that was kept; sent with the first request.
        progress: Called with the ledger after each page.
        max_pages: More pages are taken for a loop.
        checkpoint: Of an interrupted listing; None: begin in memory.

    Raises:
        ConfigError: The source's settings cannot be used.
        SourceError: It did not answer, answered nonsense, or the listing is not complete.
    """
    state = checkpoint or Checkpoint()
    if state.ledger.entries:
        validators = {}
    with Prefetch(transport.get, source.in_flight) as prefetch:
        return _Loop(source, key, state, prefetch, max_pages).run(validators, progress)


def listed(
    records: Iterable[Record],
    *,
    key: tuple[str, ...],
    otherwise: tuple[str, ...] = (),
    end: str,
) -> Listing:
    """Return records that somebody else has listed, as a complete listing.

    Args:
        records: All of them.
        key: Fields that form a record's key.
        otherwise: Fields that key a record that has none of `key`; empty: it has no key.
        end: How it is known that these are all.

    Raises:
        MalformedPage: They are no list.
    """
    if isinstance(records, (str, bytes, Mapping)) or not isinstance(records, Iterable):
        message = sentence("a list of records is wanted, not {name}", name=type(records).__name__)
        raise MalformedPage(message, hint=sentence("return one mapping for each record"))
    kept = LinesInMemory()
    again, bad, received = list[str](), list[Bad](), 0
    for lines, unusable in _encoded(records, key, "record", otherwise):
        again += kept.put(lines)
        bad += unusable
        received += len(lines) + len(unusable)
    proof = Proof("complete", 1, None, received, len(again), len(bad), end)
    return Listing(kept, proof, tuple(again[:NAMED]), tuple(bad))


def refuse_damage(listing: Listing, *, overlapping: bool = False) -> None:
    """Refuse a listing with more than 1 % bad records or more than 1 % duplicate keys.

    Args:
        listing: The listing.
        overlapping: Whether the source repeats keys by design.

    Raises:
        SnapshotRejected: It names how many, and the first few.
    """
    proof = listing.proof
    reasons = tuple(
        sentence("{place}: {reason}", place=Stored(bad.place), reason=Stored(bad.reason))
        for bad in listing.bad
        if not bad.beside
    )
    allowed = MAX_DAMAGE * (len(listing.lines) + proof.bad if overlapping else proof.received)
    damage: list[tuple[str, int, tuple[str, ...]]] = [(sentence("bad records"), proof.bad, reasons)]
    if not overlapping:
        damage.append((sentence("duplicate keys"), proof.duplicates, listing.duplicates))
    for what, number, names in damage:
        if number > allowed:
            counts = sentence("{number:,} of {received:,}", number=number, received=proof.received)
            named = few(names, "; ", total=number)
            raise SnapshotRejected(
                sentence("{what}: {counts} ({named})", what=what, counts=counts, named=named),
                hint=ACCEPT,
            )


class _Loop:
    """A listing under way."""

    def __init__(
        self,
        source: Source,
        key: tuple[str, ...],
        state: Checkpoint,
        prefetch: Prefetch,
        max_pages: int,
    ) -> None:
        self._state = state
        self._source = source
        self._key = key
        self._prefetch = prefetch
        self._max_pages = max_pages
        self._known = {entry.id for entry in state.ledger.entries}
        self._unsent = deque(state.pending)
        self._sent: deque[Future[Page]] = deque()
        self._last_body = b""
        self._validators: Mapping[str, str] = {}

    def run(
        self, validators: Mapping[str, str], progress: Progress | None
    ) -> Listing | NotModified:
        """Send requests until the source plans no more."""
        self._plan()
        self._send(validators)
        while self._sent:
            page = self._sent.popleft().result()
            if page.status == _NOT_MODIFIED and validators:
                return NotModified()
            self._take(page)
            if progress is not None:
                progress(self._state.ledger)
            self._plan()
            self._send()
        return self._listing()

    def _plan(self) -> None:
        """Let the source plan once everything is answered."""
        if not self._state.pending:
            planned = tuple(self._source.plan(self._state.ledger))
            self._state.plan(planned)
            self._unsent.extend(planned)

    def _send(self, validators: Mapping[str, str] = MappingProxyType({})) -> None:
        """Send requests: always some more than can be under way at once."""
        while self._unsent and len(self._sent) < 2 * self._source.in_flight:
            request = self._unsent.popleft()
            if request.id in self._known:
                place = redact(request.url)
                raise MalformedPage(
                    sentence("{place}: requested a second time; the pages loop", place=place)
                )
            if len(self._known) >= self._max_pages:
                raise MalformedPage(
                    sentence(
                        "{redact}: more than {max_pages:,} pages",
                        redact=redact(request.url),
                        max_pages=self._max_pages,
                    )
                )
            self._known.add(request.id)
            self._sent.append(self._prefetch.start(_conditional(request, validators)))
            validators = {}

    def _take(self, page: Page) -> None:
        """Take the records of `page`; the requests that it leads to are sent meanwhile."""
        with closing(page):
            parsed = self._source.parse(page)
            self._unsent.extend(parsed.next)
            self._send()
            self._state.take(page.request.id, parsed, self._records(page, parsed))
        self._validators = {name: page.headers[name] for name in _CONDITIONS & page.headers.keys()}

    def _records(self, page: Page, parsed: Parsed) -> Iterator[Records]:
        """Yield the records of `page` in parts, unless it repeats the one before."""
        for number, found in enumerate(_encoded(parsed.records, self._key, page.request.id)):
            if not number:
                self._refuse_repetition(page)
            yield found

    def _refuse_repetition(self, page: Page) -> None:
        """Refuse a page that repeats the one before."""
        alike = self._source.overlapping or self._source.alike
        digest = _digest(page)
        if digest == self._last_body and not alike:
            request = page.request
            place = redact(request.url) if request.method == "GET" else request.id
            raise MalformedPage(sentence("{redact}: the same page as the one before", redact=place))
        self._last_body = digest

    def _listing(self) -> Listing:
        """Return the listing; refuse it if it is not complete."""
        state, source = self._state, self._source
        ledger = state.ledger
        proof = ledger.proof(source.covered(ledger), source.end(ledger), drift=source.drift)
        state.finish()
        return Listing(
            lines=state.lines,
            proof=proof,
            duplicates=tuple(state.repeated),
            bad=tuple(state.bad),
            validators=self._validators if proof.pages == 1 and source.conditional else {},
            mark=state.ledger.mark,
            notes=tuple(note for entry in state.ledger.entries for note in entry.notes),
        )


def _digest(page: Page) -> bytes:
    found = hashlib.sha256()
    for piece in page.pieces():
        found.update(piece)
    return found.digest()


def _encoded(
    records: Iterable[Record | Line | Bad],
    key: tuple[str, ...],
    page: str,
    otherwise: tuple[str, ...] = (),
) -> Iterator[Records]:
    """Yield the lines of a page's records, and what stands in a record's place and is none."""
    numbered = enumerate(records)
    while True:
        lines: list[Line] = []
        bad: list[Bad] = []
        for number, record in islice(numbered, _AT_ONCE):
            if isinstance(record, (Line, Bad)):
                found = record
            else:
                found = _line(record, key, f"{page}/{number}", otherwise)
            if isinstance(found, Bad):
                bad.append(found)
            else:
                lines.append(found)
        if not (lines or bad):
            return
        yield lines, bad


def _line(record: Json, key: tuple[str, ...], place: str, otherwise: tuple[str, ...]) -> Line | Bad:
    if not isinstance(record, dict):
        return Bad(place, stored("it is not an object"))
    key = keyed_by(record, key, otherwise)
    try:
        return canonical.encode(record, key)
    except ValueError as error:
        known = ""  # unless the record is unusable for another reason
        with suppress(ValueError):
            known = key_of(record, key)
        return Bad(place, str(error), known)


def _conditional(request: Request, validators: Mapping[str, str]) -> Request:
    headers = {
        header: validators[name] for name, header in _CONDITIONS.items() if name in validators
    }
    if not headers:
        return request
    accept = (*request.accept, _NOT_MODIFIED)
    return replace(request, headers={**request.headers, **headers}, accept=accept)
