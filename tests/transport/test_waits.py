"""A wait that a site asks for is kept to the second or refused at once; it is never cut short."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from support import misbehaviour as bad

from archiver.errors import SourceUnavailable
from archiver.transport import Limits, Rate, Request, Site, Transport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.misbehaviour import Answer, Server

NOW = datetime(2026, 1, 29, 15, 47, 33, tzinfo=UTC)
DATED = {"Date": "Thu, 29 Jan 2026 15:47:33 GMT"}
ENDLESS = "9" * 5000


def busy(status: int = 429, **headers: str) -> Answer:
    """Answer with these headers and no other: not even ``Date``."""

    def answer(handler: bad.Handler) -> None:
        handler.send_response_only(status)
        for name, text in {"Content-Length": "0", **headers}.items():
            handler.send_header(name.replace("_", "-"), text)
        handler.end_headers()

    return answer


@pytest.fixture
def transport(waits: list[float]) -> Iterator[Transport]:
    limits = Limits(retries=2, longest_wait=60)
    with Transport(limits, sleep=waits.append, chance=lambda: 1.0, now=lambda: NOW) as client:
        yield client


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "7"}, 7),
        ({"Retry_After": "60"}, 60),
        ({"Retry_After": "Thu, 29 Jan 2026 15:47:43 GMT"}, 10),
        (
            {
                "Retry_After": "Thu, 29 Jan 2026 15:48:43 GMT",
                "Date": "Thu, 29 Jan 2026 15:48:33 GMT",
            },
            10,
        ),
        ({"Retry_After": "Thursday, 29-Jan-26 15:47:43 GMT"}, 10),
        ({"Retry_After": "Thu Jan 29 15:47:43 2026", **DATED}, 10),
        ({"Retry_After": "Thu, 29 Jan 2026 15:47:00 GMT", **DATED}, 0),
        ({"Retry_After": "0"}, 0),
        ({"RateLimit": '"api";r=0;t=55'}, 56),
        ({"RateLimit": '"api";r=000;t=55', "Retry_After": "57"}, 57),
    ],
)
def test_a_wait_within_the_limit_is_kept(
    *,
    server: Server,
    transport: Transport,
    waits: list[float],
    status: int,
    headers: dict[str, str],
    seconds: float,
) -> None:
    url = server.says("/", busy(status, **headers), bad.plain(b"[]"))
    assert transport.get(Request("one", url)).body == b"[]"
    assert waits == [seconds]


@pytest.mark.parametrize(
    "value",
    [
        *("soon", "-1", "-315360000", "7.5", "1e9", "", "²", "0x10"),
        "Thu, 99 Jan 2026 15:47:43 GMT",
        "Thu, 29 Jan 99999 15:47:43 GMT",
        "Thu, 29 Jan 2026 15:47:43 +999999999999999999",
    ],
)
def test_what_is_no_wait_is_waited_for_as_any_other_failure(
    server: Server, transport: Transport, waits: list[float], value: str
) -> None:
    url = server.says("/", busy(Retry_After=value), bad.plain(b"[]"))
    transport.get(Request("one", url))
    assert waits == [0.5]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("headers", "until"),
    [
        ({"Retry_After": "315360000"}, "2036-01-27 15:47:33 UTC"),
        ({"Retry_After": "61"}, "2026-01-29 15:48:34 UTC"),
        ({"Retry_After": "Thu, 29 Jan 2099 15:47:00 GMT"}, "2099-01-29 15:47:00 UTC"),
        ({"Retry_After": "Thu, 29 Jan 2099 15:47:33 GMT", **DATED}, "2099-01-29 15:47:33 UTC"),
        ({"Retry_After": "999999999999"}, "after the year 9999"),
        ({"Retry_After": ENDLESS}, "after the year 9999"),
        ({"RateLimit": '"api";r=0;t=3599'}, "2026-01-29 16:47:33 UTC"),
        ({"RateLimit": f'"api";r=0;t={ENDLESS}'}, "after the year 9999"),
        ({"RateLimit": '"api";r=0;t=3599', "Retry_After": "5"}, "2026-01-29 16:47:33 UTC"),
    ],
)
def test_a_longer_wait_ends_the_request_at_once(
    *,
    server: Server,
    transport: Transport,
    waits: list[float],
    status: int,
    headers: dict[str, str],
    until: str,
) -> None:
    url = server.says("/", busy(status, **headers))
    with pytest.raises(SourceUnavailable) as refused:
        transport.get(Request("one", url))
    limit = "longer than the limit of 60 s"
    assert str(refused.value) == f"{url}: answered {status}, asks to wait until {until}, {limit}"
    assert refused.value.hint == "run again after that time"
    assert (len(server.seen), waits) == (1, [])


def test_the_last_attempt_also_says_until_when(server: Server) -> None:
    url = server.says("/", busy(Retry_After="315360000"))
    with (
        Transport(Limits(retries=0), now=lambda: NOW) as transport,
        pytest.raises(SourceUnavailable, match=r"until 2036-01-27 15:47:33 UTC"),
    ):
        transport.get(Request("one", url))


def test_a_quota_that_is_used_up_for_long_ends_the_next_request(
    server: Server, waits: list[float]
) -> None:
    url = server.says("/", bad.plain(b"[1]", RateLimit='"api";r=0;t=3599'), bad.plain(b"[2]"))
    site = Site(url, Rate(1000, burst=9))
    with Transport(sites=[site], sleep=waits.append, now=lambda: NOW) as transport:
        assert transport.get(Request("1", url)).body == b"[1]"
        with pytest.raises(SourceUnavailable, match="rate limited, asks to wait until"):
            transport.get(Request("2", url))
    assert (len(server.seen), waits) == (1, [])


@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_holds_for_all_requests_to_the_site(
    server: Server, waits: list[float], status: int
) -> None:
    urls = [server.says("/1", busy(status, Retry_After="3600")), server.says("/2", bad.plain())]
    with Transport(sites=[Site(urls[0])], sleep=waits.append, now=lambda: NOW) as transport:
        for url, words in zip(urls, (f"answered {status}", "rate limited"), strict=True):
            with pytest.raises(
                SourceUnavailable, match=f"{words}, asks to wait until 2026-01-29 1"
            ):
                transport.get(Request(url, url))
    assert (len(server.seen), waits) == (1, [])


def test_a_slow_rate_of_ones_own_is_no_wait_that_the_site_asks_for(
    server: Server, waits: list[float]
) -> None:
    url = server.says("/", bad.plain(b"[]"))
    site = Site(url, Rate(1, timedelta(days=1).total_seconds()))
    with Transport(sites=[site], sleep=waits.append) as transport:
        transport.get(Request("1", url))
        transport.get(Request("2", url))
    assert [round(wait) for wait in waits] == [86_400]


@pytest.mark.parametrize(
    ("first", "level", "words"),
    [
        (busy(503), logging.INFO, "answered 503; asking again in 0.5 s"),
        (busy(Retry_After="1"), logging.INFO, "answered 429; asking again in 1 s"),
        (busy(503, Retry_After="45"), logging.WARNING, "answered 503; asking again in 45 s"),
        (bad.reset, logging.INFO, "the connection failed"),
    ],
    ids=["503", "short", "long", "reset"],
)
def test_every_wait_is_logged_with_its_reason_and_length(
    *,
    server: Server,
    transport: Transport,
    caplog: pytest.LogCaptureFixture,
    first: Answer,
    level: int,
    words: str,
) -> None:
    caplog.set_level(logging.INFO, logger="archiver.transport")
    url = server.says("/?token=s3cret", first, bad.plain(b"[]"))
    transport.get(Request("one", url))
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("archiver.transport", level)
    assert record.getMessage().startswith(f"{url.replace('s3cret', '***')}: {words}")


def test_the_wait_for_a_quota_is_logged(
    server: Server, waits: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    url = server.says("/", bad.plain(b"[]", RateLimit='"api";r=0;t=55'), bad.plain(b"[]"))
    with Transport(sites=[Site(url)], sleep=waits.append) as transport:
        transport.get(Request("1", url))
        transport.get(Request("2", url))
    assert [round(wait) for wait in waits] == [56]
    assert [record.getMessage() for record in caplog.records] == [
        f"{url}: rate limited; asking again in 56 s"
    ]
