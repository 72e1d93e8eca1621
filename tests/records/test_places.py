"""The path of the records is suggested where the shape of the document says it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from archiver.records.places import did_you_mean

if TYPE_CHECKING:
    from archiver.records.model import Json

RECORDS = [{"id": "a"}, {"id": "b"}]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (RECORDS, '"."'),
        ({"vulnerabilities": RECORDS, "count": 2}, '"vulnerabilities"'),
        ({"data": {"models": RECORDS}, "tags": ["x"]}, '"data.models" or "tags[]=id"'),
        (["org/a", "org/b"], '".[]=id"'),
        ({"models": ["a", "b"], "n": 2}, '"models[]=id"'),
        (dict.fromkeys("abcde", "1.0"), '".{}=value"'),
        ([["id", "n"], ["a", 1]], '".[]=[0]"'),
        ({"columns": ["id", "n"], "index": [0], "data": [["a", 1]]}, '"data[]=^.columns"'),
        (
            {"result": {"fields": [{"id": "x"}, {"id": "y"}], "records": [[1, 2]]}},
            '"result.records[]=^.fields[].id"',
        ),
        ({"openai": RECORDS, "mistral": RECORDS, "x": RECORDS}, '".{group}[]"'),
        ({"a": RECORDS, "b": RECORDS}, '"a", "b" or ".{group}[]"'),
        ({"a": {"n": 1}, "b": {"n": 2}, "$schema": "x"}, '".{}"'),
        ({"openai": {"gpt": {"n": 1}}, "x": {"y": {}}}, '".{}" or ".{group}{}"'),
    ],
)
def test_what_the_shape_says_is_suggested(value: Json, expected: str) -> None:
    assert (
        did_you_mean(json.dumps(value).encode(), "else") == f"did you mean records = {expected}? "
    )


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        [1, 2],
        [[]],
        [["a", "a"], [1, 2]],
        [["a", "b"], [1]],
        [{"id": "a"}, 1],
        {"message": "rate limit exceeded", "code": 429},
        {"message": "x", "documentation_url": "y", "status": "404"},
        dict.fromkeys("abcde"),
        {"a": 1, "b": "x", "c": 1, "d": 1, "e": 1},
        {"$(reboot)": RECORDS},
        {"a b": RECORDS, "c": 1},
        {name: {"x": [name]} for name in "abcd"} | {"list": [1]},
    ],
)
def test_nothing_is_suggested_where_nothing_can_be_told(value: Json) -> None:
    assert did_you_mean(json.dumps(value).encode(), "else") == ""


def test_nothing_is_suggested_of_what_is_no_json_or_was_tried() -> None:
    assert did_you_mean(b"<html>", "else") == did_you_mean(b"[" * 100_000, "else") == ""
    assert did_you_mean(json.dumps(RECORDS).encode(), ".") == ""
