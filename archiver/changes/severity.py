"""How bad a change is for who depends on the record: one table for every command and page.

`TABLE` is explained in docs/severity.md, row by row. archiver.toml may give another severity to
a field, by its dotted path (``[sources.NAME.severity]``).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from archiver.records.field_path import readings
from archiver.records.model import SEVERITIES, Severity, pointer, steps
from archiver.records.policy import ANY, leads
from archiver.records.representation import short

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from archiver.records.model import FieldChange, Json, Kind, RecordChange
    from archiver.records.policy import Policy

Case: TypeAlias = Literal["changed", "opened", "stated", "respelled"]
"""What a field of the table went through.

``opened``: access was restricted, and is not any more. ``stated``: nothing was said before, and
what is said now restricts nothing that was open. ``respelled``: the same licence is written in
another way. ``changed``: anything else.
"""


class Row(NamedTuple):
    """A row of the table.

    Attributes:
        names: Kinds of changes, or names of fields; ``*``: every other field.
        severity: How bad it is.
        reason: Why.
        case: Which changes of these fields are meant; None: these are kinds.
    """

    names: tuple[str, ...]
    severity: Severity
    reason: str
    case: Case | None = None

    def __repr__(self) -> str:
        return short(self)


_LICENCES: Final = ("license", "licence")
TABLE: Final = (
    Row(("removed",), "breaking", "What loads the record fails from now on."),
    Row(
        _LICENCES,
        "breaking",
        "What was permitted may be forbidden now; a person has to read the new terms.",
        "changed",
    ),
    Row(
        ("gated",),
        "breaking",
        "Downloads that nobody attends fail until access is asked for and granted.",
        "changed",
    ),
    Row(
        ("renamed",),
        "notable",
        "The record is there, under another key; hubs usually redirect, for a while.",
    ),
    Row(("returned",), "notable", "What was given up can be used again."),
    Row(("gated",), "notable", "Whoever went without it can use it now.", "opened"),
    Row(("version",), "notable", "Something else is downloaded under the same key.", "changed"),
    Row(("size",), "notable", "The files differ, whatever the version says.", "changed"),
    Row(("new",), "info", "Nobody depends on it yet."),
    Row(("entered",), "info", "It is listed now; it may have been there before."),
    Row(("left",), "info", "It is only outside of what is listed; nobody says that it is gone."),
    Row(_LICENCES, "info", "Nothing was promised before, so nothing is withdrawn.", "stated"),
    Row(_LICENCES, "info", "Both spellings mean the same licence.", "respelled"),
    Row(("gated",), "info", "It was open before, and is.", "stated"),
    Row((ANY,), "info", "Descriptions, tags, dates: good to know.", "changed"),
    Row(("metrics",), "noise", "Counters move every day."),
)
"""Every kind of change and every field that is not like the others, the worst first."""

PINNED: Final[Mapping[str, tuple[Severity, str]]] = {
    "missing": ("breaking", "No snapshot ever had it: the name is wrong, or it was gone before."),
    "removed": ("breaking", "It cannot be loaded any more."),
    "renamed": ("breaking", "The key that is written down is not its key any more."),
    "unconfirmed": ("breaking", "Nobody can say that it can still be loaded."),
    "left": ("info", "Its source still has it."),
}
"""What can happen to the key of a record that somebody depends on: how bad it is, and why."""

_RANKS: Final[Mapping[Severity, int]] = {each: place for place, each in enumerate(SEVERITIES)}
_OF_KINDS: Final[Mapping[str, Severity]] = {
    name: row.severity for row in TABLE if row.case is None for name in row.names
}
_OF_FIELDS: Final[Mapping[tuple[str, Case], Severity]] = {
    (name, row.case): row.severity for row in TABLE if row.case for name in row.names
}
_OTHER: Final = _OF_FIELDS[ANY, "changed"]
METRIC: Final = _OF_KINDS["metrics"]
"""How bad a change of a metric is."""
_CASES: Final = frozenset(name for name, case in _OF_FIELDS if case != "changed")
TERMS: Final = frozenset(
    name for (name, _), severity in _OF_FIELDS.items() if severity == "breaking"
)
"""Names of the fields that decide whether a record may still be used."""

FIRST: Final[tuple[Kind, ...]] = (
    *("removed", "renamed", "returned", "new", "updated"),
    *("left", "entered", "metrics"),
)
"""The kinds in order of importance: what is gone comes before what is new."""
_PLACES: Final[Mapping[Kind, int]] = {kind: place for place, kind in enumerate(FIRST)}


def worst(severities: Iterable[Severity]) -> Severity | None:
    """Return the worst of some severities; None: there is none."""
    return min(severities, key=_RANKS.__getitem__, default=None)


def worse(one: Severity, other: Severity) -> bool:
    """Return whether `one` is worse than `other`."""
    return _RANKS[one] < _RANKS[other]


def reached(severity: Severity | None, least: Severity) -> bool:
    """Return whether a `severity` is as bad as `least`, or worse; None is not."""
    return severity is not None and _RANKS[severity] <= _RANKS[least]


def order(kind: Kind, severity: Severity) -> int:
    """Return what puts changes in order: by severity, then by kind."""
    return _RANKS[severity] * len(FIRST) + _PLACES[kind]


def importance(change: RecordChange) -> int:
    """Return what puts changes in order, the worst first."""
    return order(change.kind, severity_of(change))


def severity_of(change: RecordChange) -> Severity:
    """Return how bad a change is; by the built-in table where nobody has weighed it."""
    return BUILT_IN.of(change) if change.severity is UNSET else change.severity


def of_kind(kind: Kind) -> Severity:
    """Return how bad a change of a `kind` is that is about a whole record."""
    return _OF_KINDS[kind]


class Scale:
    """How bad changes are in one catalogue: the table, and what archiver.toml says instead."""

    def __init__(self, fields: Mapping[str, Severity]) -> None:
        """Weigh by the table, but the `fields` by what is said of them; by dotted path."""
        said = fields.items()
        self._said = [(names, severity) for path, severity in said for names in readings(path)]
        firsts = {path[0] for path, _ in self._said}
        self._any = ANY in firsts
        self._looked_at = frozenset(map(pointer, firsts | _CASES))
        self._plain = {pointer(name): severity for (name, case), severity in _OF_FIELDS.items()}

    __repr__ = short

    def of(self, change: RecordChange, *, pinned: bool = False) -> Severity:
        """Return how bad a change is: that of a record is as bad as its worst field.

        Args:
            change: The change.
            pinned: Whether somebody depends on the record by its key.
        """
        if change.changes is UNSET:
            return self._of_whole(change.kind, pinned=pinned)
        found = METRIC
        for each in change.changes:
            severity = self.of_field(each, pinned=pinned)
            found = severity if worse(severity, found) else found
        return found

    @staticmethod
    def _of_whole(kind: Kind, *, pinned: bool) -> Severity:
        return PINNED["renamed"][0] if pinned and kind == "renamed" else _OF_KINDS[kind]

    def of_field(self, change: FieldChange, *, pinned: bool = False) -> Severity:
        """Return how bad the change of one field is.

        Args:
            change: The change.
            pinned: Whether somebody depends on the record: then archiver.toml cannot make light of
                terms under which it cannot be used.
        """
        if pinned and BUILT_IN.of_field(change) == "breaking":
            return "breaking"
        if self._any or change.path in self._looked_at:
            return self._looked(change)
        return METRIC if change.metric else self._plain.get(change.path, _OTHER)

    def weighed(self, change: RecordChange, *, pinned: bool = False) -> RecordChange:
        """Return a change that says how bad it is."""
        return replace(change, severity=self.of(change, pinned=pinned))

    def names(self, least: Severity) -> list[str] | None:
        """Return the names of the fields whose change may be as bad as `least`; None: any."""
        said = {path[0] for path, severity in self._said if reached(severity, least)}
        if reached(_OTHER, least) or ANY in said:
            return None
        named = {name for (name, _), severity in _OF_FIELDS.items() if reached(severity, least)}
        return sorted(said | named)

    def knows(self, name: str) -> Severity | None:
        """Return how bad any news of the field `name` is; None: that depends on its values."""
        path = pointer(name)
        return None if self._any or path in self._looked_at else self._plain.get(path, _OTHER)

    def _looked(self, change: FieldChange) -> Severity:
        """Look at the values that differ: where archiver.toml says nothing of one, the table."""
        name = change.field
        table = METRIC if change.metric else _of_case(name, change.old, change.new)
        if change.detail is UNSET or not change.detail:
            return self._of_place((name,), change.old, change.new, table)
        leaves = ((steps(leaf.path), leaf) for leaf in change.detail)
        found = (self._of_place(path, leaf.old, leaf.new, table) for path, leaf in leaves)
        return worst(found) or table

    def _of_place(
        self, path: Sequence[str], old: Json | UnsetType, new: Json | UnsetType, table: Severity
    ) -> Severity:
        """Return what the longest path that covers a place says of it, or worse: what is below."""
        covering, below = (0, table), []
        for said, severity in self._said:
            if not all(step in (ANY, there) for step, there in zip(said, path, strict=False)):
                continue
            if len(said) <= len(path):
                covering = max(covering, (len(said), severity), key=lambda each: each[0])
            elif any(leads(said[len(path) :], value) for value in (old, new)):
                below.append(severity)
        return worst((covering[1], *below)) or table


BUILT_IN: Final = Scale({})
"""The scale of a catalogue of which archiver.toml says nothing."""


def scale(policy: Policy) -> Scale:
    """Return the scale of a catalogue."""
    return _scale(tuple(policy.severity.items())) if policy.severity else BUILT_IN


@lru_cache(maxsize=64)
def _scale(fields: tuple[tuple[str, Severity], ...]) -> Scale:
    return Scale(dict(fields))


def _of_case(name: str, old: Json | UnsetType, new: Json | UnsetType) -> Severity:
    """Return what the table says of a field that is news."""
    case = _case(name, old, new) if name in _CASES else "changed"
    return _OF_FIELDS.get((name, case), _OTHER)


def _case(name: str, old: Json | UnsetType, new: Json | UnsetType) -> Case:
    if name in _LICENCES:
        if _is_nothing(old):
            return "stated"
        return "respelled" if _is_same_licence(old, new) else "changed"
    if not _is_nothing(new):
        return "changed"
    return "stated" if _is_nothing(old) else "opened"


def _is_nothing(value: Json | UnsetType) -> bool:
    """Return whether a value restricts nothing and says nothing."""
    return value is UNSET or value is None or value is False or value == ""


def _is_same_licence(old: Json | UnsetType, new: Json | UnsetType) -> bool:
    if not isinstance(old, str) or not isinstance(new, str):
        return False
    from archiver.records.licences import common_name  # noqa: PLC0415 - for changed licences only

    return bool(common_name(old, new))
