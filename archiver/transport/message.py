"""What is asked and what was answered; neither shows a secret when it is printed."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - a saved ledger is read by annotations
from dataclasses import dataclass, field

from archiver.transport.address import redact


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """One question to a source.

    Attributes:
        id: Name of the request in the ledger, unique in one listing.
        url: ``http://``, ``https://`` or ``file://``.
        headers: Sent beside the transport's own; may hold a token.
        accept: Statuses whose answer the asker wants to read. Every other one is an error.
    """

    id: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    accept: tuple[int, ...] = (200,)

    def __repr__(self) -> str:
        return f"Request(id={self.id!r}, url={redact(self.url)!r})"


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
