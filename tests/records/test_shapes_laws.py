"""What is written in one of the shapes is read back, record by record."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from support.strategies import json_values, texts

from archiver.records import canonical
from archiver.records.document import Reader
from archiver.records.jsontext import dump
from archiver.records.model import Json, Line

names = texts.filter(bool)
members = st.dictionaries(names, json_values, max_size=4)


def lines(value: Json, records: str, *key: str) -> dict[str, Json]:
    """Return the records of a document by key; a reader that knows it reads it the same."""
    body = json.dumps(value).encode()
    reader = Reader(records, key)
    first = list(reader.read(body))
    assert first == list(reader.read(body)) == list(Reader(records, key).once(body))
    assert all(isinstance(each, Line) for each in first), first
    found = [each for each in first if isinstance(each, Line)]
    assert len({each.key for each in found}) == len(found)
    return {each.key: canonical.decode(each.data) for each in found}


def same(found: Json, expected: Json) -> bool:
    return dump(found) == dump(expected)


@given(st.lists(names, unique=True, max_size=5))
def test_a_list_of_names(listed: list[str]) -> None:
    assert lines(listed, ".[]=id") == {name: {"id": name} for name in listed}


@given(members)
def test_values_by_name(listed: dict[str, Json]) -> None:
    expected = {name: {"v": value} for name, value in listed.items()}
    assert same(lines(listed, ".{}=v"), expected)
    named = {name: {"v": value, "name": name} for name, value in listed.items()}
    assert same(lines(listed, ".{name}=v"), named)


@given(
    st.dictionaries(
        names,
        st.dictionaries(names, st.fixed_dictionaries({"v": json_values}), max_size=3),
        max_size=3,
    )
)
def test_groups(listed: dict[str, dict[str, dict[str, Json]]]) -> None:
    expected = {
        f"{group}/{name}": {**record, "group": group, "name": name}
        for group, held in listed.items()
        for name, record in held.items()
    }
    if len(expected) < sum(map(len, listed.values())):  # "a/b" + "c" and "a" + "b/c"
        return
    assert same(lines(listed, ".{group}{name}"), expected)
    lists = {
        group: [{**record, "name": name} for name, record in held.items()]
        for group, held in listed.items()
    }
    assert same(lines(lists, ".{group}[]", "group", "name"), expected)


@given(st.lists(names, unique=True, max_size=3), st.data())
def test_rows_and_their_header(columns: list[str], data: st.DataObject) -> None:
    columns = ["id", *(name for name in columns if name not in {"id", "@key"})]
    cells = st.lists(json_values, min_size=len(columns) - 1, max_size=len(columns) - 1)
    drawn = data.draw(st.dictionaries(names, cells, max_size=4))
    rows = [[key, *row] for key, row in drawn.items()]
    expected = {row[0]: dict(zip(columns, row, strict=True)) for row in rows}
    assert same(lines([columns, *rows], ".[]=[0]", "id"), expected)
    assert same(lines({"data": rows, "columns": columns}, "data=^.columns", "id"), expected)
    fields = [{"name": name} for name in columns]
    assert same(lines({"f": fields, "r": rows}, "r=^.f[].name", "id"), expected)
