"""Show changes to a program: the public JSON form, JSON lines, CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec
from msgspec import UNSET

from archiver.records import text
from archiver.records.model import KINDS
from archiver.render import wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TextIO

    from archiver.records.model import Json, Kind, RecordChange
    from archiver.render.view import ChangeStream, Shown, View

_Row: TypeAlias = "tuple[Json, ...]"

_encode = msgspec.json.Encoder().encode


def write_jsonl(_stream: ChangeStream, shown: Shown, view: View, out: TextIO) -> None:
    """Write one change a line; the output is whole only if its last line is the summary."""
    for change in shown:
        line = {"kind": change.kind, "key": change.key} if view.name_only else change
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
    if view.stat:
        _write_rows(_stat_rows(stream, shown), out)
    elif view.name_only:
        _write_rows([("kind", "key")], out)
        _write_rows(((change.kind, change.key) for change in shown), out)
    else:
        _write_rows([_COLUMNS], out)
        _write_rows((row for change in shown for row in _rows(change)), out)


_COLUMNS: Final = ("kind", "key", "field", "old", "new", "cause")


def _rows(change: RecordChange) -> Iterator[_Row]:
    if change.changes is UNSET:
        yield change.kind, change.key, None, change.old_key, None, change.cause
        return
    for field in change.changes:
        yield change.kind, change.key, field.field, field.old, field.new, None


def _stat_rows(stream: ChangeStream, shown: Shown) -> Iterator[_Row]:
    shown.drain()
    summary = stream.summary()
    yield "kind", "records"
    yield from ((kind, getattr(summary, kind)) for kind in (*KINDS, "unchanged"))


def _write_rows(rows: Iterable[_Row], out: TextIO) -> None:
    plain = ((None if value is UNSET else value for value in row) for row in rows)
    out.writelines(map(text.csv_row, plain))
