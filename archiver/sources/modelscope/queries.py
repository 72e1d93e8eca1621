"""Questions to ModelScope's listing: which models, in which order, which page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote, urlencode

from archiver.transport import Request

if TYPE_CHECKING:
    from typing import Self

PATH: Final = "/openapi/v1/models"
FILTERS: Final = ("task", "library", "license", "model_type", "custom_tag")
"""Parameters ``filter.…`` (ModelScope OpenAPI 1.1.0, listModels)."""


class Reach(NamedTuple):
    """How far one question reaches.

    Attributes:
        page: Models on a page; the OpenAPI refuses more than 50.
        window: ``page_number * page_size`` may not exceed it.
    """

    page: int = 50
    window: int = 3000

    def pages(self, matches: int) -> int:
        """Return how many pages of so many matches can be asked for."""
        return -(-min(matches, self.window) // self.page)


class Query(NamedTuple):
    """A question: every model for which all of this holds; empty means any.

    Attributes:
        search: A part of the id, or of owner or name apart: hubs differ.
        owner: The owner, exactly.
        filters: Name and value of ``filter.…``, in the order in which they were added.
        sort: ``default``, ``downloads``, ``likes`` or ``last_modified``, all falling.
    """

    search: str = ""
    owner: str = ""
    filters: tuple[tuple[str, str], ...] = ()
    sort: str = "default"

    @property
    def name(self) -> str:
        """The question in a few words, unique; stands in the ledger."""
        words = [f"search={self.search}"] if self.search else []
        words += [f"owner={self.owner}"] if self.owner else []
        words += [f"{name}={value}" for name, value in self.filters]
        words += [f"by {self.sort}"] if self.sort != "default" else []
        return " ".join(words) or "everything"

    @property
    def is_everything(self) -> bool:
        """Whether every model matches."""
        return not (self.search or self.owner or self.filters)

    def narrowed(self, name: str, value: str) -> Self:
        """Return the question with one more filter."""
        return self._replace(filters=(*self.filters, (name, value)))

    def request(self, endpoint: str, reach: Reach, page: int, note: str = "") -> Request:
        """Return the request for one page.

        Args:
            endpoint: Address of the hub.
            reach: Page and window.
            page: From 1.
            note: Tells a question that is asked again from the first time.
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
    """Return the name of the question and the page of a request's id."""
    name, _, page = request_id.removesuffix(" again").rpartition(" p")
    return name, int(page)
