"""The source ``api``: any JSON catalogue that comes in pages.

Each address is a chain of pages. What a page says of the next one is kept in the ledger as facts;
from these alone the next request follows, in another process too.
"""

from __future__ import annotations

import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

import msgspec

from archiver.errors import MalformedPage, UnreadableSnapshot, reason
from archiver.language import sentence, stored
from archiver.records.decoding import decoded, unzipped
from archiver.records.jsontext import dump
from archiver.records.model import Bad
from archiver.records.text import clip, count
from archiver.sources.access import with_params
from archiver.sources.api.answer import Answer
from archiver.sources.api.settings import NEXT_LINK, NEXT_NONE, ApiSettings
from archiver.sources.json_document import JsonSource
from archiver.sources.protocol import Parsed, Source, own_rate
from archiver.transport import Rate, Request, Site, next_link, redact
from archiver.transport.message import origin, same_origin, without_params

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from archiver.records.model import Line
    from archiver.sources.ledger import Entry, Ledger
    from archiver.transport import Page

_RATE: Final = Rate(4)
_OK: Final = 200
_NO_SUCH_PAGE: Final = (400, 404, 416)
"""What some servers answer for the page after the last one."""
_ID: Final = re.compile(r"(?:address (\d+), )?page (\d+)", re.ASCII)
_LONGEST: Final = 200
_NOTHING: Final = (None, "", False, msgspec.UNSET)

NEXT, LAST, COUNTED = "next", "last", "counted"


class _Said(NamedTuple):
    """What a page says of the next one; the facts of the ledger.

    Attributes:
        state: `NEXT`: there is one; `LAST`: there is none; `COUNTED`: the number of records tells.
        value: Of `NEXT` its address, or its cursor as JSON; of `LAST` how that was recognised.
        repeats: How many records of the page stand on it twice.
    """

    state: str
    value: str = ""
    repeats: str = "0"


class ApiSource(JsonSource):
    """Requests pages one after the other, to the end of each address."""

    Settings: ClassVar[type[msgspec.Struct]] = ApiSettings
    settings: ApiSettings
    resumable = True
    confirmations = Source.confirmations

    def __init__(self, settings: ApiSettings, *, base: Path) -> None:
        """Store the settings.

        Raises:
            ConfigError: They contradict each other.
        """
        Source.__init__(self, settings, base=base)
        settings.check()
        self.drift = settings.drift
        self.conditional = settings.next == NEXT_NONE

    def site(self, token: str) -> Site:
        """Return the first origin; see `sites`."""
        return self.sites(token)[0]

    def sites(self, token: str) -> tuple[Site, ...]:  # noqa: ARG002  secrets are named one by one
        """Return the origins of the addresses, each with the rate limit."""
        found: dict[object, Site] = {}
        for url in self.settings.addresses:
            found.setdefault(origin(url), Site(url, own_rate(url, self.settings.rate, _RATE)))
        return tuple(found.values())

    def plan(self, ledger: Ledger) -> Sequence[Request]:
        """Return the request for the next page, or for the next address.

        Raises:
            MalformedPage: The pages contradict each other, or do not end.
        """
        if not ledger.entries:
            return (self._request(0, [], ""),)
        chain, pages = _chain(ledger.entries)
        state, value, _ = self._after(chain, pages)
        if state == NEXT:
            return (self._request(chain, pages, value),)
        more = chain + 1 < len(self.settings.addresses)
        return (self._request(chain + 1, [], ""),) if more else ()

    def end(self, ledger: Ledger) -> str:
        """Return how the last page was recognised."""
        chain, pages = _chain(ledger.entries)
        return self._after(chain, pages).value

    def parse(self, page: Page) -> Parsed:
        """Return the records of a page, and what it says of the next one.

        Raises:
            MalformedPage: It is not what the settings promise.
        """
        id_ = page.request.id
        if page.status != _OK:
            words = stored("answered {status} for the page after it", status=page.status)
            return Parsed((), facts=_Said(LAST, words))
        try:
            found = decoded(b"".join(unzipped((page.body,))))
            answer = Answer(page.headers, found.body)
            self._refuse_errors(answer)
            rows = [_placed(row, id_) for row in self._records(page, found.body)]
        except (UnreadableSnapshot, MalformedPage) as error:
            raise MalformedPage(
                sentence("{id}: {error}", id=id_, error=reason(error)), hint=error.hint
            ) from error
        keys = [row.key for row in rows if not isinstance(row, Bad)]
        said = self._said(page, answer)._replace(repeats=str(len(keys) - len({*keys})))
        total = self._announced(answer, self._place(id_)) if self.settings.total else None
        several = len(self.settings.addresses) > 1
        return Parsed(
            rows,
            total=None if several else total,
            matches=total if several else None,
            facts=said,
            notes=(*found.notes, *(self._unsaid(answer, id_) if rows else ())),
        )

    # What a page says.

    def _said(self, page: Page, answer: Answer) -> _Said:
        settings, place = self.settings, self._place(page.request.id)
        more = settings.more and answer.at(settings.more)
        if settings.more and not isinstance(more, bool):
            raise MalformedPage(
                sentence(
                    '{place}: neither true nor false at more "{path}"',
                    place=place,
                    path=settings.more,
                )
            )
        if more is False:
            return _Said(LAST, stored("{path} is false", path=settings.more))
        if settings.page or settings.offset:
            return _Said(NEXT if more else COUNTED)
        if settings.next == NEXT_NONE:
            return _Said(LAST, stored("the only page"))
        if settings.next == NEXT_LINK:
            value = next_link(page)
        else:
            value = answer.at(settings.next or settings.cursor)
        if value in _NOTHING:
            if more:
                raise MalformedPage(
                    sentence("{place}: it says that there is more, but not where", place=place)
                )
            return _Said(LAST, stored("a page without a next one"))
        return _Said(NEXT, self._read_next(value, page.request.url, place))

    def _read_next(self, value: Any, url: str, place: str) -> str:
        """Return the address of the next page, or the cursor as JSON.

        Raises:
            MalformedPage: It is neither, or at another origin.
        """
        if self.settings.cursor:
            if isinstance(value, (str, int, float)):
                return dump(value).decode()
            path = self.settings.cursor
            raise MalformedPage(sentence('{place}: no cursor at "{path}"', place=place, path=path))
        if not isinstance(value, str):
            path = self.settings.next
            raise MalformedPage(sentence('{place}: no address at "{path}"', place=place, path=path))
        try:
            found = same_origin(url, value)
        except ValueError as error:
            raise MalformedPage(
                sentence("{place}: its next page is at {error}", place=place, error=reason(error))
            ) from error
        return without_params(found, self.settings.params_env)

    def _unsaid(self, answer: Answer, id_: str) -> Iterator[str]:
        """Yield a note where the first page lacks what would lead to a second one."""
        settings = self.settings
        path = settings.next if settings.next not in (NEXT_LINK, NEXT_NONE) else ""
        path = path or settings.cursor
        proved = settings.total or settings.more or not path
        if _numbers(id_)[1] == 1 and not proved and answer.at(path) is msgspec.UNSET:
            yield stored('nothing stands at "{path}": the first page is taken for all', path=path)

    def _announced(self, answer: Answer, place: str) -> int:
        path = self.settings.total
        value = answer.at(path)
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        raise MalformedPage(
            sentence('{place}: no whole number at total "{path}"', place=place, path=path)
        )

    def _refuse_errors(self, answer: Answer) -> None:
        """Refuse a partial answer to a GraphQL query (GraphQL specification, section 7.1)."""
        errors = answer.at("errors") if "query" in self.settings.body else None
        if isinstance(errors, list) and errors:
            first = errors[0].get("message") if isinstance(errors[0], dict) else errors[0]
            words = clip(str(first), _LONGEST)
            raise MalformedPage(sentence("the source reports an error: {words}", words=words))

    # What follows from all pages of an address.

    def _after(self, chain: int, pages: Sequence[Entry]) -> _Said:
        """Return what comes after `pages`, the pages of one address so far.

        Raises:
            MalformedPage: They contradict each other, or do not end.
        """
        place = self._place(pages[-1].id)
        said = _Said(*pages[-1].facts)
        self._refuse_repetition(pages, place)
        self._refuse_another_total(pages, place)
        if said.state == COUNTED:
            said = self._counted(pages, place)
        if said.state == LAST:
            self._refuse_difference(pages, place)
            return said
        if said.value:
            self._refuse_loop(chain, pages, place)
        elif self.settings.more and not _rows(pages[-1]):
            raise MalformedPage(
                sentence("{place}: it is empty, but says that there is more", place=place)
            )
        if len(pages) >= self.settings.max_pages:
            raise MalformedPage(
                sentence(
                    "{place}: more than {max_pages:,} pages",
                    place=place,
                    max_pages=self.settings.max_pages,
                ),
                hint=sentence("max_pages in archiver.toml allows more"),
            )
        return said

    def _counted(self, pages: Sequence[Entry], place: str) -> _Said:
        """Return what the number of records says of the next page."""
        total = _total(pages[-1])
        if total is not None and sum(map(_rows, pages)) >= total:
            return _Said(LAST, stored("the announced number of records"))
        if not _rows(pages[-1]):
            return _Said(LAST, stored("an empty page"))
        if len(pages) > 1 and self._is_short(pages[-2]):
            raise MalformedPage(
                sentence(
                    "{place}: the page before it has {records}, page_size is {page_size:,}, and it "
                    "is not the last one",
                    place=place,
                    records=count(_rows(pages[-2]), "record"),
                    page_size=self.settings.page_size,
                ),
                hint=sentence("set page_size to the number of records that the source sends"),
            )
        return _Said(NEXT)

    def _is_short(self, entry: Entry) -> bool:
        """Return whether a page may be the last one, where no total is announced."""
        size = self.settings.page_size
        return size is not None and _total(entry) is None and _rows(entry) < size

    def _refuse_repetition(self, pages: Sequence[Entry], place: str) -> None:
        last = pages[-1]
        if last.records and not last.fresh:
            raise MalformedPage(
                sentence(
                    "{place}: it repeats records that came before, and has no new one", place=place
                ),
                hint=sentence("check the names of the parameters that lead to the next page"),
            )
        again = last.records - last.fresh - int(_Said(*last.facts).repeats)
        counted = self.settings.page or self.settings.offset
        if again and counted and not self.drift and len(self.settings.addresses) == 1:
            raise MalformedPage(
                sentence(
                    "{place}: {records} on it came before: the pages shifted, and others may be "
                    "missing",
                    place=place,
                    records=count(again, "record"),
                ),
                hint=sentence("run again; sort by what does not change, or set drift"),
            )

    def _refuse_another_total(self, pages: Sequence[Entry], place: str) -> None:
        first, last = _total(pages[0]), _total(pages[-1])
        if first is not None and last is not None and first != last and not self.drift:
            raise MalformedPage(
                sentence(
                    "{place}: it announces {last:,}, and the first page {first:,}",
                    place=place,
                    last=last,
                    first=first,
                ),
                hint=sentence("run again; where the catalogue changes all the time, set drift"),
            )

    def _refuse_difference(self, pages: Sequence[Entry], place: str) -> None:
        """Refuse one of several addresses with another number of records than it announces."""
        announced = next(
            (each.matches for each in reversed(pages) if each.matches is not None), None
        )
        received = sum(map(_rows, pages))
        if announced is not None and abs(received - announced) > self.drift * announced:
            raise MalformedPage(
                sentence(
                    "{place}: announced {announced:,}, received {received:,}",
                    place=place,
                    announced=announced,
                    received=received,
                )
            )

    def _refuse_loop(self, chain: int, pages: Sequence[Entry], place: str) -> None:
        value = _Said(*pages[-1].facts).value
        earlier = [each.facts[1] for each in pages[:-1]]
        if value in earlier or value == self._request(chain, [], "").url:
            number = earlier.index(value) + 2 if value in earlier else 1
            raise MalformedPage(
                sentence(
                    "{place}: it leads back to page {number}: the pages loop",
                    place=place,
                    number=number,
                )
            )

    # Requests.

    def _request(self, chain: int, pages: Sequence[Entry], value: str) -> Request:
        """Return the request for the page after `pages`.

        Args:
            chain: Which address, from 0.
            pages: Its pages so far.
            value: The address, or the cursor as JSON, that the last one gave; or empty.
        """
        settings, url = self.settings, self.settings.addresses[chain]
        given = self._position(pages, value)
        headers, body = dict(settings.headers), b""
        if settings.method == "POST":
            headers = {"Content-Type": "application/json"} | headers
            body = dump(_filled(settings.body, given))
            given = {}
        url = value if settings.next and value else with_params(url, {**settings.params, **given})
        several = len(settings.addresses) > 1
        number = f"page {len(pages) + 1}"
        return Request(
            f"address {chain + 1}, {number}" if several else number,
            url,
            headers,
            accept=(_OK, *_NO_SUCH_PAGE) if pages and self._is_short(pages[-1]) else (_OK,),
            method=settings.method,
            body=body,
        )

    def _position(self, pages: Sequence[Entry], value: str) -> dict[str, Any]:
        """Return the parameters, or paths into the body, that say which page is wanted."""
        settings = self.settings
        given: dict[str, Any] = {}
        if settings.size_param:
            given[settings.size_param] = settings.page_size
        if settings.page:
            given[settings.page] = settings.first_page + len(pages)
        if settings.offset:
            size = settings.page_size
            given[settings.offset] = len(pages) * size if size else sum(map(_rows, pages))
        if settings.cursor and value:
            given[settings.cursor_param] = msgspec.json.decode(value)
        return given

    def _place(self, id_: str) -> str:
        """Return how messages name a page."""
        chain, number = _numbers(id_)
        url = redact(self.settings.addresses[chain])
        return sentence("page {number} of {url}", number=number, url=url)


def _rows(entry: Entry) -> int:
    return entry.records + entry.bad


def _total(entry: Entry) -> int | None:
    return entry.matches if entry.total is None else entry.total


def _numbers(id_: str) -> tuple[int, int]:
    """Return which address a request's id names, from 0, and which of its pages, from 1."""
    match = _ID.fullmatch(id_)
    assert match is not None  # noqa: S101  `_request` wrote it
    return int(match[1] or 1) - 1, int(match[2])


def _chain(entries: Sequence[Entry]) -> tuple[int, Sequence[Entry]]:
    """Return which address was asked last, and its pages."""
    chain, number = _numbers(entries[-1].id)
    return chain, entries[-number:]


def _placed(row: Line | Bad, id_: str) -> Line | Bad:
    return row._replace(place=f"{id_}{row.place}") if isinstance(row, Bad) else row


def _filled(body: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return `body` with the values of the paths `given`."""
    body = deepcopy(body)
    for path, value in given.items():
        *steps, name = path.split(".")
        place = body
        for step in steps:
            place = place.setdefault(step, {})
        place[name] = value
    return body
