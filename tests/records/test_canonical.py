from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import UnreadableSnapshot
from archiver.records import canonical
from archiver.records.canonical import Header, encode, encode_as, line_key
from archiver.records.model import Line, Record

GOLDEN = b"""{
"format": 1,
"source": "modelscope",
"timestamp": "2026-01-29 15:47:33",
"total_models": 2,
"models": [
{"id":"AI-ModelScope/sdxl-turbo","category":"text-to-image","name":"sdxl-turbo"},
{"id":"Qwen/Qwen3","downloads":220,"tags":["b","a"]}
]
}
"""
RECORDS: list[Record] = [
    {"name": "sdxl-turbo", "id": "AI-ModelScope/sdxl-turbo", "category": "text-to-image"},
    {"tags": ["b", "a"], "downloads": 220.0, "id": "Qwen/Qwen3"},
]
LINES = [encode(record, ("id",)).data for record in RECORDS]
HEADER = Header("modelscope", "2026-01-29 15:47:33", 2)
INDEX = b"""{
"format": 1,
"source": "hub",
"timestamp": "2026-01-29 15:47:33",
"total_models": 5,
"shards": {
"0": {"records": 2, "sha256": "aa"},
"f": {"records": 3, "sha256": "bb"}
}
}
"""


def written(header: Header, lines: list[bytes]) -> bytes:
    return b"".join(canonical.snapshot(header, lines))


def cut(text: bytes, size: int) -> list[bytes]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def test_a_snapshot_has_exactly_these_bytes() -> None:
    assert written(HEADER, LINES) == GOLDEN


def test_a_snapshot_without_records_has_exactly_these_bytes() -> None:
    empty = Header("hub", "2026-01-29 15:47:33", 0)
    assert written(empty, []).endswith(b'"total_models": 0,\n"models": [\n]\n}\n')
    assert list(canonical.read([written(empty, [])])[1]) == []


def test_an_index_of_shards_has_exactly_these_bytes() -> None:
    shards = {"f": (3, "bb"), "0": (2, "aa")}
    header = Header("hub", "2026-01-29 15:47:33", 5, shards)
    assert canonical.head(header) == INDEX
    found, lines = canonical.read([INDEX])
    assert (found, list(lines)) == (header, [])


@pytest.mark.parametrize(
    ("covers", "swept", "rows"),
    [
        ("", "", b""),
        ("window", "", b'"covers": "window",\n'),
        (
            "incremental",
            "2026-01-25 15:47:33",
            b'"covers": "incremental",\n"swept": "2026-01-25 15:47:33",\n',
        ),
    ],
)
def test_what_was_listed_stands_after_the_total(covers: str, swept: str, rows: bytes) -> None:
    header = HEADER._replace(covers=covers, swept=swept)
    total = b'"total_models": 2,\n'
    assert written(header, LINES) == GOLDEN.replace(total, total + rows)
    assert canonical.read([written(header, LINES)])[0] == header
    index = header._replace(shards={"0": (2, "aa")})
    assert canonical.read([canonical.head(index)])[0] == index


def test_a_member_that_a_later_program_adds_to_the_header_is_passed_over() -> None:
    total = b'"total_models": 2,\n'
    later = GOLDEN.replace(total, total + b'"covers": "half",\n"since": {"a": [1]},\n')
    header, lines = canonical.read([later])
    assert (header, list(lines)) == (HEADER._replace(covers="half"), LINES)


@pytest.mark.parametrize("size", range(1, len(GOLDEN) + 1))
def test_chunks_of_any_size_give_the_same_lines(size: int) -> None:
    header, lines = canonical.read(cut(GOLDEN, size))
    assert (header, list(lines)) == (HEADER, LINES)


@pytest.mark.parametrize("end", range(len(GOLDEN)))
def test_a_snapshot_cut_anywhere_is_unreadable(end: int) -> None:
    with pytest.raises(UnreadableSnapshot):
        list(canonical.read([GOLDEN[:end]])[1])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (GOLDEN.replace(b'"format": 1', b'"format": 2'), "has format 2, this program reads"),
        (GOLDEN.replace(b'"total_models": 2', b'"total_models": "2"'), "the header is wrong"),
        (GOLDEN.replace(b"2,\n", b'2,\n"covers": 7,\n'), "the header is wrong"),
        (GOLDEN.replace(b"modelscope", b"\xff"), "the header is wrong: not UTF-8"),
        (GOLDEN.replace(b"\n]\n}\n", b",\n]\n}\n"), "ends too early"),
        (GOLDEN + b"x", "ends too early"),
        (b'{"format":1,"source":"s","timestamp":"t","total_models":0}', 'neither "models" nor'),
        (b"", "the header is wrong: it ends too early"),
        pytest.param(b"x" * 3_000_000, "the header is wrong", id="no end"),
    ],
)
def test_what_is_no_snapshot_says_why(text: bytes, reason: str) -> None:
    with pytest.raises(UnreadableSnapshot, match=reason):
        list(canonical.read(cut(text, 65536))[1])


def test_the_size_is_known_before_writing() -> None:
    assert canonical.snapshot_size(HEADER, sum(map(len, LINES))) == len(GOLDEN)


def test_the_form_is_recognised_by_its_first_bytes() -> None:
    assert canonical.is_canonical(GOLDEN[:4096])
    assert not canonical.is_canonical(b'{"models": []}')


@pytest.mark.parametrize(
    ("record", "fields", "line"),
    [
        ({"b": 1, "id": "x"}, ("id",), b'{"id":"x","b":1}'),
        ({"id": "x"}, ("id",), b'{"id":"x"}'),
        ({"id": 7, "b": 1}, ("id",), b'{"@key":"7","b":1,"id":7}'),
        ({"id": 220.0}, ("id",), b'{"@key":"220","id":220}'),
        ({"a": "x", "b": 2}, ("a", "b"), b'{"@key":"x/2","a":"x","b":2}'),
        ({"a": {"b": "x"}}, ("a.b",), b'{"@key":"x","a":{"b":"x"}}'),
        ({"a.b": "x"}, ("a.b",), b'{"a.b":"x"}'),
        ({'i"d': "x"}, ('i"d',), b'{"@key":"x","i\\"d":"x"}'),
        ({"@key": "x", "id": "x", "b": 1}, ("id",), b'{"id":"x","b":1}'),
    ],
)
def test_the_key_is_the_first_member(record: Record, fields: tuple[str, ...], line: bytes) -> None:
    assert encode(record, fields).data == line


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({}, "no key: id is absent"),
        ({"id": ""}, "the key is empty"),
        ({"id": None}, "the key is null, not a string or a number"),
        ({"id": True}, "the key is a boolean, not a string or a number"),
        ({"id": []}, "the key is a list, not a string or a number"),
        ({"id": {}}, "the key is an object, not a string or a number"),
        ({"id": "k" * 4097}, "the key is longer than 4096 bytes"),
        ({"id": "\u00e9" * 2049}, "the key is longer than 4096 bytes"),
        ({"id": "\ud800"}, "a string holds a lone surrogate"),
        ({"id": "a", "@key": "b"}, 'the record has a member "@key" of its own'),
    ],
)
def test_a_record_without_usable_key_says_why(record: Record, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{reason}$"):
        encode(record, ("id",))


def test_the_longest_key_is_taken() -> None:
    assert encode({"id": "\u00e9" * 2048}, ("id",)).key == "\u00e9" * 2048


TRICKY = ["a", "a!", "a/b", 'a"b', "a\\", "a\nb", "\x00", "\u00e9", "\uffff", "\U0001f600", ",\n{"]


@pytest.mark.parametrize("key", TRICKY)
def test_the_key_is_read_back_from_the_line(key: str) -> None:
    for line in (encode({"id": key}, ("id",)), encode_as(key, {"v": 1})):
        assert line_key(line.data).decode() == key


def test_keys_are_ordered_by_code_point_not_by_their_text_in_the_line() -> None:
    lines = sorted(encode({"id": key}, ("id",)) for key in reversed(TRICKY))
    assert [line.key for line in lines] == sorted(TRICKY)
    assert [line_key(line.data) for line in lines] == sorted(key.encode() for key in TRICKY)


@pytest.mark.parametrize("line", [b"", b"{}", b'{"id":5,"a":"b"}', b"[1]", b'{"id" :"a"}'])
def test_a_line_without_key_is_unreadable(line: bytes) -> None:
    with pytest.raises(UnreadableSnapshot, match="a line does not begin with a key"):
        line_key(line)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"[]", "a line is no record: it is not an object"),
        (b'{"id":"a"', r"a line is no record: it ends too early \(truncated\)"),
        (b'{"id":"\xff"}', "a line is no record: not UTF-8"),
    ],
)
def test_a_line_that_is_no_record_says_why(line: bytes, reason: str) -> None:
    with pytest.raises(UnreadableSnapshot, match=f"^{reason}$"):
        canonical.decode(line)


def test_a_record_reads_back_without_and_with_its_key() -> None:
    line = encode({"id": 7}, ("id",)).data
    assert canonical.decode(line) == {"id": 7}
    assert canonical.decode_with_key(line) == {"@key": "7", "id": 7}


@given(st.lists(st.text(min_size=1), min_size=1, max_size=3))
def test_what_was_encoded_encodes_to_the_same_line_again(parts: list[str]) -> None:
    fields = tuple(f"f{number}" for number in range(len(parts)))
    line = encode(dict(zip(fields, parts, strict=True)), fields)
    again = canonical.decode_with_key(line.data)
    assert encode_as(line.key, again, fields) == Line(line.key, line.data)


def test_shards_are_leading_hex_digits_of_the_key() -> None:
    assert (canonical.shard_name("a", 16), canonical.shard_name("a", 256)) == ("c", "ca")
