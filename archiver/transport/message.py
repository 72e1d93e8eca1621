"""Requests, pages, sites, limits and addresses; none shows a secret when it is printed."""

from __future__ import annotations

import re
from collections.abc import Mapping  # noqa: TC003 - a saved ledger is read by annotations
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import SplitResult, urljoin, urlsplit

from archiver.errors import MalformedPage

_HIDDEN = "***"
_SECRET_NAME = re.compile(r"token|key|secret|passw|sig|auth|credential|session", re.IGNORECASE)
_DEFAULT_PORT = {"http": 80, "https": 443}
_LINK = re.compile(r"<([^>]*)>([^,<]*)")
_NEXT = re.compile(r';\s*rel\s*=\s*("[^"]*\bnext\b[^"]*"|next)\s*(;|$)', re.IGNORECASE)


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """One question to a source.

    Attributes:
        id: Name of the request in the ledger, unique in one listing.
        url: ``http://``, ``https://`` or ``file://``.
        headers: Sent beside the transport's own. No secrets: requests are saved with a listing
            under way (see `Site`).
        accept: Statuses whose answer the asker wants to read. Every other one is an error.
        method: ``PUT`` only where a protocol reads by it; it is repeated like ``GET``. ``POST``
            too: its receiver must be told by a header that it is the same message.
        body: Sent with ``PUT`` and ``POST``.
        private: The address is a secret: it is named by `id` wherever it would be shown.
    """

    id: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    accept: tuple[int, ...] = (200,)
    method: Literal["GET", "PUT", "POST"] = "GET"
    body: bytes = b""
    private: bool = False

    def __repr__(self) -> str:
        return f"Request(id={self.id!r}, url={self.shown(self.url)!r})"

    def shown(self, url: str) -> str:
        """Return what stands for `url`, an address of this request, in messages."""
        return self.id if self.private else redact(url)


@dataclass(frozen=True, slots=True)
class Page:
    """One answer.

    Attributes:
        request: What was asked.
        status: HTTP status; 200 for a file.
        headers: By lower-case name.
        body: The body, decompressed.
    """

    request: Request
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rate:
    """How often a site may be asked.

    Attributes:
        requests: So many ...
        seconds: ... in so many seconds.
        burst: Requests that may follow each other at once after a pause.
    """

    requests: float
    seconds: float = 1.0
    burst: int = 1


@dataclass(frozen=True, slots=True)
class Site:
    """What is special about one origin.

    Attributes:
        endpoint: An address of it; its scheme, host and port count.
        rate: How often it may be asked; None: as fast as it answers.
        headers: Sent to this origin only; may hold a token, so they are hidden in `repr`.
    """

    endpoint: str
    rate: Rate | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may cost. Times are seconds, sizes bytes.

    Attributes:
        connect: Until a connection stands.
        read: Between two pieces of an answer.
        deadline: For one exchange from first to last byte; cuts off a server that drips.
        retries: Attempts after the first.
        longest_wait: Before an attempt; an answer that asks for more ends the run. A little more
            than the 300 s after which Hugging Face fills its quotas again.
        max_bytes: A body, as sent and decompressed.
    """

    connect: float = 10
    read: float = 30
    deadline: float = 300
    retries: int = 4
    longest_wait: float = 310
    max_bytes: int = 512 * 1024 * 1024


def redact(url: str) -> str:
    """Return `url` as it may be shown: without credentials and without secrets in its query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an unreadable address"
    credentials, at, host = parts.netloc.rpartition("@")
    netloc = f"{_HIDDEN}@{host}" if at and credentials else host
    query = "&".join(_hide(pair) for pair in parts.query.split("&"))
    return SplitResult(parts.scheme, netloc, parts.path, query, "").geturl()


def _hide(pair: str) -> str:
    name, equals, _ = pair.partition("=")
    return f"{name}={_HIDDEN}" if equals and _SECRET_NAME.search(name) else pair


def origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of `url` (RFC 6454, section 4).

    Raises:
        ValueError: `url` is no address.
    """
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _DEFAULT_PORT.get(parts.scheme)


def same_origin(url: str, target: str) -> str:
    """Return `target`, an address relative to `url`, as an absolute one.

    Raises:
        ValueError: It is at another origin, to which neither tokens nor trust are carried.
    """
    absolute: str = urljoin(url, target)
    if origin(absolute) != origin(url):
        raise ValueError(f"another origin, {redact(absolute)}")
    return absolute


def next_link(page: Page) -> str | None:
    """Return the absolute address in ``Link: <…>; rel="next"`` (RFC 8288); None: there is none.

    Raises:
        MalformedPage: It is at another origin.
    """
    for target, parameters in _LINK.findall(page.headers.get("link", "")):
        if _NEXT.search(parameters.rstrip(", ")):
            try:
                return same_origin(page.request.url, target)
            except ValueError as error:
                message = f"{redact(page.request.url)}: its next page is at another origin"
                raise MalformedPage(message) from error
    return None
