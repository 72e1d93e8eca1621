"""The settings of ``type = "api"``, and what contradicts itself in them."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from archiver.errors import ConfigError
from archiver.language import sentence
from archiver.sources.access import Access, refuse_secret_in, refuse_unreadable
from archiver.transport.message import origin

Number: TypeAlias = Annotated[int, Meta(ge=1, description="a whole number from 1")]

PAGERS: Final = ("next", "cursor", "page", "offset")
NEXT_LINK: Final = "link"
NEXT_NONE: Final = "none"


class ApiSettings(Access, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What ``type = "api"`` reads, besides what is sent along (`Access`).

    Attributes:
        url: ``http://`` or ``https://``.
        urls: Several addresses instead, each with pages of its own; their records are united.
        method: ``GET``, or ``POST`` with a body.
        body: The body of a ``POST``, sent as JSON.
        records: Path of the records (``records.document``).
        key: Field or fields that identify a record.
        excluded: Names of members that are no records, where the path goes through an object.
        total: Place of the announced number of records; empty: there is none.
        next: ``link``: the header ``Link``; ``none``: each address is one page; or the place of
            the next page's address.
        cursor: Place of the cursor of the next page.
        cursor_param: Parameter that takes the cursor, or a path into the body.
        more: Place of the flag that says whether there is another page.
        page: Parameter that takes the number of the page, or a path into the body.
        first_page: The first page's number.
        offset: Parameter that takes the number of records before the page, likewise.
        page_size: Records on a page.
        size_param: Parameter that takes `page_size`, likewise.
        max_pages: More pages of one address are taken for a loop.
        drift: Share by which the number of records may differ from the announced one.
        rate: Requests a second; 0: four, and no limit for a server on this machine.
    """

    url: str = ""
    urls: tuple[str, ...] = ()
    method: Literal["GET", "POST"] = "GET"
    body: dict[str, Any] = {}  # noqa: RUF012  msgspec copies it
    records: str = "."
    key: str | tuple[str, ...] = ()
    excluded: tuple[str, ...] = msgspec.field(default=(), name="except")
    total: str = ""
    next: str = ""
    cursor: str = ""
    cursor_param: str = ""
    more: str = ""
    page: str = ""
    first_page: Annotated[int, Meta(ge=0, description="a whole number from 0")] = 1
    offset: str = ""
    page_size: Number | None = None
    size_param: str = ""
    max_pages: Number = 10_000
    drift: Annotated[float, Meta(ge=0, le=1, description="a number from 0 to 1")] = 0
    rate: Annotated[float, Meta(ge=0, description="a number from 0")] = 0

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses, one or several."""
        return self.urls or (self.url,)

    @property
    def taken(self) -> tuple[str, ...]:
        """The parameters, or paths into the body, that the pages set."""
        return tuple(filter(None, (self.cursor_param, self.page, self.offset, self.size_param)))

    def check(self) -> None:
        """Refuse settings that contradict each other.

        Raises:
            ConfigError: The first contradiction.
        """
        self._check_addresses()
        given = [name for name in PAGERS if getattr(self, name)]
        if len(given) != 1:
            raise ConfigError(
                sentence(
                    "exactly one of next, cursor, page and offset says how a page leads to the "
                    "next one; given: {given}",
                    given=", ".join(given) or sentence("none"),
                ),
                hint=sentence(
                    'next = "link" follows the header Link; next = "none": each address is one page'
                ),
            )
        needs = (
            ("cursor", self.cursor, "cursor_param", self.cursor_param),
            ("cursor_param", self.cursor_param, "cursor", self.cursor),
            ("size_param", self.size_param, "page_size", self.page_size),
            ("body", self.body, 'method = "POST"', self.method == "POST"),
        )
        for name, value, other, wanted in needs:
            if value and not wanted:
                raise ConfigError(sentence("{name} needs {other}", name=name, other=other))
        if self.more and self.next:
            raise ConfigError(
                sentence("more belongs to cursor, page and offset: next says it itself")
            )
        self.refuse_secrets()
        for name in self.taken:
            if name in {*self.params, *self.params_env}:
                raise ConfigError(
                    sentence("the parameter {name} is set by the pages, not by params", name=name)
                )
        if self.method == "POST":
            self._check_paths()

    def _check_addresses(self) -> None:
        if bool(self.url) == bool(self.urls):
            raise ConfigError(sentence("give either url or urls"))
        for url in self.addresses:
            refuse_unreadable(url)
            refuse_secret_in(url)
        if len({*self.addresses}) != len(self.addresses):
            raise ConfigError(sentence("urls names an address twice"))
        if self.secrets and len({*map(origin, self.addresses)}) > 1:
            raise ConfigError(
                sentence("urls lead to several origins, and a secret is sent to one only"),
                hint=sentence("make a source of each"),
            )

    def _check_paths(self) -> None:
        """Check that the paths into the body lead through tables."""
        for path in self.taken:
            place: Any = self.body
            for step in path.split(".")[:-1]:
                place = place.get(step, {})
                if not isinstance(place, dict):
                    raise ConfigError(
                        sentence("body: {step} of {path} is no table", step=step, path=path)
                    )
