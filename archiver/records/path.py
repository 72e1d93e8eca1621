"""The path of the records in a document: member names, ``[]`` and ``{}``.

``.`` the document is the array; ``a.b`` the array at that path; ``a.b{}`` an object whose member
names are the keys; ``[]`` goes through all elements (``.[].models``) and ``{}`` through all
members. A name inside of the braces (``.{provider}[]``) is the field that holds the member name.

``=`` names the fields of records that are no objects: ``.[]=id`` of a list of names,
``.{}=version`` of plain values that are members of an object.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from archiver.errors import ConfigError

EACH: Final = "[]"
MEMBERS: Final = "{}"
EXAMPLES: Final = (
    'examples: ".", "data.models", ".[].models", "models{}", ".{provider}[]", ".[]=id"'
)

_PART: Final = re.compile(r"([^][{}]*)((?:\[\]|\{[^][{}]*\})*)")
"""One part between dots: a member name, and the marks behind it."""
_MARK: Final = re.compile(r"\[\]|\{[^}]*\}")
_RESERVED: Final = frozenset("[]{}=,^")


class RecordsPath(NamedTuple):
    """A path that is understood.

    Attributes:
        steps: Member names, ``[]``, ``{}`` and ``{field}``; the last one holds the records.
        value: The field that holds a record that is no object; empty: records are objects.
    """

    steps: tuple[str, ...]
    value: str = ""

    @classmethod
    def read(cls, path: str) -> RecordsPath:
        """Return what the text `path` says.

        Raises:
            ConfigError: It cannot be understood.
        """
        way, equals, value = path.partition("=")
        if equals and (not value or {*value} & _RESERVED):
            raise not_understood(path)
        try:
            steps = _steps(way)
        except ValueError:
            raise not_understood(path) from None
        if value and value in map(field_of, steps):
            raise not_understood(path)
        return cls(steps, value)

    @property
    def last(self) -> str:
        """The step that holds the records: ``[]``, ``{}`` or ``{field}``."""
        return self.steps[-1]

    @property
    def key(self) -> tuple[str, ...]:
        """The fields that key records where nothing else is said; empty: none do."""
        if not is_members(self.last):
            return (self.value,) if self.value else ()
        groups = (field_of(step) for step in self.steps[:-1])
        return (*(field for field in groups if field), field_of(self.last) or MEMBERS)


def _steps(path: str) -> tuple[str, ...]:
    """Split a path; ValueError where that cannot be done."""
    found: list[str] = []
    for part in path.removeprefix(".").split(".") if path != "." else ():
        match = _PART.fullmatch(part)
        if match is None or not part:
            raise ValueError(path)
        found += [match[1]] if match[1] else []
        found += _MARK.findall(match[2])
    fields = [step for step in found if is_members(step) and step != MEMBERS]
    if len({*fields}) < len(fields):
        raise ValueError(path)
    return tuple(found) if found and found[-1][0] in "[{" else (*found, EACH)


def is_members(step: str) -> bool:
    """Tell whether a step goes through the members of an object."""
    return step[0] == "{"


def field_of(step: str) -> str:
    """Return the field that holds the member names of a step; empty: there is none."""
    return step[1:-1] if is_members(step) else ""


def not_understood(path: str) -> ConfigError:
    """Return the error of a path that cannot be understood."""
    return ConfigError(f'the path of records "{path}" cannot be understood', hint=EXAMPLES)
