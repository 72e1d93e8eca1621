"""A real HTTP server on 127.0.0.1 that lists a catalogue as it stands on one day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from email.utils import format_datetime
from functools import lru_cache
from hashlib import sha256
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, ClassVar

import msgspec

from archiver.fakehub.catalogue import Catalogue

if TYPE_CHECKING:
    from typing import Self

LISTING = "/models.json"


@dataclass(frozen=True, slots=True)
class Document:
    """One answer: the body and what a client needs to ask for it conditionally."""

    body: bytes
    etag: str
    last_modified: str


class FakeHub:
    """A hub that is up between ``__enter__`` and ``__exit__``.

    Attributes:
        day: The day of the catalogue that is listed; set it to let time pass.
    """

    def __init__(self, catalogue: Catalogue | None = None, *, day: int = 0) -> None:
        """List `catalogue` (by default one of 2,845 models) as it stands on `day`."""
        self.day = day
        self._catalogue = catalogue or Catalogue()
        self._server = Server(self)
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._document = lru_cache(maxsize=2)(self._list)

    def __enter__(self) -> Self:
        """Start to answer."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Finish the answers under way and stop."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where the listing is: ``{"total": n, "models": [...]}``."""
        return f"http://127.0.0.1:{self._server.server_port}{LISTING}"

    def document(self, path: str) -> Document | None:
        """Return what stands at `path` today, or None."""
        return self._document(self.day) if path == LISTING else None

    def _list(self, day: int) -> Document:
        models = list(self._catalogue.day(day))
        body = msgspec.json.encode({"total": len(models), "models": models})
        changed = datetime.combine(self._catalogue.start, time(tzinfo=UTC)) + timedelta(days=day)
        etag = f'"{sha256(body).hexdigest()[:32]}"'
        return Document(body, etag, format_datetime(changed, usegmt=True))


class Server(ThreadingHTTPServer):
    """The listening socket, on a free port; knows its hub."""

    daemon_threads = True

    def __init__(self, hub: FakeHub) -> None:
        """Listen on 127.0.0.1."""
        super().__init__(("127.0.0.1", 0), Handler)
        self.hub = hub


class Handler(BaseHTTPRequestHandler):
    """One connection: HTTP/1.1 with keep-alive and ``If-None-Match`` (RFC 9110, 13.1.2)."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # 45 ms a request with it, 0.6 ms without
    timeout: ClassVar[float] = 10.0

    def do_GET(self) -> None:
        """Answer 200, 304 or 404."""
        document = self.server.hub.document(self.path.partition("?")[0])
        if document is None:
            self._answer(HTTPStatus.NOT_FOUND, {}, b"not found\n")
            return
        validators = {"ETag": document.etag, "Last-Modified": document.last_modified}
        if names(self.headers.get("If-None-Match", ""), document.etag):
            self._answer(HTTPStatus.NOT_MODIFIED, validators, b"")
        else:
            headers = {**validators, "Content-Type": "application/json"}
            self._answer(HTTPStatus.OK, headers, document.body)

    def _answer(self, status: HTTPStatus, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status is not HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is inherited
        """Stay silent: what the demo prints is its story."""


def names(condition: str, etag: str) -> bool:
    """Say whether an ``If-None-Match`` field lists `etag`, weakly compared, or is ``*``."""
    listed = (tag.strip().removeprefix("W/") for tag in condition.split(","))
    return any(tag in {"*", etag} for tag in listed)
