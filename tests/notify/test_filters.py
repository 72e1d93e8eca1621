"""Selection of what a channel receives: kinds and thresholds, in any order."""

from __future__ import annotations

from typing import Any

import pytest

from archiver.changes.severity import Scale
from archiver.config import ChannelConfig
from archiver.notify.filters import selected, summed_up
from archiver.records.model import FieldChange, Leaf, RecordChange


def channel(**settings: Any) -> ChannelConfig:
    return ChannelConfig(name="team", type="stdout", **settings)


def field(name: str, old: Any, new: Any, *, metric: bool = True) -> FieldChange:
    return FieldChange("replace", f"/{name}", metric=metric, old=old, new=new)


def told(change: RecordChange, **settings: Any) -> list[tuple[str, list[str]]]:
    """Return kind and fields of what the channel receives."""
    named = selected([change], channel(**settings)).named
    return [(each.kind, [one.field for one in each.changes or ()]) for each in named]


@pytest.mark.parametrize(
    ("share", "old", "new", "passes"),
    [
        ("7", 100, 107, False),  # 0.07 * 100 is 7.000000000000001 as a float, 0.57 * 100 less
        ("57", 100, 157, False),
        ("57", 100, 158, True),
        ("10", 0.1, 0.11, False),
        ("10", 10**400, 10**400 + 5, False),
        ("10", 10**400, 1, True),
        ("10", 0, 1, True),
        ("10", "1", 2, False),
        ("10", True, 2, False),
    ],
)
def test_a_share_is_exact(share: str, old: Any, new: Any, *, passes: bool) -> None:
    change = RecordChange("metrics", "a", changes=(field("downloads", old, new),))
    assert bool(told(change, threshold=f"downloads > {share} %")) == passes


NEWS = RecordChange(
    "updated",
    "a",
    changes=(
        field("downloads", 1, 9),
        field("licence", "a", "b", metric=False),
        field("likes", 1, 9),
    ),
)
COUNTERS = RecordChange("metrics", "a", changes=(field("downloads", 1, 9), field("likes", 1, 9)))
BOTH = ("updated", "metrics")
MOVED = "downloads > 10 %"
STILL = "downloads > 1000 %"


@pytest.mark.parametrize(
    ("change", "settings", "expected"),
    [
        (NEWS, {"kinds": ("updated",)}, [("updated", ["licence"])]),
        (
            NEWS,
            {"kinds": ("updated",), "threshold": MOVED},
            [("updated", ["downloads", "licence"])],
        ),
        (NEWS, {"kinds": ("updated",), "threshold": STILL}, [("updated", ["licence"])]),
        (NEWS, {"kinds": ("new",)}, []),
        (NEWS, {"kinds": ("new",), "threshold": MOVED}, [("metrics", ["downloads"])]),
        (NEWS, {"kinds": ("new",), "threshold": STILL}, []),
        (NEWS, {"kinds": BOTH}, [("updated", ["downloads", "licence", "likes"])]),
        (NEWS, {"kinds": BOTH, "threshold": STILL}, [("updated", ["licence"])]),
        (COUNTERS, {"kinds": ("updated",)}, []),
        (COUNTERS, {"kinds": ("metrics",)}, [("metrics", ["downloads", "likes"])]),
        (COUNTERS, {"kinds": BOTH, "threshold": MOVED}, [("metrics", ["downloads"])]),
        (COUNTERS, {"kinds": ("new",), "threshold": STILL}, []),
    ],
)
def test_news_and_counters_of_one_record_are_one_change(
    change: RecordChange, settings: dict[str, Any], expected: list[tuple[str, list[str]]]
) -> None:
    assert told(change, **settings) == expected


PRICES = RecordChange(
    "updated",
    "a",
    changes=(
        FieldChange(
            "replace",
            "/pricing",
            metric=False,
            old={"prompt": 1, "image": [1]},
            new={"prompt": 1, "image": [2]},
            detail=(Leaf("/pricing/image/0", 1, 2),),
        ),
    ),
)
GONE = RecordChange("removed", "a", record={"id": "a"})


@pytest.mark.parametrize(
    ("change", "settings", "expected"),
    [
        (NEWS, {"fields": ("licence",)}, [("updated", ["licence"])]),
        (NEWS, {"fields": ("gated", "licence"), "kinds": BOTH}, [("updated", ["licence"])]),
        (NEWS, {"fields": ("gated",)}, []),
        (NEWS, {"fields": ("licence",), "kinds": ("new",)}, []),
        (NEWS, {"fields": ("likes",)}, []),
        (NEWS, {"fields": ("likes",), "kinds": BOTH}, [("metrics", ["likes"])]),
        (
            NEWS,
            {"fields": ("licence", "downloads"), "threshold": MOVED},
            [("updated", ["downloads", "licence"])],
        ),
        (
            NEWS,
            {"fields": ("licence",), "threshold": MOVED},
            [("updated", ["downloads", "licence"])],
        ),
        (NEWS, {"fields": ("gated",), "threshold": MOVED}, [("metrics", ["downloads"])]),
        (GONE, {"fields": ("licence",)}, [("removed", [])]),
        (GONE, {"fields": ("licence",), "kinds": ("updated",)}, []),
        (PRICES, {"fields": ("pricing",)}, [("updated", ["pricing"])]),
        (PRICES, {"fields": ("pricing.image",)}, [("updated", ["pricing"])]),
        (PRICES, {"fields": ("pricing.*.0",)}, [("updated", ["pricing"])]),
        (PRICES, {"fields": ("pricing.prompt",)}, []),
    ],
)
def test_fields_narrow_what_changed_and_nothing_else(
    change: RecordChange, settings: dict[str, Any], expected: list[tuple[str, list[str]]]
) -> None:
    assert told(change, **settings) == expected


TERMS = FieldChange("replace", "/license", metric=False, old="mit", new="gpl-3.0")
NOTED = RecordChange("updated", "b", changes=(field("text", 1, 2, metric=False), TERMS))
RENAMED = RecordChange("renamed", "c", record={"id": "c"}, old_key="b")


@pytest.mark.parametrize(
    ("least", "expected"),
    [
        ("breaking", [("removed", []), ("updated", ["license"])]),
        ("notable", [("removed", []), ("updated", ["license"]), ("renamed", [])]),
        ("info", [("removed", []), ("updated", ["text", "license"]), ("renamed", [])]),
    ],
)
def test_a_channel_receives_what_is_as_bad_as_it_asks_for_the_worst_first(
    least: Any, expected: list[tuple[str, list[str]]]
) -> None:
    found = selected([RENAMED, NOTED, GONE], channel(min_severity=least)).named
    assert [(each.kind, [one.field for one in each.changes or ()]) for each in found] == expected


def test_a_channel_with_pins_is_told_of_what_makes_them_unusable() -> None:
    lax = Scale({"license": "noise"})
    about = channel(min_severity="breaking")
    assert selected([RENAMED, NOTED], about, scale=lax).named == []
    pins = frozenset({"b"})
    assert [each.kind for each in selected([RENAMED, NOTED], about, pins, lax).named] == [
        "renamed",
        "updated",
    ]


def test_the_id_of_a_message_does_not_depend_on_the_table() -> None:
    lax = Scale({"license": "noise"})
    strict, other = selected([NOTED], channel()), selected([NOTED], channel(), scale=lax)
    assert strict.severities != other.severities
    assert strict.digest == other.digest


def test_a_selection_is_the_same_in_any_order_and_knows_what_it_does_not_name() -> None:
    changes = [RecordChange("new", f"m{n}", record={"id": f"m{n}"}) for n in range(5)]
    one = channel(limit=1)
    digest = selected(changes, one).digest
    assert selected(reversed(changes), one).digest == digest
    assert selected(changes[:4], one).digest != digest
    gone = [RecordChange("removed", each.key, record=each.record) for each in changes]
    assert selected(gone, one).digest != digest


MOST = [
    RecordChange(
        "updated",
        f"m{n:02}",
        changes=(
            field("downloads", n, n + 1),
            FieldChange("add", "/region", metric=False, new="eu"),
            *([field("license", "mit", "gpl-3.0", metric=False)] if n == 7 else []),
        ),
    )
    for n in range(30)
]


def said(**settings: Any) -> tuple[list[str], list[str], int, int]:
    """Return what is said once, the keys that are named, and how many are told and counted."""
    found = summed_up(lambda: iter(MOST), channel(**settings), total=30)
    keys = [each.key for each in found.named]
    return [each.field for each in found.fields], keys, found.told, found.counts["updated"]


def test_what_happened_to_most_records_is_said_once_to_who_wants_to_know_of_it() -> None:
    assert said() == (["region"], ["m07"], 29, 30)
    assert said(fields=("license",)) == ([], ["m07"], 0, 1)
    assert said(fields=("region",)) == (["region"], [], 30, 30)
    assert said(min_severity="breaking") == ([], ["m07"], 0, 1)
    assert said(kinds=("new",)) == ([], [], 0, 0)


def test_a_channel_about_some_records_is_told_of_each() -> None:
    assert len(said(where=("downloads >= 0",), limit=50)[1]) == 30
    found = summed_up(lambda: iter(MOST), channel(limit=50), frozenset({"m01", "m02"}), total=30)
    assert ([each.key for each in found.named], found.fields) == (["m01", "m02"], ())


def test_metrics_beside_are_told_to_who_asked_for_metrics() -> None:
    found = summed_up(lambda: iter(MOST), channel(kinds=BOTH, limit=50), total=30)
    assert (len(found.named), found.counts["updated"], found.told) == (30, 30, 29)
    assert [each.kind for each in found.named].count("metrics") == 29
