"""Requests, pages, sites, limits and addresses; none shows a secret when it is printed."""

from __future__ import annotations

import re
from collections.abc import Mapping  # noqa: TC003 - a saved ledger is read by annotations
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import SplitResult, urljoin, urlsplit

from archiver.errors import MalformedPage
from archiver.language import sentence
from archiver.records.representation import short
from archiver.records.text import clip

_HIDDEN = "***"
_SECRET_NAME = re.compile(r"token|key|secret|passw|sig|auth|credential|session", re.IGNORECASE)
_DEFAULT_PORT = {"http": 80, "https": 443}
_LINK = re.compile(r"<([^>]*)>([^,<]*)")
_NEXT = re.compile(r';\s*rel\s*=\s*("[^"]*\bnext\b[^"]*"|next)\s*(;|$)', re.IGNORECASE)


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """One request.

    Attributes:
        id: Name of the request in the ledger, unique in one listing.
        url: ``http://``, ``https://`` or ``file://``.
        headers: Sent beside the transport's own. No secrets: requests are saved with a listing
            under way (see `Site`).
        accept: Statuses whose body is read. Every other one is an error.
        method: ``PUT`` only where a protocol reads with it; it is retried like ``GET``. So is
            ``POST``: a header must let its receiver recognise the repetition.
        body: Sent with ``PUT`` and ``POST``.
        private: The address is a secret: messages show `id` instead.
    """

    id: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    accept: tuple[int, ...] = (200,)
    method: Literal["GET", "PUT", "POST"] = "GET"
    body: bytes = b""
    private: bool = False

    def __repr__(self) -> str:
        return clip(f"Request(id={self.id!r}, url={self.shown(self.url)!r})", 200)

    def shown(self, url: str) -> str:
        """Return what messages show in place of `url`, an address of this request."""
        return self.id if self.private else redact(url)


@dataclass(frozen=True, slots=True)
class Page:
    """One response.

    Attributes:
        request: The request.
        status: HTTP status; 200 for a file.
        headers: By lower-case name.
        body: The body, decompressed.
    """

    request: Request
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    __repr__ = short


@dataclass(frozen=True, slots=True)
class Rate:
    """The rate limit of a site.

    Attributes:
        requests: This many ...
        seconds: ... in this many seconds.
        burst: Requests that may be sent at once after a pause.
    """

    requests: float
    seconds: float = 1.0
    burst: int = 1

    __repr__ = short


@dataclass(frozen=True, slots=True)
class Site:
    """The settings of one origin.

    Attributes:
        endpoint: One of its addresses; scheme, host and port identify it.
        rate: Its rate limit; None: no limit.
        headers: Sent to this origin only; may hold a token, so they are hidden in `repr`.
    """

    endpoint: str
    rate: Rate | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    __repr__ = short


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one request. Times are seconds, sizes bytes.

    Attributes:
        connect: Until a connection is established.
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

    __repr__ = short


def redact(url: str) -> str:
    """Return `url` as it may be shown: without credentials and without secrets in its query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return sentence("an unreadable address")
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
        raise ValueError(sentence("another origin, {redact}", redact=redact(absolute)))
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
                message = sentence(
                    "{redact}: its next page is at another origin", redact=redact(page.request.url)
                )
                raise MalformedPage(message) from error
    return None
