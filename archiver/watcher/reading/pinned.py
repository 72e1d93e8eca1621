"""Say what became of the records that a person depends on."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias, get_args

import msgspec

from archiver.errors import ShallowHistory
from archiver.records import canonical
from archiver.records.jsontext import dump
from archiver.watcher.reading import history, moments
from archiver.watcher.reading.pins import Pin  # noqa: TC001  msgspec reads it
from archiver.watcher.reading.timeline import Moment, timelines

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from archiver.changes.lifecycle import Tombstone
    from archiver.records.model import Json, Record
    from archiver.watcher.reading.catalogue import Catalogue
    from archiver.watcher.reading.timeline import Timeline
    from archiver.watcher.reading.versions import Version

Trouble: TypeAlias = Literal["missing", "removed", "renamed", "gated", "license"]
TROUBLES: Final[tuple[Trouble, ...]] = get_args(Trouble)
Verdict: TypeAlias = Literal["ok", "left", "missing", "removed", "renamed", "gated", "license"]

_OPEN: Final = (None, False, "")
_FIELDS: Final[Mapping[str, Verdict]] = {"gated": "gated", "license": "license"}
"""Field to the verdict where it changed; an unknown value is no value."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one record.

    Attributes:
        key: The key that is depended on.
        verdict: ``missing``: no snapshot ever had it. ``left``: it is outside of the window
            that is listed, and may well be there.
        detail: What happened, in words that are not yet safe for a sink.
        since: When, as far as known.
        now: The key it has now; ``renamed`` only.
        pins: The places that name it.
    """

    key: str
    verdict: Verdict
    detail: str = ""
    since: Moment | None = None
    now: str = ""
    pins: tuple[Pin, ...] = ()


def known_keys(catalogue: Catalogue, *, at: str, now: datetime) -> frozenset[str]:
    """Return every key that a snapshot has, or that was removed before it."""
    with history.opened(catalogue) as versions:
        newest = moments.find(catalogue, versions, at, now)
        keys = {canonical.line_key(line).decode() for line in newest.lines()}
        keys |= newest.tombstones().keys()
    return frozenset(keys)


def checked(
    catalogue: Catalogue, pins: Iterable[Pin], *, now: datetime, at: str = "", since: str = ""
) -> list[Finding]:
    """Return what became of each key that the pins name, by key.

    A key has one finding, or one for access and one for licence where both changed.

    Args:
        catalogue: The catalogue.
        pins: What is depended on.
        now: Time, UTC, for periods.
        at: The version that is looked at; empty: the newest.
        since: The version in which licence and access are taken to be right; empty: the one in
            which the record is seen first.

    Raises:
        NotADataRepository: There is no snapshot.
        UnknownRevision: Nothing has this name.
        ShallowHistory: The clone ends before the answer.
    """
    places: dict[str, list[Pin]] = defaultdict(list)
    for pin in pins:
        places[pin.key].append(pin)
    with history.opened(catalogue) as versions:
        version = moments.find(catalogue, versions, at, now)
        new = dict(_wanted(version, places))
        base = moments.find(catalogue, versions, since, now) if since else None
        old = {} if base is None else dict(_wanted(base, places))
        stones, window = version.tombstones(), version.covers == "window"
    doubtful = [key for key in places if not since or _is_doubtful(new.get(key), old.get(key))]
    told = all(key in stones or (since and key in new) for key in doubtful)
    lives = _lives(catalogue, doubtful, tip=version.end.revision, needed=not told)
    cases = (
        _Case(key, tuple(places[key]), new.get(key), old.get(key), lives.get(key))
        for key in sorted(places)
    )
    return [
        finding
        for case in cases
        for finding in (
            [_gone(case, stones, window=window)] if case.record is None else _held(case)
        )
    ]


class _Case(NamedTuple):
    """One record that is depended on.

    Attributes:
        key: Its key.
        pins: The places that name it.
        record: The record as it is; None: it is gone.
        base: The record as it was when it was taken to be right, if that was asked for.
        life: Its timeline; None: no snapshot had it, or the clone is shallow.
    """

    key: str
    pins: tuple[Pin, ...]
    record: Record | None
    base: Record | None
    life: Timeline | None

    @property
    def went(self) -> Moment | None:
        """When the record went."""
        return self.life.last_changed if self.life else None


def _is_doubtful(record: Record | None, base: Record | None) -> bool:
    """Say whether the history of a record has to be looked at."""
    if record is None or base is None:
        return True
    return any(record.get(field) != base.get(field) for field in _FIELDS)


def _lives(
    catalogue: Catalogue, keys: Collection[str], *, tip: str | None, needed: bool
) -> dict[str, Timeline]:
    """Return the lives of records in one pass.

    A clone that is too shallow is an error where the answer is `needed`; else nobody is dated.
    """
    try:
        return timelines(catalogue, keys, tip=tip) if keys else {}
    except ShallowHistory as short:
        if not needed:
            return {}
        hint = "git fetch --unshallow, or name a revision that is here by --since"
        raise ShallowHistory(str(short), hint=hint) from short


def _wanted(version: Version, keys: Mapping[str, object]) -> Iterator[tuple[str, Record]]:
    for line in version.lines():
        key = canonical.line_key(line).decode()
        if key in keys:
            yield key, canonical.decode(line)


def _gone(case: _Case, stones: Mapping[str, Tombstone], *, window: bool) -> Finding:
    verdict: Verdict = "removed"
    detail, now = "removed", ""
    if (stone := stones.get(case.key)) is not None:
        way = _followed(stone, stones)
        named = [f"renamed to {each.now}" for each in way if each.now]
        verdict, now = ("renamed", way[-1].now) if way[-1].now else ("removed", "")
        if not now:
            cause = f": {way[-1].cause}" if way[-1].cause else ""
            named.append(f"removed{cause}; last seen {way[-1].last_seen} UTC")
        detail = ", then ".join(named)
    elif case.life is None:
        verdict, detail = "missing", "no snapshot here ever had a record of this key"
        detail += "; only a window is listed" if window else ""
    elif window:
        verdict, detail = "left", "outside of the window that is listed; it may well be there"
    return Finding(
        key=case.key, verdict=verdict, detail=detail, since=case.went, now=now, pins=case.pins
    )


def _followed(stone: Tombstone, stones: Mapping[str, Tombstone]) -> list[Tombstone]:
    """Return the tombstones from one rename to the next, as far as they lead."""
    way = {stone.key: stone}
    while (following := stones.get(stone.now)) is not None and following.key not in way:
        way[following.key] = stone = following
    return list(way.values())


def _held(case: _Case) -> list[Finding]:
    found = [
        Finding(
            key=case.key,
            verdict=verdict,
            detail=detail,
            since=case.life.blame.get(field) if case.life else None,
            pins=case.pins,
        )
        for field, verdict in _FIELDS.items()
        if (detail := _changed(case, field))
    ]
    return found or [Finding(key=case.key, verdict="ok", pins=case.pins)]


def _changed(case: _Case, field: str) -> str:
    """Return what is not as it should be with a field; empty: nothing."""
    value = (case.record or {}).get(field)
    said = {pin.values[field] for pin in case.pins if field in pin.values}
    if said:
        right = said == {_spelled(value)}
        return "" if right else f"{field} is {_spelled(value)}, not {' or '.join(sorted(said))}"
    before = _before(case, field)
    if field == "gated":
        fine = value in _OPEN or value == before
    else:
        fine = before is None or value == before
    return "" if fine else f"{field} was {_spelled(before)}, is {_spelled(value)}"


def _before(case: _Case, field: str) -> Json:
    """Return the value that is taken to be right: that of the first record; None: unknown.

    A licence counts from where it is known first. Access that nobody spoke of was open.
    """
    if case.base is not None:
        return case.base.get(field)
    records = (event.record for event in reversed(case.life.events if case.life else ()))
    values = [record.get(field) for record in records if record is not None]
    if field == "gated":
        return values[0] if values else None
    return next((value for value in values if value is not None), None)


def _spelled(value: Json) -> str:
    if value is None:
        return "unknown"
    return value if isinstance(value, str) else dump(value).decode()
