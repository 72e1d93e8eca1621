"""What changes how often, and what archiver.toml could say of it; from the index."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from archiver.database import figures
from archiver.records.jsontext import dump, parse
from archiver.records.policy import ANY
from archiver.records.representation import short

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archiver.database.figures import Habit, Period
    from archiver.history.index import Index
    from archiver.records.model import Json, Record

Setting: TypeAlias = Literal["metrics", "volatile", "sets"]

_OFTEN: Final = 0.5
"""Share of the captures that a field changes in from which on it may be noise; real counters change
in all, time stamps in more than half of them."""
_MANY: Final = 0.02
"""Share of the records that change it in such a capture: of news it is 1 % (measured in real
histories), of likes 3 %, of downloads 15 %."""
_ENOUGH: Final = 3
"""Number of captures below which nothing is suggested."""
_SAMPLES: Final = 200
_LEAVES: Final = 5
"""A field in which more places than these differ has no suggestion."""
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d\S*)?( ?UTC)?")
_SECONDS: Final = range(10**9, 3 * 10**9)
"""Unix times from 2001 to 2065, in seconds; a thousand times that in milliseconds."""


class Churn(NamedTuple):
    """What changed how often in a period.

    Attributes:
        period: How much can have changed.
        fields: A row for each field, the most restless first: ``field``, ``kind``, ``changes``,
            ``captures`` (in which it changed), ``of_captures`` (their share), ``per_capture``
            (records that changed it), ``of_records`` (their share).
        records: The records with news, those first that had it in most captures: ``key``,
            ``captures``, ``of_captures``, ``fields``.
        settings: What archiver.toml could say: paths by setting.
    """

    period: Period
    fields: list[Record]
    records: Iterator[Record]
    settings: dict[Setting, list[str]]

    def __repr__(self) -> str:
        return short(self)


def churn(index: Index, base: int) -> Churn:
    """Return what changed how often after capture number `base`."""
    within = figures.period(index.connection, base, index.last)
    habits = figures.habits(index.connection, base, index.last)
    settings: dict[Setting, list[str]] = defaultdict(list)
    for habit in habits:
        if _is_noise(habit, within):
            for setting, path in _suggested(index, habit.field, base):
                settings[setting].append(path)
    fields = [_field(habit, within) for habit in habits]
    return Churn(within, fields, _records(index, base, within), dict(settings))


def _field(habit: Habit, within: Period) -> Record:
    per_capture = habit.changes / max(within.captures, 1)
    return {
        "field": habit.field,
        "kind": habit.kind,
        "changes": habit.changes,
        "captures": habit.captures,
        "of_captures": _share(habit.captures, within.captures),
        "per_capture": round(per_capture, 1),
        "of_records": _share(per_capture, within.records),
    }


def _records(index: Index, base: int, within: Period) -> Iterator[Record]:
    for key, captures, names in figures.restless(index.connection, base, index.last):
        yield {
            "key": key,
            "captures": captures,
            "of_captures": _share(captures, within.captures),
            "fields": list(names),
        }


def _share(part: float, whole: float) -> float:
    return round(part / whole, 4) if whole else 0.0


def _is_noise(habit: Habit, within: Period) -> bool:
    """Say whether a field whose changes are news changes often, of many records."""
    return (
        habit.kind == "updated"
        and within.captures >= _ENOUGH
        and _share(habit.captures, within.captures) >= _OFTEN
        and _share(habit.changes / habit.captures, within.records) >= _MANY
    )


def _suggested(index: Index, field: str, base: int) -> Iterator[tuple[Setting, str]]:
    """Yield what would silence a field: nothing where some of it differs for another reason."""
    places: dict[str, set[Setting | None]] = defaultdict(set)
    for old, new in figures.samples(index.connection, field, base, index.last, _SAMPLES):
        for path, setting in _differing(field, parse(old.encode()), parse(new.encode())):
            places[path].add(setting)
    meant = [(setting, path) for path, found in places.items() for setting in found]
    if len(meant) == len(places) <= _LEAVES and None not in (setting for setting, _ in meant):
        yield from ((setting, path) for setting, path in meant if setting is not None)


def _differing(path: str, old: Json, new: Json) -> Iterator[tuple[str, Setting | None]]:
    """Yield the places at which two values differ, with the setting for each; None: there is none.

    ``*`` stands for any element of a list.
    """
    if dump(old) == dump(new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for name in old.keys() | new.keys():
            yield from _differing(f"{path}.{name}", old.get(name), new.get(name))
    elif isinstance(old, list) and isinstance(new, list) and not _is_reordered(old, new):
        same = len(old) == len(new)
        for before, after in zip(old, new, strict=True) if same else ():
            yield from _differing(f"{path}.{ANY}", before, after)
        if not same:
            yield path, None
    else:
        yield path, _setting(old, new)


def _setting(old: Json, new: Json) -> Setting | None:
    both = (old, new)
    if all(isinstance(each, list) for each in both):
        return "sets"
    if all(isinstance(each, str) and _TIME.fullmatch(each) for each in both):
        return "volatile"
    if all(type(each) is int and _is_time(each) for each in both):
        return "volatile"
    return "metrics" if all(type(each) in (int, float) for each in both) else None


def _is_time(number: int) -> bool:
    return number in _SECONDS or number // 1000 in _SECONDS


def _is_reordered(old: Iterable[Json], new: Iterable[Json]) -> bool:
    return sorted(map(dump, old)) == sorted(map(dump, new))
