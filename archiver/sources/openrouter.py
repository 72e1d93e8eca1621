"""The source ``openrouter``: the models that OpenRouter offers; one request, without a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from archiver.errors import MalformedPage
from archiver.formats.json_format import json_text
from archiver.language import sentence, stored
from archiver.records.jsontext import UNREADABLE, plain
from archiver.sources.protocol import Parsed, Source
from archiver.transport import Request, redact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archiver.sources.ledger import Ledger
    from archiver.transport import Page


class OpenRouterSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``type = "openrouter"`` reads: another endpoint."""

    endpoint: str = "https://openrouter.ai"


class _Links(msgspec.Struct):
    next: str | None = None


class _Answer(msgspec.Struct):
    data: list[Any]
    total_count: int | None = None
    links: _Links = msgspec.field(default_factory=_Links)


class OpenRouter(Source):
    """Lists ``GET /api/v1/models``; records are stored unchanged."""

    Settings = OpenRouterSettings
    defaults = {"key": ["id"], "noun": "model"}  # noqa: RUF012  read only

    def plan(self, ledger: Ledger) -> Sequence[Request]:
        """Return the one request, unless it was answered."""
        url = f"{self.settings.endpoint.rstrip('/')}/api/v1/models"
        return () if ledger.entries else (Request(url, url),)

    def parse(self, page: Page) -> Parsed:
        """Return the models, and the next page where there is one."""
        try:
            answer = msgspec.json.decode(json_text(page.body).body, type=_Answer)
        except UNREADABLE as error:
            raise MalformedPage(
                sentence("{redact}: {plain}", redact=redact(page.request.url), plain=plain(error))
            ) from error
        query = urlsplit(answer.links.next or "").query  # never its host
        url = f"{page.request.url.partition('?')[0]}?{query}"
        following = (Request(url, url),) if query else ()
        end = "" if following else stored("no next page")
        return Parsed(answer.data, total=answer.total_count, next=following, end=end)
