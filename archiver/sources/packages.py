"""What indexes of packages share: the whole index, or exact packages, one document each."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal
from urllib.parse import quote

import msgspec

from archiver.language import stored
from archiver.records.jsontext import UNREADABLE
from archiver.sources import ids
from archiver.sources.documents import ABSENT, FOUND, PerSecond, polite
from archiver.sources.protocol import Fate, Source
from archiver.transport import Request

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping, Sequence

    from archiver.records.model import Json, Record
    from archiver.sources.ledger import Ledger
    from archiver.sources.protocol import Parsed
    from archiver.transport import Page, Site


class PackageSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every index of packages reads.

    Attributes:
        ids: List exactly these packages instead; or the path of a list of pins.
        rate: Requests a second.
        enrich: What detail calls add to packages of the whole index.
        enrich_budget: Largest number of packages with detail calls in one run.
    """

    ids: tuple[str, ...] | str = ()
    rate: PerSecond = 0
    enrich: tuple[Literal["version", "description", "license"], ...] = ()
    enrich_budget: int = 500


class Packages(Source):
    """Lists an index of packages; each package has a document of its own, or 404.

    Attributes:
        name: What the name of a package looks like.
    """

    name: ClassVar[re.Pattern[str]]

    @property
    @abstractmethod
    def places(self) -> tuple[str, ...]:
        """The addresses that are asked."""

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

    @classmethod
    def normal(cls, name: str) -> str:
        """Return the one spelling of `name` that the index knows."""
        return name

    @cached_property
    def watched(self) -> tuple[str, ...]:
        """The exact packages that the settings name."""
        given = self.settings.ids
        found = ids.named(given, self.base, valid=self._is_name) if given else ()
        return tuple(dict.fromkeys(map(self.normal, found)))

    def _is_name(self, text: str) -> bool:
        """Tell whether `text` is the name of a package, and no step of a path."""
        return bool(self.name.fullmatch(text)) and not {*text.split("/")} & {".", ".."}

    def sites(self, token: str) -> tuple[Site, ...]:  # noqa: ARG002  they take none
        """Return the addresses that are asked, with a polite pace."""
        return tuple(polite(url, self.settings.rate) for url in self.places)

    def site(self, token: str) -> Site:
        """Return the first of the `sites`."""
        return self.sites(token)[0]

    def plan(self, ledger: Ledger) -> Sequence[Request]:
        """Return the next requests for the index, or for the exact packages."""
        return ids.unanswered(self._single(), ledger) if self.watched else self.listing(ledger)

    def _single(self) -> list[Request]:
        return [self._request(f"{ids.ID}{name}", name) for name in self.watched]

    def _request(self, id_: str, name: str) -> Request:
        return Request(id_, self.address(name), accept=(FOUND, ABSENT))

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
        return self._request(f"confirm {key}", key) if self._is_name(key) else None

    def confirmed(self, page: Page) -> Fate:
        """Return the status of a package: it is listed where its document names it."""
        if page.status != FOUND:
            return Fate("gone", stored("deleted"))
        try:
            found = self.package(page.body).get("name")
        except UNREADABLE:
            return Fate("unknown")
        return Fate("listed" if found == page.request.id.partition(" ")[2] else "unknown")

    def details(self, key: str) -> Sequence[Request]:
        """Return the request for the document of a package, if the settings ask for details."""
        wanted = self.settings.enrich and self._is_name(key)
        return (self._request(f"details {key}", key),) if wanted else ()

    def detailed(self, page: Page) -> Mapping[str, Json]:
        """Return the fields that the settings ask for; of a package that is gone they are unknown.

        An answer that cannot be read says nothing.
        """
        try:
            found = self.package(page.body) if page.status == FOUND else {}
        except UNREADABLE:
            return {}
        return {field: found.get(field) for field in self.settings.enrich}


def escaped(name: str) -> str:
    """Return a name as one step of a path."""
    return quote(name, safe="@")
