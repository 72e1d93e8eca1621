"""What is told of one record in several sources: its places, its differences, why it is one."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from archiver.changes.aliases import Level  # noqa: TC001 - msgspec needs it
from archiver.records.model import Json  # noqa: TC001 - msgspec needs it
from archiver.records.representation import short

State: TypeAlias = Literal["there", "missing", "removed", "renamed", "left", "never"]

SCHEMA: Final = "archiver/across/1"


class Place(msgspec.Struct, omit_defaults=True):
    """A record in one source.

    Attributes:
        source: The source.
        key: Its key there; the key by which it was looked for where it was never seen.
        state: Whether it is there; ``left``: it left a window.
        since: Since when it is in that state, UTC; empty: unknown, or not asked.
        first_seen: When it was seen first, UTC; empty: not asked.
        last_seen: Capture time of the last listing that had it, UTC, where it was removed.
        cause: Why it was removed, where that is known.
        now: Its key now, where it was renamed.
        values: What it says, by field.
    """

    source: str
    key: str
    state: State
    since: str = ""
    first_seen: str = ""
    last_seen: str = ""
    cause: str = ""
    now: str = ""
    values: dict[str, Json] = {}

    __repr__ = short

    @property
    def called(self) -> str:
        """Source and key in one."""
        return f"{self.source}:{self.key}"

    @property
    def is_there(self) -> bool:
        """Whether the newest version holds it."""
        return self.state in ("there", "missing")


class Reason(msgspec.Struct):
    """Why two records count as one.

    Attributes:
        between: Both, as ``source:key``.
        by: Who says so.
        rule: The rule, as archiver.toml has it.
    """

    between: tuple[str, str]
    by: Level
    rule: str | UnsetType = UNSET

    __repr__ = short


class Difference(msgspec.Struct):
    """A field in which records differ, with its value in each source that has one."""

    field: str
    values: dict[str, Json]

    __repr__ = short


class Across(msgspec.Struct):
    """One record in several sources.

    Attributes:
        places: Where it is or was, in the order of archiver.toml.
        pairing: Why these are one.
        differs: In what they differ.
    """

    places: list[Place]
    pairing: list[Reason]
    differs: list[Difference]

    __repr__ = short

    @property
    def key(self) -> str:
        """What it is called where it is first there."""
        return next((each.key for each in self.places if each.is_there), self.places[0].key)

    @property
    def there(self) -> int:
        """In how many sources it is."""
        return sum(each.is_there for each in self.places)

    @property
    def is_different(self) -> bool:
        """Whether its sources do not agree: in a field, or in that it is there."""
        return self.is_gone or bool(self.differs)

    @property
    def is_gone(self) -> bool:
        """Whether it was removed from a source and is still in another."""
        return self.there > 0 and any(each.state == "removed" for each in self.places)


class Origin(msgspec.Struct, omit_defaults=True):
    """A source that was read.

    Attributes:
        source: Its name.
        revision: Full id of the revision that was read.
        timestamp: Its capture time, UTC.
        total: Number of its records.
        covers: ``window`` where it lists only a part of its catalogue.
    """

    source: str
    revision: str | None
    timestamp: str | None
    total: int
    covers: str = ""

    __repr__ = short


class Totals(msgspec.Struct):
    """How many records are where.

    Attributes:
        records: Number of records, each counted once.
        shared: How many are there in two sources or more.
        only: Source to how many are there alone.
        gone: Source to how many were removed from it and are still in another.
        gone_everywhere: How many are in no source any more.
        paired: Level to how many pairs count by it.
        differs: Field to how many records differ in it.
    """

    records: int = 0
    shared: int = 0
    only: dict[str, int] = {}
    gone: dict[str, int] = {}
    gone_everywhere: int = 0
    paired: dict[Level, int] = {}
    differs: dict[str, int] = {}

    __repr__ = short


class Wanted(NamedTuple):
    """Which records are told.

    Attributes:
        gone: Those that are gone from one source and still in another.
        differs: Those that differ in this field; empty: in any; None: all the same.
        only: Those that are in this source alone; empty: all the same.
    """

    gone: bool = False
    differs: str | None = None
    only: str = ""

    def __bool__(self) -> bool:
        return self.gone or self.differs is not None or bool(self.only)

    def chooses(self, found: Across) -> bool:
        """Say whether a record is wanted."""
        if self.gone and not found.is_gone:
            return False
        if self.only and [each.source for each in found.places if each.is_there] != [self.only]:
            return False
        if self.differs is None:
            return True
        return any(self.differs in ("", each.field) for each in found.differs)
