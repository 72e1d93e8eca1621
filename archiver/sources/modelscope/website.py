"""The website's own query: undocumented, reaches further, and is only used to find owners.

Its rows differ in form from the documented ones. A record that came from either endpoint would
seem to change with it, so nothing of them is archived.
"""

from __future__ import annotations

from typing import Final

import msgspec

from archiver.errors import MalformedPage
from archiver.language import sentence
from archiver.records.jsontext import UNREADABLE, plain
from archiver.sources.protocol import Parsed
from archiver.transport import Page, Request, redact

PATH: Final = "/api/v1/dolphin/models"
PAGE: Final = 100
"""Models on a page; more are silently cut off."""
WINDOW: Final = 10_000
"""Models that one query reaches; beyond them it answers 500 with `_PAST`."""
_PAST = 10010207001


def request(endpoint: str, words: str, page: int) -> Request:
    """Return the request for one page of the models that `words` find, newest change first."""
    body = {
        "PageSize": PAGE,
        "PageNumber": page,
        "SortBy": "GmtModified",
        "Name": words,
        "Target": "",
        "SingleCriterion": [],
        "Criterion": [],
    }
    return Request(
        f"website {words} p{page}",
        endpoint + PATH,
        headers={"Content-Type": "application/json"},
        accept=(200, 500),
        method="PUT",
        body=msgspec.json.encode(body),
    )


class _Row(msgspec.Struct, rename="pascal"):
    path: str


class _Model(msgspec.Struct, rename="pascal"):
    models: list[_Row]
    total_count: int


class _Data(msgspec.Struct, rename="pascal"):
    model: _Model


class _Answer(msgspec.Struct, rename="pascal"):
    success: bool
    code: int = 0
    data: _Data | None = None


def parse(page: Page) -> Parsed:
    """Return the owners on a page, and how many models match.

    Raises:
        MalformedPage: It is neither that nor the known answer beyond the window.
    """
    place = redact(page.request.url)
    try:
        answer = msgspec.json.decode(page.body, type=_Answer)
    except UNREADABLE as error:
        raise MalformedPage(
            sentence("{place}: not the website's answer: {plain}", place=place, plain=plain(error))
        ) from error
    if answer.success and answer.data is not None:
        found = answer.data.model
        owners = dict.fromkeys(row.path for row in found.models if row.path)
        return Parsed((), matches=found.total_count, facts=tuple(f"owner:{own}" for own in owners))
    if answer.code == _PAST:
        return Parsed(())
    raise MalformedPage(
        sentence("{place}: the website refuses (code {code})", place=place, code=answer.code),
        hint=sentence("set website = false in archiver.toml"),
    )
