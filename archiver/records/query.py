"""Ask for records: words to search for, conditions (``downloads > 1000``), and an order."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from archiver.errors import ConfigError
from archiver.language import sentence
from archiver.records.field_path import is_quoted, names
from archiver.records.jsontext import dump

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from archiver.records.model import Json, Record

    Predicate: TypeAlias = Callable[[str, Record], bool]
    """Answers, for a record's key and the record, whether it is asked for."""


def search(text: str) -> Predicate:
    """Ask for records that contain every word of `text`, in the key or in any string value.

    Upper and lower case are the same; words are plain text, never patterns.
    """
    words = text.casefold().split()

    def matches(key: str, record: Record) -> bool:
        found = "\n".join((key, *_strings(record))).casefold()
        return all(word in found for word in words)

    return matches


def every(conditions: Sequence[Predicate]) -> Predicate:
    """Ask for records that fulfil all `conditions`."""
    return lambda key, record: all(holds(key, record) for holds in conditions)


def _strings(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _strings(part)


_ORDERS: Final[Mapping[str, Callable[[Json, Json], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
OPERATORS: Final = ("=", "!=", *_ORDERS, "~", "!~", "has")
_CONDITION = re.compile(
    r"""\s*((?:"(?:[^"\\]|\\.)*"|\S)+?)\s*(!=|!~|<=|>=|==?|[<>~]|\shas\s)\s*(.*?)\s*""", re.DOTALL
)
_NUMBER = re.compile(r"-?\d{1,400}(\.\d+)?([eE][+-]?\d+)?")
_LITERALS: Final[Mapping[str, bool | None]] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class Where:
    """One condition on a field; call it with a key and a record.

    Attributes:
        field: Name of a field, or a path: ``pricing.prompt``. Lists on the way are looked
            through: ``providers.name = x`` holds if any of the providers has it.
        op: One of `OPERATORS`. ``~`` is "contains", whatever the case; ``has`` asks for a member
            of a list or of an object.
        value: As written by the person. ``null`` is also a field that is absent.
    """

    field: str
    op: str
    value: str

    @classmethod
    def parse(cls, field: str, op: str, value: str) -> Where:
        """Return the condition.

        Raises:
            ConfigError: There is no such operator.
        """
        op = "=" if op == "==" else op
        if op not in OPERATORS:
            known = " ".join(OPERATORS)
            raise ConfigError(
                sentence("{op!r} is not an operator", op=op),
                hint=sentence("the operators are {known}", known=known),
            )
        return cls(field, op, value)

    @classmethod
    def read(cls, condition: str) -> Where:
        """Return the condition that is written in one piece: ``downloads > 1000``.

        Raises:
            ConfigError: It is not a field, an operator and a value.
        """
        match = _CONDITION.fullmatch(condition)
        if match is None:
            hint = sentence(
                'write it like "downloads > 1000"; the operators are {operators}',
                operators=" ".join(OPERATORS),
            )
            raise ConfigError(
                sentence("{condition!r} is not a condition", condition=condition), hint=hint
            )
        return cls.parse(match[1], match[2].strip(), match[3])

    def __call__(self, key: str, record: Record) -> bool:  # noqa: ARG002  a Predicate
        """Return whether the record fulfils the condition.

        Raises:
            ConfigError: A field that is a number is to be ordered against a word.
        """
        if self.op.startswith("!"):
            return not self._holds(self.op[1:], record)
        return self._holds(self.op, record)

    def _holds(self, op: str, record: Record) -> bool:
        found = list(at(record, self.field)) or [None]
        if op == "=":
            return any(self._equals(value) for value in spread(found))
        if op == "~":
            return any(self._is_in(value) for value in spread(found))
        if op == "has":
            return any(self._is_member(value) for value in found)
        return any(self._is_ordered(value, _ORDERS[op]) for value in spread(found))

    def _equals(self, value: Json) -> bool:
        if isinstance(value, str):
            return value == self.value
        if value is None or isinstance(value, bool):
            return self.value in _LITERALS and _LITERALS[self.value] is value
        return isinstance(value, (int, float)) and value == _number(self.value)

    def _is_in(self, value: Json) -> bool:
        return isinstance(value, str) and self.value.casefold() in value.casefold()

    def _is_member(self, value: Json) -> bool:
        if isinstance(value, dict):
            return self.value in value
        return isinstance(value, list) and any(map(self._equals, value))

    def _is_ordered(self, value: Json, holds: Callable[[Json, Json], bool]) -> bool:
        number = _number(self.value)
        if isinstance(value, str):
            found = _number(value)
            return holds(value, self.value) if None in (found, number) else holds(found, number)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        if number is None:
            raise ConfigError(
                sentence(
                    "{field} {op} {value!r}: {field} is a number",
                    field=self.field,
                    op=self.op,
                    value=self.value,
                ),
                hint=sentence("compare it with a number"),
            )
        return holds(value, number)


def in_order(records: Iterable[tuple[str, Record]], by: str) -> list[tuple[str, Record]]:
    """Sort records by a field, those that are equal by key; absent values and null come last.

    Args:
        records: Key and record of each, by key.
        by: The dotted path of the field; ``-`` before it: largest first.
    """
    path = by.removeprefix("-")
    ranked = [(_rank(next(at(record, path), None)), (key, record)) for key, record in records]
    there = [each for each in ranked if each[0] is not None]
    there.sort(key=operator.itemgetter(0), reverse=by.startswith("-"))
    return [each for _, each in (*there, *(each for each in ranked if each[0] is None))]


def _rank(value: Json) -> tuple[int, Json] | None:
    """Return what orders values of all kinds: numbers, also in words, before words, then others."""
    if isinstance(value, str):
        number = _number(value)
        return (1, value.casefold()) if number is None else (0, number)
    if value is None:
        return None
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return (0, value) if is_number else (2, dump(value))


def at(value: Json, path: str) -> Iterator[Json]:
    """Yield what stands at the path of a field (`records.field_path`), also through lists."""
    if '"' in path and is_quoted(path):
        yield from _along(value, path, names(path))
        return
    if isinstance(value, list):
        for part in value:
            yield from at(part, path)
    elif isinstance(value, dict) and path in value:
        yield value[path]
    elif isinstance(value, dict):
        name, _, rest = path.partition(".")
        if rest and name in value:
            yield from at(value[name], rest)


def _along(value: Json, path: str, steps: tuple[str, ...]) -> Iterator[Json]:
    """Yield what stands behind exact member names; a member called as all of `path` is first."""
    if isinstance(value, list):
        for part in value:
            yield from _along(part, path, steps)
    elif isinstance(value, dict) and path in value:
        yield value[path]
    elif isinstance(value, dict) and steps[0] in value:
        first = value[steps[0]]
        yield from _along(first, path, steps[1:]) if steps[1:] else (first,)


def spread(values: list[Json]) -> Iterator[Json]:
    """Yield the members of lists in place of the lists."""
    for value in values:
        yield from value if isinstance(value, list) else (value,)


def _number(text: str) -> int | float | None:
    """Return the number that `text` is (integers of any size exactly), else None."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    return float(text) if match[1] or match[2] else int(text)
