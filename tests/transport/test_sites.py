"""What is special about one site: its pace, its secrets, its next page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import support.misbehaviour as bad

from archiver.errors import MalformedPage, SourceRefused
from archiver.transport import (
    Limits,
    Page,
    Rate,
    Request,
    Secret,
    Site,
    Transport,
    next_link,
)
from archiver.transport.prefetch import Prefetch
from archiver.transport.throttle import Throttle, exhausted_quota, requested_wait

if TYPE_CHECKING:
    from support.misbehaviour import Server


class Time:
    """A clock that moves only while somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def turns(throttle: Throttle, time: Time, number: int) -> list[float]:
    found = []
    for _ in range(number):
        throttle.wait()
        found.append(round(time.now, 3))
    return found


def test_requests_follow_each_other_at_the_pace_of_the_site() -> None:
    time = Time()
    assert turns(Throttle(Rate(4), time, time.sleep), time, 4) == [0, 0.25, 0.5, 0.75]


def test_after_a_pause_a_burst_may_follow() -> None:
    time = Time()
    throttle = Throttle(Rate(500, 300, burst=3), time, time.sleep)
    assert turns(throttle, time, 5) == [0, 0, 0, 0.6, 1.2]
    time.now = 100
    assert turns(throttle, time, 4) == [100, 100, 100, 100.6]


def test_a_site_can_close_for_a_time() -> None:
    time = Time()
    throttle = Throttle(None, time, time.sleep)
    throttle.close(56)
    throttle.close(5)
    assert throttle.closed_for == 56
    time.sleep(57)
    assert throttle.closed_for == 0


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"ratelimit": '"api";r=0;t=55'}, 56),
        ({"ratelimit": '"api";r=3;t=55'}, None),
        ({"ratelimit": '"api";r=0;t=2, "resolvers";r=0;t=9'}, 10),
        ({"ratelimit": "nonsense;r=;t="}, None),
        ({"ratelimit": '"api";r=0;t=2', "retry-after": "30"}, 30),
        ({"retry-after": "7"}, 7),
        ({}, None),
    ],
)
def test_an_answer_says_how_long_to_wait(headers: dict[str, str], wait: float | None) -> None:
    assert requested_wait(headers, datetime.now(UTC)) == wait
    if "retry-after" not in headers:
        assert exhausted_quota(headers) == wait


def test_a_used_up_quota_is_waited_for_before_the_next_request(server: Server) -> None:
    url = server.says("/", bad.plain(b"[]", RateLimit='"api";r=0;t=55'), bad.plain(b"[]"))
    waits: list[float] = []
    site = Site(url, Rate(1000, burst=9))
    with Transport(sites=[site], sleep=waits.append) as transport:
        transport.get(Request("1", url))
        transport.get(Request("2", url))
    assert [round(wait) for wait in waits] == [56]


def test_a_token_goes_to_its_own_site_only_and_is_never_shown(server: Server) -> None:
    url = server.says("/", bad.plain(b"[]"))
    site = Site(url, headers={"Authorization": "Bearer hf_secret"})
    other = Site("http://127.0.0.1:9", headers={"X-Other": "secret"})
    with Transport(sites=[site, other]) as transport:
        page = transport.get(Request("1", url))
    (_, sent) = server.seen[-1]
    assert (sent["authorization"], "x-other" in sent) == ("Bearer hf_secret", False)
    assert "secret" not in repr(site) + repr(page)


KEY = Secret("SHOP", "k", in_query=True)
TOKEN = Secret("SHOP_TOKEN", "Authorization", scheme="Bearer")


def test_a_secret_of_the_query_is_added_where_it_is_sent_and_shown_nowhere(
    server: Server,
) -> None:
    server.says("/a?k=s%2Fecret-1", bad.plain(b"", 503), bad.redirect("/b?k=s%2Fecret-1&c=d"))
    server.says("/b?c=d&k=s%2Fecret-1", bad.plain(b'{"at":"/b?k=s\\/ecret-1"}', Link="s/ecret-1"))
    url = f"http://{server.address}/a"
    site = Site(url).sending({KEY: "s/ecret-1", TOKEN: "token-of-mine"})
    with Transport(sites=[site], sleep=lambda _: None) as transport:
        found = transport.get(Request("1", url))
    assert [sent["authorization"] for _, sent in server.seen] == ["Bearer token-of-mine"] * 3
    assert (found.body, found.headers["link"]) == (b'{"at":"/b?k=***"}', "***")
    assert "ecret" not in repr(site) + repr(found) + repr(found.request)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_names_the_variable_whose_secret_was_sent(server: Server, status: int) -> None:
    url = server.says("/?k=secret-1", bad.plain(b"", status)).partition("?")[0]
    site = Site(url).sending({KEY: "secret-1", TOKEN: "token-of-mine"})
    with Transport(sites=[site]) as transport, pytest.raises(SourceRefused) as caught:
        transport.get(Request("1", url))
    assert str(caught.value) == f"{url}: answered {status}; the secret in SHOP, SHOP_TOKEN was sent"


def test_a_word_that_is_a_short_secret_is_not_taken_out_of_answers(server: Server) -> None:
    url = server.says("/?k=demo", bad.plain(b'["demo"]')).partition("?")[0]
    with Transport(sites=[Site(url).sending({KEY: "demo"})]) as transport:
        assert transport.get(Request("1", url)).body == b'["demo"]'


def test_a_protocol_that_reads_by_put_is_spoken_and_repeated(server: Server) -> None:
    url = server.says("/", bad.plain(b"[]", 503), bad.plain(b"[1]"))
    request = Request("1", url, method="PUT", body=b'{"PageNumber":1}')
    with Transport(sleep=lambda _: None) as transport:
        assert transport.get(request).body == b"[1]"
    assert [sent["content-length"] for _, sent in server.seen] == ["16", "16"]


def page(url: str, **headers: str) -> Page:
    return Page(Request("1", url), 200, headers, b"")


@pytest.mark.parametrize(
    ("link", "following"),
    [
        ('<http://h/a?cursor=x%3D&b=1>; rel="next"', "http://h/a?cursor=x%3D&b=1"),
        ("</a?cursor=2>; rel=next", "http://h/a?cursor=2"),
        ('<http://h/first>; rel="first", <http://h/n>; rel="next"', "http://h/n"),
        ('<http://h/first>; rel="prev"', None),
        ('<a,b?x=1;y=2>; title="x, <y>; rel=next"; REL="prev NEXT"', "http://h/a,b?x=1;y=2"),
        ("<b>;rel=last,<c> ; rel = next", "http://h/c"),
        ('<b>; title="\\"; rel=next"; rel=last', None),
        ("<b>; rel=prev; rel=next", None),
        ('<b>; rel="next"; anchor="/elsewhere"', None),
        ("<b; rel=next", None),
        (",;=<>" * 100, None),
        ("nonsense", None),
        ("", None),
    ],
)
def test_a_page_links_to_the_next(link: str, following: str | None) -> None:
    assert next_link(page("http://h/a", link=link)) == following


@pytest.mark.parametrize("target", ["http://evil/a", "https://h/a", "http://h:81/a", "http://[/"])
def test_a_next_page_elsewhere_is_refused(target: str) -> None:
    with pytest.raises(MalformedPage, match="its next page is at another origin"):
        next_link(page("http://h/a", link=f'<{target}>; rel="next"'))


def test_requests_under_way_end_with_their_answer_or_their_error(server: Server) -> None:
    urls = [server.says(f"/{number}", bad.plain(str(number).encode())) for number in range(9)]
    lost = server.says("/lost", bad.plain(b"", 404))
    with Transport(Limits(retries=0)) as transport, Prefetch(transport.get, 4) as flight:
        flying = [flight.start(Request(url, url)) for url in (*urls, lost)]
        assert [int(each.result().body) for each in flying[:-1]] == [*range(9)]
        with pytest.raises(MalformedPage, match="answered 404"):
            flying[-1].result()
