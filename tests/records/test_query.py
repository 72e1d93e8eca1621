"""Queries: words and conditions, and what they do with values of another kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.hostile_texts import TEXTS

from archiver.errors import ConfigError
from archiver.records.query import Where, search

if TYPE_CHECKING:
    from archiver.records.model import Record

RECORD: Record = {
    "id": "AI-ModelScope/sdxl-turbo",
    "downloads": 125_000,
    "huge": 2**64 + 1,
    "release_date": "2025-12-01",
    "pricing": {"prompt": "0.0000015", "image": None},
    "tags": ["Turbo", "image", 3],
    "providers": [{"name": "a", "price": 2.5}, {"name": "b"}],
    "gated": False,
    "a.b": "dotted",
    "description": "一步生成图像",
}


@pytest.mark.parametrize("words", ["sdxl", "SDXL turbo", "turbo 图像", "org/key", "", "B"])
def test_search_finds_all_words_anywhere_in_any_case(words: str) -> None:
    assert search(words)("org/key", RECORD)


@pytest.mark.parametrize("words", ["sdxl missing", "downloads", "125000", ".*", "s%l"])
def test_search_knows_no_patterns_and_no_names_of_fields(words: str) -> None:
    assert not search(words)("org/key", RECORD)


@pytest.mark.parametrize("hostile", [text for text in TEXTS.values() if text.split()])
def test_search_finds_a_hostile_word_where_it_stands(hostile: str) -> None:
    assert search(hostile)("key", {"id": "x", "name": [hostile]})


@pytest.mark.parametrize(
    "condition",
    [
        "downloads = 125000",
        "downloads = 1.25e5",
        "downloads != 1",
        "downloads >= 125000",
        "downloads<125001",
        "huge = 18446744073709551617",
        "huge > 18446744073709551616",
        "release_date > 2025-11-30",
        "release_date <= 2025-12-01",
        "pricing.prompt < 0.00001",
        "pricing.image = null",
        "missing = null",
        "missing != 1",
        "missing !~ a",
        "tags has image",
        "tags has 3",
        "tags = Turbo",
        "tags ~ URB",
        "tags != nothing",
        "pricing has prompt",
        "providers.name = b",
        "providers.price > 2",
        "gated = false",
        "a.b = dotted",
        "id ~ SDXL",
        "description ~ 生成",
        "id !~ lightning",
    ],
)
def test_a_condition_holds(condition: str) -> None:
    assert Where.read(condition)("key", RECORD)


@pytest.mark.parametrize(
    "condition",
    [
        "downloads = 125",
        "downloads = x",
        "downloads > 125000",
        "huge = 18446744073709551616",
        "missing > 0",
        "missing = 0",
        "missing has a",
        "pricing.image < 1",
        "gated = 0",
        "gated < 1",
        "gated = null",
        "tags has imag",
        "tags != Turbo",
        "id has sdxl",
        "id = ai-modelscope/sdxl-turbo",
        "pricing ~ prompt",
        "release_date > 2026",
    ],
)
def test_a_condition_does_not_hold(condition: str) -> None:
    assert not Where.read(condition)("key", RECORD)


def test_a_condition_may_come_in_three_parts() -> None:
    assert Where.parse("downloads", ">", "1000") == Where.read("downloads > 1000")
    assert Where.read("name = a = b") == Where("name", "=", "a = b")
    assert Where.read("n == 2") == Where.parse("n", "==", "2") == Where("n", "=", "2")
    assert Where.read("name =") == Where("name", "=", "")


@pytest.mark.parametrize("op", ["===", "like", "", "=~"])
def test_an_unknown_operator_is_refused_with_the_known_ones(op: str) -> None:
    with pytest.raises(ConfigError, match="is not an operator") as refused:
        Where.parse("downloads", op, "1")
    assert refused.value.hint == "the operators are = != < <= > >= ~ !~ has"


@pytest.mark.parametrize("condition", ["", "downloads", "downloads has"])
def test_half_a_condition_is_refused(condition: str) -> None:
    with pytest.raises(ConfigError, match="is not a condition"):
        Where.read(condition)


@pytest.mark.parametrize("value", ["many", "", "nan", "1_000", "0x10", "inf"])
def test_a_number_is_not_ordered_against_a_word(value: Any) -> None:
    with pytest.raises(ConfigError, match="downloads is a number"):
        Where("downloads", "<", value)("key", RECORD)
