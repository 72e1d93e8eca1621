from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from archiver.records.jsontext import MAX_DEPTH, dump, parse

if TYPE_CHECKING:
    from archiver.records.model import Json


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("220.0", "220"),
        ("1e2", "100"),
        ("-0.0", "0"),
        ("-0", "0"),
        ("0.10", "0.1"),
        ("9007199254740993", "9007199254740993"),
        ("18446744073709551616", "18446744073709551616"),
        ("-18446744073709551617", "-18446744073709551617"),
        ("1e20", "100000000000000000000"),
        ("1e21", "1e+21"),
        ("1000000000000000000000", "1e+21"),
        ("1000000000000000000001", "1000000000000000000001"),
        ("12345678900000000.0", "12345678900000000"),
        ("0.00001", "0.00001"),
        ("1.5e-6", "0.0000015"),
        ("0.0000001", "1e-7"),
        ("5e-324", "5e-324"),
    ],
)
def test_numbers_are_spelled_by_value(text: str, canonical: str) -> None:
    assert dump(parse(text.encode())).decode() == canonical


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(-25, 25))
def test_numbers_are_spelled_as_rfc_8785_does(number: float, power: int) -> None:
    scaled = number * 10.0**power
    if math.isfinite(scaled):
        assert dump(scaled) == rfc8785.dumps(scaled)


@given(st.text())
def test_strings_are_spelled_as_rfc_8785_does(text: str) -> None:
    assert dump(text) == rfc8785.dumps(text)


def test_members_are_sorted_by_code_point_at_every_depth() -> None:
    value = {"\U0001f600": 1, "\uffff": {"b": 1, "B": 2, "a!": 3, "a": 4}}
    assert dump(value).decode() == '{"\uffff":{"B":2,"a":4,"a!":3,"b":1},"\U0001f600":1}'


def test_values_are_not_changed_by_writing_them() -> None:
    value = {"a": [1e21, {"b": 220.0}], "c": (1, 2.5)}
    assert dump(value) == b'{"a":[1e+21,{"b":220}],"c":[1,2.5]}'
    assert value == {"a": [1e21, {"b": 220.0}], "c": (1, 2.5)}


def nested(depth: int) -> Json:
    return [nested(depth - 1)] if depth else 1


def test_the_deepest_nesting_is_written() -> None:
    assert dump(nested(MAX_DEPTH)) == b"[" * MAX_DEPTH + b"1" + b"]" * MAX_DEPTH


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (math.nan, "a number is not finite"),
        ([-math.inf], "a number is not finite"),
        (nested(MAX_DEPTH + 1), "nested deeper than 64"),
        ("\ud800", "a string holds a lone surrogate"),
        ({"\udc00": 1}, "a string holds a lone surrogate"),
        ({1: 2}, "a member name is no string"),
        (b"x", "bytes is no JSON value"),
        ({"a": {1, 2}}, "set is no JSON value"),
        pytest.param(10**4300, "an integer has more than 4300 digits", id="endless"),
    ],
)
def test_what_is_no_json_value_is_refused_with_a_plain_reason(value: Json, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{reason}$"):
        dump(value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "it ends too early (truncated)"),
        (b'{"a":', "it ends too early (truncated)"),
        (b"NaN", "invalid character (byte 0)"),
        (b"\xef\xbb\xbf{}", "invalid character (byte 0)"),
        (b'{"a":1}x', "trailing characters (byte 8)"),
        (b"1e400", "a number is not finite"),
        pytest.param(b"-1" + b"0" * 400 + b".5", "a number is not finite", id="huge"),
        (b'"\\udc00 and more"', "a string holds a lone surrogate (byte 7)"),
        (b'"\\ud800 and more"', "a string holds a lone surrogate (byte 7)"),
        (b'"\xff"', "not UTF-8"),
        (b'"\xc0\xae"', "not UTF-8"),
        pytest.param(b"[" * 100_000, "nested deeper than 64", id="deep"),
    ],
)
def test_what_is_no_json_text_is_refused_with_a_plain_reason(text: bytes, reason: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011  the whole message is compared
        parse(text)
    assert str(refused.value) == reason


@pytest.mark.parametrize("text", [b'"\\ud800x-----"', b'"\\udc00------"'])
def test_lone_surrogates_are_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="surrogate"):
        parse(text)


def test_endless_integers_are_refused() -> None:
    with pytest.raises(ValueError, match="out of range"):
        parse(b"1" * 5000)


def test_the_longest_integer_stays_exact() -> None:
    number = 10**4300 - 1
    assert dump(number) == b"9" * 4300
