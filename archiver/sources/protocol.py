"""The protocol of a source: it plans requests and parses pages, and never touches the network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple
from urllib.parse import urlsplit

import msgspec

from archiver.errors import ConfigError
from archiver.language import sentence
from archiver.records.representation import short
from archiver.transport import Rate, Request

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from archiver.records.model import Bad, Json, Line, Record
    from archiver.sources.ledger import Kind, Ledger
    from archiver.transport import Page, Secret, Site

_HERE = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Parsed:
    """What one page means.

    Attributes:
        records: Its records: plain mappings, lines that are canonical already, or `Bad` for what
            stood in a record's place and is not one. May be an iterator; it is read once.
        total: Number of records in the whole listing, if the page announces it.
        matches: Number of records that match this page's own query, where a listing combines
            several queries (slices).
        next: Requests that the page leads to; sent before the source plans again.
        end: How the page shows that it is the last one; empty while there is more.
        facts: What else `Source.plan` must know of the page, in the source's own words.
        mark: Newest change on the page, as ``YYYY-MM-DDTHH:MM:SSZ``, or its number in a feed, with
            zeros before it, twenty digits in all; empty: unknown.
        notes: What the reader of the run report should know of the page; complete once its
            records are read.
    """

    records: Iterable[Record | Line | Bad]
    total: int | None = None
    matches: int | None = None
    next: tuple[Request, ...] = ()
    end: str = ""
    facts: tuple[str, ...] = ()
    mark: str = ""
    notes: Sequence[str] = ()

    __repr__ = short


class Fate(NamedTuple):
    """What a source says about one key that its listing lacks.

    Attributes:
        state: ``listed``: it is there after all; ``gone``; or ``unknown``: the answer does not
            say.
        cause: Why it is gone, in a few words, such as ``deleted or private``; or why that is
            unknown.
        now: The key under which the record is found now, if it was renamed; else empty.
    """

    state: Literal["listed", "gone", "unknown"]
    cause: str = ""
    now: str = ""

    def __repr__(self) -> str:
        return short(self)


def own_rate(endpoint: str, rate: float, usual: Rate) -> Rate | None:
    """Return the rate limit of a hub; None: no limit.

    Args:
        endpoint: Its address; a hub on this machine needs no protection.
        rate: Requests a second in the settings; 0: not set.
        usual: What the hub publishes, or a polite default.
    """
    if rate:
        return Rate(rate, burst=usual.burst)
    return None if urlsplit(endpoint).hostname in _HERE else usual


class NoSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of a source that has none."""


class Source(ABC):
    """One kind of catalogue.

    Only `plan` and `parse` must be written; everything else has a default.

    Attributes:
        Settings: What a table ``[sources.NAME]`` of this type may hold besides what every
            source has; with ``forbid_unknown_fields``, so that mistakes are reported.
        defaults: Values of the settings that every source has (``key``, ``metrics``, ``sets``, …)
            where the table does not set them.
        variables: Own setting to the environment variables that give its value where the table
            does not, the first that is set and not empty.
        token_variable: Environment variable that holds the token where ``token_env`` of the
            table names none; used only with the endpoint that the table does not change.
        revision: Field that differs where a record changed: then it gets new details.
        kind: What its listing is meant to cover; see `covered`.
        confirmations: Complete listings in a row that must lack a record before it is removed.
        conditional: Whether a first page that was not modified means that nothing was.
        resumable: Whether an interrupted listing continues where it stopped.
        overlapping: Whether its queries overlap, so that records repeat by design.
        alike: Whether two pages in a row may be the same.
        in_flight: Number of concurrent requests.
        drift: Share by which the number of records may differ from the announced total, because
            the catalogue changes while it is listed; 0: only repeated records explain a
            difference.
        full_every: How old the last full listing may be while only changes are listed.
    """

    Settings: ClassVar[type[msgspec.Struct]] = NoSettings
    defaults: ClassVar[Mapping[str, Json]] = {}
    variables: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    token_variable: ClassVar[str] = ""
    revision: ClassVar[str] = "last_modified"
    resumable: ClassVar[bool] = False
    conditional: bool = True
    overlapping: bool = False
    alike: bool = False
    kind: Kind = "complete"
    confirmations: int = 2
    in_flight: int = 1
    drift: float = 0.0
    full_every: timedelta = timedelta(days=7)

    def __init__(self, settings: Any, *, base: Path) -> None:
        """Store the `settings`, an instance of `Settings`.

        Args:
            settings: The table of archiver.toml, checked.
            base: Folder of archiver.toml; relative paths start there.
        """
        self.settings = settings
        self.base = base

    @property
    def watched(self) -> tuple[str, ...]:
        """The keys that it lists, where the settings name exact ones; other records have left.

        Raises:
            ConfigError: The settings name none.
        """
        return ()

    @abstractmethod
    def plan(self, ledger: Ledger) -> Sequence[Request]:
        """Return the next requests, given what is known so far; none: the listing is finished.

        Called when every planned request, and every one that a page led to, is answered. Depends
        on nothing but the ledger, so that a listing can continue in another process.
        """

    @abstractmethod
    def parse(self, page: Page) -> Parsed:
        """Return what `page` means.

        Raises:
            MalformedPage: It is not what the protocol promises; may be raised later, while
                the records are read.
        """

    def end(self, ledger: Ledger) -> str:
        """Return how the end of a finished listing was recognised; empty: it was not.

        Raises:
            SourceError: The listing is not complete; the message names what is missing.
        """
        return ledger.end

    def covered(self, ledger: Ledger) -> Kind:  # noqa: ARG002  most sources know it beforehand
        """Return what a finished listing covers: a window that showed everything is complete."""
        return self.kind

    def site(self, token: str) -> Site | None:  # noqa: ARG002  most sources have none
        """Return the origin of the hub, with its rate limit and the headers that send the token.

        Args:
            token: The secret; empty: none.
        """
        return None

    def sites(self, token: str) -> tuple[Site, ...]:
        """Return every origin that it asks, as `site` does; most sources ask one."""
        site = self.site(token)
        return () if site is None else (site,)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What else is sent to its `sites`, by the environment variables that hold it."""
        return ()

    def changed_since(self, mark: str) -> Source | None:  # noqa: ARG002  most sources cannot
        """Return a source that lists only what changed since `mark`; None: it cannot.

        Args:
            mark: The newest change that is known; see `Parsed`.
        """
        return None

    def confirm(self, key: str) -> Request | None:  # noqa: ARG002  most sources cannot
        """Return the request for the status of `key`; None: the source cannot tell."""
        return None

    def confirmed(self, page: Page) -> Fate:
        """Return what the answer to a request of `confirm` means."""
        raise NotImplementedError

    def details(self, key: str) -> Sequence[Request]:  # noqa: ARG002  most sources have none
        """Return the requests for more fields of one record that the settings ask for; or none."""
        return ()

    def detailed(self, page: Page) -> Mapping[str, Json]:
        """Return the fields that the answer to a request of `details` adds to the record.

        A field with the value None is unknown and is removed.
        """
        raise NotImplementedError

    def link(self, key: str) -> str:  # noqa: ARG002  most sources have none
        """Return the address of a record's web page; empty: it has none."""
        return ""


class Given(Source):
    """``type = "class"``: a class in Python with its own ``fetch_latest_models`` lists it."""

    defaults = {"key": ["id"]}  # noqa: RUF012  read only

    def plan(self, ledger: Ledger) -> Sequence[Request]:  # noqa: ARG002  there is nothing to plan
        """Refuse: only the class that lists the records can."""
        raise ConfigError(
            sentence("a class in Python lists this source"),
            hint=sentence("call its take_snapshot()"),
        )

    def parse(self, page: Page) -> Parsed:
        """Take no page: none was ever requested."""
        raise NotImplementedError
