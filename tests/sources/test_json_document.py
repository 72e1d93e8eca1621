"""The source `json`: the right records, or one clear error, whatever stands in the body."""

from __future__ import annotations

import base64
import gzip
import json
from typing import TYPE_CHECKING

import pytest
from support.misbehaviour import plain

from archiver.errors import (
    ArchiverError,
    ConfigError,
    MalformedPage,
    SnapshotRejected,
    SourceError,
)
from archiver.sources import Source, create
from archiver.sources.listing import Listing, fetch, refuse_damage

if TYPE_CHECKING:
    from pathlib import Path

    from support.misbehaviour import Server

    from archiver.records.model import Json
    from archiver.transport import Transport


def source(base: Path, **settings: Json) -> Source:
    return create("kev", {"type": "json", "key": "id", **settings}, base=base)


def listed(kev: Source, transport: Transport) -> Listing:
    listing = fetch(kev, transport, key=())
    assert isinstance(listing, Listing)
    return listing


def keys(kev: Source, transport: Transport) -> list[str]:
    return [line.key for line in listed(kev, transport).lines]


def test_a_path_is_relative_to_the_configuration(transport: Transport, tmp_path: Path) -> None:
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "a b#.json").write_text('[{"id":"b"},{"id":"a"}]')
    assert keys(source(tmp_path, url="feeds/a b#.json"), transport) == ["a", "b"]


def test_an_address_of_a_file_is_read(transport: Transport, tmp_path: Path) -> None:
    (tmp_path / "feed.json").write_text('[{"id":"a"}]')
    url = (tmp_path / "feed.json").as_uri()
    assert keys(source(tmp_path / "elsewhere", url=url), transport) == ["a"]


def test_the_web_is_asked_once_and_the_proof_says_how_it_ended(
    server: Server, transport: Transport, tmp_path: Path
) -> None:
    url = server.says("/feed", plain(b'{"count":2,"models":[{"id":"b"},{"id":"a"}]}', ETag='"7"'))
    listing = listed(source(tmp_path, url=url, records="models", total="count"), transport)
    proof = listing.proof
    assert (proof.kind, proof.announced, proof.received) == ("complete", 2, 2)
    assert proof.end == "the document's end"
    assert listing.validators == {"etag": '"7"'}
    assert [path for path, _ in server.seen] == ["/feed"]


CATALOGUES: dict[str, tuple[str, dict[str, Json], list[str]]] = {
    "cisa-kev": (
        '{"vulnerabilities":[{"cveID":"CVE-2021-1"}]}',
        {"records": "vulnerabilities", "key": "cveID"},
        ["CVE-2021-1"],
    ),
    "genai-prices": (
        '[{"id":"openai","models":[{"id":"gpt"}]},{"id":"x-ai","models":[{"id":"grok"}]}]',
        {"records": ".[].models", "key": ["^.id", "id"]},
        ["openai/gpt", "x-ai/grok"],
    ),
    "khavel": ('{"models":[{"id":"m"}]}', {"records": "models", "key": "id"}, ["m"]),
    "radar": ('{"entries":[{"slug":"s"}]}', {"records": "entries", "key": "slug"}, ["s"]),
    "members": ('{"a":{"b":{"k":{}}}}', {"records": "a.b{}", "key": []}, ["k"]),
}


@pytest.mark.parametrize("name", CATALOGUES)
def test_real_shapes_can_be_described(transport: Transport, tmp_path: Path, name: str) -> None:
    body, settings, expected = CATALOGUES[name]
    (tmp_path / "feed.json").write_text(body)
    assert keys(source(tmp_path, url="feed.json", **settings), transport) == expected


@pytest.mark.parametrize(
    ("body", "total"),
    [
        (b'{"total":"2845","models":[]}', "total"),
        (b'{"total":null,"models":[]}', "total"),
        (b'{"models":[]}', "total"),
        (b'{"page":{"total":1.5},"models":[]}', "page.total"),
        (b"[]", "total"),
        (b"<html>", "total"),
        (b'{"models":' + b"[" * 40_000 + b"]" * 40_000 + b"}", "total"),
    ],
)
def test_a_total_that_is_no_whole_number_is_malformed(
    server: Server, transport: Transport, tmp_path: Path, body: bytes, total: str
) -> None:
    kev = source(tmp_path, url=server.says("/", plain(body)), records="models", total=total)
    with pytest.raises(MalformedPage, match=f'no whole number at total "{total}"'):
        listed(kev, transport)


def test_a_total_is_read_where_it_stands(transport: Transport, tmp_path: Path) -> None:
    (tmp_path / "feed.json").write_text('{"page":{"total-count":1},"models":[{"id":"a"}]}')
    kev = source(tmp_path, url="feed.json", records="models", total="page.total-count")
    assert listed(kev, transport).proof.announced == 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_is_no_part_of_a_document(
    transport: Transport, tmp_path: Path, encoding: str
) -> None:
    (tmp_path / "feed.json").write_bytes('{"n":1,"models":[{"id":"模"}]}'.encode(encoding))
    kev = source(tmp_path, url="feed.json", records="models", total="n")
    assert keys(kev, transport) == ["模"]


def test_a_document_that_is_not_what_its_mark_says_is_malformed(
    transport: Transport, tmp_path: Path
) -> None:
    (tmp_path / "feed.json").write_bytes("[]".encode("utf-16")[:-1])
    with pytest.raises(MalformedPage, match="line 1, byte 4: not UTF-16"):
        listed(source(tmp_path, url="feed.json"), transport)


def test_numbers_that_are_not_finite_are_null_with_one_note(
    transport: Transport, tmp_path: Path
) -> None:
    rows = [{"id": f"{n}", "v": float("nan"), "w": [float("inf"), "NaN"]} for n in range(3)]
    (tmp_path / "feed.json").write_text(json.dumps(rows))
    listing = listed(source(tmp_path, url="feed.json"), transport)
    assert [line.data for line in listing.lines] == [
        b'{"id":"%d","v":null,"w":[null,"NaN"]}' % n for n in range(3)
    ]
    assert listing.notes == ("6 values that are not finite were read as null",)


@pytest.mark.parametrize(
    "body",
    [b"", b"<!doctype html><title>busy</title>", b'{"models":', b'{"error":"busy"}', b"[]", b"1"],
)
def test_a_body_that_is_no_catalogue_is_malformed(
    server: Server, transport: Transport, tmp_path: Path, body: bytes
) -> None:
    url = server.says("/feed?token=s3cret", plain(body, Content_Type="text/html"))
    with pytest.raises(MalformedPage, match=r"/feed\?token=\*\*\*: "):
        listed(source(tmp_path, url=url, records="models"), transport)


def test_an_address_that_cannot_be_read_is_a_mistake_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="kev: url begins with ftp://, which is none of"):
        source(tmp_path, url="ftp://127.0.0.1/feed.json")


def test_a_path_that_cannot_be_understood_is_a_mistake_of_the_configuration(
    transport: Transport, tmp_path: Path
) -> None:
    (tmp_path / "feed.json").write_text("[]")
    with pytest.raises(ConfigError, match="cannot be understood"):
        listed(source(tmp_path, url="feed.json", records="a[b"), transport)


REFUSED = {
    "empty-body": "empty",
    "error-200": 'no "models"',
    "invalid-utf8": "bad records: 1 of 1 ",
    "overlong-utf8": "bad records: 1 of 1 ",
    "overflow-float": "bad records: 1 of 1 ",
    "truncated-ndjson": "records follow one another",
    "shrunk": "announced 3, received 1",
    "total-is-string": "no whole number",
    "duplicate-key": "a member stands twice",
    "item-is-null": "bad records: 1 of 2 ",
    "name-is-bool-1-true": "bad records: 1 of 2 ",
    "same-id-twice": "duplicate keys: 1 of 2 ",
}
"""Hostile bodies that are refused, with the words that say why."""

EMPTY = {"bom", "utf16"}
"""Hostile bodies that are read, and hold no record."""

ARCHIVED = {
    "float-int-flip": b'{"name":"a","size":1}',
    "infinity": b'{"name":"a","downloads":null}',
    "int-2^53+1": b'{"name":"a","size":9007199254740993}',
    "int-2^64": b'{"name":"a","size":18446744073709551616}',
    "name-is-number": b'{"@key":"123","name":123}',
    "lone-low-surrogate": '{"name":"\ufffd"}'.encode(),
    "lone-surrogate": '{"name":"bad\ufffdname"}'.encode(),
    "nan": b'{"name":"a","downloads":null}',
    "proto": b'{"name":"a","__class__":"y","__proto__":{"x":1}}',
}
"""Hostile bodies that hold one record, with its exact line."""


def test_every_hostile_body_is_archived_exactly_or_refused(
    server: Server, transport: Transport, tmp_path: Path, hostile: Path
) -> None:
    corpus = json.loads((hostile / "corpus.json").read_text("ascii"))
    bodies = {
        case["id"].removeprefix("json-body/"): base64.b64decode(case["b64"])
        for case in corpus["cases"]
        if case["kind"] == "body"
    }
    assert bodies.keys() == REFUSED.keys() | ARCHIVED.keys() | EMPTY
    for name, body in bodies.items():
        url = server.says("/", plain(body))
        total = "total_models" if b"total_models" in body else ""
        kev = source(tmp_path, url=url, records="models", key="name", total=total)
        if name in ARCHIVED:
            assert [line.data for line in listed(kev, transport).lines] == [ARCHIVED[name]]
            continue
        if name in EMPTY:
            assert not len(listed(kev, transport).lines)
            continue
        with pytest.raises(ArchiverError, match=REFUSED[name]) as caught:
            refuse_damage(listed(kev, transport))
        assert "\n" not in str(caught.value)


def test_a_document_that_is_too_deep_is_refused(
    server: Server, transport: Transport, tmp_path: Path
) -> None:
    deep = b'[{"id":' + b'{"a":' * 300 + b"1" + b"}" * 300 + b"}]"
    with pytest.raises(ArchiverError):
        refuse_damage(listed(source(tmp_path, url=server.says("/", plain(deep))), transport))


def test_a_huge_key_is_bad(server: Server, transport: Transport, tmp_path: Path) -> None:
    body = json.dumps([{"id": "k" * 70_000}]).encode()
    (bad,) = listed(source(tmp_path, url=server.says("/", plain(body))), transport).bad
    assert bad.reason == "the key is longer than 4096 bytes"


def test_an_unknown_host_or_path_is_a_source_error(transport: Transport, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file or directory"):
        listed(source(tmp_path, url="absent.json"), transport)


def test_a_gzipped_file_is_read(transport: Transport, tmp_path: Path) -> None:
    (tmp_path / "list.json.gz").write_bytes(gzip.compress(b'[{"id":"a"}]'))
    assert keys(source(tmp_path, url="list.json.gz"), transport) == ["a"]


def test_plain_values_beside_records_are_left_out_and_named(
    transport: Transport, tmp_path: Path
) -> None:
    text = '{"$schema":"s","updated_at":"2026","a":{"n":1},"b":{"n":2}}'
    (tmp_path / "d.json").write_text(text)
    listing = listed(source(tmp_path, url="d.json", records=".{}", key="{}"), transport)
    refuse_damage(listing)
    assert [line.key for line in listing.lines] == ["a", "b"]
    assert [(bad.key, bad.beside) for bad in listing.bad] == [
        ("$schema", True),
        ("updated_at", True),
    ]
    assert listing.proof.bad == 0


def test_a_document_of_plain_values_alone_is_no_catalogue(
    transport: Transport, tmp_path: Path
) -> None:
    (tmp_path / "d.json").write_text('{"message":"rate limit exceeded","code":429}')
    listing = listed(source(tmp_path, url="d.json", records=".{}", key="{}"), transport)
    with pytest.raises(SnapshotRejected, match="bad records: 2 of 2"):
        refuse_damage(listing)


def test_the_first_page_of_several_is_no_document(
    server: Server, transport: Transport, tmp_path: Path
) -> None:
    url = server.says("/feed", plain(b'[{"id":"a"}]', Link='</feed?page=2>; rel="next"'))
    with pytest.raises(MalformedPage, match="its header Link names a next page") as refused:
        listed(source(tmp_path, url=url), transport)
    assert 'next = "link"' in str(refused.value.hint)
