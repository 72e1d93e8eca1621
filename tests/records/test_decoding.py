"""Numbers that are not finite and halves of surrogate pairs, which JSON does not know, are read."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.strategies import nested, texts

from archiver.records.decoding import decoded
from archiver.records.jsontext import parse

if TYPE_CHECKING:
    from archiver.records.model import Json

NOT_FINITE = (math.nan, math.inf, -math.inf)
names = texts | st.sampled_from(("NaN", "[NaN", ": NaN,", '"NaN', "\\", "-Infinity", "N", "I-"))
values = st.recursive(
    st.sampled_from(NOT_FINITE) | st.integers() | names | st.none(), nested, max_leaves=12
)


def finite(value: Json) -> Json:
    """Return `value` with None in place of every number that is not finite."""
    if isinstance(value, dict):
        return {name: finite(member) for name, member in value.items()}
    if isinstance(value, list):
        return [finite(member) for member in value]
    return None if isinstance(value, float) else value


def count(value: Json) -> int:
    if isinstance(value, (dict, list)):
        return sum(map(count, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float)


def test_a_text_without_mark_is_not_touched() -> None:
    body = b'[{"id":"\xef\xbb\xbf","name":"NaN"}]'
    assert decoded(body) == (body, 0, 0)


@given(st.lists(values, max_size=4), st.sampled_from((None, 0, 2)), st.booleans())
@example([{"a": '"', "b": [math.nan, {"c": -math.inf}]}], None, False)
def test_what_is_not_finite_is_null_and_counted(
    document: list[Json], indent: int | None, escaped: object
) -> None:
    text = json.dumps(document, indent=indent, ensure_ascii=bool(escaped))
    found = decoded(text.encode(errors="surrogatepass"))
    assert json.loads(found.body.decode(errors="surrogatepass")) == finite(document)
    assert found.not_finite == count(document)


@pytest.mark.parametrize(
    "body", [b'{"a":xNaN}', b'{"a":NaN1}', b'{"a":NaNs}', b'["a\\"NaN', b"[nan]"]
)
def test_what_only_looks_like_one_is_no_json_still(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"JSON|invalid|truncated|byte"):
        parse(decoded(body).body)


def test_one_note_counts_them() -> None:
    assert decoded(b"[1]").notes == ()
    assert decoded(b"[NaN]").notes == ("1 value that is not finite was read as null",)
    notes = decoded(b"[" + b"NaN," * 1234 + b"-Infinity]").notes
    assert notes == ("1,235 values that are not finite were read as null",)


@pytest.mark.parametrize(
    ("text", "read", "halves"),
    [
        (r'"cut \ud83d"', r'"cut \ufffd"', 1),
        (r'"\udc00 and \uD83D\uD83D"', r'"\ufffd and \ufffd\ufffd"', 3),
        (r'"\ud83d\ude00 \\ud83d \\\ud83d"', r'"\ud83d\ude00 \\ud83d \\\ufffd"', 1),
        (r'"\\ud83d\ude00"', r'"\\ud83d\ufffd"', 1),
        (r'"\ud83d\ude00\ude00"', r'"\ud83d\ude00\ufffd"', 1),
        (r'"\ud83d\\ude00"', r'"\ufffd\\ude00"', 1),
        (r'"\ud83d\ude00" \u4e2d', r'"\ud83d\ude00" \u4e2d', 0),
    ],
)
def test_half_of_a_surrogate_pair_is_the_replacement_character(
    text: str, read: str, halves: int
) -> None:
    assert decoded(text.encode()) == (read.encode(), 0, halves)


@given(st.text(st.characters(codec=None), max_size=8))
@example("\ud83d\ude00")
def test_any_text_of_python_is_read_as_javascript_would_make_it_well_formed(text: str) -> None:
    found = decoded(json.dumps([text]).encode())
    (read,) = parse(found.body)
    pairs = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert read == pairs
