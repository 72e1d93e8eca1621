"""The bad days of a hub: what it does to an answer, or to the connection."""

from __future__ import annotations

import gzip
import socket
import struct
import zlib
from dataclasses import replace
from time import sleep  # noqa: TID251  a slow server waits
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import msgspec

from archiver.fakehub.answers import JSON, Answer, answer

if TYPE_CHECKING:
    from collections.abc import Callable
    from http.server import BaseHTTPRequestHandler

_LATER = {"Retry-After": "1", "RateLimit": '"api";r=0;t=0'}
_MUCH: Final = 1 << 30


class Change(Protocol):
    """Turns an answer into the one that is sent."""

    def __call__(self, right: Answer, before: Answer | None) -> Answer:
        """Return what is sent in place of `right`; `before` is the listing's page before it."""
        ...


Delivery: TypeAlias = "Callable[[BaseHTTPRequestHandler, Answer], None]"


def _edited(right: Answer, edit: Callable[[Any], Any]) -> Answer:
    return replace(right, body=msgspec.json.encode(edit(msgspec.json.decode(right.body))))


def _rows(document: Any) -> list[Any]:
    """Return the rows of a page of any of the protocols."""
    if isinstance(document, list):
        return document
    data = document["data"]
    rows: list[Any] = data if isinstance(data, list) else data["models"]
    return rows


def _with_rows(change: Callable[[list[Any]], list[Any]]) -> Change:
    def changed(document: Any) -> Any:
        rows = _rows(document)
        rows[:] = change(list(rows))
        return document

    return lambda right, before: _edited(right, changed)  # noqa: ARG005  same for every page


def _with_data(**members: Any) -> Change:
    def changed(document: Any) -> Any:
        if isinstance(document, dict) and isinstance(document["data"], dict):
            document["data"] |= members
        return document

    return lambda right, before: _edited(right, changed)  # noqa: ARG005  same for every page


def _always(sent: Answer) -> Change:
    return lambda right, before: sent  # noqa: ARG005  same for every page


def _total(factor: float) -> Change:
    def changed(document: Any) -> Any:
        if isinstance(document, dict) and isinstance(document["data"], dict):
            document["data"]["total_count"] = int(document["data"]["total_count"] * factor)
        return document

    return lambda right, before: _edited(right, changed)  # noqa: ARG005  same for every page


def _every(row: Callable[[dict[str, Any]], None]) -> Change:
    def changed(rows: list[Any]) -> list[Any]:
        for each in rows:
            row(each)
        return rows

    return _with_rows(changed)


def _uncounted(row: dict[str, Any]) -> None:
    row["downloads"] = row["likes"] = 0


def _without_tasks(row: dict[str, Any]) -> None:
    for name in ("tags", "license", "library_name"):
        row.pop(name, None)


def _spoil(rows: list[Any]) -> list[Any]:
    for row in rows:
        row["downloads"] = "many"
    return rows


CHANGES: Final[dict[str, Change]] = {
    "html": _always(
        Answer(200, b"<html><title>405</title>blocked</html>", {"Content-Type": "text/html"})
    ),
    "success-false": _always(
        answer({"success": False, "code": "InternalError", "message": "no backend"})
    ),
    "models-null": _with_data(models=None),
    "empty-list": _with_rows(lambda rows: rows[:0]),
    "repeated-page": lambda right, before: before or right,
    "shifted-page": _with_rows(lambda rows: rows[len(rows) // 2 :]),
    "total-high": _total(1.5),
    "total-low": _total(0.5),
    "storm": _always(answer({"success": False, "code": "RateLimitExceed"}, 429, _LATER)),
    "long-wait": _always(
        answer({"success": False, "code": "RateLimitExceed"}, 429, {"Retry-After": "315360000"})
    ),
    "burst": _always(answer({"success": False, "code": "ServiceUnavailable"}, 503)),
    "outage": _always(answer({"success": False, "code": "ServiceUnavailable"}, 503)),
    "not-found": _always(Answer(404, b"404 page not found", {"Content-Type": "text/plain"})),
    "refused": _always(answer({"success": False, "code": "InvalidAuthentication"}, 401)),
    "redirect": _always(Answer(302, b"", {"Location": "http://127.0.0.1:9/elsewhere"})),
    "bad-record": _with_rows(lambda rows: [*_spoil(rows[:1]), *rows[1:]]),
    "bad-records": _with_rows(lambda rows: [*_spoil(rows[:20]), *rows[20:]]),
    "no-downloads": _every(_uncounted),
    "schema-drift": _every(_without_tasks),
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
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(1 << 20)
    packed = b"".join(packer.compress(zeros) for _ in range(_MUCH >> 20)) + packer.flush()
    headers = {**JSON, "Content-Encoding": "gzip"}
    _send(handler, replace(right, body=packed, headers=headers))


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
"""Right answers that are sent in a wrong way, by name."""

NAMES: Final = tuple(sorted([*CHANGES, *DELIVERIES]))
"""Every misbehaviour there is."""
ONCE: Final = frozenset({"burst", "storm", "bad-record", "repeated-page", "shifted-page"})
"""Those that pass after a few answers, unless told otherwise."""


def _head(handler: BaseHTTPRequestHandler, right: Answer, length: int) -> None:
    handler.send_response(right.status)
    for name, value in {**right.headers, "Content-Length": str(length)}.items():
        handler.send_header(name, value)
    handler.end_headers()


def _send(handler: BaseHTTPRequestHandler, right: Answer) -> None:
    _head(handler, right, len(right.body))
    handler.wfile.write(right.body)


def deliver(handler: BaseHTTPRequestHandler, right: Answer, name: str = "") -> None:
    """Send an answer, in the wrong way that `name` says, if it says one."""
    DELIVERIES.get(name, _send)(handler, right)
