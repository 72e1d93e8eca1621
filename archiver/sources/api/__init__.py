"""The source ``api``: any JSON catalogue that comes in pages.

Each address is a chain of pages. What a page says of the next one is kept in the ledger as facts;
from these alone the next request follows, in another process too.
"""

from __future__ import annotations

import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any, ClassVar, Final

import msgspec

from archiver.errors import MalformedPage, UnreadableSnapshot, reason
from archiver.formats import Text
from archiver.formats.json_format import json_text
from archiver.formats.packing import unpacked
from archiver.language import sentence, stored
from archiver.records.jsontext import UNREADABLE, dump, plain
from archiver.records.model import Bad
from archiver.records.text import clip, count
from archiver.sources.access import with_params
from archiver.sources.api.answer import Answer
from archiver.sources.api.settings import NEXT_LINK, NEXT_NONE, ApiSettings
from archiver.sources.api.walk import COUNTED, LAST, NEXT, Said, Walk, named, numbers, rows, total
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
_LONGEST: Final = 200
_DIGITS: Final = 18
"""Digits of the longest number of records."""
_NOTHING: Final = (None, "", False, msgspec.UNSET)


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
        self._walk = Walk()

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
        walk = self._walk = self._walk.along(ledger.entries)
        if walk.last is None:
            return (self._request(walk, ""),)
        said = self._after(walk, walk.last)
        if said.state == NEXT:
            return (self._request(walk, said.value),)
        more = walk.chain + 1 < len(self.settings.addresses)
        return (self._request(Walk(walk.chain + 1), ""),) if more else ()

    def end(self, ledger: Ledger) -> str:
        """Return how the last page was recognised."""
        walk = self._walk = self._walk.along(ledger.entries)
        return "" if walk.last is None else self._after(walk, walk.last).value

    def parse(self, page: Page) -> Parsed:
        """Return the records of a page, and what it says of the next one.

        Raises:
            MalformedPage: It is not what the settings promise.
        """
        id_ = page.request.id
        if page.status != _OK:
            words = stored("a short page, and none after it ({status})", status=page.status)
            return Parsed((), facts=Said(LAST, words))
        try:
            found = json_text(b"".join(unpacked((page.body,))[0]))
            answer = Answer(page.headers, found.body)
            self._refuse_errors(answer)
            records = [_placed(row, id_) for row in self._records(page, Text("json", found.body))]
        except (UnreadableSnapshot, MalformedPage) as error:
            raise MalformedPage(
                sentence("{place}: {error}", place=id_, error=reason(error)), hint=error.hint
            ) from error
        keys = [row.key for row in records if not isinstance(row, Bad)]
        said = self._said(page, answer)
        if said.state == LAST and next_link(page) is not None:
            raise MalformedPage(
                sentence(
                    "{place}: the settings take it for the last page, but its header Link names a "
                    "next one",
                    place=self._place(id_),
                ),
                hint=sentence('next = "link" follows that header'),
            )
        said = said._replace(repeats=str(len(keys) - len({*keys})))
        announced = self._announced(answer, self._place(id_)) if self.settings.total else None
        several = len(self.settings.addresses) > 1
        return Parsed(
            records,
            total=None if several else announced,
            matches=announced if several else None,
            facts=said,
            notes=(*found.notes, *self._unsaid(answer, id_, len(records))),
        )

    # What a page says.

    def _said(self, page: Page, answer: Answer) -> Said:
        settings, place = self.settings, self._place(page.request.id)
        more = settings.more and _value(answer, settings.more, place)
        if settings.more and not isinstance(more, bool):
            raise MalformedPage(
                sentence(
                    '{place}: neither true nor false at more "{path}"',
                    place=place,
                    path=settings.more,
                )
            )
        if more is False:
            return Said(LAST, stored("{path} is false", path=settings.more))
        if settings.page or settings.offset:
            return Said(NEXT if more else COUNTED)
        if settings.next == NEXT_NONE:
            return Said(LAST, stored("the only page"))
        if settings.next == NEXT_LINK:
            value = next_link(page)
        else:
            value = _value(answer, settings.next or settings.cursor, place)
        if value in _NOTHING:
            if more:
                raise MalformedPage(
                    sentence("{place}: it says that there is more, but not where", place=place)
                )
            return Said(LAST, stored("a page without a next one"))
        return Said(NEXT, self._read_next(value, page.request.url, place))

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
        except MalformedPage as error:
            raise MalformedPage(
                sentence("{place}: {error}", place=place, error=reason(error))
            ) from error
        except ValueError as error:
            raise MalformedPage(
                sentence(
                    "{place}: its next page is at another origin, {redact}",
                    place=place,
                    redact=redact(value),
                )
            ) from error
        return without_params(found, self.settings.params_env)

    def _unsaid(self, answer: Answer, id_: str, records: int) -> Iterator[str]:
        """Yield a note where a full first page lacks what would lead to a second one."""
        settings = self.settings
        place = {NEXT_LINK: "header:Link", NEXT_NONE: ""}.get(settings.next, settings.next)
        place = place or settings.cursor
        alone = settings.page_size is not None and records < settings.page_size
        proved = settings.total or settings.more or not place or not records or alone
        if numbers(id_)[1] == 1 and not proved and answer.at(place) is msgspec.UNSET:
            yield stored('nothing stands at "{path}": the first page is taken for all', path=place)

    def _announced(self, answer: Answer, place: str) -> int:
        path = self.settings.total
        value = _value(answer, path, place)
        if isinstance(value, str) and len(value) <= _DIGITS and re.fullmatch("[0-9]+", value):
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        raise MalformedPage(
            sentence('{place}: no whole number at total "{path}"', place=place, path=path)
        )

    def _refuse_errors(self, answer: Answer) -> None:
        """Refuse a partial answer to a GraphQL query (GraphQL specification, section 7.1)."""
        try:
            errors = answer.at("errors") if "query" in self.settings.body else None
        except UNREADABLE as error:
            raise MalformedPage(sentence("not JSON: {plain}", plain=plain(error))) from error
        if isinstance(errors, list) and errors:
            first = errors[0].get("message") if isinstance(errors[0], dict) else errors[0]
            words = clip(str(first), _LONGEST)
            raise MalformedPage(sentence("the source reports an error: {words}", words=words))

    # What follows from all pages of an address.

    def _after(self, walk: Walk, last: Entry) -> Said:
        """Return what comes after the last page of an address so far.

        Raises:
            MalformedPage: The pages contradict each other, or do not end.
        """
        place = self._place(last.id)
        said = Said(*last.facts)
        self._refuse_repetition(last, place)
        self._refuse_another_total(walk, last, place)
        if said.state == COUNTED:
            said = self._counted(walk, last, place)
        if said.state == LAST:
            self._refuse_difference(walk, last, place)
            return said
        if walk.back or said.value == self._first(walk.chain):
            raise MalformedPage(
                sentence(
                    "{place}: it leads back to page {number}: the pages loop",
                    place=place,
                    number=walk.back or 1,
                )
            )
        if self.settings.more and not said.value and not rows(last):
            raise MalformedPage(
                sentence("{place}: it is empty, but says that there is more", place=place)
            )
        if walk.number >= self.settings.max_pages:
            raise MalformedPage(
                sentence(
                    "{place}: more than {max_pages:,} pages",
                    place=place,
                    max_pages=self.settings.max_pages,
                ),
                hint=sentence("max_pages in archiver.toml allows more"),
            )
        return said

    def _counted(self, walk: Walk, last: Entry, place: str) -> Said:
        """Return what the number of records says of the next page."""
        announced = total(last)
        if announced is not None and walk.received >= announced:
            return Said(LAST, stored("the announced number of records"))
        if not rows(last):
            return Said(LAST, stored("an empty page"))
        if walk.before is not None and self._is_short(walk.before):
            raise MalformedPage(
                sentence(
                    "{place}: the page before it has {records}, page_size is {page_size:,}, and it "
                    "is not the last one",
                    place=place,
                    records=count(rows(walk.before), "record"),
                    page_size=self.settings.page_size,
                ),
                hint=sentence("set page_size to the number of records that the source sends"),
            )
        return Said(NEXT)

    def _is_short(self, entry: Entry) -> bool:
        """Return whether a page may be the last one, where no total is announced."""
        size = self.settings.page_size
        return size is not None and total(entry) is None and rows(entry) < size

    def _refuse_repetition(self, last: Entry, place: str) -> None:
        if last.records and not last.fresh:
            raise MalformedPage(
                sentence(
                    "{place}: it repeats records that came before, and has no new one", place=place
                ),
                hint=sentence("check the names of the parameters that lead to the next page"),
            )
        again = last.records - last.fresh - int(Said(*last.facts).repeats)
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

    def _refuse_another_total(self, walk: Walk, last: Entry, place: str) -> None:
        first, announced = walk.first_total, total(last)
        if None not in (first, announced) and first != announced and not self.drift:
            raise MalformedPage(
                sentence(
                    "{place}: it announces {last:,}, and the first page {first:,}",
                    place=place,
                    last=announced,
                    first=first,
                ),
                hint=sentence("run again; where the catalogue changes all the time, set drift"),
            )

    def _refuse_difference(self, walk: Walk, last: Entry, place: str) -> None:
        """Refuse one of several addresses with another number of records than it announces."""
        announced = last.matches
        if announced is not None and abs(walk.received - announced) > self.drift * announced:
            raise MalformedPage(
                sentence(
                    "{place}: announced {announced:,}, received {received:,}",
                    place=place,
                    announced=announced,
                    received=walk.received,
                )
            )

    # Requests.

    def _request(self, walk: Walk, value: str) -> Request:
        """Return the request for the page after those of `walk`.

        Args:
            walk: The pages of an address so far.
            value: The address, or the cursor as JSON, that the last one gave; or empty.
        """
        settings, url = self.settings, self.settings.addresses[walk.chain]
        given = self._position(walk, value)
        headers, body = dict(settings.headers), b""
        if settings.method == "POST":
            headers = {"Content-Type": "application/json"} | headers
            body = dump(_filled(settings.body, given))
            given = {}
        followed = settings.next and value
        probe = walk.last is not None and self._is_short(walk.last)
        return Request(
            named(walk.chain, walk.number + 1, several=len(settings.addresses) > 1),
            value if followed else with_params(url, {**settings.params, **given}),
            headers,
            accept=(_OK, *_NO_SUCH_PAGE) if probe else (_OK,),
            method=settings.method,
            body=body,
        )

    def _first(self, chain: int) -> str:
        """Return the address of the first page."""
        return self._request(Walk(chain), "").url

    def _position(self, walk: Walk, value: str) -> dict[str, Any]:
        """Return the parameters, or paths into the body, that say which page is wanted."""
        settings = self.settings
        given: dict[str, Any] = {}
        if settings.size_param:
            given[settings.size_param] = settings.page_size
        if settings.page:
            given[settings.page] = settings.first_page + walk.number
        if settings.offset:
            size = settings.page_size
            given[settings.offset] = walk.number * size if size else walk.received
        if settings.cursor and value:
            given[settings.cursor_param] = msgspec.json.decode(value)
        return given

    def _place(self, id_: str) -> str:
        """Return how messages name a page."""
        chain, number = numbers(id_)
        url = redact(self.settings.addresses[chain])
        return sentence("page {number} of {url}", number=number, url=url)


def _value(answer: Answer, path: str, place: str) -> Any:
    """Return what stands at `path`.

    Raises:
        MalformedPage: Something does, but it cannot be read.
    """
    try:
        return answer.at(path)
    except UNREADABLE as error:
        raise MalformedPage(
            sentence(
                '{place}: what stands at "{path}" cannot be read: {error}',
                place=place,
                path=path,
                error=plain(error),
            )
        ) from error


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
