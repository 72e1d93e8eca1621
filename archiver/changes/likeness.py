"""What records of several sources say of one thing, and where they differ.

Hubs name and spell the same differently. Only what both say can differ: what one does not say is
unknown.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from archiver.records.jsontext import dump
from archiver.records.licences import meaning
from archiver.records.query import at

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from archiver.records.model import Json, Record

    Meaning: TypeAlias = Callable[[Json], Hashable | None]
    """Returns what a value means, so that equal meanings are equal; None: nothing is said."""
    Apart: TypeAlias = Callable[[float, float, float], bool]

_LONGEST: Final = 1000
"""Characters of a text that are kept and compared."""
_MILLISECONDS: Final = 10**11
"""Unix times from here on are milliseconds."""
_LARGEST: Final = 1e300
_SILENT: Final = frozenset({"", "unknown", "none", "null", "n/a"})
_NO: Final = frozenset({"", "false", "no", "public"})


class Likeness(NamedTuple):
    """A field that is compared.

    Attributes:
        paths: Where it is found; the first that a record has counts.
        meaning: Returns what a value means.
        tolerance: Of numbers the share of the larger one, of times the days that they may differ.
    """

    paths: tuple[str, ...]
    meaning: Meaning
    tolerance: float = 0

    def differs(self, values: Sequence[Json]) -> bool:
        """Say whether any two of these values mean different things."""
        meant = [each for value in values if (each := self.meaning(value)) is not None]
        numbers = [each for each in meant if isinstance(each, (int, float))]
        if self.meaning not in _MEASURES or len(numbers) < len(meant) or not numbers:
            return len({*meant}) > 1
        least, most = min(numbers), max(numbers)
        allowed = self.tolerance * (86400 if self.meaning is _time else max(abs(least), abs(most)))
        return most - least > allowed


def _value(record: Record, paths: Sequence[str]) -> Json:
    """Return what stands at the first of the paths that the record has; None: at none."""
    for path in paths:
        value = record[path] if path in record else next(at(record, path), None)
        if value is not None:
            return value
    return None


def _others(paths: tuple[str, ...]) -> tuple[str, ...]:
    """Return the paths to look at where no field is called as the first."""
    nested = "." in paths[0] or '"' in paths[0]
    return paths if nested else paths[1:]


def _short(value: Json) -> Json:
    """Return a value that is kept: long ones as a text that is cut."""
    if isinstance(value, str):
        return value[:_LONGEST]
    if isinstance(value, (dict, list)):
        text = dump(value)
        return value if len(text) <= _LONGEST else text[:_LONGEST].decode(errors="ignore")
    return value


def _text(value: Json) -> Hashable | None:
    """Compare text apart from case and from what separates words."""
    if isinstance(value, str):
        text = "-".join(value.casefold().replace("_", " ").replace("-", " ").split())
        return None if text in _SILENT else text
    return None if value in (None, []) else dump(value)


def _licence(value: Json) -> Hashable | None:
    if isinstance(value, str):
        return None if value.strip().casefold() in _SILENT else meaning(value)
    if isinstance(value, list):
        return frozenset(filter(None, map(_licence, value))) or None
    return None if value is None else dump(value)


def _number(value: Json) -> Hashable | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if is_number and abs(value) < _LARGEST else None


def _plain(value: Json) -> Hashable | None:
    """Compare numbers as numbers, all else as text."""
    number = _number(value)
    return _text(value) if number is None else number


def _time(value: Json) -> Hashable | None:
    """Return seconds since 1970; a time without zone is UTC."""
    if isinstance(value, (int, float)):
        return value / 1000 if _MILLISECONDS <= abs(value) < _LARGEST else _number(value)
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else None
        moment = read and (read.replace(tzinfo=UTC) if read.tzinfo is None else read)
        return moment and (moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(seconds=1)
    except (ValueError, OverflowError):
        return None


def _access(value: Json) -> Hashable | None:
    """Return whether access is restricted: hubs say no, yes, or in which way."""
    if value is None:
        return None
    return value not in (False, 0) and not (isinstance(value, str) and value.casefold() in _NO)


_MEASURES: Final = frozenset({_number, _plain, _time})
BUILT_IN: Final[Mapping[str, Likeness]] = {
    "license": Likeness(("license", "License", "licence", "license_id"), _licence),
    "gated": Likeness(("gated", "Gated"), _access),
    "private": Likeness(("private", "is_private"), _access),
    "size": Likeness(("size", "storage_size", "StorageSize", "usedStorage"), _number, 0.01),
    "params": Likeness(("params",), _number, 0.01),
    "category": Likeness(("category", "pipeline_tag", "task"), _text),
    "last_modified": Likeness(
        ("last_modified", "lastModified", "updated_at", "LastUpdatedTime"), _time, 7
    ),
}
"""What is compared without being asked for, with the names that hubs have for it."""


class Likenesses:
    """The fields that are compared: those that are built in, and those of the user.

    Attributes:
        names: The names of the fields, in order.
    """

    def __init__(
        self, fields: Mapping[str, Mapping[str, str]], tolerance: Mapping[str, float]
    ) -> None:
        """Compare more than what is built in.

        Args:
            fields: Name of a field to the path that it has in a source; in sources that are not
                named it has its usual names.
            tolerance: Name of a field to its tolerance.
        """
        own = {name: Likeness((name,), _plain) for name in fields if name not in BUILT_IN}
        self._known = {
            name: each._replace(tolerance=tolerance.get(name, each.tolerance))
            for name, each in {**BUILT_IN, **own}.items()
        }
        self._paths = fields
        self.names = tuple(self._known)

    def reader(self, source: str) -> Callable[[Record], list[Json]]:
        """Return what reads the values of a record of `source`, in the order of `names`."""
        paths = [
            (known[source],) if source in (known := self._paths.get(name, {})) else each.paths
            for name, each in self._known.items()
        ]

        first = [each[0] for each in paths]
        others = [_others(each) for each in paths]

        def read(record: Record) -> list[Json]:
            values = list(map(record.get, first))
            for number, value in enumerate(values):
                if value is None and others[number]:
                    values[number] = _short(_value(record, others[number]))
                elif isinstance(value, (str, list, dict)):
                    values[number] = _short(value)
            return values

        return read

    def differing(self, values: Sequence[Sequence[Json]]) -> list[str]:
        """Return the fields in which records differ, each given by its values."""
        unlike = [
            (number, said)
            for number, said in enumerate(zip(*values, strict=True))
            if said.count(said[0]) < len(said)
        ]
        return [
            self.names[number]
            for number, said in unlike
            if self._known[self.names[number]].differs(said)
        ]
