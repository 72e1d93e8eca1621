"""Say what became of the records that a person depends on."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias, get_args

import msgspec

from archiver.errors import ShallowHistory, UnknownRevision
from archiver.history import compare, revisions
from archiver.history.timeline import Moment, timelines
from archiver.pins.lists import Pin  # noqa: TC001  msgspec reads it
from archiver.pins.references import inside
from archiver.records import canonical
from archiver.records.jsontext import dump

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from archiver.changes.lifecycle import Tombstone
    from archiver.history.catalogue import Catalogue
    from archiver.history.timeline import Timeline
    from archiver.history.versions import Version, Versions
    from archiver.records.model import Json, Record

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
        source: Name of the source that says so.
    """

    key: str
    verdict: Verdict
    detail: str = ""
    since: Moment | None = None
    now: str = ""
    pins: tuple[Pin, ...] = ()
    source: str = ""


def agreed(found: Iterable[Finding]) -> list[Finding]:
    """Return what several sources say of the same keys, by key.

    A key that one of them knows is not missing for the others; one that none of them knows is
    missing once.
    """
    by_key: dict[str, list[Finding]] = defaultdict(list)
    for finding in found:
        by_key[finding.key].append(finding)
    return [
        finding
        for key in sorted(by_key)
        for finding in (
            [each for each in by_key[key] if each.verdict != "missing"] or by_key[key][:1]
        )
    ]


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
        since: The version in which licence and access are taken to be right; empty, or before
            the first snapshot: the one in which the record is seen first.

    Raises:
        NotADataRepository: There is no snapshot.
        UnknownRevision: Nothing has this name.
        ShallowHistory: The clone ends before the answer.
    """
    places: dict[str, list[Pin]] = defaultdict(list)
    for pin in pins:
        places[pin.key].append(pin)
    with compare.opened(catalogue) as versions:
        version = revisions.find(catalogue, versions, at, now)
        guesses = {key: inside(key) for key in places}
        new = dict(_wanted(version, {*places, *chain.from_iterable(guesses.values())}))
        base = _base(catalogue, versions, since, now)
        since = since if base is not None else ""
        old = {} if base is None else dict(_wanted(base, places.keys()))
        stones, window = version.tombstones(), version.covers == "window"
    doubtful = [key for key in places if not since or _is_doubtful(new.get(key), old.get(key))]
    told = all(key in stones or (since and key in new) for key in doubtful)
    unknown = {key for key in doubtful if key not in new and key not in stones}
    wanted = {*doubtful, *chain.from_iterable(guesses[key] for key in unknown)}
    lives = _lives(catalogue, wanted, tip=version.end.revision, needed=not told, since=since)
    known = new.keys() | stones.keys() | lives.keys()
    cases = (
        _Case(
            key,
            pins=tuple(places[key]),
            record=new.get(key),
            base=old.get(key),
            life=lives.get(key),
            meant=next((guess for guess in guesses[key] if guess in known), ""),
        )
        for key in sorted(places)
    )
    found = (
        finding
        for case in cases
        for finding in (
            [_gone(case, stones, window=window)] if case.record is None else _held(case)
        )
    )
    return [msgspec.structs.replace(each, source=catalogue.source) for each in found]


def _base(catalogue: Catalogue, versions: Versions, since: str, now: datetime) -> Version | None:
    """Open the version that is taken to be right; None: the one in which a record is seen first.

    A time before the first snapshot means that too.
    """
    try:
        return revisions.find(catalogue, versions, since, now) if since else None
    except UnknownRevision:
        if revisions.moment(since, now) is None:
            raise
        return None


class _Case(NamedTuple):
    """One record that is depended on.

    Attributes:
        key: Its key.
        pins: The places that name it.
        record: The record as it is; None: it is gone.
        base: The record as it was when it was taken to be right, if that was asked for.
        life: Its timeline; None: no snapshot had it, or the clone is shallow.
        meant: Another key, which a person may mean by this one; empty: none.
    """

    key: str
    pins: tuple[Pin, ...]
    record: Record | None
    base: Record | None
    life: Timeline | None
    meant: str

    @property
    def went(self) -> Moment | None:
        """When the record went."""
        return self.life.last_changed if self.life else None

    def set_at(self, field: str) -> Moment | None:
        """Return when a field got its value, or went."""
        if self.life is None:
            return None
        events = (
            event.at
            for event in self.life.events
            if any(change.field == field for change in event.changes)
        )
        return self.life.blame.get(field) or next(events, None)


def _is_doubtful(record: Record | None, base: Record | None) -> bool:
    """Say whether the history of a record has to be looked at."""
    if record is None or base is None:
        return True
    return any(record.get(field) != base.get(field) for field in _FIELDS)


def _lives(
    catalogue: Catalogue, keys: Collection[str], *, tip: str | None, needed: bool, since: str
) -> dict[str, Timeline]:
    """Return the lives of records in one pass.

    A clone that is too shallow is an error where the answer is `needed`; else nobody is dated.
    """
    try:
        return timelines(catalogue, keys, tip=tip) if keys else {}
    except ShallowHistory as short:
        if not needed:
            return {}
        hint = "git fetch --unshallow"
        hint += "" if since else ", or name a revision that is here by --since"
        raise ShallowHistory(str(short), hint=hint) from short


def _wanted(version: Version, keys: Collection[str]) -> Iterator[tuple[str, Record]]:
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
        detail += f"; did you mean {case.meant}?" if case.meant else ""
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
            since=case.set_at(field),
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
