"""Requests and answers of the fake hub, before they are sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request.

    Attributes:
        method: ``GET`` or ``PUT``.
        path: Decoded path.
        query: Parameters; all values of repeated ones, in order.
        headers: By lower-case name.
        body: The body.
        base: ``http://127.0.0.1:PORT``, for absolute links.
    """

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes
    base: str

    @classmethod
    def of(
        cls, method: str, target: str, headers: Mapping[str, str], body: bytes, base: str
    ) -> Asked:
        """Parse the target of a request line."""
        parts = urlsplit(target)
        query: dict[str, list[str]] = {}
        for name, value in parse_qsl(parts.query, keep_blank_values=True):
            query.setdefault(name, []).append(value)
        return cls(method, unquote(parts.path), query, headers, body, base)

    def one(self, name: str, default: str = "") -> str:
        """Return the first value of a parameter."""
        return self.query.get(name, [default])[0]

    def number(self, name: str, default: int) -> int:
        """Return a parameter as an integer; the default if it is not one."""
        text = self.one(name)
        return int(text) if text.isascii() and text.isdigit() else default


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    Attributes:
        status: HTTP status.
        body: The body.
        headers: Besides ``Content-Length``.
        lists: Whether it is a page of a listing, which can misbehave.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: dict(JSON))
    lists: bool = False


def answer(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None, *, lists: bool = False
) -> Answer:
    """Return `value` as a JSON answer."""
    return Answer(status, msgspec.json.encode(value), {**JSON, **(headers or {})}, lists)


def moment(time: datetime) -> str:
    """Write a time as both hubs do."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
