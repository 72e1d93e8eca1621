"""How bad a change is: the table, the page about it, and what archiver.toml says instead."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from archiver.changes.compare import compare, weighed
from archiver.changes.severity import (
    BUILT_IN,
    FIRST,
    PINNED,
    TABLE,
    TERMS,
    Scale,
    importance,
    of_kind,
    scale,
)
from archiver.records.canonical import encode
from archiver.records.model import KINDS, SEVERITIES, FieldChange, Leaf, RecordChange, Severity
from archiver.records.policy import Policy

PAGE = Path(__file__).resolve().parents[2] / "docs" / "severity.md"


def field(name: str, old: Any, new: Any, *leaves: Leaf, metric: bool = False) -> FieldChange:
    return FieldChange("replace", f"/{name}", metric, old, new, leaves or UNSET)


def rows(columns: int) -> list[list[str]]:
    """Return the rows of the page's tables with so many columns, without their headings."""
    cells = [line.strip("| ").split("|") for line in PAGE.read_text().splitlines() if "|" in line]
    found = [[cell.strip() for cell in row] for row in cells if len(row) == columns]
    return [row for row in found if row[0].startswith("`")]


def test_the_page_has_the_table() -> None:
    assert rows(4) == [
        [", ".join(f"`{name}`" for name in row.names), row.case or "", row.severity, row.reason]
        for row in TABLE
    ]
    pinned = [[f"`{name}`", severity, reason] for name, (severity, reason) in PINNED.items()]
    assert [row for row in rows(3) if row in pinned] == pinned


def test_the_page_and_the_program_know_the_same_four() -> None:
    assert SEVERITIES == ("breaking", "notable", "info", "noise")
    assert re.findall(r"^\| (\w+) \| [^|]+ \|$", PAGE.read_text(), re.MULTILINE)[1:5] == [
        *SEVERITIES
    ]


def test_every_kind_has_a_severity_and_a_place() -> None:
    whole = [kind for kind in KINDS if kind != "updated"]
    assert all(of_kind(kind) in SEVERITIES for kind in whole)
    assert sorted(FIRST) == sorted(KINDS)
    assert {"license", "licence", "gated"} == TERMS


@pytest.mark.parametrize(
    ("name", "old", "new", "severity"),
    [
        ("license", "mit", "gpl-3.0", "breaking"),
        ("licence", "mit", "gpl-3.0", "breaking"),
        ("license", "mit", None, "breaking"),
        ("license", None, "mit", "info"),
        ("license", UNSET, "mit", "info"),
        ("license", "apache-2.0", "Apache License 2.0", "info"),
        ("license", ["mit"], ["gpl"], "breaking"),
        ("gated", False, "auto", "breaking"),
        ("gated", UNSET, True, "breaking"),
        ("gated", "auto", "manual", "breaking"),
        ("gated", "auto", False, "notable"),
        ("gated", "auto", UNSET, "notable"),
        ("gated", None, False, "info"),
        ("version", "1", "2", "notable"),
        ("size", 1, 2, "notable"),
        ("description", "a", "b", "info"),
        ("a/b~c", 1, 2, "info"),
    ],
)
def test_a_field_is_as_bad_as_its_row(name: str, old: Any, new: Any, severity: Severity) -> None:
    change = FieldChange("replace", f"/{name}", metric=False, old=old, new=new)
    assert BUILT_IN.of_field(change) == severity


def test_a_record_is_as_bad_as_its_worst_field() -> None:
    counted = field("downloads", 1, 2, metric=True)
    told = field("description", 1, 2)
    terms = field("license", "mit", "gpl-3.0")
    size = field("size", 1, 2, metric=True)
    for changes, severity in (
        ((counted,), "noise"),
        ((counted, told), "info"),
        ((told, terms, counted), "breaking"),
        ((size,), "noise"),
    ):
        assert BUILT_IN.of(RecordChange("updated", "a", changes=changes)) == severity


def test_the_worst_comes_first_then_what_is_gone() -> None:
    ordered = [
        RecordChange("removed", "a"),
        RecordChange("updated", "b", changes=(field("gated", False, True),)),
        RecordChange("renamed", "c"),
        RecordChange("returned", "d"),
        RecordChange("updated", "e", changes=(field("version", 1, 2),)),
        RecordChange("new", "f"),
        RecordChange("updated", "g", changes=(field("tags", 1, 2),)),
        RecordChange("left", "h"),
        RecordChange("entered", "i"),
        RecordChange("metrics", "j", changes=(field("likes", 1, 2, metric=True),)),
    ]
    assert sorted([*reversed(ordered)], key=importance) == ordered


CARD_CHANGED = (Leaf("/card/license", "mit", "gpl"), Leaf("/card/text", "a", "b"))


@pytest.mark.parametrize(
    ("said", "change", "severity"),
    [
        ({"version": "info"}, field("version", 1, 2), "info"),
        ({"license": "noise"}, field("license", "mit", "gpl-3.0"), "noise"),
        ({"license": "breaking"}, field("license", "mit", "MIT License"), "breaking"),
        ({"downloads": "notable"}, field("downloads", 1, 2, metric=True), "notable"),
        ({"card.license": "breaking"}, field("card", {}, {}, *CARD_CHANGED), "breaking"),
        ({"card.license": "breaking"}, field("card", {}, {}, CARD_CHANGED[1]), "info"),
        ({"card.*": "notable"}, field("card", {}, {}, CARD_CHANGED[1]), "notable"),
        (
            {"card": "noise", "card.text": "notable"},
            field("card", {}, {}, *CARD_CHANGED),
            "notable",
        ),
        (
            {"card": "breaking", "card.text": "noise"},
            field("card", {}, {}, CARD_CHANGED[1]),
            "noise",
        ),
        ({"card.license": "breaking"}, field("card", {"license": "mit"}, None), "breaking"),
        ({"card.license": "breaking"}, field("card", {"text": "mit"}, None), "info"),
        ({"*.license": "breaking"}, field("card", {"license": "mit"}, None), "breaking"),
        ({"*": "noise"}, field("license", "mit", "gpl-3.0"), "noise"),
        ({"license": "info"}, field("size", 1, 2), "notable"),
    ],
)
def test_what_is_said_of_a_field_replaces_the_table(
    said: dict[str, Severity], change: FieldChange, severity: Severity
) -> None:
    assert Scale(said).of_field(change) == severity


def test_nothing_that_is_said_makes_light_of_the_terms_of_a_pin() -> None:
    lax = Scale({"license": "noise", "version": "noise"})
    terms = RecordChange("updated", "a", changes=(field("license", "mit", "gpl-3.0"),))
    version = RecordChange("updated", "a", changes=(field("version", 1, 2),))
    renamed = RecordChange("renamed", "b", old_key="a")
    assert [lax.of(each) for each in (terms, version, renamed)] == ["noise", "noise", "notable"]
    assert [lax.of(each, pinned=True) for each in (terms, version, renamed)] == [
        "breaking",
        "noise",
        "breaking",
    ]


SAID: tuple[dict[str, Severity], ...] = (
    {},
    {"size": "noise", "card.a": "breaking", "downloads": "notable"},
    {"*": "notable"},
)
RECORDS: tuple[dict[str, Any], ...] = (
    {
        "id": "a",
        "license": "mit",
        "gated": False,
        "size": 1,
        "downloads": 1,
        "card": {"a": 1, "b": 1},
    },
    {
        "id": "a",
        "license": "mit",
        "gated": False,
        "size": 2,
        "downloads": 2,
        "card": {"a": 1, "b": 1},
    },
    {"id": "a", "license": "MIT License", "gated": True, "size": 2, "downloads": 2, "card": None},
    {"id": "a", "size": 2, "downloads": 3, "card": {"a": 2, "b": 1}},
    {"id": "a", "size": 2, "downloads": 4, "card": {"a": 2, "b": 2}, "text": "x"},
)


@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("metrics", [(), ("downloads",), ("downloads", "card.b")])
def test_a_change_weighs_the_same_whether_it_is_explained_or_not(
    said: dict[str, Severity], metrics: tuple[str, ...]
) -> None:
    policy = Policy(key=("id",), metrics=metrics, severity=said)
    lines = [encode(each, ("id",)).data for each in RECORDS]
    for old in lines:
        for new in lines:
            explained = [
                (each.kind, scale(policy).of(each)) for each in compare([old], [new], policy=policy)
            ]
            found = weighed(old, new, policy) if old != new else None
            assert ([found] if found else []) == explained
