"""Status of the records that a person depends on."""

from __future__ import annotations

from collections import defaultdict
from functools import reduce
from itertools import chain, islice
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

import msgspec
from msgspec import UNSET, UnsetType

from archiver.changes.compare import field_changes
from archiver.changes.severity import PINNED, TERMS, reached, scale
from archiver.errors import ShallowHistory, UnknownRevision, reason
from archiver.history import revisions
from archiver.history.timeline import Moment, timelines
from archiver.history.versions import opened
from archiver.language import Sentence, Stored, joined, sentence, stored
from archiver.pins.lists import Pin  # noqa: TC001  msgspec reads it
from archiver.pins.references import inside
from archiver.records import canonical
from archiver.records.jsontext import dump
from archiver.records.key import label_of
from archiver.records.licences import common_name
from archiver.records.model import Severity  # noqa: TC001  likewise
from archiver.records.representation import short
from archiver.render import wording
from archiver.sources import Fate

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from archiver.changes.lifecycle import Tombstone
    from archiver.history.catalogue import Catalogue
    from archiver.history.timeline import Timeline
    from archiver.history.versions import Version, Versions
    from archiver.records.model import FieldChange, Json, Record
    from archiver.records.policy import Policy

Deviation: TypeAlias = Literal[
    "missing",
    "removed",
    "renamed",
    "unconfirmed",
    "gated",
    "license",
    "changed",
    "left",
    "respelled",
]
DEVIATIONS: Final[tuple[Deviation, ...]] = get_args(Deviation)
Verdict: TypeAlias = Literal["ok"] | Deviation
Fates: TypeAlias = "Callable[[Iterable[str]], Mapping[str, Fate]]"
"""Asks a source about keys; leaves out those about which it cannot tell."""

_FIELDS: Final[Mapping[str, Verdict]] = {
    name: "gated" if name == "gated" else "license" for name in sorted(TERMS)
}
"""Field to the verdict if its value changed; that of others is ``changed``."""
_SHIFTS: Final = 3
"""How many values of a field a finding names."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The status of one record.

    Attributes:
        key: The key that is depended on.
        verdict: ``missing``: no snapshot has ever had it. ``left``: it is outside of the listed
            window, and the source says that it still exists. ``unconfirmed``: the newest listing
            does not name it, and the source does not say whether it still exists.
            ``respelled``: the same licence is written in another way. ``changed``: a field that
            is neither licence nor access.
        severity: How bad it is; of ``ok``, nothing is.
        detail: What happened; not yet safe to display.
        since: When, as far as known.
        now: The key it has now; ``renamed`` only.
        pins: The places that name it.
        source: Name of the source.
        label: What people read instead of the key, where the source has a `label`.
    """

    key: str
    verdict: Verdict
    severity: Severity = "noise"
    detail: str = ""
    since: Moment | None = None
    now: str = ""
    pins: tuple[Pin, ...] = ()
    source: str = ""
    label: str | UnsetType = UNSET

    __repr__ = short


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings of several sources, by key.

    A key that one source knows is not missing in the others; one that none knows is missing once.
    """
    by_key: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_key[finding.key].append(finding)
    return [
        finding
        for _, found in sorted(by_key.items())
        for finding in ([each for each in found if each.verdict != "missing"] or found[:1])
    ]


def _nobody(keys: Iterable[str]) -> Mapping[str, Fate]:  # noqa: ARG001  nobody is asked
    return {}


def check_pins(
    catalogue: Catalogue,
    pins: Iterable[Pin],
    *,
    now: datetime,
    at: str = "",
    since: str = "",
    fates: Fates = _nobody,
    least: Severity = "breaking",
) -> list[Finding]:
    """Return the status of each key that the pins name, by key.

    A key has one finding, or one for each field that changed, such as access and licence.

    Args:
        catalogue: The catalogue.
        pins: What is depended on.
        now: Time, UTC, for periods.
        at: The version to look at; empty: the newest.
        since: The version in which licence and access are taken to be right; empty, or before
            the first snapshot: the first one with the record.
        fates: Asks the source about the keys that the newest listing does not name.
        least: How bad the change of another field than licence and access is that is told.

    Raises:
        NotADataRepository: There is no snapshot.
        UnknownRevision: Nothing has this name.
        ShallowHistory: The clone ends before the answer.
    """
    places: dict[str, list[Pin]] = defaultdict(list)
    for pin in pins:
        places[pin.key].append(pin)
    with opened(catalogue) as versions:
        version = revisions.find(catalogue, versions, at, now)
        base = _base(catalogue, versions, since, now) if since else None
        evidence = _Evidence(version, base, places, catalogue.policy, least)
    evidence.read_history(catalogue, tip=version.end.revision if at else None)
    kept = _unlisted(catalogue, version, newest=not at)
    evidence.ask(fates, kept)
    return [
        msgspec.structs.replace(
            finding,
            severity=PINNED.get(finding.verdict, (finding.severity, ""))[0],
            pins=tuple(named),
            source=catalogue.source,
            label=evidence.label(key, catalogue.policy.label),
        )
        for key, named in sorted(places.items())
        for finding in evidence.findings(key, named)
    ]


def _base(catalogue: Catalogue, versions: Versions, since: str, now: datetime) -> Version | None:
    """Return the version that is taken to be right; None: `since` is before the first snapshot."""
    try:
        return revisions.find(catalogue, versions, since, now)
    except UnknownRevision:
        if revisions.moment(since, now) is None:
            raise
        return None


def _unlisted(catalogue: Catalogue, version: Version, *, newest: bool) -> frozenset[str]:
    """Return the keys that a version holds though its listing, or the last one, lacked them."""
    commit = version.end.revision
    if commit is None:
        return frozenset()
    missing = catalogue.missing() if newest else {}
    return catalogue.unlisted(commit) | missing.keys()


class _Evidence:
    """What versions and history hold of the keys that are depended on."""

    def __init__(
        self,
        version: Version,
        base: Version | None,
        keys: Collection[str],
        policy: Policy,
        least: Severity,
    ) -> None:
        self._policy = policy
        self._scale = scale(policy)
        self._least = least
        self._watched = self._scale.names(least)
        self._guesses = {key: inside(key) for key in keys}
        wanted = {*keys, *chain.from_iterable(self._guesses.values())}
        self._records = dict(_records(version, wanted))
        self._base = None if base is None else dict(_records(base, keys))
        self._tombstones = version.tombstones()
        self._window = version.covers == "window"
        self._timelines: dict[str, Timeline] = {}
        self._fates: Mapping[str, Fate] = {}
        self._unlisted: AbstractSet[str] = frozenset()

    def read_history(self, catalogue: Catalogue, *, tip: str | None) -> None:
        """Read the timelines of keys that the versions leave open, in one pass, up to `tip`.

        A clone that is too shallow is an error only if a verdict depends on it; otherwise dates
        are unknown.
        """
        keys = [key for key in self._guesses if self._is_open(key)]
        gone = [key for key in keys if key not in self._records and key not in self._tombstones]
        wanted = {*keys, *chain.from_iterable(self._guesses[key] for key in gone)}
        try:
            self._timelines = timelines(catalogue, wanted, tip=tip) if wanted else {}
        except ShallowHistory as short:
            based = self._base is not None
            if all(key in self._tombstones or (based and key in self._records) for key in keys):
                return
            hint = (
                sentence("git fetch --unshallow")
                if based
                else sentence("git fetch --unshallow, or name a revision that is here by --since")
            )
            raise ShallowHistory(
                reason(short), hint=hint, commit=short.commit, path=short.path
            ) from short

    def ask(self, fates: Fates, unlisted: AbstractSet[str]) -> None:
        """Ask the source about the keys that have left a window, and about the unlisted ones."""
        self._unlisted = unlisted
        keys = [key for key in self._guesses if self._has_left(key) or self._is_unseen(key)]
        keys += [key for key in self._guesses if key in unlisted and key in self._records]
        self._fates = fates(sorted(keys)) if keys else {}

    def _is_unseen(self, key: str) -> bool:
        """Return whether a window is listed, and no version ever had the key itself."""
        seen = {*self._records, *self._tombstones, *self._timelines}
        guessed = seen.isdisjoint(self._guesses[key])
        return self._window and key not in seen and guessed

    def _has_left(self, key: str) -> bool:
        timeline = self._timelines.get(key)
        if timeline is None or key in self._records or key in self._tombstones:
            return False
        return self._window or timeline.state == "left"

    def _is_open(self, key: str) -> bool:
        record, base = self._records.get(key), (self._base or {}).get(key)
        if record is None or base is None:
            return True
        return any(True for _ in self._changes(base, record))

    def label(self, key: str, path: str) -> str | UnsetType:
        """Return the text at a `path` of the newest record of a key; unset: it has none."""
        timeline = self._timelines.get(key)
        record = self._records.get(key) or (timeline.record if timeline else {})
        return (path and label_of(record, path)) or UNSET

    def findings(self, key: str, pins: list[Pin]) -> list[Finding]:
        """Return the findings of one key, without its pins."""
        record = self._records.get(key)
        if record is None:
            return [self._absence(key)]
        fate = self._fates.get(key, _UNASKED) if key in self._unlisted else Fate("listed")
        if fate.state != "listed":
            return [_fated(key, fate, sentence("missing from the newest listing"))]
        said = {
            field: {pin.values[field] for pin in pins if field in pin.values} for field in _FIELDS
        }
        found = [
            msgspec.structs.replace(finding, since=self._set_at(key, field))
            for field, finding in (
                *self._contradictions(key, record, said),
                *self._deviations(key, record, said),
            )
        ]
        return found or [Finding(key=key, verdict="ok")]

    def _absence(self, key: str) -> Finding:
        timeline = self._timelines.get(key)
        since = timeline.last_changed if timeline else None
        if key in self._tombstones:
            chain_ = _renames(self._tombstones[key], self._tombstones)
            last = chain_[-1]
            steps = [sentence("renamed to {key}", key=each.now) for each in chain_ if each.now]
            if not last.now:
                steps.append(_removed(last))
            verdict: Verdict = "renamed" if last.now else "removed"
            detail = reduce(_then, steps)
            return Finding(key=key, verdict=verdict, detail=detail, since=since, now=last.now)
        if timeline is None:
            return Finding(key=key, verdict="missing", detail=self._unknown(key))
        if self._has_left(key):
            fate = self._fates.get(key, _UNASKED)
            return _fated(key, fate, sentence("outside of the listed window"), since)
        return Finding(key=key, verdict="removed", detail=sentence("removed"), since=since)

    def _unknown(self, key: str) -> str:
        known = self._records.keys() | self._tombstones.keys() | self._timelines.keys()
        meant = next((guess for guess in self._guesses[key] if guess in known), "")
        parts: list[str] = [sentence("no snapshot here has ever had a record with this key")]
        state = self._fates[key].state if key in self._fates else "unknown"
        if self._window:
            parts.append(_UNSEEN[state])
        if meant:
            parts.append(sentence("; did you mean {meant}?", meant=meant))
        return joined("", parts)

    def _contradictions(
        self, key: str, record: Record, said: Mapping[str, Collection[str]]
    ) -> Iterator[tuple[str, Finding]]:
        """Yield the fields that are not what a list says: that is breaking, whatever the field."""
        for field, values in said.items():
            now = _spelled(record.get(field))
            wrong = [right for right in values if now != right and not _licence(field, right, now)]
            if wrong:
                right = reduce(
                    lambda one, other: sentence("{one} or {other}", one=one, other=other),
                    sorted(values),
                )
                detail = sentence(
                    "{field} is {now}, not {right}", field=field, now=now, right=right
                )
                verdict = _FIELDS[field]
                yield field, Finding(key=key, verdict=verdict, severity="breaking", detail=detail)

    def _deviations(
        self, key: str, record: Record, said: Mapping[str, Collection[str]]
    ) -> Iterator[tuple[str, Finding]]:
        """Yield the fields that differ from what is right and of which no list says anything."""
        for change in self._changes(self._right(key), record):
            field, severity = change.field, self._scale.of_field(change, pinned=True)
            verdict = _FIELDS.get(field, "changed")
            if said.get(field):
                continue
            was, now = (_spelled(None if it is UNSET else it) for it in (change.old, change.new))
            detail = _shifted(field, was, now)
            if name := _licence(field, was, now):
                verdict = "respelled"
                detail = sentence("{detail}: both mean {name}", detail=detail, name=name)
            elif verdict == "changed":
                shifts = islice(wording.shifts(change), _SHIFTS)
                detail = reduce(_and, (_shifted(each.field, each.old, each.new) for each in shifts))
            if reached(severity, self._least) or verdict == "respelled":
                yield field, Finding(key=key, verdict=verdict, severity=severity, detail=detail)

    def _changes(self, right: Record, record: Record) -> tuple[FieldChange, ...]:
        """Return what differs between two records, as far as it is looked at."""
        names = self._watched
        old, new = (
            {
                name: msgspec.Raw(dump(value))
                for name, value in each.items()
                if names is None or name in names
            }
            for each in (right, record)
        )
        return field_changes(old, new, self._policy)

    def _right(self, key: str) -> Record:
        """Return the record that is taken to be right; a licence, from where it is known first."""
        if self._base is not None and key in self._base:
            return self._base[key]
        timeline = self._timelines.get(key)
        events = timeline.events if timeline else ()
        records = [each.record for each in reversed(events) if each.record is not None]
        right = dict(records[0]) if records else {}
        for field, verdict in _FIELDS.items():
            known = (each[field] for each in records if each.get(field) is not None)
            if verdict == "license" and (value := next(known, None)) is not None:
                right[field] = value
        return right

    def _set_at(self, key: str, field: str) -> Moment | None:
        """Return when a field got its value, or was removed."""
        timeline = self._timelines.get(key)
        if timeline is None:
            return None
        changed = (
            event.at
            for event in timeline.events
            if any(change.field == field for change in event.changes)
        )
        return timeline.blame.get(field) or next(changed, None)


_UNASKED: Final = Fate("unknown", stored("the source cannot be asked"))
_UNSEEN: Final[Mapping[str, str]] = {
    "listed": sentence("; the source has it, outside of the listed window: name it in `ids`"),
    "gone": sentence("; the source does not have it either"),
    "unknown": sentence("; only a window is listed"),
}


def _fated(key: str, fate: Fate, where: str, since: Moment | None = None) -> Finding:
    """Return the finding of a key that the newest listing does not name.

    Args:
        key: The key.
        fate: What the source says about it now.
        where: Where it is instead.
        since: Since when it is there; since when it is gone nobody knows.
    """
    if fate.state == "listed":
        detail = sentence("{where}; the source still has it", where=where)
        return Finding(key=key, verdict="left", detail=detail, since=since)
    if fate.state == "unknown":
        detail = sentence("{where}; whether it still exists is unknown", where=where)
        if fate.cause:
            detail = sentence("{detail}: {cause}", detail=detail, cause=Stored(fate.cause))
        return Finding(key=key, verdict="unconfirmed", detail=detail, since=since)
    if since:
        where = sentence("{where} since {since} UTC", where=where, since=since.timestamp)
    said = sentence("renamed to {key}", key=fate.now) if fate.now else _cause(fate.cause)
    verdict: Verdict = "renamed" if fate.now else "removed"
    return Finding(key=key, verdict=verdict, detail=_and(said, where), now=fate.now)


def _cause(cause: str) -> str:
    return Stored(cause) if cause else sentence("gone")


def _removed(stone: Tombstone) -> Sentence:
    """Say when a record was seen last, and why it is gone."""
    if not stone.cause:
        return sentence("removed; last seen {last_seen} UTC", last_seen=stone.last_seen)
    return sentence(
        "removed: {cause}; last seen {last_seen} UTC",
        cause=Stored(stone.cause),
        last_seen=stone.last_seen,
    )


def _and(first: str, second: str) -> Sentence:
    return sentence("{first}; {second}", first=first, second=second)


def _then(first: Sentence, following: Sentence) -> Sentence:
    return sentence("{first}, then {following}", first=first, following=following)


def _shifted(field: str, was: str, now: str) -> Sentence:
    return sentence("{field} was {was}, is {now}", field=field, was=was, now=now)


def _records(version: Version, keys: Collection[str]) -> Iterator[tuple[str, Record]]:
    for line in version.lines():
        key = canonical.line_key(line).decode()
        if key in keys:
            yield key, canonical.decode(line)


def _renames(stone: Tombstone, stones: Mapping[str, Tombstone]) -> list[Tombstone]:
    """Return the tombstones from one rename to the next."""
    found = {stone.key: stone}
    while (following := stones.get(stone.now)) is not None and following.key not in found:
        found[following.key] = stone = following
    return list(found.values())


def _licence(field: str, one: str, other: str) -> str:
    """Return the name of the licence that two values of a field both mean; empty: none."""
    return common_name(one, other) if _FIELDS.get(field) == "license" else ""


def _spelled(value: Json) -> str:
    if value is None:
        return "unknown"
    return value if isinstance(value, str) else dump(value).decode()
