"""The path of the records in a document: member names, ``[]`` and ``{}``.

``.`` the document is the array; ``a.b`` the array at that path; ``a.b{}`` an object whose member
names are the keys; ``[]`` goes through all elements (``.[].models``) and ``{}`` through all
members. A name inside of the braces (``.{provider}[]``) is the field that holds the member name.

``=`` names the fields of records that are no objects: ``.[]=id`` of a list of names,
``.{}=version`` of plain values that are members of an object, ``.[]=id,size`` of rows. ``[0]``
after it: the first row is the header. ``^.columns``: the header is in the object around the rows,
at that path.

A member name with dots, brackets or braces stands in quotes: ``"a.b".models``.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from archiver.errors import ConfigError
from archiver.language import sentence
from archiver.records.field_path import whole

EACH: Final = "[]"
MEMBERS: Final = "{}"
EXAMPLES: Final = sentence(
    'examples: ".", "data.models", ".[].models", "models{}", '
    '".{provider}[]", ".[]=id", ".[]=[0]", "data[]=^.columns"'
)

_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'
_PART: Final = re.compile(rf"({_QUOTED}|[^][{{}}.]*)((?:\[\]|\{{[^][{{}}.]*\}})*)(\.|$)")
"""One part between dots: a member name, and the marks behind it."""
_HALVES: Final = re.compile(rf'((?:{_QUOTED}|[^="]|")*?)(=|$)(.*)', re.DOTALL)
"""The way to the records, and what is said of their fields."""
_MARK: Final = re.compile(r"\[\]|\{[^}]*\}")
_RESERVED: Final = frozenset("[]{}=^")
FIRST: Final = "[0]"
_ENCLOSING: Final = re.compile(r"((?:\^\.)+)(.+)")


class Header(NamedTuple):
    """Where the names of the fields of rows are.

    Attributes:
        text: What the path says of it, for people.
        up: The object around the rows that holds it, 1: the innermost; 0: it is the first row.
        steps: The way to it, or to each of its names, from that object.
    """

    text: str
    up: int = 0
    steps: tuple[str, ...] = ()


class RecordsPath(NamedTuple):
    """A path that is understood.

    Attributes:
        steps: Member names, ``[]``, ``{}`` and ``{field}``; the last one holds the records.
        fields: The fields of records that are no objects: one of a value, several of a row.
        header: Where these fields are named instead; None: nowhere.
    """

    steps: tuple[str, ...]
    fields: tuple[str, ...] = ()
    header: Header | None = None

    @classmethod
    def read(cls, path: str) -> RecordsPath:
        """Return what the text `path` says.

        Raises:
            ConfigError: It cannot be understood.
        """
        halves = _HALVES.fullmatch(path)
        assert halves is not None  # noqa: S101  anything matches
        way, equals, names = halves.groups()
        try:
            found = cls(_steps(way), *_named(names)) if equals else cls(_steps(way))
        except ValueError:
            raise _not_understood(path) from None
        first = found.header is not None and not found.header.up
        if (first and is_members(found.last)) or not _distinct(found):
            raise _not_understood(path)
        return found

    @property
    def value(self) -> str:
        """The field that holds a record that is a value of any kind; empty: it is none."""
        return self.fields[0] if len(self.fields) == 1 else ""

    @property
    def as_they_are(self) -> bool:
        """Whether records are objects to which the path adds nothing."""
        return not (self.fields or self.header or any(map(field_of, self.steps)))

    @property
    def is_row(self) -> bool:
        """Whether records are rows, whose cells have no names."""
        return len(self.fields) > 1 or self.header is not None

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
    """Split a path to an array or object; ValueError where that cannot be done."""
    found = _way(path) if path != "." else ()
    return found if found and found[-1][0] in "[{" else (*found, EACH)


def _way(path: str) -> tuple[str, ...]:
    found: list[str] = []
    rest = path.removeprefix(".")
    while True:
        match = _PART.match(rest)
        if match is None or not match[1] + match[2]:
            raise ValueError(path)
        found += [_name(match[1])] if match[1] else []
        found += _MARK.findall(match[2])
        if not match[3]:
            return tuple(found)
        rest = rest[match.end() :]


def _name(text: str) -> str:
    """Return a member name, without its quotes; ValueError: it looks like a mark, or is none."""
    name = whole(text)
    if name[:1] in ("", "[", "{"):
        raise ValueError(text)
    return name


def _named(names: str) -> tuple[tuple[str, ...], Header | None]:
    """Return the fields that a path names, or where they are named; ValueError: neither."""
    if names == FIRST:
        return (), Header(names)
    if match := _ENCLOSING.fullmatch(names):
        way = _way(match[2])
        if way[0][0] in "[{":
            raise ValueError(names)
        return (), Header(names, match[1].count("^"), way)
    fields = tuple(name.strip() for name in names.split(","))
    if not all(fields) or {*names} & _RESERVED:
        raise ValueError(names)
    return fields, None


def _distinct(path: RecordsPath) -> bool:
    """Tell whether a path names no field twice."""
    fields = [*path.fields, *filter(None, map(field_of, path.steps))]
    return len({*fields}) == len(fields)


def is_members(step: str) -> bool:
    """Tell whether a step goes through the members of an object."""
    return step[0] == "{"


def field_of(step: str) -> str:
    """Return the field that holds the member names of a step; empty: there is none."""
    return step[1:-1] if is_members(step) else ""


def _not_understood(path: str) -> ConfigError:
    """Return the error of a path that cannot be understood."""
    return ConfigError(
        sentence('the path of records "{path}" cannot be understood', path=path), hint=EXAMPLES
    )
