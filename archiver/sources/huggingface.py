"""The source ``huggingface``: the most downloaded models, all, or those of one author or task."""

from __future__ import annotations

import re
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import quote, urlencode

import msgspec

from archiver.errors import MalformedPage, SourceError
from archiver.formats.json_format import json_text
from archiver.language import sentence, stored
from archiver.records.jsontext import UNREADABLE, plain
from archiver.records.model import Bad
from archiver.sources import ids
from archiver.sources.model_record import DEFAULTS, first_paragraph, model_record
from archiver.sources.protocol import Fate, Parsed, Source, own_rate
from archiver.transport import Rate, Request, Site, next_link, redact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from archiver.records.model import Json, Record
    from archiver.sources.ledger import Kind, Ledger
    from archiver.transport import Page

PAGE: Final = 1000
"""Models on a page, the maximum of the hub."""
EXPAND: Final = (
    *("author", "createdAt", "lastModified", "sha", "downloads", "likes", "pipeline_tag"),
    *("library_name", "tags", "gated", "safetensors"),
)
"""Fields that the listing requests; with ``sha`` no detail call is needed for the version."""
_WINDOW_S: Final = 300.0
_ANONYMOUS, _WITH_TOKEN = 500, 1000
"""Requests in `_WINDOW_S` seconds (the hub's published quotas)."""
_BURST: Final = 20
_LAST: Final = stored("a page without a next one")
_FILTERS: Final = ("author", "pipeline_tag", "search")
_LICENSE: Final = "license:"
_OK, _UNAUTHORIZED, _FORBIDDEN = 200, 401, 403
_GONE: Final = "RepoNotFound"
_DISABLED: Final = "Access to this resource is disabled."
_WRONG_TOKEN: Final = "Invalid credentials in Authorization header"  # noqa: S105  no secret
"""Errors that the official client tells apart; a wrong token says nothing about a model."""
_FRACTION = re.compile(r"\.\d+(?=Z$)", re.ASCII)
_ID = re.compile(r"[\w.-]{1,200}(/[\w.-]{1,200})?", re.ASCII)


class HuggingFaceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``type = "huggingface"`` reads.

    Attributes:
        endpoint: Address of the hub.
        token_env: Environment variable that holds a token; empty: the official client's one.
        rate: Requests in a second; 0: as the hub's quotas say, and no limit for a hub on this
            machine.
        scope: ``top``: the most downloaded models; ``all``: every model.
        top: Size of the top.
        author: List this author's models instead.
        pipeline_tag: List the models for this task instead.
        search: List the results of this search instead.
        ids: List exactly these models instead; or the path of a list of pins.
        enrich: What detail calls add: ``description`` (``version`` comes with the listing).
        enrich_budget: Largest number of records with detail calls in one run.
    """

    endpoint: str = "https://huggingface.co"
    token_env: str = ""
    rate: float = 0
    scope: Literal["top", "all"] = "top"
    top: int = 10_000
    author: str = ""
    pipeline_tag: str = ""
    search: str = ""
    ids: tuple[str, ...] | str = ()
    enrich: tuple[Literal["version", "description"], ...] = ()
    enrich_budget: int = 500

    def __post_init__(self) -> None:
        if self.top < 1 or self.rate < 0:
            raise ValueError(sentence("top and rate are positive numbers"))
        if self.ids and (self.filters or self.scope == "all"):
            raise ValueError(
                sentence(
                    "only one of {value} can be given",
                    value=", ".join([*self.filters, "ids", "scope"]),
                )
            )

    @property
    def filters(self) -> dict[str, str]:
        """The filters that are set."""
        return {name: getattr(self, name) for name in _FILTERS if getattr(self, name)}


class _Safetensors(msgspec.Struct):
    total: int | None = None


class _Row(msgspec.Struct, rename="camel"):
    id: str
    downloads: int | None = None
    likes: int | None = None
    created_at: str | None = None
    last_modified: str | None = None
    sha: str | None = None
    pipeline_tag: str | None = msgspec.field(default=None, name="pipeline_tag")
    library_name: str | None = msgspec.field(default=None, name="library_name")
    tags: list[str] | None = None
    gated: bool | str | None = None
    safetensors: _Safetensors | None = None


class _Known(msgspec.Struct):
    id: str


class _Error(msgspec.Struct):
    error: str


_rows = msgspec.json.Decoder(list[_Row])
_anything = msgspec.json.Decoder(list[Any])


class HuggingFace(Source):
    """Lists Hugging Face by ``GET /api/models`` and its cursors.

    By date of creation the cursor is keyed by the id of the database: the walk neither skips
    nor repeats while models come and go. The hub announces no total; the end is the page
    without a next one.
    """

    Settings = HuggingFaceSettings
    defaults = DEFAULTS
    variables = {"endpoint": ("HF_ENDPOINT",)}  # noqa: RUF012  read only
    token_variable = "HF_TOKEN"  # noqa: S105  the name of a variable
    resumable = True

    def __init__(self, settings: HuggingFaceSettings, *, base: Path) -> None:
        """Store the settings."""
        super().__init__(settings, base=base)
        self.endpoint = settings.endpoint.rstrip("/")
        top = settings.scope == "top" and not (settings.filters or settings.ids)
        self.kind: Kind = "window" if top else "complete"
        self.overlapping = bool(settings.ids)  # two ids may have become one

    @cached_property
    def watched(self) -> tuple[str, ...]:
        """The exact ids that the settings name."""
        given = self.settings.ids
        return ids.named(given, self.base, valid=_is_id) if given else ()

    def _single(self) -> list[Request]:
        expand = urlencode([("expand[]", name) for name in EXPAND])
        return [self._request(f"{ids.ID}{key}", key, f"?{expand}") for key in self.watched]

    def _request(self, name: str, key: str, query: str = "") -> Request:
        """Return the request for one model's own entry; of a renamed one it redirects."""
        url = f"{self.endpoint}/api/models/{quote(key)}{query}"
        return Request(name, url, accept=(200, 401, 403, 404))

    def plan(self, ledger: Ledger) -> Sequence[Request]:
        """Return the first page, each page leads to the next; or the requests for exact ids."""
        if self.watched:
            return ids.unanswered(self._single(), ledger)
        return () if ledger.entries else (Request("page 1", self._first()),)

    def _first(self) -> str:
        by_downloads = self.kind == "window"
        wanted = {
            **self.settings.filters,
            "limit": str(min(PAGE, self.settings.top) if by_downloads else PAGE),
            "sort": "downloads" if by_downloads else "createdAt",
            "direction": "-1" if by_downloads else "1",
        }
        expand = [("expand[]", name) for name in EXPAND]
        return f"{self.endpoint}/api/models?{urlencode([*wanted.items(), *expand])}"

    def parse(self, page: Page) -> Parsed:
        """Return the models on a page, and the next one.

        Raises:
            MalformedPage: It is no array, empty before the end, or in another order.
        """
        if page.request.id.startswith(ids.ID):
            return ids.parsed(page, _fate(page), partial(_single_record, page))
        place = redact(page.request.url)
        rows = _read(page, place)
        url = next_link(page)
        if url is not None and not rows:
            raise MalformedPage(
                sentence("{place}: the page is empty, but there is a next one", place=place)
            )
        if url == page.request.url:
            raise MalformedPage(sentence("{place}: the next page is the same page", place=place))
        number = int(page.request.id.partition(" ")[2])
        end = _LAST if url is None else ""
        room = self.settings.top - (number - 1) * PAGE
        if self.kind == "window" and (len(rows) > room or (url and room <= PAGE)):
            rows, url, end = (
                rows[:room],
                None,
                stored("the top {top:,} by downloads", top=self.settings.top),
            )
        if self.kind == "complete":
            _refuse_disorder(rows, place)
        following = () if url is None else (Request(f"page {number + 1}", url),)
        return Parsed(_records(rows, page.request.id), next=following, end=end)

    def end(self, ledger: Ledger) -> str:
        """Return how the end was recognised; a hub without models is refused.

        Raises:
            SourceError: The only page was empty.
        """
        if self.watched:
            return ids.end(self._single(), ledger)
        if not ledger.received and not self.settings.filters:
            raise SourceError(sentence("{endpoint} lists no models", endpoint=self.endpoint))
        return ledger.end

    def covered(self, ledger: Ledger) -> Kind:
        """Return what the listing covers: a top that ends with the hub is all of the hub."""
        return "complete" if ledger.end == _LAST else self.kind

    def site(self, token: str) -> Site:
        """Return the published quota as a rate limit, and the token."""
        quota = Rate(_WITH_TOKEN if token else _ANONYMOUS, _WINDOW_S, _BURST)
        rate = own_rate(self.endpoint, self.settings.rate, quota)
        return Site(self.endpoint, rate, {"Authorization": f"Bearer {token}"} if token else {})

    def confirm(self, key: str) -> Request | None:
        """Return the request for the model's own entry."""
        return self._request(f"confirm {key}", key) if _is_id(key) else None

    def confirmed(self, page: Page) -> Fate:
        """Return the status of the model.

        Deleted and private ones answer 401 to a client without token, 404 to one with; so does
        an id that never existed. A refusal that may have another reason says nothing.
        """
        return _fate(page)

    def details(self, key: str) -> Sequence[Request]:
        """Return the request for the README, if the settings ask for descriptions."""
        if "description" not in self.settings.enrich or not _is_id(key):
            return ()
        url = f"{self.endpoint}/{quote(key)}/resolve/main/README.md"
        return (Request(f"description {key}", url, accept=(200, 401, 403, 404)),)

    def detailed(self, page: Page) -> Mapping[str, Json]:
        """Return the first paragraph of the README."""
        text = page.body.decode(errors="replace") if page.status == _OK else ""
        return {"description": first_paragraph(text)}

    def link(self, key: str) -> str:
        """Return the model's page on the hub."""
        return f"{self.endpoint}/{quote(key)}"


def _is_id(text: str) -> bool:
    """Tell whether `text` is ``name`` or ``owner/name``, and no step of a path."""
    return bool(_ID.fullmatch(text)) and not {*text.split("/")} & {".", ".."}


def _fate(page: Page) -> Fate:
    if page.status == _OK:
        key = page.request.id.partition(" ")[2]
        try:
            found = msgspec.json.decode(page.body, type=_Known).id
        except UNREADABLE:
            return Fate("unknown")
        return Fate("listed") if found == key else Fate("gone", "renamed", found)
    code, message = page.headers.get("x-error-code", ""), _message(page)
    if code == "GatedRepo":
        return Fate("gone", "gated")
    if page.status == _FORBIDDEN and message == _DISABLED:
        return Fate("gone", "disabled")
    refused = page.status == _UNAUTHORIZED and message not in ("", _WRONG_TOKEN)
    return (
        Fate("gone", stored("deleted or private")) if code == _GONE or refused else Fate("unknown")
    )


def _message(page: Page) -> str:
    """Return the error of an answer, in the hub's words; empty: it has none."""
    if "x-error-message" in page.headers:
        return page.headers["x-error-message"]
    try:
        return msgspec.json.decode(page.body, type=_Error).error
    except UNREADABLE:
        return ""


def _single_record(page: Page) -> Record | Bad:
    return _record_of(msgspec.json.decode(page.body), page.request.id)


def _read(page: Page, place: str) -> list[Any]:
    """Return the rows: typed if all are valid, otherwise untyped."""
    try:
        return _rows.decode(page.body)
    except UNREADABLE:
        pass
    try:
        return _anything.decode(json_text(page.body).body)
    except UNREADABLE as error:
        raise MalformedPage(
            sentence("{place}: not a list of models: {plain}", place=place, plain=plain(error))
        ) from error


def _records(rows: Sequence[Any], place: str) -> Iterator[Record | Bad]:
    for number, row in enumerate(rows):
        yield _record_of(row, f"{place}/{number}")


def _record_of(row: Any, place: str) -> Record | Bad:
    try:
        return _record(row if isinstance(row, _Row) else msgspec.convert(row, _Row))
    except (msgspec.ValidationError, ValueError) as error:
        known = row.get("id") if isinstance(row, dict) else None
        return Bad(place, str(error), known if isinstance(known, str) else "")


def _record(row: _Row) -> Record:
    tags = row.tags or []
    license_ = next((tag[len(_LICENSE) :] for tag in tags if tag.startswith(_LICENSE)), None)
    return model_record(
        id=row.id,
        name=row.id.rpartition("/")[2],
        tasks=[row.pipeline_tag] if row.pipeline_tag else None,
        params=row.safetensors.total if row.safetensors else None,
        downloads=row.downloads,
        likes=row.likes,
        version=row.sha,
        license=license_,
        tags=tags,
        library=row.library_name,
        gated=row.gated,
        release_date=_seconds(row.created_at),
        last_modified=_seconds(row.last_modified),
    )


def _seconds(moment: str | None) -> str | None:
    """Return a time without its fraction of a second."""
    return _FRACTION.sub("", moment) if moment else None


def _refuse_disorder(rows: Sequence[Any], place: str) -> None:
    """Refuse a page that is not sorted by creation: its cursor would skip models."""
    created = [row.created_at or "" for row in rows if isinstance(row, _Row)]
    if created != sorted(created):
        raise MalformedPage(
            sentence("{place}: the models are not sorted by createdAt as requested", place=place)
        )
