"""What is asked and what was answered; neither shows a secret when it is printed."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - a saved ledger is read by annotations
from dataclasses import dataclass, field
from typing import Literal

from archiver.transport.address import redact


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
