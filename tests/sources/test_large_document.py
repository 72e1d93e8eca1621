"""A document that is larger than its memory is read from a file, or refused as before."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from typing import TYPE_CHECKING

import pytest
import support.misbehaviour as bad

from archiver.errors import MalformedPage, SourceError, SourceUnavailable
from archiver.sources import create
from archiver.sources.checkpoint import unsaved
from archiver.sources.lines import LinesInMemory, LinesOnDisk
from archiver.sources.listing import Listing, NotModified, fetch
from archiver.transport import Limits, Request, Secret, Site, Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.misbehaviour import Answer, Server

    from archiver.records.model import Json

SECRET = "a-secret-of-24-characters"
ROWS = 20_000
TABLE = b"id,text\n" + b"".join(b"%d,%b\n" % (n, b"x" * 40) for n in range(ROWS))
ROW_TEXTS = b"".join(b'{"id":"%d","text":"%b"}\n' % (n, b"x" * 40) for n in range(ROWS))
LIMITS = Limits(
    retries=2,
    longest_wait=60,
    max_bytes=500_000,
    spool_from=10_000,
    max_spooled=3_000_000,
    max_unpacked=2_500_000,
)


@pytest.fixture
def narrow() -> Iterator[Transport]:
    """Return a transport to which little is large."""
    with Transport(LIMITS, sleep=lambda _: None) as client:
        yield client


def listed(transport: Transport, base: Path, **settings: Json) -> Listing:
    source = create("big", {"type": "json", "key": "id", **settings}, base=base)
    with unsaved(100_000) as state:
        found = fetch(source, transport, key=(), checkpoint=state)
        assert isinstance(found, Listing)
        assert isinstance(found.lines, LinesOnDisk)
        lines = LinesInMemory(found.lines)
    return Listing(lines, found.proof, found.duplicates, found.bad, found.validators)


PACKED = gzip.compress(TABLE, 0)
DOCUMENTS = {
    "a.csv": TABLE,
    "a.tsv": TABLE.replace(b",", b"\t"),
    "a.jsonl": ROW_TEXTS,
    "unnamed": TABLE,
    "a.csv.gz": PACKED,
    "utf-16.csv": TABLE.decode().encode("utf-16"),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_rows_are_read_from_a_file_as_from_memory(
    server: Server, narrow: Transport, tmp_path: Path, name: str
) -> None:
    body = DOCUMENTS[name]
    assert len(body) > LIMITS.max_bytes
    (tmp_path / name).write_bytes(body)
    far = listed(narrow, tmp_path, url=server.says(f"/{name}", bad.plain(body)))
    near = listed(narrow, tmp_path, url=name)
    assert (far.proof.received, far.proof.end) == (ROWS, "the document's end")
    assert {line.key for line in far.lines} == {str(n) for n in range(ROWS)}
    assert list(near.lines) == list(far.lines)


@pytest.mark.parametrize(
    "answer",
    [
        bad.plain(TABLE, Content_Type="text/csv"),
        bad.plain(ROW_TEXTS, Content_Type="application/x-ndjson"),
        bad.plain(PACKED, Content_Type="text/csv", Content_Encoding="gzip"),
    ],
)
def test_headers_say_what_a_large_answer_is(
    server: Server, narrow: Transport, tmp_path: Path, answer: Answer
) -> None:
    assert listed(narrow, tmp_path, url=server.says("/a", answer)).proof.received == ROWS


def zipped() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.csv", TABLE)
    return packed.getvalue()


WHOLE = b"[" + ROW_TEXTS.strip().replace(b"\n", b",") + b"]"


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("a.json", WHOLE),
        ("a", WHOLE),
        ("a.yaml", ROW_TEXTS.replace(b"{", b"- {")),
        ("a.jsonl", json.dumps(json.loads(WHOLE), indent=1).encode()),
        ("a.zip", zipped()),
        ("a.csv", TABLE * 4),
    ],
)
def test_what_is_read_as_a_whole_keeps_its_limit(
    server: Server, narrow: Transport, tmp_path: Path, name: str, body: bytes
) -> None:
    words = r"(larger than the limit of|holds more than) (500,000|3,000,000) bytes"
    with pytest.raises(MalformedPage, match=words):
        listed(narrow, tmp_path, url=server.says(f"/{name}", bad.plain(body)))
    (tmp_path / name).write_bytes(body)
    with pytest.raises(SourceError, match=words):
        listed(narrow, tmp_path, url=name)


def test_a_document_below_the_limit_is_read_as_a_whole_from_a_file(
    server: Server, narrow: Transport, tmp_path: Path
) -> None:
    body = json.dumps([{"id": n, "text": "x" * 100} for n in range(3000)]).encode()
    assert LIMITS.spool_from < len(body) < LIMITS.max_bytes
    found = listed(narrow, tmp_path, url=server.says("/a.json", bad.plain(body)))
    assert found.proof.received == 3000


CUT = TABLE[: len(TABLE) // 2]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (bad.cut(CUT[: CUT.rindex(b"\n") + 1], announced=len(TABLE)), "the connection failed"),
        (bad.cut_chunks(TABLE), "the connection failed"),
        (bad.zipped(TABLE, keep=0.5), "the compressed body is truncated"),
        (bad.plain(gzip.compress(TABLE)[:-9]), "cut off"),
        (bad.plain(TABLE + b'7,"a quote is never closed'), "never closed"),
        (bad.zipped(b"\0" * 50_000_000), "larger than the limit of 2,500,000 bytes"),
    ],
)
def test_a_large_document_that_is_cut_off_is_refused(
    server: Server, narrow: Transport, tmp_path: Path, answer: Answer, words: str
) -> None:
    with pytest.raises(SourceError, match=words):
        listed(narrow, tmp_path, url=server.says("/a.csv", answer))


def test_json_lines_that_end_in_a_record_are_refused(narrow: Transport, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(ROW_TEXTS[:-20])
    with pytest.raises(MalformedPage, match="line 20,000, the last one"):
        listed(narrow, tmp_path, url="a.jsonl")


def test_a_large_answer_that_broke_off_is_asked_for_again(
    server: Server, narrow: Transport, tmp_path: Path
) -> None:
    url = server.says("/a.csv", bad.cut(CUT, announced=len(TABLE)), bad.plain(TABLE))
    assert listed(narrow, tmp_path, url=url).proof.received == ROWS
    assert len(server.seen) == 2


def shortened(path: Path) -> None:
    path.write_bytes(CUT[: CUT.rindex(b"\n") + 1])


def rewritten(path: Path) -> None:
    path.write_bytes(TABLE.replace(b"x", b"y"))


def lengthened(path: Path) -> None:
    path.write_bytes(TABLE + b"more,x\n")


@pytest.mark.parametrize("edit", [shortened, rewritten, lengthened])
def test_a_file_that_is_written_to_while_it_is_read_is_refused(
    narrow: Transport, tmp_path: Path, edit: Callable[[Path], None]
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(TABLE)
    page = narrow.get(Request("one", path.as_uri(), in_pieces=True))
    edit(path)
    with pytest.raises(SourceUnavailable, match="it was changed while it was read"):
        list(page.pieces())
    page.close()


def test_a_file_that_another_one_replaces_is_read_to_its_end(
    narrow: Transport, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(TABLE)
    page = narrow.get(Request("one", path.as_uri(), in_pieces=True))
    (tmp_path / "new").write_bytes(CUT)
    (tmp_path / "new").replace(path)
    assert b"".join(page.pieces()) == TABLE
    page.close()


def test_a_large_document_that_was_not_modified_is_not_sent_again(
    server: Server, narrow: Transport, tmp_path: Path
) -> None:
    url = server.says("/a.csv", bad.plain(TABLE, ETag='"1"'))
    validators = listed(narrow, tmp_path, url=url).validators
    assert validators == {"etag": '"1"'}
    server.says("/a.csv", bad.plain(b"", 304))
    source = create("big", {"type": "json", "key": "id", "url": url}, base=tmp_path)
    with unsaved() as state:
        found = fetch(source, narrow, key=(), validators=validators, checkpoint=state)
    assert isinstance(found, NotModified)
    assert server.seen[-1][1]["if-none-match"] == '"1"'


@pytest.mark.parametrize("place", range(-30, 4, 3))
def test_a_secret_is_masked_wherever_pieces_of_a_large_answer_meet(
    server: Server, place: int
) -> None:
    filling = b"x" * ((1 << 20) + place)
    escaped = "".join(f"\\u{ord(char):04x}" for char in SECRET).encode()
    body = filling + SECRET.encode() + b" and " + filling + escaped + filling
    url = server.says("/a.csv", bad.plain(body))
    site = Site(url).sending({Secret("TOKEN", "X-Token"): SECRET})
    with Transport(Limits(spool_from=1000), sites=[site]) as transport:
        page = transport.get(Request("one", url, in_pieces=True))
        assert page.spool is not None
        assert b"".join(page.pieces()) == filling + b"*** and " + filling + b"***" + filling
        page.close()


def test_only_who_asks_for_pieces_gets_them(server: Server) -> None:
    url = server.says("/a.csv", bad.plain(TABLE))
    with Transport(Limits(spool_from=1000)) as transport:
        assert transport.get(Request("one", url)).body == TABLE
