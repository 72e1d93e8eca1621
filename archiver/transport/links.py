"""Follow the header ``Link`` (RFC 8288) to the next page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from archiver.errors import MalformedPage
from archiver.transport.address import origin, redact

if TYPE_CHECKING:
    from archiver.transport.message import Page

_LINK = re.compile(r"<([^>]*)>([^,<]*)")
_NEXT = re.compile(r';\s*rel\s*=\s*("[^"]*\bnext\b[^"]*"|next)\s*(;|$)', re.IGNORECASE)


def next_link(page: Page) -> str | None:
    """Return the absolute address of the page that follows; None: this is the last one.

    Raises:
        MalformedPage: It leads to another origin, to which neither tokens nor trust are carried.
    """
    asked = page.request.url
    for target, parameters in _LINK.findall(page.headers.get("link", "")):
        if not _NEXT.search(parameters.rstrip(", ")):
            continue
        if (url := _within(asked, target)) is None:
            raise MalformedPage(f"{redact(asked)}: its next page is at another origin")
        return url
    return None


def _within(asked: str, target: str) -> str | None:
    """Return `target` as an absolute address of the origin of `asked`; None: it is elsewhere."""
    try:
        url: str = urljoin(asked, target)
        return url if origin(url) == origin(asked) else None
    except ValueError:
        return None
