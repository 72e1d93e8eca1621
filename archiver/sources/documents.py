"""What the small sources share: typed JSON documents, records without gaps, a polite pace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, TypeAlias, TypeVar

import msgspec

from archiver.errors import MalformedPage
from archiver.language import sentence
from archiver.records.jsontext import UNREADABLE, plain
from archiver.sources.protocol import own_rate
from archiver.transport import Rate, Site, redact

if TYPE_CHECKING:
    from archiver.records.model import Json, Record
    from archiver.transport import Page

_T = TypeVar("_T")
PerSecond: TypeAlias = Annotated[float, msgspec.Meta(ge=0, description="a number from 0")]
"""A setting: requests in a second; 0: what is usual, and no limit for a server on this machine."""
FOUND: Final = 200
ABSENT: Final = 404
_POLITE: Final = Rate(4)


def decoded(page: Page, shape: type[_T]) -> _T:
    """Return the document that a page is.

    Raises:
        MalformedPage: It has another shape, or ends too early.
    """
    try:
        return msgspec.json.decode(page.body, type=shape, strict=False)
    except UNREADABLE as error:
        raise refused(page, plain(error)) from error


def refused(page: Page, words: str) -> MalformedPage:
    """Return the error of a page that cannot be used, in `words`."""
    place = redact(page.request.url)
    return MalformedPage(sentence("{redact}: {plain}", redact=place, plain=words))


def known(**fields: Json) -> Record:
    """Return the record of these fields; what is unknown, empty or false stays absent."""
    return {name: each for name, each in fields.items() if each or type(each) in (int, float)}


def polite(url: str, rate: float) -> Site:
    """Return a place that publishes no quota: four requests a second, if the settings set none."""
    return Site(url, own_rate(url, rate, _POLITE))
