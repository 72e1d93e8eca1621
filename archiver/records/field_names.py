"""Names of fields that a person wrote: whether any record has them, and which one was meant."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from archiver.errors import ConfigError, suggestion
from archiver.language import joined, sentence
from archiver.records import canonical
from archiver.records.field_path import names as names_of
from archiver.records.field_path import spelled
from archiver.records.jsontext import dump
from archiver.records.policy import ANY, reaches
from archiver.records.query import at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Self

    from archiver.records.model import Json, Record

    Has: TypeAlias = Callable[[Record], bool]

_LEARNT_FROM: Final = 1_000  # records whose names may be suggested
_DEPTH: Final = 4
_LISTED: Final = 20


class FieldNames:
    """Names that wait for a record with the field; once all are found, nothing is looked at.

    Attributes:
        missing: The names that no record had so far, with what finds them in a record.
    """

    def __init__(self, names: Mapping[str, Has], *, whole: Iterable[str] = ()) -> None:
        """Wait for `names`; of those in `whole`, only whole fields of a record are suggested."""
        self.missing = dict(names)
        self._whole = frozenset(whole)
        self._fields: set[str] = set()
        self._paths: set[str] = set()
        self._learnt_from = 0
        self._looked_at: set[str] = set()

    @classmethod
    def asked(
        cls,
        *,
        fields: Iterable[str] = (),
        paths: Iterable[str] = (),
        patterns: Iterable[str] = (),
    ) -> Self:
        """Wait for what a person asks about.

        Args:
            fields: Whole fields of a record.
            paths: Dotted paths as conditions have them, through lists.
            patterns: Dotted paths as policies have them: ``*`` stands for any member.
        """
        whole = {name: partial(_has_field, name) for name in fields}
        inside = {path: partial(reaches, path) for path in patterns}
        inside |= {path: partial(_has_path, path) for path in paths}
        return cls(inside | whole, whole=whole)

    def found(self, name: str) -> None:
        """Take note that a record has the field `name`."""
        self.missing.pop(name, None)

    def see(self, record: Record) -> None:
        """Take note of the fields of a record."""
        if not self.missing:
            return
        for name in [name for name, has in self.missing.items() if has(record)]:
            del self.missing[name]
        if self._learnt_from < _LEARNT_FROM:
            self._learnt_from += 1
            self._fields.update(record)
            self._paths.update(_paths(record, _DEPTH))

    def look(self, lines: Callable[[], Iterable[bytes]], blob: str | None = None) -> None:
        """Read canonical lines until every name is found.

        Args:
            lines: Returns the lines.
            blob: Object id of their file, which is read once; None: it has none.
        """
        if not self.missing or blob in self._looked_at:
            return
        self._looked_at.update((blob,) if blob else ())
        starts = [_start(name) for name in self.missing]
        for line in lines():
            if self._learnt_from < _LEARNT_FROM or any(start in line for start in starts):
                self.see(canonical.decode_with_key(line))
                if not self.missing:
                    return

    def complaints(self) -> Iterator[tuple[str, str]]:
        """Yield each name that no record has, and a suggestion; where no record is, nothing."""
        for name in self.missing if self._fields else ():
            paths = () if name in self._whole else self._paths
            yield name, suggestion(name, sorted({*self._fields, *paths}))

    def refuse_missing(self) -> None:
        """Refuse names that no record has.

        Raises:
            ConfigError: There are such; suggests the nearest ones that there are.
        """
        wrong = [
            sentence('no record has a field "{name}"{near}', name=name, near=near)
            for name, near in self.complaints()
        ]
        if wrong:
            names = sorted(self._fields - {canonical.KEY})
            more = ", …" if len(names) > _LISTED else ""
            hint = sentence(
                "the fields are {names}{more}", names=", ".join(names[:_LISTED]), more=more
            )
            raise ConfigError(joined("\n", wrong), hint=hint)


def _has_field(name: str, record: Record) -> bool:
    return name in record


def _has_path(path: str, record: Record) -> bool:
    return any(True for _ in at(record, path))


def _start(name: str) -> bytes:
    """Return bytes without which a line cannot have the field `name`, whole or as a path."""
    first = names_of(name)[0]
    return b'"' if first == ANY else dump(first)[:-1]


def _paths(value: Json, depth: int, before: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the paths of what stands inside of the members of a record."""
    members = value.items() if isinstance(value, dict) else ()
    for name, member in members if depth else ():
        for part in member if isinstance(member, list) else (member,):
            if isinstance(part, dict):
                yield from (spelled((*before, name, inner)) for inner in part)
                yield from _paths(part, depth - 1, (*before, name))
