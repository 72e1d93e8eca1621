"""A real HTTP server on 127.0.0.1 that answers as it is told, badly where it is told so."""

from __future__ import annotations

import gzip
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self, TypeAlias

Answer: TypeAlias = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Takes the next answer for a path; the last one is repeated."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def do_GET(self) -> None:
        self.server.seen.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
        answers = self.server.answers[self.path]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        with suppress(ConnectionError):
            answer(self)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


class Server(ThreadingHTTPServer):
    """Runs in a thread while its context lasts.

    Attributes:
        answers: Path to the answers that are still to be given.
        seen: Path and headers of every request, in order.
        over: Set when the context ends; wakes the answers that hang.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, list[Answer]] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.over = threading.Event()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server_address[1]}"

    def says(self, path: str, *answers: Answer) -> str:
        """Answer `path` so from now on; return its URL."""
        self.answers[path] = list(answers)
        return f"http://{self.address}{path}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()


def plain(body: bytes = b"[]", status: int = 200, **headers: str) -> Answer:
    """Answer properly. ``Retry_After="1"`` becomes the header ``Retry-After``."""

    def answer(handler: Handler) -> None:
        _head(handler, status, {"Content-Length": str(len(body)), **headers})
        handler.wfile.write(body)

    return answer


def cut(body: bytes, announced: int) -> Answer:
    """Announce another length than is sent, and hang up."""

    def answer(handler: Handler) -> None:
        _head(handler, 200, {"Content-Length": str(announced), "Connection": "close"})
        handler.wfile.write(body)

    return answer


def cut_chunks(body: bytes) -> Answer:
    """Send one chunk and hang up without the last one."""

    def answer(handler: Handler) -> None:
        _head(handler, 200, {"Transfer-Encoding": "chunked", "Connection": "close"})
        handler.wfile.write(b"%x\r\n%b\r\n" % (len(body), body))

    return answer


def zipped(body: bytes, *, layers: int = 1, keep: float = 1, encoding: str = "gzip") -> Answer:
    """Compress so many times and keep that share of the outcome, with its right length."""
    for _ in range(layers):
        body = gzip.compress(body)
    return plain(body[: int(len(body) * keep)], Content_Encoding=encoding)


def silent(handler: Handler) -> None:
    """Never answer."""
    handler.server.over.wait()


def dripping_head(handler: Handler) -> None:
    """Send a header one byte at a time, for ever."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
    _drip(handler)


def dripping_body(handler: Handler) -> None:
    """Send a body without announced length one byte at a time, for ever."""
    _head(handler, 200, {"Connection": "close"})
    _drip(handler)


def dripping_length(handler: Handler) -> None:
    """Send a body of announced length one byte at a time."""
    _head(handler, 200, {"Content-Length": "99999"})
    _drip(handler)


def reset(handler: Handler) -> None:
    """Reset the connection instead of answering."""
    linger = struct.pack("ii", 1, 0)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    handler.close_connection = True
    handler.connection.close()


def babble(handler: Handler) -> None:
    """Answer something that is not HTTP."""
    handler.close_connection = True
    handler.wfile.write(b"220 mail.example ESMTP " + b"x" * 5000 + b"\r\n")


def redirect(location: str, status: int = 302) -> Answer:
    """Lead elsewhere."""
    return plain(b"", status, Location=location)


def _head(handler: Handler, status: int, headers: dict[str, str]) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()


def _drip(handler: Handler) -> None:
    while not handler.server.over.wait(0.02):
        handler.wfile.write(b" ")
        handler.wfile.flush()
