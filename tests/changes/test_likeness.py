"""What is compared of records of several sources, and when it differs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from support.strategies import json_values

from archiver.changes.likeness import Likenesses

USUAL = Likenesses({}, {})


def differing(*records: dict[str, Any], known: Likenesses = USUAL) -> list[str]:
    return known.differing([known.reader(f"s{n}")(each) for n, each in enumerate(records)])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"license": "Apache License 2.0"}, {"license": "apache-2.0"}),
        ({"license": "MIT"}, {"License": "mit"}),
        ({"license": ["mit", "Apache-2.0"]}, {"license": ["apache-2.0", "MIT License"]}),
        ({"license": "mit"}, {}),
        ({"license": "mit"}, {"license": "unknown"}),
        ({"gated": "auto"}, {"gated": True}),
        ({"gated": False}, {"gated": None}),
        ({"size": 1000}, {"StorageSize": 1009}),
        ({"category": "text-generation"}, {"pipeline_tag": "Text_Generation"}),
        ({"last_modified": "2026-01-01T00:00:00Z"}, {"lastModified": "2026-01-07"}),
        ({"last_modified": 1767225600}, {"last_modified": 1767225600000}),
        ({"last_modified": "yesterday"}, {"last_modified": "2026-01-07"}),
    ],
)
def test_the_same_said_otherwise_does_not_differ(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert differing(one, other) == []


@pytest.mark.parametrize(
    ("field", "one", "other"),
    [
        ("license", "mit", "apache-2.0"),
        ("license", "other", "llama3"),
        ("gated", False, "manual"),
        ("private", False, True),
        ("size", 1000, 1011),
        ("category", "text-generation", "text-to-image"),
        ("last_modified", "2026-01-01T00:00:00Z", "2026-01-08T00:00:01Z"),
    ],
)
def test_what_is_said_differently_differs(field: str, one: object, other: object) -> None:
    assert differing({field: one}, {field: other}) == [field]
    assert differing({field: one}, {}, {field: other}) == [field]


def test_the_user_names_fields_and_tolerances() -> None:
    known = Likenesses({"license": {"s0": "meta.terms"}, "vendor": {}}, {"size": 0.5})
    one = {"meta": {"terms": "mit"}, "license": "gpl-3.0", "vendor": "A", "size": 100}
    other = {"license": "MIT", "vendor": "b", "size": 150}
    assert differing(one, other, known=known) == ["vendor"]


@given(json_values, json_values)
def test_no_value_is_too_strange(one: Any, other: Any) -> None:
    for field in USUAL.names:
        assert differing({field: one}, {field: one}) == []
        differing({field: one}, {field: other})
        assert differing({field: other}, {field: one}) == differing({field: one}, {field: other})


def test_numbers_of_any_size_are_compared() -> None:
    assert differing({"size": 10**400}, {"size": 1}) == []
    assert differing({"last_modified": 1e308}, {"last_modified": 10**300}) == []
