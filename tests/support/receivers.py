"""Receivers of messages on 127.0.0.1, HTTP and SMTP, and an archive with channels to them."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import pytest
from aiosmtpd.smtp import SMTP

from archiver import config as configuration
from archiver.jobs.job import Job
from support.copies import START, TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from email.message import EmailMessage
    from pathlib import Path


class Received(NamedTuple):
    """One request: its headers by lower-case name, and its body."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """Takes what is posted; answers with the statuses it was given, then 204, and `says`."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.statuses: list[int] = []
        self.says = b""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.received.append(Received(headers, body))
                self.send_response(outer.statuses.pop(0) if outer.statuses else 204)
                self.send_header("Retry-After", "0")
                self.send_header("Content-Length", str(len(outer.says)))
                self.end_headers()
                self.wfile.write(outer.says)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hook/T0-secret-path"

    @property
    def port(self) -> int:
        return self._server.server_port

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class MailServer:
    """A mail server that keeps what it gets."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802
        """Keep a mail, as aiosmtpd asks of a handler."""
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 kept"

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        made = self._loop.create_server(lambda: SMTP(self, hostname="here"), "127.0.0.1", 0)
        server = self._loop.run_until_complete(made)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(server.wait_closed())
        self._loop.close()

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


@dataclass
class Archive:
    """One source that is a file, and channels."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    time: datetime = START

    def lists(self, **values: Any) -> None:
        rows = [{"id": key, **value} for key, value in values.items()]
        (self.folder / "hub.json").write_text(json.dumps(rows))

    def channels(self, text: str) -> None:
        rules = 'confirmations = 1\nmetrics = ["downloads"]\nmax_shrink = 1'
        table = TABLE.format(name="hub", url="hub.json", rules=rules)
        (self.folder / "archiver.toml").write_text(f"{table}\n{text}")

    @property
    def config(self) -> configuration.Config:
        return configuration.discover(self.folder, self.environ)

    def run(self, job: Job = Job()) -> None:  # noqa: B008  a frozen value
        self.time += timedelta(days=1)
        job.prepare(self.config, ("hub",), clock=self.clock)
        job.run(self.config, "hub", clock=self.clock)

    def clock(self) -> datetime:
        return self.time


@pytest.fixture
def archive(repo: Path) -> Archive:
    archive = Archive(repo)
    archive.lists(one={"downloads": 100}, two={"downloads": 100})
    return archive


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def hook(archive: Archive, receiver: Receiver) -> Archive:
    """Return an archive with a webhook that receives everything."""
    archive.environ = {"HOOK": receiver.url, "KEY": "k3y"}
    archive.channels('[notify.team]\ntype = "webhook"\nurl_env = "HOOK"\nsecret_env = "KEY"\n')
    return archive
