"""The source ``api``: it follows pages to their end, and refuses what is not whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.apis import (
    Api,
    Asked,
    Said,
    Server,
    catalogue,
    ckan,
    github_releases,
    pokeapi,
    serving,
)

from archiver.errors import ConfigError, MalformedPage, SourceError
from archiver.sources import Ledger, Source, create
from archiver.sources.listing import Listing, fetch

if TYPE_CHECKING:
    from pathlib import Path

    from archiver.transport import Transport


def source(base: Path, **settings: Any) -> Source:
    return create("shop", {"type": "api", "key": "id", **settings}, base=base)


def listed(asked: Source, transport: Transport) -> Listing:
    listing = fetch(asked, transport, key=())
    assert isinstance(listing, Listing)
    return listing


def paths(server: Server) -> list[str]:
    return [each.path for each in server.seen]


def numbered(rows: list[dict[str, Any]], **more: Any) -> Api:
    """Answer pages of three by their number; an empty one after the last."""

    def answer(asked: Asked) -> Said:
        start = (int(asked.query.get("page", 1)) - 1) * 3
        return Said({"data": rows[start : start + 3], **more})

    return answer


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 7])
def test_a_link_header_is_followed_to_the_page_that_has_none(
    transport: Transport, tmp_path: Path, number: int
) -> None:
    with serving(github_releases(number)) as server:
        url = f"{server.url}/repos/python/cpython/releases"
        paged = source(tmp_path, url=url, next="link", page_size=2, size_param="per_page")
        listing = listed(paged, transport)
    assert len(listing.lines) == number
    assert listing.proof.end == "a page without a next one"
    assert len(server.seen) == max(1, -(-number // 2))
    assert {each.query["per_page"] for each in server.seen} == {"2"}


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 7])
def test_an_address_in_the_answer_is_followed(
    transport: Transport, tmp_path: Path, number: int
) -> None:
    with serving(pokeapi(number)) as server:
        url = f"{server.url}/api/v2/pokemon?limit=2"
        paged = source(tmp_path, url=url, records="results", key="name", next="next", total="count")
        listing = listed(paged, transport)
    assert (len(listing.lines), listing.proof.announced) == (number, number)
    assert listing.notes == ()


@pytest.mark.parametrize(
    "address", ["?page=2", "/feed?page=2", "//{host}/feed?page=2", "feed?page=2"]
)
def test_a_relative_address_is_resolved(transport: Transport, tmp_path: Path, address: str) -> None:
    rows = catalogue(5)

    def answer(asked: Asked) -> Said:
        second = asked.query.get("page") == "2"
        following = None if second else address.format(host=asked.headers["host"])
        return Said({"@odata.nextLink": following, "value": rows[3:] if second else rows[:3]})

    with serving(answer) as server:
        url = f"{server.url}/feed"
        listing = listed(
            source(tmp_path, url=url, records="value", next="@odata.nextLink"), transport
        )
    assert len(listing.lines) == 5
    assert paths(server) == ["/feed", "/feed"]


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 7])
def test_an_offset_is_counted_up_to_the_announced_total(
    transport: Transport, tmp_path: Path, number: int
) -> None:
    settings: dict[str, Any] = {
        "records": "result.results",
        "total": "result.count",
        "offset": "start",
        "params": {"q": "a b&c", "flag": True},
    }
    with serving(ckan(number)) as server:
        url = f"{server.url}/api/3/action/package_search"
        sized = source(tmp_path, url=url, page_size=2, size_param="rows", **settings)
        listing = listed(sized, transport)
    assert (len(listing.lines), listing.proof.announced) == (number, number)
    starts = [int(each.query["start"]) for each in server.seen]
    assert starts == [*range(0, number, 2)] or (number, starts) == (0, [0])
    assert server.seen[0].query["q"] == "a b&c"
    assert server.seen[0].query["flag"] == "true"


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 6])
@pytest.mark.parametrize("size", [None, 3])
def test_numbered_pages_end_with_an_empty_one(
    transport: Transport, tmp_path: Path, number: int, size: int | None
) -> None:
    sized = {"page_size": size} if size else {}
    with serving(numbered(catalogue(number))) as server:
        url = f"{server.url}/shop?page_size=3"
        listing = listed(source(tmp_path, url=url, records="data", page="page", **sized), transport)
    assert len(listing.lines) == number
    assert listing.proof.end == "an empty page"
    assert [each.query["page"] for each in server.seen] == [
        str(page) for page in range(1, len(server.seen) + 1)
    ]


@pytest.mark.parametrize("status", [400, 404, 416])
def test_a_short_page_is_the_last_one_where_the_page_after_it_does_not_exist(
    transport: Transport, tmp_path: Path, status: int
) -> None:
    def answer(asked: Asked) -> Said:
        page = int(asked.query["page"])
        return Said(catalogue(5)[page * 3 : page * 3 + 3]) if page < 2 else Said({}, status)

    with serving(answer) as server:
        paged = source(tmp_path, url=server.url, page="page", first_page=0, page_size=3)
        listing = listed(paged, transport)
    assert (len(listing.lines), len(server.seen)) == (5, 3)
    assert listing.proof.end == f"a short page, and none after it ({status})"


def test_a_page_that_does_not_exist_in_the_middle_is_refused(
    transport: Transport, tmp_path: Path
) -> None:
    def answer(asked: Asked) -> Said:
        page = int(asked.query["page"])
        return Said(catalogue(9)[page * 3 - 3 : page * 3]) if page < 3 else Said({}, 404)

    with serving(answer) as server, pytest.raises(MalformedPage, match=r"page=3: answered 404"):
        listed(source(tmp_path, url=server.url, page="page", page_size=3), transport)


def test_a_server_with_smaller_pages_than_asked_for_does_not_cut_the_catalogue(
    transport: Transport, tmp_path: Path
) -> None:
    with serving(numbered(catalogue(8))) as server:
        big = source(tmp_path, url=server.url, records="data", page="page", page_size=100)
        with pytest.raises(MalformedPage, match=r"page 2 of .* has 3 records, page_size is 100"):
            listed(big, transport)


@pytest.mark.parametrize("number", [3, 5])
def test_a_flag_says_whether_there_is_another_page(
    transport: Transport, tmp_path: Path, number: int
) -> None:
    rows = catalogue(number)

    def answer(asked: Asked) -> Said:
        after = asked.query.get("after")
        if after is None:
            return Said({"data": rows[:3], "meta": {"more": number > 3, "cursor": 7}})
        return Said({"data": rows[3:], "meta": {"more": False, "cursor": 7}})

    with serving(answer) as server:
        paged = source(
            tmp_path,
            url=server.url,
            records="data",
            cursor="meta.cursor",
            cursor_param="after",
            more="meta.more",
        )
        listing = listed(paged, transport)
    assert (len(listing.lines), listing.proof.end) == (number, "meta.more is false")
    assert [each.query for each in server.seen] == [{}, {"after": "7"}][: 1 + (number > 3)]


def test_a_cursor_may_stand_in_a_header_and_a_total_too(
    transport: Transport, tmp_path: Path
) -> None:
    def answer(asked: Asked) -> Said:
        headers = {"X-Total-Count": "5"}
        if "after" in asked.query:
            return Said(catalogue(5)[3:], headers=headers)
        return Said(catalogue(3), headers=headers | {"X-Cursor": "a/b+c="})

    with serving(answer) as server:
        paged = source(
            tmp_path,
            url=server.url,
            cursor="header:x-cursor",
            cursor_param="after",
            total="header:X-Total-Count",
        )
        listing = listed(paged, transport)
    assert (len(listing.lines), listing.proof.announced) == (5, 5)
    assert server.seen[1].query == {"after": "a/b+c="}


def test_several_addresses_are_united(transport: Transport, tmp_path: Path) -> None:
    def answer(asked: Asked) -> Said:
        start = 10 * int(asked.path[-1]) + 2 * int(asked.query["p"])
        rows = catalogue(100)[start : min(start + 2, 10 * int(asked.path[-1]) + 3)]
        return Said({"data": rows, "count": 3})

    settings: dict[str, Any] = {"records": "data", "page": "p", "first_page": 0, "total": "count"}
    with serving(answer) as one, serving(answer) as two:
        urls = (f"{one.url}/1", f"{two.url}/2", f"{one.url}/3")
        listing = listed(source(tmp_path, urls=urls, **settings), transport)
    assert len(listing.lines) == 9
    assert paths(one) == ["/1", "/1", "/3", "/3"]
    assert listing.proof.pages == 6


def test_one_of_several_addresses_that_lacks_records_is_named(
    transport: Transport, tmp_path: Path
) -> None:
    def answer(asked: Asked) -> Said:
        second = asked.path == "/2"
        return Said({"data": catalogue(4)[2 * second :][:2], "count": 2 + second})

    with serving(answer) as server:
        urls = (f"{server.url}/1", f"{server.url}/2")
        paged = source(tmp_path, urls=urls, records="data", next="none", total="count")
        with pytest.raises(MalformedPage, match=r"page 1 of http\S+/2: announced 3, received 2"):
            listed(paged, transport)


def test_what_is_no_record_is_named_with_its_page(transport: Transport, tmp_path: Path) -> None:
    rows = [*catalogue(3), "no record", *catalogue(5)[3:]]
    with serving(numbered(rows)) as server:  # type: ignore[arg-type]
        listing = listed(source(tmp_path, url=server.url, records="data", page="page"), transport)
    assert [each.place for each in listing.bad] == ["page 2/data/0"]


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"next": "meta.next"}, "meta.next"),
        ({"next": "meta.next", "page_size": 3}, "meta.next"),
        ({"next": "link"}, "header:Link"),
        ({"cursor": "data[-1].cursor", "cursor_param": "c"}, "data[-1].cursor"),
        ({"next": "link", "page_size": 4}, ""),
        ({"next": "meta.end"}, ""),
        ({"next": "meta.next", "total": "count"}, ""),
    ],
)
def test_a_full_first_page_that_lacks_the_place_is_taken_for_all_with_a_note(
    transport: Transport, tmp_path: Path, settings: dict[str, Any], place: str
) -> None:
    with serving(numbered(catalogue(3), meta={"nxet": "?page=2", "end": None}, count=3)) as server:
        listing = listed(source(tmp_path, url=server.url, records="data", **settings), transport)
    note = f'nothing stands at "{place}": the first page is taken for all'
    assert listing.notes == ((note,) if place else ())


def test_one_page_of_several_is_never_asked_for_conditionally(
    transport: Transport, tmp_path: Path
) -> None:
    def answer(_: Asked) -> Said:
        return Said(catalogue(2), headers={"ETag": '"1"'})

    with serving(answer) as server:
        assert not listed(source(tmp_path, url=server.url, next="link"), transport).validators
        assert listed(source(tmp_path, url=server.url, next="none"), transport).validators


REFUSED: dict[str, tuple[dict[str, Any], list[Said], str]] = {
    "the same records in another answer": (
        {"page": "p", "records": "data"},
        [Said({"data": catalogue(2), "at": 1}), Said({"data": catalogue(2), "at": 2})],
        "page 2 of {url}: it repeats records that came before, and has no new one",
    ),
    "the same page": (
        {"page": "p"},
        [Said(catalogue(2)), Said(catalogue(2))],
        "{url}?p=2: the same page as the one before",
    ),
    "the same page of a search": (
        {"page": "p", "method": "POST"},
        [Said(catalogue(2)), Said(catalogue(2))],
        "page 2: the same page as the one before",
    ),
    "a page that shifts": (
        {"page": "p"},
        [Said(catalogue(3)), Said(catalogue(5)[2:])],
        "page 2 of {url}: 1 record on it came before: the pages shifted, and others may be missing",
    ),
    "an address that leads back": (
        {"next": "next", "records": "data"},
        [
            Said({"data": catalogue(1), "next": "/?b"}),
            Said({"data": catalogue(2)[1:], "next": "/?c"}),
            Said({"data": catalogue(3)[2:], "next": "/?b"}),
        ],
        "page 3 of {url}: it leads back to page 2: the pages loop",
    ),
    "an address that leads to the first page": (
        {"next": "next", "records": "data"},
        [Said({"data": catalogue(1), "next": "{url}"})],
        "page 1 of {url}: it leads back to page 1: the pages loop",
    ),
    "a cursor that was there before": (
        {"cursor": "c", "cursor_param": "after", "records": "data"},
        [Said({"data": catalogue(1), "c": "x"}), Said({"data": catalogue(2)[1:], "c": "x"})],
        "page 2 of {url}: it leads back to page 2: the pages loop",
    ),
    "a foreign address": (
        {"next": "next", "records": "data"},
        [Said({"data": catalogue(1), "next": "http://127.0.0.1:9/?page=2"})],
        "page 1 of {url}: its next page is at another origin, http://127.0.0.1:9/?page=2",
    ),
    "an address that nobody can read": (
        {"next": "next", "records": "data"},
        [Said({"data": catalogue(1), "next": "http://[/"})],
        "page 1 of {url}: its next page is at another origin, an unreadable address",
    ),
    "a foreign link": (
        {"next": "link"},
        [Said(catalogue(1), headers={"Link": '<http://127.0.0.1:9/>; rel="next"'})],
        "{url}: its next page is at another origin",
    ),
    "an address that is none": (
        {"next": "next", "records": "data"},
        [Said({"data": catalogue(1), "next": 2})],
        'page 1 of {url}: no address at "next"',
    ),
    "a cursor that is none": (
        {"cursor": "c", "cursor_param": "after", "records": "data"},
        [Said({"data": catalogue(1), "c": {"x": 1}})],
        'page 1 of {url}: no cursor at "c"',
    ),
    "more without a cursor": (
        {"cursor": "c", "cursor_param": "after", "more": "more", "records": "data"},
        [Said({"data": catalogue(1), "more": True, "c": None})],
        "page 1 of {url}: it says that there is more, but not where",
    ),
    "more after an empty page": (
        {"page": "p", "more": "more", "records": "data"},
        [Said({"data": [], "more": True})],
        "page 1 of {url}: it is empty, but says that there is more",
    ),
    "no flag": (
        {"page": "p", "more": "more", "records": "data"},
        [Said({"data": []})],
        'page 1 of {url}: neither true nor false at more "more"',
    ),
    "no total": (
        {"page": "p", "total": "count", "records": "data"},
        [Said({"data": []})],
        'page 1 of {url}: no whole number at total "count"',
    ),
    "a total that is no number": (
        {"next": "none", "total": "header:X-Total"},
        [Said([], headers={"X-Total": "many"})],
        'page 1 of {url}: no whole number at total "header:X-Total"',
    ),
    "a total of too many digits": (
        {"next": "none", "total": "header:X-Total"},
        [Said([], headers={"X-Total": "9" * 5000})],
        'page 1 of {url}: no whole number at total "header:X-Total"',
    ),
    "a cursor that is beyond all bounds": (
        {"cursor": "c", "cursor_param": "after", "records": "data"},
        [Said(b'{"data": [{"id": 1}], "c": 1e999}')],
        'page 1 of {url}: what stands at "c" cannot be read',
    ),
    "an error of GraphQL that is beyond all bounds": (
        {"next": "none", "records": "data.n", "method": "POST", "body": {"query": "{ n }"}},
        [Said(b'{"data": {"n": [{"id": 1}]}, "errors": [1e999]}')],
        "page 1: not JSON: ",
    ),
    "an address that is too long": (
        {"next": "next", "records": "data"},
        [Said({"data": catalogue(1), "next": "/?p=" + "x" * 50_000})],
        "page 1 of {url}: it leads to an address of 50,004 characters",
    ),
    "another total": (
        {"page": "p", "total": "count", "records": "data"},
        [Said({"data": catalogue(1), "count": 3}), Said({"data": catalogue(2)[1:], "count": 2})],
        "page 2 of {url}: it announces 2, and the first page 3",
    ),
    "a total that is too high": (
        {"page": "p", "total": "count", "records": "data"},
        [Said({"data": catalogue(1), "count": 3}), Said({"data": [], "count": 3})],
        "announced 3, received 1",
    ),
    "a total that is too low": (
        {"next": "none", "total": "count", "records": "data"},
        [Said({"data": catalogue(3), "count": 2})],
        "announced 2, received 3",
    ),
    "an error of GraphQL beside data": (
        {"next": "none", "records": "data.n", "method": "POST", "body": {"query": "{ n }"}},
        [Said({"data": {"n": catalogue(3)}, "errors": [{"message": "timeout"}]})],
        "page 1: the source reports an error: timeout",
    ),
    "a web page": ({"next": "link"}, [Said(b"<html>")], "page 1: {url}: not JSON"),
    "half a page": (
        {"next": "none"},
        [Said(catalogue(50), sent=100)],
        "{url}: the connection failed",
    ),
}


@pytest.mark.parametrize(("settings", "answers", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_whole_is_refused_and_the_page_is_named(
    transport: Transport,
    tmp_path: Path,
    settings: dict[str, Any],
    answers: list[Said],
    words: str,
) -> None:
    left = list(answers)

    def answer(asked: Asked) -> Said:
        said = left.pop(0) if len(left) > 1 else left[0]
        here = f"http://{asked.headers['host']}"
        if isinstance(said.body, dict) and said.body.get("next") == "{url}":
            return said._replace(body={**said.body, "next": here})
        return said

    with serving(answer) as server, pytest.raises(SourceError) as caught:
        listed(source(tmp_path, url=server.url, **settings), transport)
    assert str(caught.value).startswith(words.format(url=server.url))
    assert "\n" not in str(caught.value)


def test_pages_that_never_end_are_taken_for_a_loop(transport: Transport, tmp_path: Path) -> None:
    def answer(asked: Asked) -> Said:
        page = int(asked.query["page"])
        return Said([{"id": str(page)}])

    with serving(answer) as server:
        endless = source(tmp_path, url=server.url, page="page", max_pages=5)
        with pytest.raises(MalformedPage, match=r"page 5 of .*: more than 5 pages"):
            listed(endless, transport)
    assert len(server.seen) == 5


def test_a_catalogue_that_changes_all_the_time_is_complete_within_its_drift(
    transport: Transport, tmp_path: Path
) -> None:
    def answer(asked: Asked) -> Said:
        page = int(asked.query["page"])
        return Said({"data": catalogue(20)[page * 10 - 10 : page * 10], "count": 20 + page})

    settings: dict[str, Any] = {"records": "data", "page": "page", "total": "count"}
    with serving(answer) as server:
        listing = listed(source(tmp_path, url=server.url, drift=0.2, **settings), transport)
        assert len(listing.lines) == 20
        with pytest.raises(MalformedPage, match="the first page 21"):
            listed(source(tmp_path, url=server.url, **settings), transport)


CONTRADICTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "no address": ({"next": "link"}, "give either url or urls"),
    "two kinds of addresses": (
        {"url": "http://a", "urls": ["http://b"]},
        "give either url or urls",
    ),
    "an address twice": ({"urls": ["http://a", "http://a"], "next": "link"}, "address twice"),
    "a file": ({"url": "feed.json", "next": "link"}, '"feed.json" is no address'),
    "a port that is none": ({"url": "http://a:99999", "next": "link"}, "is no address"),
    "half an address": ({"url": "http://[a", "next": "link"}, "is no address"),
    "no pages": ({"url": "http://a"}, "exactly one of next, cursor, page and offset"),
    "two pagers": ({"url": "http://a", "next": "link", "page": "p"}, "given: next, page"),
    "a cursor for nothing": ({"url": "http://a", "cursor": "c"}, "cursor needs cursor_param"),
    "a parameter for nothing": (
        {"url": "http://a", "page": "p", "cursor_param": "c"},
        "cursor_param needs cursor",
    ),
    "no size": ({"url": "http://a", "page": "p", "size_param": "s"}, "size_param needs page_size"),
    "a body of GET": (
        {"url": "http://a", "page": "p", "body": {"a": 1}},
        'body needs method = "POST"',
    ),
    "a flag with next": ({"url": "http://a", "next": "link", "more": "m"}, "more belongs to"),
    "a parameter twice": ({"url": "http://a", "page": "p", "params": {"p": 1}}, "parameter p is"),
    "a path through a text": (
        {"url": "http://a", "method": "POST", "body": {"v": "x"}, "page": "v.p"},
        "body: v of v.p is no table",
    ),
    "a secret in a header": (
        {"url": "http://a", "next": "link", "headers": {"Authorization": "Bearer x"}},
        "headers: Authorization is a secret",
    ),
    "a secret in a parameter": (
        {"url": "http://a", "next": "link", "params": {"api_key": "x"}},
        "params: api_key is a secret",
    ),
    "a secret in the address": (
        {"url": "http://a?access_token=x", "next": "link"},
        "params: access_token is a secret",
    ),
    "a password in the address": ({"url": "http://me:pw@a", "next": "link"}, "url: a password"),
    "a header twice": (
        {"url": "http://a", "next": "link", "bearer_env": "A", "basic_env": "B"},
        "the header authorization is set twice",
    ),
    "a secret for two origins": (
        {"urls": ["http://a", "http://b"], "next": "link", "bearer_env": "A"},
        "several origins",
    ),
}


@pytest.mark.parametrize(("settings", "words"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_settings_that_contradict_each_other_are_refused(
    tmp_path: Path, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        source(tmp_path, **settings)
    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["author", "sort_key", "keywords", "page_token", "design"])
def test_a_parameter_that_is_no_secret_is_taken(tmp_path: Path, name: str) -> None:
    paged = source(tmp_path, url="http://a/b?x=1", next="link", params={name: ["v", "w"]})
    (request,) = paged.plan(Ledger())
    assert request.url == f"http://a/b?x=1&{name}=v&{name}=w"


@pytest.mark.parametrize(
    ("setting", "hint"),
    [
        ({"headers": {"authorization": "x"}}, 'bearer_env = "NAME"'),
        ({"headers": {"X-Api-Key": "x"}}, 'headers_env = { "X-Api-Key" = "NAME" }'),
        ({"params": {"key": "x"}}, 'params_env = { "key" = "NAME" }'),
    ],
)
@pytest.mark.parametrize("kind", ["json", "api"])
def test_the_hint_says_how_a_secret_is_named(
    tmp_path: Path, kind: str, setting: dict[str, Any], hint: str
) -> None:
    more = {"next": "link"} if kind == "api" else {}
    table = {"type": kind, "url": "https://example.org", "key": "id", **more, **setting}
    with pytest.raises(ConfigError) as caught:
        create("shop", table, base=tmp_path)
    assert hint in caught.value.hint
