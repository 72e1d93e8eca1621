"""Write the catalogue for others: CSV, JSON, JSON lines, a Markdown table, a web page."""

from __future__ import annotations

import base64
import hashlib
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

import msgspec

from archiver.records import text
from archiver.render import wording
from archiver.render.section import nowhere
from archiver.render.templates import static, stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import TextIO

    from archiver.records.model import Json, Record

ExportForm: TypeAlias = Literal["csv", "csv-raw", "json", "jsonl", "markdown", "html"]
EXPORT_FORMS: Final[tuple[ExportForm, ...]] = get_args(ExportForm)
Keyed: TypeAlias = "tuple[str, Record]"

_encode = msgspec.json.Encoder().encode
SOURCE: Final = "@source"
"""The member that names a record's source where records of several are written."""

_EXACT: Final = 2**53
"""JavaScript rounds integers from here on (ECMA-262, Number.MAX_SAFE_INTEGER)."""


def export(
    records: Iterable[tuple[Json, Record]],
    form: ExportForm,
    out: TextIO,
    *,
    title: str = "catalogue",
    noun: text.Noun = text.RECORD,
    fields: Sequence[str] | None = None,
    first: str | None = None,
    link: Callable[[str], str] = nowhere,
) -> None:
    """Write `records` to `out`.

    Args:
        records: Key and record of each, in the order in which they are written.
        form: The format. ``json`` and ``jsonl`` write the records as they are.
        out: Where to; opened with ``newline=""``, for CSV has line feeds only.
        title: The heading of a page.
        noun: What the rows are called.
        fields: The columns of a table, besides the key; None: every field there is.
            The records are held in memory only if this is None or for a page.
        first: The name of the first column, which holds the key; None: as the first record has it.
        link: Returns the address of a record's own page, given its key; empty: it has none.
    """
    if form in ("json", "jsonl"):
        _WHOLE[form]((record for _, record in records), out)
        return
    if fields is None:
        records = list(records)
        fields = sorted({name for _, record in records for name in record})
    _TABLES[form](_Table(title, noun, records, fields=fields, key=first, link=link), out)


def _write_json(records: Iterable[Record], out: TextIO) -> None:
    """Write one array with one record per line."""
    before = "[\n"
    for record in records:
        out.write(before + _encode(record).decode())
        before = ",\n"
    out.write("[]\n" if before == "[\n" else "\n]\n")


def _write_jsonl(records: Iterable[Record], out: TextIO) -> None:
    out.writelines(_encode(record).decode() + "\n" for record in records)


class _Table:
    """Records as rows: the key, then one value for each field, None where there is none."""

    def __init__(
        self,
        title: str,
        noun: text.Noun,
        records: Iterable[tuple[Json, Record]],
        *,
        fields: Sequence[str],
        key: str | None,
        link: Callable[[str], str],
    ) -> None:
        ahead = iter(records)
        first = next(ahead, None)
        self._records = chain(() if first is None else (first,), ahead)
        key = key_field(first) if key is None else key
        self.title = title
        self.noun = noun
        self.link = link
        self.fields = [name for name in fields if name not in (key, "@key")]
        self.columns = [key, *map(heading, self.fields)]

    def __iter__(self) -> Iterator[list[Json]]:
        """Yield the rows."""
        for key, record in self._records:
            yield [key, *map(record.get, self.fields)]

    def rows(self) -> Iterator[Sequence[Json]]:
        """Yield the columns, then the rows."""
        return chain([self.columns], self)


def heading(name: str) -> str:
    """Return the heading of the column of a field; of the member `SOURCE`, ``source``."""
    return "source" if name == SOURCE else name


def key_field(first: tuple[Json, Record] | None) -> str:
    """Name the column of the key: the record's first member where that is the key."""
    name, value = next(iter(first[1].items()), ("key", None)) if first else ("key", None)
    return name if first and value == first[0] and name != "@key" else "key"


def _write_csv(table: _Table, out: TextIO) -> None:
    out.writelines(map(text.csv_row, table.rows()))


def _write_raw_csv(table: _Table, out: TextIO) -> None:
    out.writelines(map(text.raw_csv_row, table.rows()))


_CELL_COLUMNS: Final = 60


def _write_markdown(table: _Table, out: TextIO) -> None:
    out.write(f"# {text.markdown(table.title)}\n\n")
    _write_row(map(text.markdown, table.columns), out)
    _write_row((":--" for _ in table.columns), out)
    for row in table:
        cells = map(wording.cell, table.columns, row)
        _write_row((text.markdown(text.clip(cell, _CELL_COLUMNS)) for cell in cells), out)


def _write_row(cells: Iterable[str], out: TextIO) -> None:
    out.write(f"| {' | '.join(cells)} |\n")


def _write_html(table: _Table, out: TextIO) -> None:
    rows = [_data([*row, table.link(str(row[0]))]) for row in table]
    script = static("catalogue.js")
    context = {
        "title": table.title,
        "columns": [(name, wording.is_quantity(name)) for name in table.columns],
        "rows": rows,
        "headline": table.noun.counted(len(rows)),
        "noun": table.noun.words,
        "counted": table.noun.templates,
        "script": script,
        "script_hash": _digest(script),
    }
    out.writelines(stream("catalogue.html.j2", context))


def _digest(script: str) -> str:
    """Return the name under which the page's policy allows its own script (CSP 3, 6.7.3.3)."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")


def _data(row: list[Json]) -> str:
    """Write a row as JSON that can stand inside of a script element (HTML 4.12.1.3)."""
    line = _encode([_plain(value) for value in row]).decode()
    return line.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _plain(value: Json) -> Any:
    """Return what a page can show and sort: a number it keeps exact, or safe text."""
    if value is None or (isinstance(value, (int, float)) and -_EXACT < value < _EXACT):
        return value if type(value) is not bool else str(value).lower()
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        value = ", ".join(value)
    return text.visible(value if isinstance(value, str) else _encode(value).decode())


_WHOLE: Final[Mapping[str, Callable[[Iterable[Record], TextIO], None]]] = {
    "json": _write_json,
    "jsonl": _write_jsonl,
}
_TABLES: Final[Mapping[str, Callable[[_Table, TextIO], None]]] = {
    "csv": _write_csv,
    "csv-raw": _write_raw_csv,
    "markdown": _write_markdown,
    "html": _write_html,
}
