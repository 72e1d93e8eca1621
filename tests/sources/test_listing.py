"""The one loop: it follows pages to their end, and refuses what is not whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.misbehaviour import plain

from archiver.errors import MalformedPage, SnapshotRejected, SourceError
from archiver.records.model import Bad, Line
from archiver.sources import Kind, Ledger, Page, Parsed, Proof, Request, Source
from archiver.sources.listing import Listing, NotModified, fetch, refuse_damage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from support.misbehaviour import Server

    from archiver.transport import Transport

KEY = ("id",)


class Paged(Source):
    """A listing in pages ``{"records", "total", "next"}``; the last one names no next page."""

    def __init__(self, url: str, *first: str, kind: Kind = "complete") -> None:
        self.url = url
        self.first = first or ("1",)
        self.kind = kind

    def plan(self, ledger: Ledger) -> Sequence[Request]:
        return () if ledger.entries else [self.request(name) for name in self.first]

    def parse(self, page: Page) -> Parsed:
        content = json.loads(page.body)
        following = tuple(map(self.request, content.get("next", ())))
        end = "" if following else "a page without a next one"
        return Parsed(content["records"], content.get("total"), next=following, end=end)

    def request(self, name: str) -> Request:
        return Request(name, f"{self.url}{name}")


def says(server: Server, name: str, keys: Sequence[str], **members: Any) -> str:
    records = [{"id": key, "page": name} for key in keys]
    body = json.dumps({"records": records, **members}).encode()
    return server.says(f"/{name}", plain(body)).removesuffix(name)


def listed(source: Source, transport: Transport, **options: Any) -> Listing:
    listing = fetch(source, transport, key=KEY, **options)
    assert isinstance(listing, Listing)
    return listing


def test_pages_are_followed_to_the_end_and_sorted_by_key(
    server: Server, transport: Transport
) -> None:
    says(server, "1", ["b", "a!"], next=["2"])
    says(server, "2", ["a", "é"], next=["3"])
    url = says(server, "3", ["B"], total=5)
    listing = listed(Paged(url), transport)
    assert list(listing.lines) == [
        Line("B", b'{"id":"B","page":"3"}'),
        Line("a", b'{"id":"a","page":"2"}'),
        Line("a!", b'{"id":"a!","page":"1"}'),
        Line("b", b'{"id":"b","page":"1"}'),
        Line("é", '{"id":"é","page":"2"}'.encode()),
    ]
    assert listing.proof == Proof("complete", 3, 5, 5, 0, 0, "a page without a next one")
    assert (listing.duplicates, listing.bad, dict(listing.validators)) == ((), (), {})


def test_progress_is_told_by_the_ledger(server: Server, transport: Transport) -> None:
    says(server, "1", ["a", "b"], next=["2"])
    url = says(server, "2", ["c"], total=3)
    told: list[tuple[int, int, int | None]] = []
    listed(
        Paged(url),
        transport,
        progress=lambda ledger: told.append(
            (len(ledger.entries), ledger.distinct, ledger.announced)
        ),
    )
    assert told == [(1, 2, None), (2, 3, 3)]


def test_of_records_with_one_key_the_last_stands_and_the_key_is_named(
    server: Server, transport: Transport
) -> None:
    says(server, "1", ["a", "b"], next=["2"])
    url = says(server, "2", ["b", "c"], total=4)
    listing = listed(Paged(url), transport)
    assert [line.data for line in listing.lines if line.key == "b"] == [b'{"id":"b","page":"2"}']
    assert listing.duplicates == ("b",)
    assert listing.proof == Proof("complete", 2, 4, 4, 1, 0, "a page without a next one")


def test_what_is_no_record_is_counted_and_named(server: Server, transport: Transport) -> None:
    body = b'{"records":[null,{"id":"a"},{"name":"b"},{"id":"c","x":"\\ud800"}]}'
    url = server.says("/1", plain(body)).removesuffix("1")
    listing = listed(Paged(url), transport)
    assert [line.key for line in listing.lines] == ["a"]
    assert [bad.place for bad in listing.bad] == ["1/0", "1/2", "1/3"]
    assert listing.bad[0] == Bad("1/0", "it is not an object")
    assert listing.proof.bad == 3


@pytest.mark.parametrize("total", [3, 0, 1])
def test_another_number_than_announced_is_refused(
    server: Server, transport: Transport, total: int
) -> None:
    url = says(server, "1", ["a", "b"], total=total)
    with pytest.raises(SourceError, match=f"announced {total}, received 2"):
        listed(Paged(url), transport)


@pytest.mark.parametrize(("total", "believed"), [(1, False), (2, True), (3, True), (4, False)])
def test_duplicates_explain_a_difference_of_their_number(
    server: Server, transport: Transport, total: int, *, believed: bool
) -> None:
    url = says(server, "1", ["a", "b", "b"], total=total)
    if believed:
        assert listed(Paged(url), transport).proof.announced == total
    else:
        with pytest.raises(SourceError, match=f"announced {total}, received 3"):
            listed(Paged(url), transport)


def test_a_window_may_be_smaller_than_announced(server: Server, transport: Transport) -> None:
    url = says(server, "1", ["a"], total=95_181)
    proof = listed(Paged(url, kind="window"), transport).proof
    assert (proof.kind, proof.announced, proof.received) == ("window", 95_181, 1)


def test_an_empty_listing_is_whole(server: Server, transport: Transport) -> None:
    assert list(listed(Paged(says(server, "1", [], total=0)), transport).lines) == []


def test_a_page_that_leads_back_is_a_loop(server: Server, transport: Transport) -> None:
    says(server, "1", ["a"], next=["2"])
    url = says(server, "2", ["b"], next=["1"])
    with pytest.raises(MalformedPage, match="requested a second time"):
        listed(Paged(url), transport)


def test_the_same_page_twice_in_a_row_is_a_loop(server: Server, transport: Transport) -> None:
    server.says("/1", plain(b'{"records":[{"id":"a"}]}'))
    url = server.says("/2", plain(b'{"records":[{"id":"a"}]}')).removesuffix("2")
    with pytest.raises(MalformedPage, match="the same page as the one before"):
        listed(Paged(url, "1", "2"), transport)


def test_empty_pages_may_be_the_same(server: Server, transport: Transport) -> None:
    server.says("/1", plain(b'{"records":[]}'))
    url = server.says("/2", plain(b'{"records":[]}')).removesuffix("2")
    assert listed(Paged(url, "1", "2"), transport).proof.pages == 2


def test_pages_without_end_are_a_loop(server: Server, transport: Transport) -> None:
    for number in range(1, 6):
        url = says(server, f"{number}", [f"{number}"], next=[f"{number + 1}"])
    with pytest.raises(MalformedPage, match="more than 4 pages"):
        listed(Paged(url), transport, max_pages=4)


class Endless(Paged):
    """Never says that a page is the last one."""

    def parse(self, page: Page) -> Parsed:
        return Parsed(super().parse(page).records)


def test_a_listing_that_only_stops_is_refused(server: Server, transport: Transport) -> None:
    with pytest.raises(SourceError, match="no page showed that it was the last one"):
        listed(Endless(says(server, "1", ["a"])), transport)


def test_validators_are_kept_and_sent_and_304_means_not_modified(
    server: Server, transport: Transport
) -> None:
    stamp = "Thu, 29 Jan 2026 15:47:33 GMT"
    first = plain(b'{"records":[{"id":"a"}]}', ETag='W/"1"', Last_Modified=stamp)
    url = server.says("/1", first, plain(b"", 304)).removesuffix("1")
    validators = listed(Paged(url), transport).validators
    assert validators == {"etag": 'W/"1"', "last-modified": stamp}
    again = fetch(Paged(url), transport, key=KEY, validators=validators)
    assert again == NotModified()
    sent = server.seen[1][1]
    assert (sent["if-none-match"], sent["if-modified-since"]) == ('W/"1"', stamp)


def test_several_pages_have_no_validators(server: Server, transport: Transport) -> None:
    server.says("/1", plain(b'{"records":[{"id":"a"}],"next":["2"]}', ETag='"1"'))
    url = server.says("/2", plain(b'{"records":[{"id":"b"}]}', ETag='"2"')).removesuffix("2")
    assert listed(Paged(url), transport).validators == {}


def test_a_304_that_nobody_asked_for_is_malformed(server: Server, transport: Transport) -> None:
    url = server.says("/1", plain(b"", 304)).removesuffix("1")
    with pytest.raises(MalformedPage, match="answered 304"):
        listed(Paged(url), transport)


def hundred(tmp_path: Path, *extra: object) -> Source:
    records: list[object] = [{"id": f"model-{number}"} for number in range(100 - len(extra))]
    (tmp_path / "1").write_text(json.dumps({"records": records + list(extra)}))
    return Paged(f"{tmp_path.as_uri()}/")


def test_one_percent_of_damage_is_plausible(transport: Transport, tmp_path: Path) -> None:
    refuse_damage(listed(hundred(tmp_path, {"id": "model-7"}), transport))
    refuse_damage(listed(hundred(tmp_path, None), transport))


def test_more_damage_is_refused_and_the_first_few_are_named(
    transport: Transport, tmp_path: Path
) -> None:
    again = [{"id": f"model-{number}"} for number in range(5)]
    words = r"duplicate keys: 5 of 100 \(model-0; model-1; model-2 … and 2 more\)"
    with pytest.raises(SnapshotRejected, match=words):
        refuse_damage(listed(hundred(tmp_path, *again), transport))
    words = r"bad records: 2 of 100 \(1/98: it is not an object; 1/99: no key: id is absent\)"
    with pytest.raises(SnapshotRejected, match=words):
        refuse_damage(listed(hundred(tmp_path, None, {}), transport))
