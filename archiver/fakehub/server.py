"""A real HTTP server on 127.0.0.1: a catalogue in one document, and a hub with its protocols."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from email.utils import format_datetime
from functools import lru_cache
from hashlib import sha256
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import TYPE_CHECKING, ClassVar, Final

import msgspec

from archiver.fakehub import huggingface, modelscope, openrouter
from archiver.fakehub.answers import JSON, Answer, Asked
from archiver.fakehub.catalogue import Catalogue
from archiver.fakehub.misbehaviour import CHANGES, DELIVERIES, ONCE, deliver

if TYPE_CHECKING:
    from typing import Self

    from archiver.fakehub.hub import Hub

LISTING = "/models.json"
_FOR_EVER: Final = 1 << 62
_FEW: Final = 2
_QUOTA: Final = 500


@dataclass(frozen=True, slots=True)
class Document:
    """One answer: the body and what a client needs to ask for it conditionally."""

    body: bytes
    etag: str
    last_modified: str


@dataclass(slots=True)
class _Bad:
    """A failure mode: from which page of a listing on, and for how many pages."""

    name: str
    at: int
    times: int


class FakeHub:
    """A server that runs between ``__enter__`` and ``__exit__``.

    Attributes:
        day: The day of the catalogue that is listed; set it to let time pass.
        hub: The hub whose protocols are spoken, if there is one.
        pages: Number of pages of listings that were answered.
        requests: Number of answers.
    """

    def __init__(
        self,
        catalogue: Catalogue | None = None,
        *,
        day: int = 0,
        hub: Hub | None = None,
        churn: int = 0,
        port: int = 0,
    ) -> None:
        """Store what is listed.

        Args:
            catalogue: Listed at ``/models.json``; by default one of 2,845 models.
            day: The day of it.
            hub: Speaks ModelScope's, Hugging Face's and OpenRouter's protocols.
            churn: A model appears, changes or vanishes after each this many pages of listings;
                0: never.
            port: Where to listen; 0: any free port.
        """
        self.day = day
        self.hub = hub
        self.pages = 0
        self.requests = 0
        self._churn = churn
        self._lock = Lock()
        self._bad: _Bad | None = None
        self._before: Answer | None = None
        self._catalogue = catalogue or Catalogue()
        self._server = Server(self, port)
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._document = lru_cache(maxsize=2)(self._list)

    def __enter__(self) -> Self:
        """Start the server."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Finish the current answers and stop."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def endpoint(self) -> str:
        """Where the hubs are: ``http://127.0.0.1:PORT``."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        """Where the listing is: ``{"total": n, "models": [...]}``."""
        return f"{self.endpoint}{LISTING}"

    def misbehave(self, name: str, *, at: int = 1, times: int | None = None) -> None:
        """Answer pages of listings in a failure mode from now on.

        Args:
            name: One of `misbehaviour.NAMES`.
            at: From which page on, counted from now.
            times: How many pages; None: all, or a few of a mode that passes.
        """
        if times is None:
            times = _FEW if name in ONCE else _FOR_EVER
        self._bad = _Bad(name, self.pages + at, times)

    def behave(self) -> None:
        """End the failure mode."""
        self._bad = None

    def document(self, path: str) -> Document | None:
        """Return what stands at `path` today, or None."""
        return self._document(self.day) if path == LISTING else None

    def respond(self, asked: Asked) -> tuple[Answer, str]:
        """Return the answer to a request, and the failure mode in which to send it."""
        with self._lock:
            self.requests += 1
            right = self._right(asked)
            if not right.lists:
                return right, ""
            self.pages += 1
            name = self._name()
            sent = CHANGES[name](right, self._before) if name in CHANGES else right
            self._before = right
            if self.hub is not None and self._churn and self.pages % self._churn == 0:
                self.hub.churn()
            return sent, name if name in DELIVERIES else ""

    def _right(self, asked: Asked) -> Answer:
        hub = self.hub
        found: Answer | None = None
        if hub is not None:
            left = _QUOTA - 1 - self.requests % _QUOTA or 1
            found = (
                modelscope.respond(asked, hub)
                or openrouter.respond(asked, hub)
                or huggingface.respond(asked, hub, left)
            )
        return found or Answer(404, b"404 page not found", {"Content-Type": "text/plain"})

    def _name(self) -> str:
        """Return the failure mode of this page; empty: none."""
        bad = self._bad
        if bad is None or self.pages < bad.at or bad.times < 1:
            return ""
        bad.times -= 1
        return bad.name

    def _list(self, day: int) -> Document:
        models = list(self._catalogue.day(day))
        body = msgspec.json.encode({"total": len(models), "models": models})
        changed = datetime.combine(self._catalogue.start, time(tzinfo=UTC)) + timedelta(days=day)
        etag = f'"{sha256(body).hexdigest()[:32]}"'
        return Document(body, etag, format_datetime(changed, usegmt=True))


class Server(ThreadingHTTPServer):
    """The listening socket; knows its hub."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, hub: FakeHub, port: int) -> None:
        """Listen on 127.0.0.1."""
        super().__init__(("127.0.0.1", port), Handler)
        self.hub = hub


class Handler(BaseHTTPRequestHandler):
    """One connection: HTTP/1.1 with keep-alive and ``If-None-Match`` (RFC 9110, 13.1.2)."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # 45 ms a request with it, 0.6 ms without
    wbufsize = -1  # head and body leave together
    timeout: ClassVar[float] = 10.0

    def do_GET(self) -> None:
        """Answer 200, 304 or 404."""
        document = self.server.hub.document(self.path.partition("?")[0])
        if document is None:
            self._speak()
            return
        validators = {"ETag": document.etag, "Last-Modified": document.last_modified}
        if names(self.headers.get("If-None-Match", ""), document.etag):
            self.send_response(HTTPStatus.NOT_MODIFIED)
            for name, value in validators.items():
                self.send_header(name, value)
            self.end_headers()
        else:
            deliver(self, Answer(200, document.body, {**JSON, **validators}))

    def do_PUT(self) -> None:
        """Answer a protocol that reads by PUT."""
        self._speak()

    def _speak(self) -> None:
        length = self.headers.get("Content-Length", "0")
        body = self.rfile.read(min(int(length), 1 << 20)) if length.isdigit() else b""
        headers = {name.lower(): value for name, value in self.headers.items()}
        hub = self.server.hub
        asked = Asked.of(self.command, self.path, headers, body, hub.endpoint)
        with suppress(ConnectionError, TimeoutError):
            deliver(self, *hub.respond(asked))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is inherited
        """Log nothing: only the demo writes to the terminal."""


def names(condition: str, etag: str) -> bool:
    """Tell whether an ``If-None-Match`` field lists `etag`, weakly compared, or is ``*``."""
    listed = (tag.strip().removeprefix("W/") for tag in condition.split(","))
    return any(tag in {"*", etag} for tag in listed)
