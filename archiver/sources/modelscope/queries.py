"""Queries of ModelScope's listing, and the settings that name them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal, NamedTuple
from urllib.parse import quote, urlencode

import msgspec

from archiver.language import sentence
from archiver.transport import Request

if TYPE_CHECKING:
    from typing import Self

PATH: Final = "/openapi/v1/models"
FILTERS: Final = ("task", "library", "license", "model_type", "custom_tag")
"""Parameters ``filter.…`` (ModelScope OpenAPI 1.1.0, listModels)."""

LETTERS: Final = "etaoinsrlhdcumpfgybvwkxqjz0123456789-_."
"""Characters of names, the frequent ones first; others are used once they are seen."""
_EVERY = re.compile(r"([1-9]\d{0,3})([hd])", re.ASCII)


class Reach(NamedTuple):
    """How far one query reaches.

    Attributes:
        page: Models on a page; the OpenAPI refuses more than 50.
        window: ``page_number * page_size`` may not exceed it.
    """

    page: int = 50
    window: int = 3000

    def pages(self, matches: int) -> int:
        """Return how many pages of this many matches can be requested."""
        return -(-min(matches, self.window) // self.page)


class Query(NamedTuple):
    """A query: every model for which all of this holds; empty means any.

    Attributes:
        search: A part of the id, or of owner or name apart: hubs differ.
        owner: The owner, exactly.
        filters: Name and value of ``filter.…``, in the order in which they were added.
        sort: ``default``, ``downloads``, ``likes`` or ``last_modified``, all descending.
    """

    search: str = ""
    owner: str = ""
    filters: tuple[tuple[str, str], ...] = ()
    sort: str = "default"

    @property
    def name(self) -> str:
        """The query in a few words, unique; part of the request's id in the ledger."""
        words = [f"search={self.search}"] if self.search else []
        words += [f"owner={self.owner}"] if self.owner else []
        words += [f"{name}={value}" for name, value in self.filters]
        words += [sentence("by {sort}", sort=self.sort)] if self.sort != "default" else []
        return " ".join(words) or "everything"

    @property
    def is_everything(self) -> bool:
        """Whether every model matches."""
        return not (self.search or self.owner or self.filters)

    def narrowed(self, name: str, value: str) -> Self:
        """Return the query with one more filter."""
        return self._replace(filters=(*self.filters, (name, value)))

    def request(self, endpoint: str, reach: Reach, page: int, note: str = "") -> Request:
        """Return the request for one page.

        Args:
            endpoint: Address of the hub.
            reach: Page and window.
            page: From 1.
            note: Distinguishes a repeated request from the first one.
        """
        wanted = {
            "search": self.search,
            "owner": self.owner,
            **{f"filter.{name}": value for name, value in self.filters},
            "sort": self.sort,
            "page_number": page,
            "page_size": reach.page,
        }
        given = {name: value for name, value in wanted.items() if value != ""}
        address = f"{endpoint}{PATH}?{urlencode(given, quote_via=quote)}"
        return Request(f"{self.name} p{page}{note}", address)


def page_of(request_id: str) -> tuple[str, int]:
    """Return the name of the query and the page in a request's id."""
    name, _, page = request_id.removesuffix(" again").rpartition(" p")
    return name, int(page)


class ModelScopeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``type = "modelscope"`` reads.

    Attributes:
        endpoint: Address of the hub; a bare host means https.
        token_env: Environment variable that holds a token; empty: the official clients' one.
        rate: Requests in a second; 0: 4, and no limit for a hub on this machine.
        scope: ``top``: the 3,000 most downloaded models; ``all``: every model.
        owners: List these owners instead.
        tasks: List the models for these tasks instead.
        search: List the results of this search instead.
        ids: List exactly these models instead; or the path of a list of pins.
        drift: Share by which the number of models may differ from the announced total.
        website: Whether the website's own query may be used to find owners.
        incremental: Whether ``all`` lists only what changed, between two full listings.
        full_every: How often ``all`` is listed in full then, such as ``12h`` or ``7d``.
        enrich: What detail calls add: ``version``, ``description``.
        enrich_budget: Largest number of records with detail calls in one run.
    """

    endpoint: str = "https://modelscope.cn"
    token_env: str = ""
    rate: float = 0
    scope: Literal["top", "all"] = "top"
    owners: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    search: str = ""
    ids: tuple[str, ...] | str = ()
    drift: float = 0.001
    website: bool = True
    incremental: bool = False
    full_every: str = "7d"
    enrich: tuple[Literal["version", "description"], ...] = ()
    enrich_budget: int = 500

    def __post_init__(self) -> None:
        chosen = [name for name in ("owners", "tasks", "search", "ids") if getattr(self, name)]
        if len(chosen) + (self.scope == "all") > 1:
            raise ValueError(
                sentence("only one of {value} can be given", value=", ".join([*chosen, "scope"]))
            )
        if self.rate < 0:
            raise ValueError(sentence("rate is a number of requests a second, 0 or more"))
        if not 0 <= self.drift < 1:
            raise ValueError(sentence("drift is a share, from 0 to below 1"))
        if not _EVERY.fullmatch(self.full_every):
            raise ValueError(
                sentence(
                    'full_every is like "7d" or "12h", not {full_every!r}',
                    full_every=self.full_every,
                )
            )
        if self.incremental and self.scope != "all":
            raise ValueError(sentence('incremental = true needs scope = "all"'))

    @property
    def period(self) -> timedelta:
        """How old the last full listing may be."""
        number, unit = int(self.full_every[:-1]), self.full_every[-1]
        return timedelta(days=number) if unit == "d" else timedelta(hours=number)

    @property
    def queries(self) -> tuple[Query, ...]:
        """The queries that the settings name; none: the whole hub or its top."""
        return (
            *(Query(owner=owner) for owner in self.owners),
            *(Query(filters=(("task", task),)) for task in self.tasks),
            *((Query(search=self.search),) if self.search else ()),
        )
