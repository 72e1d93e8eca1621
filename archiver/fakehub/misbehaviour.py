"""The failure modes of a hub: what it does to an answer, or to the connection."""

from __future__ import annotations

import gzip
import socket
import struct
import zlib
from dataclasses import replace
from functools import cache
from time import sleep  # noqa: TID251  a slow server waits
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from archiver.fakehub.answers import JSON, Answer, answer

if TYPE_CHECKING:
    from collections.abc import Callable
    from http.server import BaseHTTPRequestHandler

_LATER = {"Retry-After": "1", "RateLimit": '"api";r=0;t=0'}
_MUCH: Final = 1 << 30
_MUCH_CRC: Final = 0x5B64C2B0
"""CRC-32 of so many zeros."""


Change: TypeAlias = "Callable[[Answer, Answer | None], Answer]"
"""Turns a page of a listing, given the one before it, into the answer that is sent."""
Delivery: TypeAlias = "Callable[[BaseHTTPRequestHandler, Answer], None]"
"""Sends an answer."""


def _always(sent: Answer) -> Change:
    return lambda right, before: sent  # noqa: ARG005  same for every page


def _edited(edit: Callable[[Any], Any]) -> Change:
    """Return a change of what the JSON of a page says."""

    def changed(right: Answer, _before: Answer | None) -> Answer:
        return replace(right, body=msgspec.json.encode(edit(msgspec.json.decode(right.body))))

    return changed


def _with_rows(change: Callable[[list[Any]], list[Any]]) -> Change:
    """Return a change of the rows of a page of any of the protocols."""

    def changed(document: Any) -> Any:
        data = document if isinstance(document, list) else document["data"]
        rows = data if isinstance(data, list) else data["models"]
        rows[:] = change(list(rows))
        return document

    return _edited(changed)


def _with_data(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Change:
    """Return a change of the envelope that ModelScope's pages have."""

    def changed(document: Any) -> Any:
        if isinstance(document, dict) and isinstance(document["data"], dict):
            document["data"] |= change(document["data"])
        return document

    return _edited(changed)


def _with_total(factor: float) -> Change:
    return _with_data(lambda data: {"total_count": int(data["total_count"] * factor)})


def _uncounted(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "downloads": 0, "likes": 0}


def _without_tags(row: dict[str, Any]) -> dict[str, Any]:
    dropped = ("tags", "license", "library_name")
    return {name: value for name, value in row.items() if name not in dropped}


def _spoilt(rows: list[Any], first: int) -> list[Any]:
    return [*({**row, "downloads": "many"} for row in rows[:first]), *rows[first:]]


CHANGES: Final[dict[str, Change]] = {
    "html": _always(
        Answer(200, b"<html><title>405</title>blocked</html>", {"Content-Type": "text/html"})
    ),
    "success-false": _always(
        answer({"success": False, "code": "InternalError", "message": "no backend"})
    ),
    "models-null": _with_data(lambda _: {"models": None}),
    "empty-list": _with_rows(lambda rows: rows[:0]),
    "repeated-page": lambda right, before: before or right,
    "shifted-page": _with_rows(lambda rows: rows[len(rows) // 2 :]),
    "total-high": _with_total(1.5),
    "total-low": _with_total(0.5),
    "storm": _always(answer({"success": False, "code": "RateLimitExceed"}, 429, _LATER)),
    "long-wait": _always(
        answer({"success": False, "code": "RateLimitExceed"}, 429, {"Retry-After": "315360000"})
    ),
    "burst": _always(answer({"success": False, "code": "ServiceUnavailable"}, 503)),
    "outage": _always(answer({"success": False, "code": "ServiceUnavailable"}, 503)),
    "not-found": _always(Answer(404, b"404 page not found", {"Content-Type": "text/plain"})),
    "refused": _always(answer({"success": False, "code": "InvalidAuthentication"}, 401)),
    "redirect": _always(Answer(302, b"", {"Location": "http://127.0.0.1:9/elsewhere"})),
    "bad-record": _with_rows(lambda rows: _spoilt(rows, 1)),
    "bad-records": _with_rows(lambda rows: _spoilt(rows, 20)),
    "no-downloads": _with_rows(lambda rows: [_uncounted(row) for row in rows]),
    "schema-drift": _with_rows(lambda rows: [_without_tags(row) for row in rows]),
}
"""Answers that are wrong, by name."""


def _slow(handler: BaseHTTPRequestHandler, right: Answer) -> None:
    sleep(0.3)
    _send(handler, right)


def _silent(handler: BaseHTTPRequestHandler, _: Answer) -> None:
    sleep(8)
    handler.close_connection = True


def _drip(handler: BaseHTTPRequestHandler, right: Answer) -> None:
    _head(handler, right, len(right.body))
    for byte in right.body[:80]:
        handler.wfile.write(bytes((byte,)))
        sleep(0.1)
    handler.close_connection = True


def _reset(handler: BaseHTTPRequestHandler, right: Answer) -> None:
    _head(handler, right, len(right.body))
    handler.wfile.write(right.body[: len(right.body) // 2])
    handler.wfile.flush()
    now = struct.pack("ii", 1, 0)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
    handler.connection.close()
    handler.close_connection = True


def _cut(handler: BaseHTTPRequestHandler, right: Answer) -> None:
    _head(handler, right, len(right.body))
    handler.wfile.write(right.body[: len(right.body) // 2])
    handler.close_connection = True


def _cut_quietly(handler: BaseHTTPRequestHandler, right: Answer) -> None:
    _send(handler, replace(right, body=right.body[: len(right.body) // 2]))


def _half_gzip(handler: BaseHTTPRequestHandler, right: Answer) -> None:
    packed = gzip.compress(right.body)
    headers = {**right.headers, "Content-Encoding": "gzip"}
    _send(handler, replace(right, body=packed[: len(packed) // 2], headers=headers))


def _bomb(handler: BaseHTTPRequestHandler, right: Answer) -> None:
    headers = {**JSON, "Content-Encoding": "gzip"}
    _send(handler, replace(right, body=_packed(), headers=headers))


@cache
def _packed() -> bytes:
    """Return much of nothing, as gzip (RFC 1952).

    A full flush forgets what came before, so every block is the same: packing all of them takes
    seconds, which every request that is under way would spend.
    """
    zeros = bytes(1 << 20)
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    block = packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH)
    head = gzip.compress(b"")[:10]
    tail = zlib.compress(b"", wbits=-zlib.MAX_WBITS) + struct.pack("<II", _MUCH_CRC, _MUCH)
    return head + block * (_MUCH >> 20) + tail


DELIVERIES: Final[dict[str, Delivery]] = {
    "slow": _slow,
    "silent": _silent,
    "drip": _drip,
    "reset": _reset,
    "cut": _cut,
    "cut-quietly": _cut_quietly,
    "half-gzip": _half_gzip,
    "bomb": _bomb,
}
"""Correct answers that are sent in a wrong way, by name."""

NAMES: Final = tuple(sorted([*CHANGES, *DELIVERIES]))
"""All failure modes."""
ONCE: Final = frozenset({"burst", "storm", "bad-record", "repeated-page", "shifted-page"})
"""Those that pass after a few answers by default."""


def _head(handler: BaseHTTPRequestHandler, right: Answer, length: int) -> None:
    handler.send_response(right.status)
    for name, value in {**right.headers, "Content-Length": str(length)}.items():
        handler.send_header(name, value)
    handler.end_headers()


def _send(handler: BaseHTTPRequestHandler, right: Answer) -> None:
    _head(handler, right, len(right.body))
    handler.wfile.write(right.body)


def deliver(handler: BaseHTTPRequestHandler, right: Answer, name: str = "") -> None:
    """Send an answer, in the wrong way `name` if there is one of this name."""
    DELIVERIES.get(name, _send)(handler, right)
