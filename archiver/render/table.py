"""Records as a table for a terminal: one line each, in aligned columns."""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, Final, NamedTuple

from archiver.language import plain
from archiver.records import text
from archiver.render import wording
from archiver.render.export import heading, key_field

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TextIO

    from archiver.records.model import Json
    from archiver.render.export import Keyed

_LOOKED_AT: Final = 200
"""Records that decide about the columns; the others stream."""
_WIDEST: Final = 32
_GAP: Final = "  "


class _Column(NamedTuple):
    """A field, and how many terminal columns it takes."""

    name: str
    width: int


def write(
    records: Iterable[Keyed],
    out: TextIO,
    *,
    width: int,
    fields: Sequence[str] | None = None,
    leading: Sequence[str] = (),
) -> list[str]:
    """Write `records` as a table, with the key first.

    Args:
        records: Key and record of each, in the order in which they are written.
        out: Where to.
        width: How many terminal columns a line may take; a key is never cut.
        fields: The fields to show, however wide; None: those with simple values, as many as fit.
        leading: The fields that come first where `fields` is None.

    Returns:
        The fields that are not shown.
    """
    ahead = iter(records)
    first = list(islice(ahead, _LOOKED_AT))
    if not first:
        return []
    key = key_field(first[0])
    there = dict.fromkeys(chain.from_iterable(record for _, record in first))
    names = [name for name in fields or _in_order(there, leading) if name not in (key, "@key")]
    columns = [_keys(key, first), *(_column(name, first) for name in names)]
    if fields is None:
        columns = list(_fitting(columns, first, width))
    if plain():
        _write_one_by_one(chain(first, ahead), columns, out)
    else:
        _write_lines(chain(first, ahead), columns, out)
    shown = {column.name for column in columns} | {"@key"}
    return [name for name in there if name not in shown]


def _in_order(there: Iterable[str], leading: Sequence[str]) -> list[str]:
    """Put the `leading` fields first, in their order."""
    names = list(there)
    return list(dict.fromkeys((*(name for name in leading if name in names), *names)))


def _keys(name: str, first: list[Keyed]) -> _Column:
    return _Column(name, max(text.width(text.terminal(words)) for words in (name, *_first(first))))


def _first(first: list[Keyed]) -> Iterator[str]:
    return (key for key, _ in first)


def _column(name: str, first: list[Keyed]) -> _Column:
    cells = (_shown(name, record.get(name)) for _, record in first)
    return _Column(name, max(text.width(words) for words in (_title(name), *cells)))


def _fitting(columns: list[_Column], first: list[Keyed], width: int) -> Iterator[_Column]:
    """Yield the key, and columns of simple values while there is room."""
    key, *others = columns
    yield key
    room = width - key.width
    for column in others:
        values = (record.get(column.name) for _, record in first)
        if column.width + len(_GAP) <= room and not any(
            isinstance(v, (dict, list)) for v in values
        ):
            room -= column.width + len(_GAP)
            yield column


def _write_lines(records: Iterable[Keyed], columns: list[_Column], out: TextIO) -> None:
    key, *others = columns
    titles = (_padded(_title(column.name), column.width) for column in columns)
    out.write(_GAP.join(titles).rstrip() + "\n")
    for name, record in records:
        cells = (_aligned(column, record.get(column.name)) for column in others)
        line = _GAP.join((_padded(text.terminal(name), key.width), *cells))
        out.write(line.rstrip() + "\n")


def _write_one_by_one(records: Iterable[Keyed], columns: list[_Column], out: TextIO) -> None:
    """Write each record as lines of names and values, to be read aloud."""
    _, *others = columns
    for key, record in records:
        out.write(f"{text.terminal(key)}\n")
        for column in others:
            if shown := _shown(column.name, record.get(column.name)):
                out.write(f"    {_title(column.name)}: {shown}\n")


def _aligned(column: _Column, value: Json) -> str:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return _padded(_shown(column.name, value), column.width, right=number)


def _shown(name: str, value: Json) -> str:
    return text.clip(text.terminal(wording.cell(name, value)), _WIDEST)


def _title(name: str) -> str:
    return text.clip(text.terminal(heading(name)), _WIDEST)


def _padded(words: str, columns: int, *, right: bool = False) -> str:
    gap = " " * max(columns - text.width(words), 0)
    return gap + words if right else words + gap
