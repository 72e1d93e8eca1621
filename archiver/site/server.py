"""A web server for the working archive: one folder, read-only, for the people of this machine.

A website that is open in the same browser can neither read the archive nor show it in a frame: a
request has to name this server as its host (so that no other name can be bound to 127.0.0.1), and
answers are for pages of the same origin only. The data of the site are scripts, which browsers
would otherwise run for everybody.
"""

from __future__ import annotations

import errno
import hashlib
import html
import io
import json
import logging
import math
import os
import re
import shutil
import socket
import sys
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from threading import Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from archiver.errors import ConfigError
from archiver.language import sentence, tr
from archiver.render.templates import static
from archiver.site import files
from archiver.site.hosts import LOCAL, Names

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

Content: TypeAlias = io.BytesIO | io.BufferedReader

PORT: Final = 8765
OWN: Final = "-"
"""Folder of what the server has beside the site; no source is called so."""

_CONNECTIONS: Final = 64
_PATIENCE: Final = 30.0
_POLL: Final = 0.1
_PLAIN: Final = files.TYPES[".txt"]
_SCRIPT: Final = files.TYPES[".js"]
_HEAD_ENDS = re.compile(rb"</head\s*>", re.IGNORECASE)
_UNBUILT: Final = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Not built yet</title>
</head>
<body>
<p>The site is not built yet. This page opens it when it is.</p>
</body>
</html>
"""
_log = logging.getLogger(__name__)


class SiteServer(ThreadingMixIn, TCPServer):
    """Serves a folder between ``__enter__`` and ``__exit__``.

    Attributes:
        folder: The site; it need not be there yet.
        patience: Seconds that a client has to send a request, or to take a part of an answer.
        state: Names what the folder holds; open pages reload when it changes.
        names: What it is called, and where it is.
    """

    allow_reuse_address = True
    request_queue_size = _CONNECTIONS

    def __init__(
        self, folder: Path, *, host: str = LOCAL, port: int = PORT, patience: float = _PATIENCE
    ) -> None:
        """Listen, but answer nothing yet.

        Args:
            folder: The site.
            host: Address or name to listen at; requests may call the server by it.
            port: Where to listen; 0: any free port.
            patience: Seconds to wait for a client.

        Raises:
            ConfigError: It cannot listen there.
        """
        if not host:  # it would listen everywhere
            raise _unknown(host)
        self.folder = folder
        self.patience = patience
        self.state = ""
        self._lock = Lock()
        self._deadlines: dict[Any, float] = {}
        self._thread = Thread(target=self.serve_forever, args=(_POLL,), daemon=True)
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            super().__init__((host, port), _Handler)
        except (OSError, UnicodeError) as error:
            raise _not_listening(error, host, port) from error
        address, bound = self.server_address[:2]
        self.names = Names(host, str(address), bound)

    def __enter__(self) -> Self:
        """Start to answer."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up on everybody, and stop."""
        self.shutdown()
        self._thread.join()
        self._hang_up(math.inf)
        self.server_close()

    def show(self, state: str) -> None:
        """Let open pages reload if they show another `state`."""
        self.state = state

    def expect(self, connection: Any) -> None:
        """Give a client its time to send a request."""
        self._allow(connection, monotonic() + self.patience)

    def heard(self, connection: Any) -> None:
        """Note that the whole head of a request has come."""
        self._allow(connection, math.inf)

    def _allow(self, connection: Any, deadline: float) -> None:
        with self._lock:
            if connection in self._deadlines:
                self._deadlines[connection] = deadline

    def service_actions(self) -> None:
        """Hang up on clients that send a request too slowly."""
        self._hang_up(monotonic())

    def _hang_up(self, now: float) -> None:
        with self._lock:
            late = [each for each, deadline in self._deadlines.items() if deadline <= now]
        for each in late:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, unless there are too many."""
        with self._lock:
            has_room = len(self._deadlines) < _CONNECTIONS
            if has_room:
                self._deadlines[request] = monotonic() + self.patience
        if has_room:
            super().process_request(request, client_address)
        else:
            with suppress(OSError):
                request.sendall(_BUSY)
            self.shutdown_request(request)

    def shutdown_request(self, request: Any) -> None:
        """End a connection."""
        with self._lock:
            self._deadlines.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - inherited
        """Say in a sentence what went wrong here; clients may go away whenever they want."""
        error = sys.exception()
        if not isinstance(error, (ConnectionError, TimeoutError)):
            _log.error("a request was not answered: %s: %s", type(error).__name__, error)


_BUSY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Retry-After: 5\r\nConnection: close\r\nContent-Length: 26\r\n\r\n"
    b"Too many open connections\n"
)


def _not_listening(error: OSError | UnicodeError, host: str, port: int) -> ConfigError:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return ConfigError(
            sentence("port {port} of {host} is in use", port=port, host=host),
            hint=sentence("--port 0 takes a free one"),
        )
    is_no_name = isinstance(error, (socket.gaierror, UnicodeError))
    if is_no_name or number == errno.EADDRNOTAVAIL:
        return _unknown(host)
    return ConfigError(
        sentence(
            "cannot listen on port {port} of {host}: {error}", port=port, host=host, error=error
        )
    )


def _unknown(host: str) -> ConfigError:
    return ConfigError(
        sentence("{host!r} is no address of this machine", host=host), hint=sentence("see --host")
    )


class _Handler(BaseHTTPRequestHandler):
    """One connection: HTTP/1.1 with keep-alive."""

    server: SiteServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together
    error_content_type = _PLAIN
    error_message_format = "%(message)s\n"

    def setup(self) -> None:
        super().setup()
        self.connection.settimeout(self.server.patience)

    def handle_one_request(self) -> None:
        self.server.expect(self.connection)
        super().handle_one_request()

    def parse_request(self) -> bool:
        """Return whether the request can be answered; if not, say why."""
        if not super().parse_request():
            return False
        self.server.heard(self.connection)
        refusal = self._refusal()
        if refusal is not None:
            self.close_connection = True
            self._say(*refusal)
        return refusal is None

    def _refusal(self) -> tuple[HTTPStatus, str] | None:
        if self.command not in ("GET", "HEAD"):
            return HTTPStatus.METHOD_NOT_ALLOWED, tr("This site is read-only")
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or not self.path.startswith("/"):
            return HTTPStatus.BAD_REQUEST, tr("A request names one host and a path")
        if not self.server.names.include(hosts[0].strip()):
            words = tr("This server has another name: use the address that it printed")
            return HTTPStatus.MISDIRECTED_REQUEST, words
        if self.headers.get("Transfer-Encoding") or self.headers.get("Content-Length", "0") != "0":
            return HTTPStatus.BAD_REQUEST, tr("A request has no body here")
        return None

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is no request with a whole answer, whatever version it seems to have."""
        self.request_version = "HTTP/1.0"
        super().send_error(code, message, explain)

    def do_GET(self) -> None:
        """Answer with the file that is asked for."""
        way = files.names(self.path)
        if way is not None and way[0] == OWN:
            self._answer_own(way[1:])
            return
        if way == ("favicon.ico",) and files.located(self.server.folder, way) is None:
            self._send(HTTPStatus.OK, "image/x-icon", io.BytesIO())  # browsers ask unasked
            return
        found = None if way is None else files.located(self.server.folder, way)
        if found is None:
            self._miss()
        elif found.is_dir():
            self._move(files.address(way or ()))
        else:
            self._send_file(HTTPStatus.OK, found)

    def do_HEAD(self) -> None:
        """Answer with all but the content."""
        self.do_GET()

    def _answer_own(self, way: tuple[str, ...]) -> None:
        if way == ("reload.js",):
            self._send(HTTPStatus.OK, _SCRIPT, io.BytesIO(static("reload.js").encode()))
        elif way == ("state.js",):
            call = f"archiverState({json.dumps(self.server.state)});\n"
            self._send(HTTPStatus.OK, _SCRIPT, io.BytesIO(call.encode()))
        else:
            self._miss()

    def _miss(self) -> None:
        """Answer that there is no such page, by the site's own page if it has one."""
        if files.located(self.server.folder, (files.INDEX,)) is None:
            self._send_page(HTTPStatus.SERVICE_UNAVAILABLE, _UNBUILT)
        elif (page := files.located(self.server.folder, ("404.html",))) is not None:
            self._send_file(HTTPStatus.NOT_FOUND, page)
        else:
            self._say(HTTPStatus.NOT_FOUND, tr("There is no such page"))

    def _move(self, address: str) -> None:
        self.send_response(HTTPStatus.FOUND)
        self.send_header("Location", address)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _say(self, status: HTTPStatus, sentence: str) -> None:
        self._send(status, _PLAIN, io.BytesIO(f"{sentence}.\n".encode()))

    def _send_file(self, status: HTTPStatus, file: Path) -> None:
        try:
            stream = file.open("rb")
        except OSError:  # it went, or may not be read
            self._say(HTTPStatus.NOT_FOUND, tr("There is no such page"))
            return
        with stream:
            if file.suffix == ".html":
                self._send_page(status, stream.read())
            else:
                self._send(status, files.TYPES.get(file.suffix, files.OTHER), stream)

    def _send_page(self, status: HTTPStatus, page: bytes) -> None:
        body = io.BytesIO(reloading(page, self.server.state))
        self._send(status, files.TYPES[".html"], body)

    def _send(self, status: HTTPStatus, kind: str, content: Content) -> None:
        """Send a whole content, or that the client has it."""
        etag = f'"{hashlib.file_digest(content, "sha256").hexdigest()[:32]}"'
        size = content.seek(0, os.SEEK_END)
        is_known = status == HTTPStatus.OK and _lists(self.headers.get("If-None-Match", ""), etag)
        self.send_response(HTTPStatus.NOT_MODIFIED if is_known else status)
        if status == HTTPStatus.OK:
            self.send_header("ETag", etag)
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            self.send_header("Retry-After", "2")
        if not is_known:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(size))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if not is_known and self.command != "HEAD":
            content.seek(0)
            shutil.copyfileobj(content, self.wfile)

    def end_headers(self) -> None:
        """End the head of any answer with what all have."""
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("Content-Security-Policy", "frame-ancestors 'none'")
        super().end_headers()

    def version_string(self) -> str:
        """Return what answers say about the server."""
        return "archiver"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is inherited
        """Log nothing: the terminal is for what happens to the archive."""


def reloading(page: bytes, state: str) -> bytes:
    """Return a page that reloads as soon as the site's state is no longer `state`."""
    script = f'<script src="/{OWN}/reload.js" data-state="{html.escape(state)}" defer></script>'
    return _HEAD_ENDS.sub(lambda end: script.encode() + end[0], page, count=1)


def _lists(condition: str, etag: str) -> bool:
    """Return whether an ``If-None-Match`` field lists `etag`, weakly compared, or is ``*``."""
    return any(each.strip().removeprefix("W/") in {"*", etag} for each in condition.split(","))
