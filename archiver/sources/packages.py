"""What indexes of packages share: the whole index, or exact packages, one document each."""

from __future__ import annotations

import re
from abc import abstractmethod
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Final, Literal, TypeVar
from urllib.parse import quote

import msgspec

from archiver.errors import MalformedPage
from archiver.language import sentence, stored
from archiver.records.jsontext import UNREADABLE, plain
from archiver.sources import ids
from archiver.sources.protocol import Fate, Source
from archiver.transport import Rate, Request, redact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archiver.records.model import Json, Record
    from archiver.sources.ledger import Ledger
    from archiver.sources.protocol import Parsed
    from archiver.transport import Page

_T = TypeVar("_T")
_OK: Final = 200
RATE: Final = Rate(4)
"""Both registries ask for few requests in a row, and publish no number."""
_EVERY: Final = re.compile(r"[1-9]\d{0,3}[dh]", re.ASCII)


class PackageSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every index of packages reads.

    Attributes:
        ids: List exactly these packages instead; or the path of a list of pins.
        rate: Requests a second; 0: four, and no limit for a server on this machine.
        enrich: What detail calls add: ``version``, ``description``, ``license``.
        enrich_budget: Largest number of packages with detail calls in one run.
    """

    ids: tuple[str, ...] | str = ()
    rate: float = 0
    enrich: tuple[Literal["version", "description", "license"], ...] = ()
    enrich_budget: int = 500

    def __post_init__(self) -> None:
        if self.rate < 0:
            raise ValueError(sentence("rate is a number of requests a second, 0 or more"))


class Packages(Source):
    """Lists an index of packages; each package has a document of its own, or 404.

    Attributes:
        name: What the name of a package looks like.
    """

    name: ClassVar[re.Pattern[str]]
    resumable = True

    @cached_property
    def watched(self) -> tuple[str, ...]:
        """The exact packages that the settings name."""
        given = self.settings.ids
        found = ids.named(given, self.base, valid=self.is_name) if given else ()
        return tuple(dict.fromkeys(map(self.normal, found)))

    @classmethod
    def is_name(cls, text: str) -> bool:
        """Tell whether `text` is the name of a package, and no step of a path."""
        return bool(cls.name.fullmatch(text)) and not {*text.split("/")} & {".", ".."}

    @classmethod
    def normal(cls, name: str) -> str:
        """Return the one spelling of `name` that the index knows."""
        return name

    @abstractmethod
    def address(self, name: str) -> str:
        """Return where the document of a package is."""

    @abstractmethod
    def package(self, body: bytes) -> Record:
        """Return the record that the document of a package describes; or raise `UNREADABLE`."""

    @abstractmethod
    def listing(self, ledger: Ledger) -> Sequence[Request]:
        """Return the next requests for the whole index; see `plan`."""

    @abstractmethod
    def listed(self, page: Page) -> Parsed:
        """Return what a page of the whole index means; see `parse`."""

    def plan(self, ledger: Ledger) -> Sequence[Request]:
        """Return the next requests for the index, or for the exact packages."""
        return ids.unanswered(self._single(), ledger) if self.watched else self.listing(ledger)

    def _single(self) -> list[Request]:
        return [self._request(f"{ids.ID}{name}", name) for name in self.watched]

    def _request(self, id_: str, name: str) -> Request:
        return Request(id_, self.address(name), accept=(_OK, 404))

    def parse(self, page: Page) -> Parsed:
        """Return what a page of the index, or the document of a package, means."""
        if not page.request.id.startswith(ids.ID):
            return self.listed(page)
        return ids.parsed(page, self.confirmed(page), lambda: self.package(page.body))

    def end(self, ledger: Ledger) -> str:
        """Return how the end was recognised; see `Source.end`."""
        return ids.end(self._single(), ledger) if self.watched else super().end(ledger)

    def confirm(self, key: str) -> Request | None:
        """Return the request for the document of a package."""
        return self._request(f"confirm {key}", key) if self.is_name(key) else None

    def confirmed(self, page: Page) -> Fate:
        """Return the status of a package: listed where its document names it."""
        if page.status != _OK:
            return Fate("gone", stored("deleted"))
        try:
            found = self.package(page.body).get("name")
        except UNREADABLE:
            return Fate("unknown")
        return Fate("listed") if found == page.request.id.partition(" ")[2] else Fate("unknown")

    def details(self, key: str) -> Sequence[Request]:
        """Return the request for the document of a package, if the settings ask for details."""
        wanted = self.settings.enrich and self.is_name(key)
        return (self._request(f"details {key}", key),) if wanted else ()

    def detailed(self, page: Page) -> Mapping[str, Json]:
        """Return the fields that the settings ask for; they are unknown where it has none."""
        try:
            found = self.package(page.body) if page.status == _OK else {}
        except UNREADABLE:
            return {}
        return {field: found.get(field) for field in self.settings.enrich}


def decoded(page: Page, shape: type[_T]) -> _T:
    """Return the document of a page.

    Raises:
        MalformedPage: It is none of this shape, or ends too early.
    """
    try:
        return msgspec.json.decode(page.body, type=shape, strict=False)
    except UNREADABLE as error:
        place = redact(page.request.url)
        raise MalformedPage(
            sentence("{redact}: {plain}", redact=place, plain=plain(error))
        ) from error


def known(**fields: Json) -> Record:
    """Return the record of these fields; what the index does not know stays absent."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], False)}


def escaped(name: str) -> str:
    """Return a name as one step of a path."""
    return quote(name, safe="@")


def period(text: str) -> timedelta:
    """Return how long ``7d`` or ``12h`` is.

    Raises:
        ValueError: It is like neither.
    """
    if not _EVERY.fullmatch(text):
        message = sentence('full_every is like "7d" or "12h", not {full_every!r}', full_every=text)
        raise ValueError(message)
    number = int(text[:-1])
    return timedelta(days=number) if text[-1] == "d" else timedelta(hours=number)
