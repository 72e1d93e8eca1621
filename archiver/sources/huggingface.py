"""The source ``huggingface``: the most downloaded models, all, or those of one author or task."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import quote, urlencode

import msgspec

from archiver.errors import MalformedPage, SourceError
from archiver.records.decoding import decoded
from archiver.records.jsontext import UNREADABLE, plain
from archiver.records.model import Bad
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
_LAST: Final = "a page without a next one"
_FILTERS: Final = ("author", "pipeline_tag", "search")
_LICENSE: Final = "license:"
_OK, _FORBIDDEN = 200, 403
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
    enrich: tuple[Literal["version", "description"], ...] = ()
    enrich_budget: int = 500

    def __post_init__(self) -> None:
        if self.top < 1 or self.rate < 0:
            raise ValueError("top and rate are positive numbers")

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
        top = settings.scope == "top" and not settings.filters
        self.kind: Kind = "window" if top else "complete"

    def plan(self, ledger: Ledger) -> Sequence[Request]:
        """Return the first page; each page leads to the next."""
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
        place = redact(page.request.url)
        rows = _read(page, place)
        url = next_link(page)
        if url is not None and not rows:
            raise MalformedPage(f"{place}: the page is empty, but there is a next one")
        if url == page.request.url:
            raise MalformedPage(f"{place}: the next page is the same page")
        number = int(page.request.id.partition(" ")[2])
        end = _LAST if url is None else ""
        room = self.settings.top - (number - 1) * PAGE
        if self.kind == "window" and (len(rows) > room or (url and room <= PAGE)):
            rows, url, end = rows[:room], None, f"the top {self.settings.top:,} by downloads"
        if self.kind == "complete":
            _refuse_disorder(rows, place)
        following = () if url is None else (Request(f"page {number + 1}", url),)
        return Parsed(_records(rows, page.request.id), next=following, end=end)

    def end(self, ledger: Ledger) -> str:
        """Return how the end was recognised; a hub without models is refused.

        Raises:
            SourceError: The only page was empty.
        """
        if not ledger.received and not self.settings.filters:
            raise SourceError(f"{self.endpoint} lists no models")
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
        """Return the request for the model's own entry; of a renamed one it redirects."""
        if not _ID.fullmatch(key):
            return None
        url = f"{self.endpoint}/api/models/{quote(key)}"
        return Request(f"confirm {key}", url, accept=(200, 401, 403, 404))

    def confirmed(self, page: Page) -> Fate:
        """Return the status of the model.

        Deleted and private ones answer 401 to a client without token, 404 to one with; so does
        an id that never existed.
        """
        if page.status == _OK:
            key = page.request.id.partition(" ")[2]
            try:
                found = msgspec.json.decode(page.body, type=_Row).id
            except UNREADABLE:
                return Fate("unknown")
            return Fate("listed") if found == key else Fate("gone", "renamed", found)
        if page.headers.get("x-error-code") == "GatedRepo":
            return Fate("gone", "gated")
        return Fate("gone", "disabled" if page.status == _FORBIDDEN else "deleted or private")

    def details(self, key: str) -> Sequence[Request]:
        """Return the request for the README, if the settings ask for descriptions."""
        if "description" not in self.settings.enrich or not _ID.fullmatch(key):
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


def _read(page: Page, place: str) -> list[Any]:
    """Return the rows: typed if all are valid, otherwise untyped."""
    try:
        return _rows.decode(page.body)
    except UNREADABLE:
        pass
    try:
        return _anything.decode(decoded(page.body).body)
    except UNREADABLE as error:
        raise MalformedPage(f"{place}: not a list of models: {plain(error)}") from error


def _records(rows: Sequence[Any], place: str) -> Iterator[Record | Bad]:
    for number, row in enumerate(rows):
        try:
            yield _record(row if isinstance(row, _Row) else msgspec.convert(row, _Row))
        except (msgspec.ValidationError, ValueError) as error:
            known = row.get("id") if isinstance(row, dict) else None
            yield Bad(f"{place}/{number}", str(error), known if isinstance(known, str) else "")


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
        raise MalformedPage(f"{place}: the models are not sorted by createdAt as requested")
