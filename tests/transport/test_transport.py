"""The transport against a real server that misbehaves: a whole body or one clear error."""

from __future__ import annotations

import gzip
import logging
import socket
import zlib
from typing import TYPE_CHECKING

import pytest
import support.misbehaviour as bad
from support.misbehaviour import Server

from archiver import __version__
from archiver.errors import MalformedPage, SourceError, SourceRefused, SourceUnavailable
from archiver.transport import Limits, Request, Site, Transport

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.misbehaviour import Answer

BODY = b'[{"id":"a"},{"id":"b"}]'


def ask(transport: Transport, url: str) -> bytes:
    return transport.get(Request("one", url)).body


@pytest.mark.parametrize(
    "answer",
    [
        bad.plain(BODY),
        bad.zipped(BODY),
        bad.zipped(BODY, encoding="X-GZIP"),
        bad.plain(BODY, Content_Encoding="identity"),
        bad.plain(zlib.compress(BODY), Content_Encoding="deflate"),
        bad.plain(
            gzip.compress(BODY[:9], mtime=0) + gzip.compress(BODY[9:], mtime=0),
            Content_Encoding="gzip",
        ),
    ],
    ids=["plain", "gzip", "x-gzip", "identity", "deflate", "two gzip members"],
)
def test_a_whole_body_arrives_decompressed(
    server: Server, transport: Transport, answer: Answer
) -> None:
    assert ask(transport, server.says("/", answer)) == BODY


LARGE = b"x" * 100_001


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (bad.zipped(BODY, keep=0.5), "the compressed body is truncated"),
        (bad.plain(b"", Content_Encoding="gzip"), "the compressed body is truncated"),
        (bad.plain(BODY, Content_Encoding="gzip"), "damaged compression"),
        (bad.zipped(BODY, layers=2, encoding="gzip, gzip"), "one layer"),
        (bad.plain(BODY, Content_Encoding="br"), "encoded as 'br'"),
        (bad.plain(LARGE), "larger than the limit of 100,000 bytes"),
        (bad.zipped(b"\0" * 50_000_000), "larger than the limit of 100,000 bytes"),
        (bad.plain(b"", 404), "answered 404"),
        (bad.plain(b"", 206), "answered 206"),
        (bad.plain(b"", 304), "answered 304"),
        (bad.redirect(""), "redirects without saying where to"),
    ],
)
def test_a_damaged_answer_is_one_error_and_is_not_asked_again(
    server: Server, transport: Transport, answer: Answer, words: str
) -> None:
    with pytest.raises(MalformedPage, match=words):
        ask(transport, server.says("/", answer))
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (bad.reset, "the connection failed"),
        (bad.babble, "the connection failed"),
        (bad.cut(BODY[:9], announced=len(BODY)), "the connection failed"),
        (bad.cut_chunks(BODY), "the connection failed"),
        (bad.plain(b"", 500), "answered 500"),
        (bad.plain(b"", 503), "answered 503"),
        (bad.plain(b"", 429), "answered 429"),
    ],
    ids=["reset", "babble", "cut", "chunks", "500", "503", "429"],
)
def test_what_may_pass_is_asked_again_and_then_given_up(
    server: Server, transport: Transport, waits: list[float], answer: Answer, words: str
) -> None:
    with pytest.raises(SourceUnavailable, match=words + r".*\(attempts: 3\)"):
        ask(transport, server.says("/", answer))
    assert (len(server.seen), waits) == (3, [0.5, 1.0])


@pytest.mark.parametrize(
    ("answer", "limits", "words"),
    [
        (bad.silent, Limits(read=0.2, retries=1), r"silent for 0\.2 s"),
        (bad.dripping_head, Limits(deadline=0.3, retries=1), r"not finished within 0\.3 s"),
        (bad.dripping_body, Limits(deadline=0.3, retries=1), r"not finished within 0\.3 s"),
        (bad.dripping_length, Limits(deadline=0.3, retries=1), r"not finished within 0\.3 s"),
    ],
    ids=["silent", "head", "body", "length"],
)
def test_a_server_that_never_ends_is_cut_off(
    server: Server, answer: Answer, limits: Limits, words: str
) -> None:
    url = server.says("/", answer)
    given_up = pytest.raises(SourceUnavailable, match=words + r" \(attempts: 2\)")
    with Transport(limits, sleep=lambda _: None) as transport, given_up:
        ask(transport, url)
    assert len(server.seen) == 2


def test_what_a_server_babbles_is_not_repeated_at_length(
    server: Server, transport: Transport
) -> None:
    with pytest.raises(SourceUnavailable) as caught:
        ask(transport, server.says("/", bad.babble))
    assert len(str(caught.value)) < 300


def test_a_host_that_takes_no_connection_is_unavailable(waits: list[float]) -> None:
    with socket.socket() as full:  # the one place in its queue is taken, nobody accepts
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            limits = Limits(connect=0.2, retries=1)
            with (
                Transport(limits, sleep=waits.append) as transport,
                pytest.raises(SourceUnavailable, match=r"no connection within 0\.2 s"),
            ):
                ask(transport, f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("trouble", [bad.plain(b"", 502), bad.reset, bad.cut(BODY[:9], 23)])
def test_trouble_that_passes_costs_nothing_but_a_wait(
    server: Server, transport: Transport, trouble: Answer
) -> None:
    assert ask(transport, server.says("/", trouble, trouble, bad.plain(BODY))) == BODY


def test_a_server_that_does_not_listen_is_unavailable(transport: Transport) -> None:
    with pytest.raises(SourceUnavailable, match="Connection refused"):
        ask(transport, "http://127.0.0.1:1/")


DATES = {"Date": "Thu, 29 Jan 2026 15:47:33 GMT"}


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        ("Thu, 29 Jan 2026 15:47:43 GMT", 10),
        ("Thu, 29 Jan 2026 15:47:00 GMT", 0),
        ("soon", 0.5),
        ("-1", 0.5),
    ],
)
def test_the_wait_that_a_source_asks_for_is_kept(
    server: Server, transport: Transport, waits: list[float], value: str, seconds: float
) -> None:
    def busy(handler: bad.Handler) -> None:
        handler.send_response_only(429)
        for name, text in (DATES | {"Retry-After": value, "Content-Length": "0"}).items():
            handler.send_header(name, text)
        handler.end_headers()

    ask(transport, server.says("/", busy, bad.plain(BODY)))
    assert waits == [seconds]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_told_at_once(server: Server, transport: Transport, status: int) -> None:
    with pytest.raises(SourceRefused, match=f"answered {status}"):
        ask(transport, server.says("/", bad.plain(b"no", status)))
    assert len(server.seen) == 1


def test_a_status_that_the_asker_accepts_is_a_page(server: Server, transport: Transport) -> None:
    request = Request("gone", server.says("/", bad.plain(b"gone", 404)), accept=(200, 404))
    page = transport.get(request)
    assert (page.status, page.body, page.headers["content-length"]) == (404, b"gone", "4")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_within_the_origin_are_followed(
    server: Server, transport: Transport, status: int
) -> None:
    server.says("/new", bad.plain(BODY))
    assert ask(transport, server.says("/old", bad.redirect("/new", status))) == BODY


@pytest.mark.parametrize(
    "elsewhere",
    ["http://other.example/x?token=s3cret", "//127.0.0.1:1/", "https://127.0.0.1/", "file:///etc"],
)
def test_redirects_elsewhere_are_refused_by_name(
    server: Server, transport: Transport, elsewhere: str
) -> None:
    with pytest.raises(MalformedPage, match="redirects to another origin") as caught:
        ask(transport, server.says("/", bad.redirect(elsewhere)))
    assert "s3cret" not in str(caught.value)
    assert len(server.seen) == 1


def test_redirects_in_a_circle_end(server: Server, transport: Transport) -> None:
    with pytest.raises(MalformedPage, match="more than 5 redirects"):
        ask(transport, server.says("/", bad.redirect("/")))
    assert len(server.seen) == 6


def test_the_client_says_who_it_is_and_takes_nothing_from_netrc(
    server: Server, transport: Transport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password s3cret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    ask(transport, server.says("/", bad.plain(BODY)))
    headers = server.seen[0][1]
    assert headers["user-agent"] == f"snapshot-archiver/{__version__}"
    assert "authorization" not in headers


def test_a_proxy_is_used_unless_the_host_is_asked_directly(server: Server) -> None:
    url = server.says("/", bad.plain(b"direct"))
    server.says("http://hub.example/list", bad.plain(b"by proxy"))
    proxies = {"http": url, "no_proxy": "other.example, 127.0.0.1"}
    with Transport(Limits(retries=0), proxies=proxies) as transport:
        answers = [ask(transport, "http://hub.example/list"), ask(transport, url)]
    assert answers == [b"by proxy", b"direct"]


def test_conditions_are_sent_and_304_is_a_page(server: Server, transport: Transport) -> None:
    url = server.says("/", bad.plain(b"", 304))
    request = Request("again", url, headers={"If-None-Match": '"1"'}, accept=(200, 304))
    assert transport.get(request).status == 304
    assert server.seen[0][1]["if-none-match"] == '"1"'


SECRETIVE: list[Callable[[], Answer]] = [
    lambda: bad.plain(b"", 500),
    lambda: bad.plain(b"", 403),
    lambda: bad.plain(b"", 404),
    lambda: bad.reset,
    lambda: bad.zipped(BODY, keep=0.5),
]


@pytest.mark.parametrize("answer", SECRETIVE)
def test_no_secret_is_told(
    server: Server,
    transport: Transport,
    caplog: pytest.LogCaptureFixture,
    answer: Callable[[], Answer],
) -> None:
    caplog.set_level(logging.INFO, logger="archiver")
    url = server.says("/list?page=1&api_key=s3cret", answer())
    request = Request("one", url.replace("//", "//me:s3cret@"), {"Authorization": "s3cret"})
    with pytest.raises(SourceError) as caught:
        transport.get(request)
    told = f"{caught.value} {caught.value.hint} {request!r} {transport!r} {caplog.text}"
    assert "s3cret" not in told
    assert "***@127.0.0.1" in told
    assert "/list?page=1&api_key=***" in told


@pytest.mark.parametrize(
    "url", ["http://", "http://[::1/", "ftp://127.0.0.1/", "http://127.0.0.1:99999/", "plain"]
)
def test_what_is_no_address_is_an_error(transport: Transport, url: str) -> None:
    with pytest.raises(SourceError):
        ask(transport, url)


def test_a_header_that_would_break_the_request_is_an_error(
    server: Server, transport: Transport
) -> None:
    request = Request("one", server.says("/", bad.plain(BODY)), {"If-None-Match": "a\r\nX: s3cret"})
    with pytest.raises(SourceUnavailable, match="the request is not valid HTTP"):
        transport.get(request)


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry_After": "1"},
        {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "1"},
    ],
)
def test_a_rate_limit_by_403_is_waited_for(server: Server, headers: dict[str, str]) -> None:
    url = server.says("/a", bad.plain(b"", 403, **headers), bad.plain(b"[1]"))
    waits: list[float] = []
    with Transport(sleep=waits.append) as transport:
        assert transport.get(Request("a", url)).body == b"[1]"
    assert len(waits) == 1
    assert 0 < waits[0] < 5


def test_a_quota_that_is_left_makes_no_rate_limit_of_a_refusal(server: Server) -> None:
    url = server.says("/a", bad.plain(b"", 403, X_RateLimit_Remaining="59"))
    with Transport() as transport, pytest.raises(SourceRefused):
        transport.get(Request("a", url))
    assert len(server.seen) == 1


def test_a_host_that_is_named_may_be_redirected_to_without_any_secret() -> None:
    with Server() as first, Server() as second:
        elsewhere = second.says("/asset", bad.plain(BODY))
        named = elsewhere.replace("127.0.0.1", "localhost")
        url = first.says("/release", bad.redirect(named))
        site = Site(f"http://{first.address}", headers={"Authorization": "Bearer secret"})
        request = Request("one", url, headers={"X-Key": "secret"})
        with Transport(sites=(site,), redirect_to=("LOCALHOST",)) as transport:
            assert transport.get(request).body == BODY
        assert "Bearer secret" in str(first.seen)
        assert "secret" not in str(second.seen)
        with Transport(redirect_to=("other.example",)) as transport, pytest.raises(MalformedPage):
            transport.get(request)
        assert len(second.seen) == 1
