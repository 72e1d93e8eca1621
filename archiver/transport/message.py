"""Requests, pages, sites, limits and addresses; none shows a secret when it is printed."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping  # noqa: TC003 - a saved ledger is read by annotations
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import SplitResult, unquote_plus, urljoin, urlsplit

from archiver.errors import MalformedPage
from archiver.language import sentence
from archiver.records.representation import short
from archiver.records.text import clip

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from archiver.transport.spool import Spool

_HIDDEN = "***"
_SECRET_NAME = re.compile(r"token|key|secret|passw|sig|auth|credential|session", re.IGNORECASE)
_DEFAULT_PORT = {"http": 80, "https": 443}
_LONGEST = 1 << 15
"""Characters of the longest address that a server may lead to."""
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|<[^>]*>|[;,=]|[^\s;,="<]+')
"""What a header ``Link`` is made of (RFC 8288, section 3)."""


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
            ``POST``: it reads, too, or a header must let its receiver recognise the repetition.
        body: Sent with ``PUT`` and ``POST``.
        private: The address is a secret: messages show `id` instead.
        in_pieces: A large body is wanted as `Page.spool`.
    """

    id: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    accept: tuple[int, ...] = (200,)
    method: Literal["GET", "PUT", "POST"] = "GET"
    body: bytes = b""
    private: bool = False
    in_pieces: bool = False

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
        body: The body, decompressed; empty if it is in a file.
        spool: The body, decompressed, where it is large and its request wants it in pieces.
    """

    request: Request
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    spool: Spool | None = field(default=None, repr=False)

    __repr__ = short

    def pieces(self) -> Iterator[bytes]:
        """Yield the body from its start."""
        return iter((self.body,)) if self.spool is None else self.spool.pieces()

    def close(self) -> None:
        """Let a body go that is in a file."""
        if self.spool is not None:
            self.spool.close()


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


class Secret(NamedTuple):
    """A secret and how it is sent; its value is known to nobody but the transport.

    Attributes:
        variable: The environment variable that holds it.
        name: The header, or the parameter of the query.
        scheme: What stands before it in the header; ``Basic``: it is ``user:password``.
        in_query: Whether `name` is a parameter of the query.
    """

    variable: str
    name: str
    scheme: Literal["", "Bearer", "Basic"] = ""
    in_query: bool = False

    def __repr__(self) -> str:
        return short(self)

    def sent(self, value: str) -> str:
        """Return the header, or the parameter, that sends `value`."""
        if self.scheme == "Basic":  # RFC 7617: a user without a password ends with a colon
            pair = value if ":" in value else f"{value}:"
            value = base64.b64encode(pair.encode()).decode()
        return f"{self.scheme} {value}".lstrip()


@dataclass(frozen=True, slots=True)
class Site:
    """The settings of one origin.

    Attributes:
        endpoint: One of its addresses; scheme, host and port identify it.
        rate: Its rate limit; None: no limit.
        headers: Sent to this origin only; may hold a token, so they are hidden in `repr`.
        params: Parameters of the query that are sent to this origin only, likewise.
        variables: The environment variables that hold what is sent; named where it is refused.
        hidden: Texts that no answer may bring back; see `transport.masking`.
    """

    endpoint: str
    rate: Rate | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    variables: tuple[str, ...] = ()
    hidden: tuple[str, ...] = field(default=(), repr=False)

    __repr__ = short

    def sending(self, secrets: Mapping[Secret, str]) -> Site:
        """Return this site with `secrets` and their values."""
        sent = {each: each.sent(value) for each, value in secrets.items()}
        return replace(
            self,
            headers={
                **self.headers,
                **{each.name: text for each, text in sent.items() if not each.in_query},
            },
            params={each.name: text for each, text in sent.items() if each.in_query},
            variables=tuple(dict.fromkeys(each.variable for each in secrets)),
            hidden=tuple(
                text
                for each, value in secrets.items()
                for text in (value, sent[each].rpartition(" ")[2], value.rpartition(":")[2])
            ),
        )


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
        spool_from: Above this a body that is wanted in pieces is in a file, not in memory.
        max_spooled: Such a body, as sent.
        max_unpacked: Such a body that was sent compressed, decompressed.
    """

    connect: float = 10
    read: float = 30
    deadline: float = 300
    retries: int = 4
    longest_wait: float = 310
    max_bytes: int = 512 * 1024 * 1024
    spool_from: int = 16 * 1024 * 1024
    max_spooled: int = 4 * 1024 * 1024 * 1024
    max_unpacked: int = 1024 * 1024 * 1024

    __repr__ = short

    def is_large(self, size: int) -> bool:
        """Say whether a body of `size` bytes that is wanted in pieces belongs in a file."""
        return size > min(self.spool_from, self.max_bytes)


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


def without_params(url: str, names: Collection[str]) -> str:
    """Return `url` without the parameters `names`: an answer may repeat a secret in an address."""
    if not names:
        return url
    parts = urlsplit(url)
    kept = (
        pair for pair in parts.query.split("&") if unquote_plus(pair.partition("=")[0]) not in names
    )
    return parts._replace(query="&".join(kept)).geturl()


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
        MalformedPage: It is too long for any server, and for a message.
    """
    if len(target) > _LONGEST:
        raise MalformedPage(
            sentence("it leads to an address of {length:,} characters", length=len(target))
        )
    absolute: str = urljoin(url, target)
    if origin(absolute) != origin(url):
        raise ValueError(sentence("another origin, {redact}", redact=redact(absolute)))
    return absolute


def next_link(page: Page) -> str | None:
    """Return the absolute address in ``Link: <…>; rel="next"`` (RFC 8288); None: there is none.

    Raises:
        MalformedPage: It is at another origin.
    """
    for target, parameters in _links(page.headers.get("link", "")):
        if "next" in parameters.get("rel", "").lower().split() and "anchor" not in parameters:
            try:
                return same_origin(page.request.url, target)
            except ValueError as error:
                message = sentence(
                    "{redact}: its next page is at another origin", redact=redact(page.request.url)
                )
                raise MalformedPage(message) from error
    return None


def _links(header: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the target of each link and its parameters; of one that is repeated, the first."""
    target, parameters, name = "", dict[str, str](), ""
    for before, part in pairwise((",", *_TOKEN.findall(header), ",")):
        if part == "," and target:
            yield target, parameters
            target = ""
        elif part[0] == "<" and before == ",":
            target, parameters = part[1:-1], {}
        elif before == ";":
            name = "" if part.lower() in parameters else part.lower()
            parameters.setdefault(part.lower(), "")
        elif before == "=" and name:
            parameters[name] = part.strip('"')
