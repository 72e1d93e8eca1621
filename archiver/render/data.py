"""Changes for programs: the public JSON form, JSON lines, CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from archiver.records import text
from archiver.records.model import KINDS
from archiver.render import wording

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from archiver.records.model import Json, Kind, RecordChange
    from archiver.render.view import ChangeStream, Shown, View

_Row: TypeAlias = "tuple[Json, ...]"

_encode = msgspec.json.Encoder().encode


def write_jsonl(stream: ChangeStream, shown: Shown, view: View, out: TextIO) -> None:
    """Write one change a line; the output is whole only if its last line is the summary."""
    start = _encode({"source": stream.source}).decode()[:-1] + "," if view.named else ""
    for change in shown:
        line = {"kind": change.kind, "key": change.key} if view.name_only else change
        if start:
            out.write(f"{start}{_encode(line).decode()[1:]}\n")
        else:
            out.write(_encode(line).decode() + "\n")
    out.write(_encode(shown.head).decode() + "\n")


def write_json(_stream: ChangeStream, shown: Shown, view: View, out: TextIO) -> None:
    """Write the public form, one change a line; with `stat` without the changes."""
    groups: dict[Kind, list[bytes]] = {kind: [] for kind in KINDS}
    for change in shown:
        groups[change.kind].append(
            _encode(change.key if view.name_only else wording.public(change))
        )
    out.write(_encode(shown.head).decode()[:-1])
    for kind, changes in groups.items() if not view.stat else ():
        lines = b",\n".join(changes).decode()
        out.write(f',\n"{kind}":[\n{lines}\n]' if lines else f',\n"{kind}":[]')
    out.write("}\n")


def write_csv(stream: ChangeStream, shown: Shown, view: View, out: TextIO) -> None:
    """Write one row for each field that differs; CSV has no place for "and N more"."""
    columns: _Row
    rows: Iterator[_Row]
    if view.stat:
        columns, rows = ("kind", "records"), _stat_rows(stream, shown)
    elif view.name_only:
        columns, rows = ("kind", "key"), ((change.kind, change.key) for change in shown)
    else:
        columns, rows = _COLUMNS, (row for change in shown for row in _rows(change))
    before: dict[str, Json] = {"source": stream.source} if view.named else {}
    before |= {"timestamp": stream.current.timestamp} if view.dated else {}
    write = text.raw_csv_row if view.form == "csv-raw" else text.csv_row
    if view.headed:
        out.write(write((*before, *columns)))
    out.writelines(write((*before.values(), *map(_plain, row))) for row in rows)


_COLUMNS: Final[_Row] = ("kind", "key", "field", "old", "new", "cause")


def _rows(change: RecordChange) -> Iterator[_Row]:
    if change.changes is UNSET:
        yield change.kind, change.key, None, change.old_key, None, change.cause
        return
    for field in change.changes:
        yield change.kind, change.key, field.field, field.old, field.new, None


def _stat_rows(stream: ChangeStream, shown: Shown) -> Iterator[_Row]:
    shown.drain()
    summary = stream.summary()
    yield from ((kind, getattr(summary, kind)) for kind in (*KINDS, "unchanged"))


def _plain(value: Json | UnsetType) -> Json:
    return None if value is UNSET else value
