"""Over TLS the same holds: trusted certificates only, and an end to every exchange."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
import support.misbehaviour as bad
from support.misbehaviour import Server

from archiver.errors import ConfigError, SourceUnavailable
from archiver.transport import Limits, Request, Transport

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path


class SlowToGreet(Server):
    """Takes longer for its part of the handshake than an impatient client waits."""

    def get_request(self) -> tuple[socket.socket, object]:
        self.over.wait(0.4)
        return super().get_request()


def secured(server: Server, certificate: Path) -> Server:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return server


@pytest.fixture
def secure(certificate: Path) -> Iterator[Server]:
    with secured(Server(), certificate) as running:
        yield running


def ask(transport: Transport, server: Server) -> bytes:
    return transport.get(Request("one", f"https://{server.address}/")).body


def test_a_certificate_that_the_caller_trusts_is_enough(secure: Server, certificate: Path) -> None:
    secure.says("/", bad.plain(b"[]"))
    with Transport(ca_bundle=str(certificate)) as transport:
        assert ask(transport, secure) == b"[]"


def test_a_file_of_certificates_that_is_not_there_is_named() -> None:
    with (
        Transport(ca_bundle="/nowhere.pem") as transport,
        pytest.raises(ConfigError, match=r"no file of certificates /nowhere\.pem"),
    ):
        transport.get(Request("one", "https://127.0.0.1:1/"))


def test_a_strange_certificate_is_told_at_once(secure: Server, waits: list[float]) -> None:
    secure.says("/", bad.plain(b"[]"))
    with (
        Transport(sleep=waits.append) as transport,
        pytest.raises(SourceUnavailable, match=r"its certificate is not trusted \(self.signed"),
    ):
        ask(transport, secure)
    assert (secure.seen, waits) == ([], [])


@pytest.mark.parametrize("answer", [bad.dripping_head, bad.dripping_body], ids=["head", "body"])
def test_a_server_that_drips_is_cut_off(
    secure: Server, certificate: Path, answer: bad.Answer
) -> None:
    secure.says("/", answer)
    limits = Limits(deadline=0.3, retries=0)
    with (
        Transport(limits, ca_bundle=str(certificate)) as transport,
        pytest.raises(SourceUnavailable, match=r"not finished within 0\.3 s"),
    ):
        ask(transport, secure)


def test_a_handshake_that_takes_all_the_time_leaves_none_for_the_answer(certificate: Path) -> None:
    limits = Limits(deadline=0.1, retries=0)
    with (
        secured(SlowToGreet(), certificate) as server,
        Transport(limits, ca_bundle=str(certificate)) as transport,
    ):
        server.says("/", bad.silent)
        with pytest.raises(SourceUnavailable, match=r"not finished within 0\.1 s"):
            ask(transport, server)
