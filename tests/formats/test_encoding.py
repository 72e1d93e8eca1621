"""Byte order marks and named encodings are honoured in every format; what is wrong is located."""

from __future__ import annotations

import codecs
import json

import pytest

from archiver.errors import ConfigError, UnreadableSnapshot
from archiver.formats import Reading, encoding, read
from archiver.records import document
from archiver.records.model import Bad, Line

MARKS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}
TEXTS = {
    "json": '[{"id": "a", "n": "é 模 \U0001f600"}]',
    "jsonl": '{"id": "a", "n": "é 模 \U0001f600"}\n',
    "csv": "id,n\na,é 模 \U0001f600\n",
    "tsv": "id\tn\na\té 模 \U0001f600\n",
    "yaml": "- id: a\n  n: é 模 \U0001f600\n",
    "toml": "[[x]]\nid = 'a'\nn = 'é 模 \U0001f600'\n",
}
RECORD = {"id": "a", "n": "é 模 \U0001f600"}


def records(body: bytes, name: str, how: Reading = Reading()) -> list[Line | Bad]:  # noqa: B008
    where = "x" if name.endswith("toml") else "."
    return [*document.read(read((body,), name, how).content, where, ("id",))]


def values(body: bytes, name: str, how: Reading = Reading()) -> list[object]:  # noqa: B008
    return [json.loads(each.data) for each in records(body, name, how) if isinstance(each, Line)]


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("kind", TEXTS)
def test_a_byte_order_mark_names_the_encoding(kind: str, mark: str) -> None:
    body = MARKS[mark] + TEXTS[kind].encode(mark)
    assert values(body, f"x.{kind}") == [RECORD]
    wrong = Reading(encoding="latin-1")
    assert values(body, f"x.{kind}", wrong) == [RECORD], "the mark knows better"


@pytest.mark.parametrize("kind", TEXTS)
def test_a_person_names_the_encoding(kind: str) -> None:
    body = TEXTS[kind].encode("gb18030")
    assert values(body, f"x.{kind}", Reading(encoding="GB18030")) == [RECORD]


@pytest.mark.parametrize("mark", [name for name in MARKS if name != "utf-8"])
@pytest.mark.parametrize("kind", TEXTS)
def test_a_text_that_is_not_what_its_mark_says_is_refused_with_its_place(
    kind: str, mark: str
) -> None:
    body = MARKS[mark] + TEXTS[kind].encode(mark)[:-1]
    with pytest.raises(UnreadableSnapshot, match=r"line \d+, byte \d+: not UTF-"):
        records(body, f"x.{kind}")


@pytest.mark.parametrize("size", [1, 3])
def test_a_mark_may_come_in_pieces(size: int) -> None:
    body = codecs.BOM_UTF32_LE + "[1]".encode("utf-32-le")
    pieces = (body[at : at + size] for at in range(0, len(body), size))
    assert b"".join(encoding.utf8(pieces)) == b"[1]"


@pytest.mark.parametrize(
    ("name", "suggested"),
    [("windos-1252", "windows-1252"), ("utf-88", "utf-8"), ("hex", ""), ("rot13", "")],
)
def test_an_unknown_encoding_is_refused_with_a_suggestion(name: str, suggested: str) -> None:
    with pytest.raises(ConfigError, match=f'called "{name}".*{suggested}'):
        read((b"[]",), "x.json", Reading(encoding=name))


TABLE = b"id,n\na,x\nb,caf\xe9\n" + b"".join(b"%d,x\n" % n for n in range(98))


@pytest.mark.parametrize(
    ("name", "body", "place", "reason"),
    [
        (
            "x.json",
            b'[{"id":"a"},\n{"id":"b","n":"caf\xe9"}]',
            "/1",
            "not UTF-8: line 2, byte 32 is 0xe9",
        ),
        ("x.jsonl", b'{"id":"a"}\n{"id":"b","n":"caf\xe9"}\n', "line 2", "not UTF-8: byte 0xe9"),
        ("x.csv", TABLE, "line 3", "not UTF-8: byte 0xe9"),
        ("x.tsv", TABLE.replace(b",", b"\t"), "line 3", "not UTF-8: byte 0xe9"),
    ],
)
def test_an_undecodable_string_costs_only_its_record(
    name: str, body: bytes, place: str, reason: str
) -> None:
    first, second, *others = records(body, name)
    assert isinstance(first, Line)
    assert second == Bad(place, reason, "b")
    assert all(isinstance(each, Line) for each in others)


@pytest.mark.parametrize(
    ("name", "body", "place"),
    [
        ("x.yaml", b"- id: a\n- id: caf\xe9\n", "line 2, byte 18"),
        ("x.toml", b"id = 'a'\nn = 'caf\xe9'\n", "line 2, byte 18"),
        ("x.csv", b"id,n\xe9\n1,2\n", "line 1: not UTF-8"),
        ("x.csv", TABLE[:-5], "line 3: not UTF-8"),
        ("x.csv", "id,n\n1,2\n".encode("utf-16-le"), "UTF-16 without a byte order mark"),
    ],
)
def test_an_undecodable_byte_is_located_where_it_costs_the_document(
    name: str, body: bytes, place: str
) -> None:
    with pytest.raises(UnreadableSnapshot, match=place):
        records(body, name)


def test_a_capture_leaves_out_no_row_because_of_its_encoding() -> None:
    with pytest.raises(UnreadableSnapshot, match=r"line 3: not UTF-8 \(byte 0xe9\)") as refused:
        records(TABLE, "x.csv", Reading(strict=True))
    assert "--encoding" in refused.value.hint


def test_a_byte_that_a_named_encoding_lacks_costs_only_its_record() -> None:
    how = Reading(encoding="cp1252")
    rest = b"".join(b"%d,x\n" % n for n in range(98))
    good, bad, *_ = records(b"id,n\na,\x80\nb,\x81\n" + rest, "x.csv", how)
    assert isinstance(good, Line)
    assert isinstance(bad, Bad)
    assert "€" in good.data.decode()


@pytest.mark.parametrize("half", [r"\ud83d", r"\ude00"])
@pytest.mark.parametrize("name", ["x.json", "x.jsonl"])
def test_half_of_a_surrogate_pair_costs_no_record(name: str, half: str) -> None:
    body = f'{{"id":"a","n":"{half}"}}'
    text = read((body.encode() if name == "x.jsonl" else f"[{body}]".encode(),), name)
    (found,) = document.read(text.content, ".", ("id",))
    assert isinstance(found, Line)
    assert json.loads(found.data) == {"id": "a", "n": "\ufffd"}
    assert text.notes == ["1 half of a surrogate pair was read as U+FFFD"]
