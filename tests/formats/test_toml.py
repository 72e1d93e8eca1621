"""TOML: dates become strings, and what is wrong is named with its place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from archiver.errors import UnreadableSnapshot
from archiver.formats import Reading, read


def value(text: str, **how: Any) -> Any:
    found = read((text.encode(),), "x.toml", Reading(**how)).content
    assert isinstance(found, bytes)
    return json.loads(found)


def test_a_document_of_toml_is_one_of_json() -> None:
    text = """\
    [[models]]
    id = "a"
    n = 1_000
    share = 0.5
    open = true
    at = 1979-05-27T07:32:00Z
    local = 1979-05-27T07:32:00.5
    day = 1979-05-27
    time = 07:32:00
    tags = ["x", "y"]
    [models.meta]
    "n.o" = 1
    """
    assert value(text) == {
        "models": [
            {
                "id": "a",
                "n": 1000,
                "share": 0.5,
                "open": True,
                "at": "1979-05-27T07:32:00Z",
                "local": "1979-05-27T07:32:00.500000",
                "day": "1979-05-27",
                "time": "07:32:00",
                "tags": ["x", "y"],
                "meta": {"n.o": 1},
            }
        ]
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the file is empty"),
        ("a = 1\na = 2\n", "not TOML: line 2, column 6: Cannot overwrite a value"),
        ("[a]\nb = 1\n[a]\n", "not TOML: line 3, column 3: Cannot declare"),
        ("a = [1, 2", "not TOML: line 1"),
        ("a = 'x\n", "not TOML: line 2"),
        ("a = 1\nb\n", "not TOML: line 2"),
        ("a = 1 2\n", "not TOML: line 1, column 7"),
        ("a = " + "[" * 5000, "nested deeper than"),
        (".".join("a" * 5000) + " = 1", "nested deeper than"),
        ("[" + '"a" . ' * 100_000 + "b]", "nested deeper than"),  # else 5,000,000,000 steps
        (f"a = {'9' * 5000}", "not TOML: "),
    ],
)
def test_what_is_refused_is_named_with_its_place(text: str, reason: str) -> None:
    with pytest.raises(UnreadableSnapshot) as caught:
        value(text)
    assert reason in str(caught.value)


def test_dots_in_a_value_are_no_parts_of_a_key() -> None:
    words = "one. " * 100
    assert value(f'a = "{words}"\nb = 1 # {words}\n') == {"a": words, "b": 1}


def test_what_is_not_finite_is_null_and_counted_or_refused() -> None:
    found = read((b"a = nan\nb = [+inf, 1.5]\n",), "x.toml")
    assert isinstance(found.content, bytes)
    assert json.loads(found.content) == {"a": None, "b": [None, 1.5]}
    assert found.notes == ["2 values that are not finite were read as null"]
    with pytest.raises(UnreadableSnapshot, match="not finite: -inf"):
        value("a = -inf\n", finite=True)
