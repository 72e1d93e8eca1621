"""The shared values: records, lines, changes, change sets, and pointers into a record."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias, get_args

import msgspec
from msgspec import UNSET, UnsetType

from archiver.language import sentence
from archiver.records.representation import short, table

if TYPE_CHECKING:
    from collections.abc import ItemsView, Iterator, KeysView, ValuesView

Json: TypeAlias = Any
"""A JSON value: None, bool, int, float, str, list of Json, dict of str to Json."""

Record: TypeAlias = dict[str, Any]
"""One record: member name to `Json`. In changes it stands as in a line, with the member `@key`."""

Kind: TypeAlias = Literal[
    "new", "removed", "returned", "renamed", "entered", "left", "updated", "metrics"
]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""Every kind of change, in the order in which they are shown."""

NEWS: frozenset[Kind] = frozenset(KINDS) - {"metrics"}
"""The kinds that changelogs, notifications and ``--exit-code`` look at."""

Severity: TypeAlias = Literal["breaking", "notable", "info", "noise"]
"""How bad a change is for who depends on the record; see `archiver.changes.severity`."""
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
"""Every severity, the worst first."""
Severities: TypeAlias = dict[Kind, dict[Severity, int]]
"""How many changes there are of each kind and severity."""


@lru_cache(maxsize=1024)
def pointer(*steps: str | int) -> str:
    """Return the pointer that goes through member names and indexes, from the record's root."""
    return "".join(f"/{_escaped(str(step))}" for step in steps)


def steps(pointer: str) -> list[str]:
    """Return the member names and indexes that `pointer` goes through, unescaped."""
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")


class Line(NamedTuple):
    """One record in canonical form: its key, and its bytes without separator (UTF-8)."""

    key: str
    data: bytes

    def __repr__(self) -> str:
        return short(self)


class Bad(NamedTuple):
    """Something in the place of a record.

    Attributes:
        place: Where it stood.
        reason: Why it is not one.
        key: Its key; empty: unknown.
        beside: Whether it is a plain value beside records that are members of an object, such as
            ``"$schema"`` or ``"updated_at"``: that is no fault of the document.
    """

    place: str
    reason: str
    key: str = ""
    beside: bool = False

    def __repr__(self) -> str:
        return short(self)


class Leaf(msgspec.Struct, frozen=True, omit_defaults=True):
    """A nested value that differs.

    Attributes:
        path: RFC 6901 pointer from the record's root.
        old: The value before; unset where there was none.
        new: The value after; unset where there is none.
    """

    path: str
    old: Json | UnsetType = UNSET
    new: Json | UnsetType = UNSET

    __repr__ = short


class FieldChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """One top-level field that differs, with its whole old and new value.

    Attributes:
        op: ``add``, ``remove`` or ``replace``, as in RFC 6902.
        path: RFC 6901 pointer of the field: ``/`` and the escaped name.
        old: The value before; unset for ``add``.
        new: The value after; unset for ``remove``.
        metric: Whether only metrics differ (never news).
        detail: The leaves that differ where both values are lists or objects.
    """

    op: Literal["add", "remove", "replace"]
    path: str
    metric: bool
    old: Json | UnsetType = UNSET
    new: Json | UnsetType = UNSET
    detail: tuple[Leaf, ...] | UnsetType = UNSET

    __repr__ = short

    @property
    def field(self) -> str:
        """Name of the field, unescaped (RFC 6901)."""
        return steps(self.path)[0]


class RecordChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """What happened to one record; one line of the streaming form (``-f jsonl``).

    Attributes:
        kind: What happened.
        key: The record's key. For ``renamed`` the key it has now.
        record: The record: as it is now, or for ``removed`` and ``left`` as it was.
            Unset for ``updated`` and ``metrics``.
        changes: The fields that differ, by name; ``updated`` and ``metrics`` only.
        old_key: The key it had; ``renamed`` only.
        cause: Why it is gone, if known; for ``renamed`` that this is only possible.
        label: What people read instead of the key, where the source has a `label`.
        severity: How bad it is, where that was looked up (`archiver.changes.severity`).
        flapping: Whether it stands for a time in which the record flapped, of which `cause` tells.
    """

    kind: Kind
    key: str
    record: Record | UnsetType = UNSET
    changes: tuple[FieldChange, ...] | UnsetType = UNSET
    old_key: str | UnsetType = UNSET
    cause: str | UnsetType = UNSET
    label: str | UnsetType = UNSET
    severity: Severity | UnsetType = UNSET
    flapping: bool = False

    __repr__ = short


What: TypeAlias = Literal[
    "added",
    "removed",
    "retyped",
    "reordered",
    "recased",
    "scaled",
    "changed",
    "prefixed",
    "unprefixed",
]
"""What happens to a field (`archiver.changes.fields`) or to keys (`archiver.changes.renames`)."""


class FieldSummary(
    msgspec.Struct, frozen=True, omit_defaults=True, rename={"old_type": "from", "new_type": "to"}
):
    """What happened to one field in most records that are in both ends, or to the keys of others.

    Attributes:
        path: RFC 6901 pointer of the field: ``/`` and the escaped name; ``/@key`` for keys.
        what: What happened to it.
        records: In how many records.
        total: How many records are in both ends; for keys, how many are only in one.
        severity: How bad the worst of these changes is.
        factor: What every number was multiplied by; ``scaled`` only.
        old_type: The JSON type that every value had; ``retyped`` only, where they had one.
        new_type: The JSON type that every value has; ``retyped`` only, where they have one.
        prefix: What every key begins with; ``prefixed`` and ``unprefixed`` only.
    """

    path: str
    what: What
    records: int
    total: int
    severity: Severity
    factor: float | UnsetType = UNSET
    old_type: str | UnsetType = UNSET
    new_type: str | UnsetType = UNSET
    prefix: str | UnsetType = UNSET

    __repr__ = short

    @property
    def field(self) -> str:
        """Name of the field, unescaped (RFC 6901)."""
        return steps(self.path)[0]


class End(msgspec.Struct, frozen=True, omit_defaults=True):
    """One end of a comparison.

    Attributes:
        revision: Full commit id, or None for a plain file or nothing.
        timestamp: Capture time in UTC as ``YYYY-MM-DD HH:MM:SS``, or None if unknown.
        total: Number of records.
        file: Path of a plain file, as it was given; absent: it is none.
    """

    revision: str | None
    timestamp: str | None
    total: int
    file: str = ""

    __repr__ = short


class Summary(msgspec.Struct, frozen=True):
    """How many records of each kind there are in a comparison."""

    new: int = 0
    updated: int = 0
    removed: int = 0
    returned: int = 0
    renamed: int = 0
    entered: int = 0
    left: int = 0
    metrics: int = 0
    unchanged: int = 0

    __repr__ = short

    @property
    def news(self) -> int:
        """Number of changes that are news: everything but metrics and unchanged."""
        return sum(getattr(self, kind) for kind in NEWS)


class _Mapping(msgspec.Struct, frozen=True):
    """Reads like a mapping: members by name, in a fixed order."""

    def _members(self) -> dict[str, Any]:
        """Return the members of the mapping."""
        raise NotImplementedError

    def __getitem__(self, name: str) -> Any:
        """Return one member."""
        return self._members()[name]

    def __contains__(self, name: object) -> bool:
        """Tell whether there is a member called `name`."""
        return name in self._members()

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the members."""
        return iter(self._members())

    def __len__(self) -> int:
        """Return the number of members."""
        return len(self._members())

    def keys(self) -> KeysView[str]:
        """Return the names of the members."""
        return self._members().keys()

    def values(self) -> ValuesView[Any]:
        """Return the members."""
        return self._members().values()

    def items(self) -> ItemsView[str, Any]:
        """Return the members with their names."""
        return self._members().items()

    def get(self, name: str, default: Any = None) -> Any:
        """Return one member; `default` if there is none of that name."""
        return self._members().get(name, default)

    def to_dict(self) -> dict[str, Any]:
        """Return the public JSON form, as plain values for `json.dumps`."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain


class RecordUpdate(_Mapping, frozen=True):
    """One record that is in both ends, with the fields that differ.

    As a mapping it has two members: ``update["name"]`` and ``update["fields"]``.

    Attributes:
        key: The record's key.
        changes: The fields that differ, by name.
        severity: How bad the worst of them is; of the other kinds, the kind says it.
    """

    key: str
    changes: tuple[FieldChange, ...]
    severity: Severity | UnsetType = UNSET

    __repr__ = short

    @property
    def name(self) -> str:
        """The record's key, which is its name in the archive."""
        return self.key

    @property
    def fields(self) -> dict[str, FieldChange]:
        """The fields that differ, by name; each has `old` and `new`."""
        return {change.field: change for change in self.changes}

    def _members(self) -> dict[str, Any]:
        return {"name": self.name, "fields": self.fields}


class Rename(msgspec.Struct, frozen=True, rename={"old": "from", "new": "to"}):
    """One record that has another key now."""

    old: str
    new: str

    __repr__ = short


CHANGES_2: Final = "archiver/changes/2"
"""Name of the public JSON form of changes."""


class ChangeSet(_Mapping, frozen=True, kw_only=True, rename={"old": "from", "current": "to"}):
    """The public JSON form of a comparison, ``archiver/changes/2``.

    Records stand as in a snapshot's line: the member ``@key`` comes first where the key is
    not one string field of the record; ``@cause`` follows in `removed` where it is known.

    It reads like the mapping of each kind to its changes: ``changes["new"]``, ``["updated"]``,
    ``["removed"]`` and the other `KINDS` are always there, so that its length never differs. It
    is false when all of them are empty. ``json.dumps(changes.to_dict())`` is the JSON form.
    """

    schema: Literal["archiver/changes/2"] = CHANGES_2
    source: str
    old: End
    current: End
    summary: Summary
    fields: tuple[FieldSummary, ...] = ()
    possible_renames: tuple[Rename, ...] = ()
    new: tuple[Record, ...] = ()
    removed: tuple[Record, ...] = ()
    returned: tuple[Record, ...] = ()
    renamed: tuple[Rename, ...] = ()
    entered: tuple[Record, ...] = ()
    left: tuple[Record, ...] = ()
    updated: tuple[RecordUpdate, ...] = ()
    metrics: tuple[RecordUpdate, ...] = ()

    def __repr__(self) -> str:
        return short(self, "source", "summary", "old", "current")

    def __bool__(self) -> bool:
        """Tell whether anything changed; metrics count (``summary.news`` leaves them out)."""
        return any(self.values())

    def _members(self) -> dict[str, tuple[Any, ...]]:
        return {kind: getattr(self, kind) for kind in KINDS}

    def _repr_html_(self) -> str:
        """Return the first changes as a table, for a notebook."""
        times = " → ".join(end.timestamp or "nothing" for end in (self.old, self.current))
        numbers = {kind: len(self[kind]) for kind in KINDS if self[kind]}
        counts = ", ".join(f"{number:,} {kind}" for kind, number in numbers.items())
        rows = (row(kind, each) for kind in KINDS for each in self[kind])
        caption = f"{self.source}: {times}: {counts or 'no changes'}"
        return table(caption, rows, sum(numbers.values()))


def row(kind: Kind, change: Record | RecordUpdate | Rename) -> tuple[str, str, str]:
    """Return kind, key and what happened to a record, of one change in its public form."""
    if isinstance(change, RecordUpdate):
        return kind, change.key, ", ".join(each.field for each in change.changes)
    if isinstance(change, Rename):
        return kind, change.new, sentence("was {old}", old=change.old)
    return kind, str(next(iter(change.values()), "")), str(change.get("@cause", ""))
