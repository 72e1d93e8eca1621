"""Records at a terminal: columns in line, as many as fit, and nothing lost in silence."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from archiver.records.text import width
from archiver.render import table, wording

if TYPE_CHECKING:
    from archiver.render.export import Keyed

RECORDS: list[Keyed] = [
    ("a", {"id": "a", "n": 1, "tags": ["x"], "text": "long " * 20}),
    ("模型", {"id": "模型", "n": 20000, "flag": True}),
]


def written(records: list[Keyed], **how: object) -> tuple[list[str], list[str]]:
    out = io.StringIO()
    hidden = table.write(records, out, **{"width": 80, **how})  # type: ignore[arg-type]
    return out.getvalue().splitlines(), hidden


def test_simple_fields_stand_in_columns_and_the_others_are_named() -> None:
    lines, hidden = written(RECORDS)
    assert lines[0].split() == ["id", "n", "text", "flag"]
    assert lines[1].startswith("a          1  long long")
    assert lines[2].startswith("模型  20,000")
    assert hidden == ["tags"]


@pytest.mark.parametrize("columns", [4, 12, 40, 60, 100])
def test_no_line_is_wider_than_it_may_be(columns: int) -> None:
    lines, hidden = written(RECORDS, width=columns)
    assert max(map(width, lines)) <= columns
    assert {*lines[0].split(), *hidden} == {"id", "n", "text", "flag", "tags"}


def test_fields_that_are_chosen_are_shown_whatever_they_are() -> None:
    lines, _ = written(RECORDS, width=10, fields=["tags", "absent"])
    assert lines == ["id    tags   absent", 'a     ["x"]', "模型"]


def test_leading_fields_come_first() -> None:
    lines, _ = written(RECORDS, leading=("flag",))
    assert lines[0].split() == ["id", "flag", "n", "text"]


def test_a_key_that_is_no_field_has_a_column_of_its_own() -> None:
    lines, hidden = written([("p/a", {"@key": "p/a", "id": "a"})])
    assert (lines, hidden) == (["key  id", "p/a  a"], [])


def test_records_after_the_first_ones_stream() -> None:
    many: list[Keyed] = [(f"{n:04}", {"id": f"{n:04}", "n": n}) for n in range(1000)]
    lines, _ = written(many)
    assert (len(lines), lines[-1]) == (1001, "0999  999")


def test_nothing_is_nothing() -> None:
    assert written([]) == ([], [])


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("size", 4_500_000_000, "4.5 GB"),
        ("year", 2026, "2026"),
        ("releaseYear", 2026, "2026"),
        ("owner_id", 123_456, "123456"),
        ("price", 1234.5, "1,234.5"),
        ("ratio", 1e21, "1e+21"),
        ("ratio", 1e-7, "1e-7"),
        ("likes", 12_345, "12,345"),
        ("x", None, ""),
        ("x", "", ""),
        ("x", True, "true"),
        ("x", 0.5, "0.5"),
        ("x", {"a": 1}, '{"a":1}'),
    ],
)
def test_values_are_shown_as_people_write_them(name: str, value: object, shown: str) -> None:
    assert wording.cell(name, value) == shown
