"""CSV and TSV: rows are records, cells are text, and what is wrong is named with its line."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from archiver.errors import UnreadableSnapshot
from archiver.formats import Reading, read
from archiver.records import document
from archiver.records.model import Bad, Line

INFER = Reading(types="infer")
STRICT = Reading(strict=True)


def values(body: bytes | str, name: str = "x.csv", how: Reading = Reading()) -> list[Any]:  # noqa: B008
    text = read((body.encode() if isinstance(body, str) else body,), name, how)
    return [
        json.loads(each.data) if isinstance(each, Line) else each
        for each in document.read(text.content, ".", ("id",))
    ]


TWO = [{"id": "1", "v": "2"}, {"id": "2", "v": "3"}]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("x.csv", "id,v\n1,2\n2,3\n"),
        ("x.csv", "id,v\r\n1,2\r\n2,3"),
        ("x.csv", "id,v\r1,2\r2,3\r"),
        ("x.csv", "\n\nid,v\n\n1,2\n\n2,3\n\n"),
        ("x.csv", '"id","v"\n"1","2"\n2,"3"\n'),
        ("x.csv", "id;v\n1;2\n2;3\n"),
        ("x.csv", "id\tv\n1\t2\n2\t3\n"),
        ("x.csv", "id|v\n1|2\n2|3\n"),
        ("x.csv", "sep=;\r\nid;v\r\n1;2\r\n2;3\r\n"),
        ("x.csv", "sep=^\nid^v\n1^2\n2^3\n"),
        ("x.tsv", "id\tv\n1\t2\n2\t3\n"),
        ("x.tab", "id\tv\n1\t2\n2\t3\n"),
        ("", "id,v\n1,2\n2,3\n"),
        ("", "id\tv\n1\t2\n2\t3\n"),
    ],
)
def test_rows_are_records_whatever_separates_their_cells(name: str, body: str) -> None:
    assert values(body, name) == TWO


cells = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=6
)  # Python 3.11 writes a bare CR without quotes


@given(
    st.lists(st.lists(cells, min_size=2, max_size=2), max_size=6),
    st.sampled_from(",;\t|"),
    st.sampled_from(("\n", "\r\n")),
    st.booleans(),
)
@example([["a\r\nb", 'c"d,;']], ";", "\r\n", True)
def test_what_the_csv_module_writes_is_read_back(
    rows: list[list[str]], delimiter: str, end: str, quoted: object
) -> None:
    out = io.StringIO(newline="")
    quoting: Any = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerows([["id", "first", "second"], *([str(n), *row] for n, row in enumerate(rows))])
    assert values(out.getvalue()) == [
        {name: cell for name, cell in zip(("first", "id", "second"), row, strict=True) if cell}
        for row in ([first, str(n), second] for n, (first, second) in enumerate(rows))
    ]


def test_a_delimiter_within_cells_does_not_count() -> None:
    body = 'name;"a,b,c,d";id\n"x, y, z";1;7\n'
    assert values(body) == [{"a,b,c,d": "1", "id": "7", "name": "x, y, z"}]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("12", 12),
        ("-5", -5),
        ("1.5", 1.5),
        ("0", 0),
        ("true", True),
        ("false", False),
        ("12345678901234567890123", 12345678901234567890123),
        ("007", "007"),
        ("1e5", "1e5"),
        ("+1", "+1"),
        ("1.50", "1.50"),
        ("2.0", "2.0"),
        ("-0", "-0"),
        (".5", ".5"),
        ("1_000", "1_000"),
        ("0.1234567890123456789", "0.1234567890123456789"),
        ("True", "True"),
        ("null", "null"),
        ("NaN", "NaN"),
        ("Infinity", "Infinity"),
        ("2026-01-01", "2026-01-01"),
        (" 1", " 1"),
        ("\u0661", "\u0661"),
    ],
)
def test_a_cell_is_a_number_only_where_it_is_written_back_the_same(cell: str, value: Any) -> None:
    body = f"id,v\na,{cell}\n"
    assert values(body) == [{"id": "a", "v": cell}]
    (found,) = values(body, how=INFER)
    assert found == {"id": "a", "v": value}
    assert type(found["v"]) is type(value)


@given(st.from_regex(r"\A[-+]?[0-9.]{1,9}(e[0-9])?\Z"))
def test_no_inferred_number_changes_its_characters(cell: str) -> None:
    text = read((f"id,v\na,{cell}\n".encode(),), "x.csv", INFER)
    (found,) = document.read(text.content, ".", ("id",))
    assert isinstance(found, Line)
    assert found.data.decode() in (f'{{"id":"a","v":{cell}}}', f'{{"id":"a","v":"{cell}"}}')


def test_an_empty_cell_is_absent() -> None:
    assert values("id,v,w\n1,,x\n2,,\n") == [{"id": "1", "w": "x"}, {"id": "2"}]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "the file is empty"),
        ("\n \n", "the file is empty"),
        ("id,v,id\n1,2,3\n", 'line 1: the header names "id" twice, columns 1 and 3'),
        ("\nid,,v\n1,2,3\n", "line 1: column 2 of the header has no name"),
        ("id,v,\n1,2,\n", "line 1: column 3 of the header has no name"),
        ('id,v\n1,"a\n2,b\n', "line 2: a quote is opened there and never closed"),
        ('id,"v\n1,2\n', "line 1: a quote is opened there and never closed"),
        ('"id"x,v\n1,2\n', "line 1: text stands behind a closing quote"),
        ("<!DOCTYPE html>\n<html>\n", "line 1 is no header of a table"),
        ('{"message": "rate limited"}\n', "line 1 is no header of a table"),
        (f"id,v\n1,{'x' * ((1 << 24) + 1)}\n", "line 2: a cell is longer than 16,777,216"),
    ],
)
def test_a_table_that_cannot_be_read_says_where(body: str, reason: str) -> None:
    with pytest.raises(UnreadableSnapshot) as caught:
        values(body)
    assert reason in str(caught.value)


def test_a_row_of_another_width_is_read_in_a_history_and_counted() -> None:
    body = b'id,v\n1,"2\n2"\n2,3,4\n3\n4,5\n'
    text = read((body,), "x.csv")
    found = list(document.read(text.content, ".", ("id",)))
    assert [json.loads(each.data) for each in found if isinstance(each, Line)] == [
        {"id": "1", "v": "2\n2"},
        {"id": "2", "v": "3"},
        {"id": "3"},
        {"id": "4", "v": "5"},
    ]
    (note,) = text.notes
    assert note == (
        "more or fewer cells than the header: line 4 (it has 3 cells instead of 2), "
        "line 5 (it has 1 cell instead of 2)"
    )


def test_a_row_of_another_width_is_unusable_in_a_capture() -> None:
    assert values('id,v\n1,"2\n2"\n2,3,4\n3\n4,5\n', how=STRICT) == [
        {"id": "1", "v": "2\n2"},
        Bad("line 4", "it has 3 cells instead of 2", "2"),
        Bad("line 5", "it has 1 cell instead of 2", "3"),
        {"id": "4", "v": "5"},
    ]


def test_many_such_rows_are_counted_not_listed() -> None:
    text = read((b"id,v\n" + b"".join(b"%d\n" % n for n in range(1234)),), "x.csv")
    assert sum(1 for _ in text.content) == 1234
    (note,) = text.notes
    assert note.endswith("… and 1,231 more")


def test_text_behind_a_closing_quote_costs_its_row() -> None:
    assert values('id,v\n1,"a"b\n2,x"y\n') == [
        Bad("line 2", "text stands behind a closing quote"),
        {"id": "2", "v": 'x"y'},
    ]


def test_a_header_without_the_key_is_refused_even_where_there_are_no_rows() -> None:
    text = read((b"Symbol,Name\n",), "x.csv")
    text.require(("Symbol",))
    with pytest.raises(UnreadableSnapshot, match=r'no column "id" \(found: Symbol, Name\)'):
        text.require(("id",))


@pytest.mark.parametrize("name", ["n.o", "meta.id", "a/b", "~x", "^.y", '"q"', " s", "9"])
def test_a_column_may_have_any_name(name: str) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([[name, "v"], ["k", "1"]])
    text = read((out.getvalue().encode(),), "x.csv")
    assert text.columns == (name, "v")
    if not name.startswith("^."):
        (line,) = document.read(text.content, ".", (name,))
        assert isinstance(line, Line)
        assert line.key == "k"
