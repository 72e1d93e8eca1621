"""JSON values that follow one another are records, however they are separated."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.errors import UnreadableSnapshot
from archiver.formats import Reading, read
from archiver.records import document
from archiver.records.model import Bad, Line

TWO = [{"id": 1, "v": 2}, {"id": 2, "v": 3}]


def plain(line: Line) -> Any:
    return {name: value for name, value in json.loads(line.data).items() if name != "@key"}


def values(body: bytes, name: str = "x.jsonl", size: int = 1 << 16) -> list[Any]:
    found = read((body[at : at + size] for at in range(0, len(body), size)), name)
    assert found.format == "jsonl"
    return [
        plain(each) if isinstance(each, Line) else each
        for each in document.read(found.content, ".", ("id",))
    ]


@pytest.mark.parametrize("name", ["x.jsonl", "x.ndjson", "x.json", ""])
@pytest.mark.parametrize(
    "body",
    [
        b'{"id":1,"v":2}\n{"id":2,"v":3}\n',
        b'{"id":1,"v":2}\n{"id":2,"v":3}',
        b'{"id":1,"v":2}\r\n\r\n{"id":2,"v":3}\r\n',
        b'\n \n{"id":1,"v":2}\n\n\n{"id":2,"v":3}\n \n',
        b'{"id":1,"v":2}{"id":2,"v":3}',
        b'{"id":1,"v":2} {"id":2,"v":3}\n',
        b'{\n  "id": 1,\n  "v": 2\n}\n{\n  "id": 2,\n  "v": 3\n}\n',
        b'{"id":1,"v":2}\r{"id":2,"v":3}\r',
    ],
)
@pytest.mark.parametrize("size", [1, 5, 1 << 16])
def test_two_values_are_two_records(name: str, body: bytes, size: int) -> None:
    assert values(body, name, size) == TWO


@given(
    st.lists(st.dictionaries(st.text(max_size=3), st.text('}{[] \n"\\ab', max_size=5), max_size=3)),
    st.sampled_from((None, 1)),
    st.sampled_from(("\n", "", "\r\n", " ")),
    st.integers(1, 50),
)
def test_whatever_strings_hold_values_are_told_apart(
    found: list[dict[str, str]], indent: int | None, between: str, size: int
) -> None:
    written = [{**each, "id": str(number)} for number, each in enumerate(found)]
    body = between.join(json.dumps(each, indent=indent) for each in written).encode()
    if body:
        assert values(body, size=size) == written


def test_one_document_is_no_sequence() -> None:
    for body in (
        b'{"a": "}{", "b": {}}',
        b"[[1], [2]]",
        b'["] ["]',
        b'{"a":1}\n',
        b'{"x": "}\\n{"}',
    ):
        assert read((body,), "x.json").format == "json"


def test_a_line_that_is_no_json_is_named() -> None:
    first, bad, last = values(b'{"id":1,"v":2}\n\n{"id":7,}\n{"id":2,"v":3}\n')
    assert [first, last] == TWO
    assert isinstance(bad, Bad)
    assert bad.place == "line 3"


@pytest.mark.parametrize("rest", [b'{"id":2}\n{"id"', b'{"id":2', b"{"])
def test_a_last_line_that_is_cut_makes_the_document_unreadable(rest: bytes) -> None:
    body = b'{"id":1}\n' + rest
    lines = body.count(b"\n") + 1
    with pytest.raises(UnreadableSnapshot, match=f"line {lines}, the last one: it ends too early"):
        values(body)


def test_a_cut_among_values_that_are_not_one_a_line_names_where_the_value_begins() -> None:
    with pytest.raises(UnreadableSnapshot, match=r"line 4, where a value begins: .*truncated"):
        values(b'{\n"id":1\n}\n{"id":2,\n"v"')


@pytest.mark.parametrize("body", [b"", b"\n\n", b" \r\n"])
def test_nothing_is_no_catalogue(body: bytes) -> None:
    with pytest.raises(UnreadableSnapshot, match="the file is empty"):
        values(body)


def test_what_is_not_finite_is_null_and_counted_or_refused_with_its_place() -> None:
    body = b'{"id":1,"v":NaN}\n{"id":2,"v":[-Infinity,"NaN"]}\n'
    text = read((body,), "x.jsonl")
    first, second = document.read(text.content, ".", ("id",))
    assert isinstance(first, Line)
    assert isinstance(second, Line)
    assert plain(second) == {"id": 2, "v": [None, "NaN"]}
    assert text.notes == ["2 values that are not finite were read as null"]
    with pytest.raises(UnreadableSnapshot, match="line 1, column 13: NaN is not finite"):
        list(read((body,), "x.jsonl", Reading(finite=True)).content)
    with pytest.raises(UnreadableSnapshot, match="line 2, column 16: -Infinity is not finite"):
        read((b'[1,\n{"a": 2, "b":  -Infinity}]',), "x.json", Reading(finite=True))


def test_a_first_value_that_is_not_finite_hides_no_further_one() -> None:
    body = b'{\n"id":1,"v":NaN}\n{\n"id":2,"v":3}\n'
    assert values(body, "x.json") == [{"id": 1, "v": None}, {"id": 2, "v": 3}]


def test_a_place_of_records_within_the_document_is_refused() -> None:
    text = read((b'{"id":1}\n{"id":2}\n',), "x.jsonl")
    with pytest.raises(UnreadableSnapshot, match='follow one another: there is no "models" in it'):
        list(document.read(text.content, "models", ("id",)))
