"""Rows as Arrow columns: Parquet files, and tables of pandas, Polars and Arrow.

The libraries are an extra; each is imported where it is asked for.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from archiver.errors import ConfigError
from archiver.language import sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from archiver.database.plain import Row, Table, Type

_ROWS: Final = 1 << 15
_CHARACTERS: Final = 1 << 21
"""A row group ends with so many rows, or characters of text."""
_LEVEL: Final = 9
"""Of zstd: levels 3, 6 and 9 make 2.2, 1.9 and 1.8 MB of the month in tests/bench."""
_SPREAD: Final = ("record", "value")
"""Columns whose values hardly repeat: no dictionary."""
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def write_parquet(path: Path, table: Table, rows: Iterable[Row]) -> int:
    """Write a new file with the rows of a table; return how many there are.

    The same rows give the same bytes with the same version of pyarrow.

    Raises:
        ConfigError: pyarrow is not installed.
        OSError: The file cannot be written.
    """
    pool = require("pyarrow").default_memory_pool()
    from pyarrow import parquet

    names = [each.name for each in table.columns]
    split = [each.name for each in table.columns if each.type == "real"]
    options: dict[str, Any] = {
        "compression": "zstd",
        "compression_level": _LEVEL,
        "use_dictionary": [name for name in names if name not in _SPREAD],
        "use_byte_stream_split": [name for name in split if name in _SPREAD],
        "write_page_checksum": True,
    }
    number = 0
    with parquet.ParquetWriter(path, _schema(table), **options) as writer:
        for batch in _batches(table, rows):
            writer.write_batch(batch)
            number += batch.num_rows
            del batch  # before the next one is made
            pool.release_unused()
    return number


def arrow(table: Table, rows: Iterable[Row]) -> Any:
    """Return rows as a ``pyarrow.Table``.

    Raises:
        ConfigError: pyarrow is not installed.
    """
    return require("pyarrow").Table.from_batches(_batches(table, rows), schema=_schema(table))


def pandas(table: Table, rows: Iterable[Row]) -> Any:
    """Return rows as a ``pandas.DataFrame``.

    Raises:
        ConfigError: pandas or pyarrow is not installed.
    """
    require("pandas")
    return arrow(table, rows).to_pandas()


def polars(table: Table, rows: Iterable[Row]) -> Any:
    """Return rows as a ``polars.DataFrame``.

    Raises:
        ConfigError: Polars or pyarrow is not installed.
    """
    return require("polars").from_arrow(arrow(table, rows))


def require(name: str) -> Any:
    """Import a library.

    Raises:
        ConfigError: It is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        extra = "'snapshot-archiver[parquet]'" if name == "pyarrow" else name
        hint = f"pip install {extra}"
        raise ConfigError(
            sentence("this needs {name}, which is not installed", name=name), hint=hint
        ) from error


def _schema(table: Table) -> Any:
    arrow = require("pyarrow")
    types: Mapping[Type, Any] = {
        "text": arrow.string(),
        "json": arrow.string(),
        "integer": arrow.int64(),
        "real": arrow.float64(),
        "flag": arrow.bool_(),
        "time": arrow.timestamp("us", tz="UTC"),
    }
    return arrow.schema([arrow.field(each.name, types[each.type]) for each in table.columns])


def _batches(table: Table, rows: Iterable[Row]) -> Iterator[Any]:
    """Return rows as record batches; where they end depends on the rows alone."""
    return map(partial(_batch, table, _schema(table)), _parts(rows))


def _batch(table: Table, schema: Any, part: Iterable[Row]) -> Any:
    arrow, columns = require("pyarrow"), zip(*part, strict=True)
    arrays = [
        arrow.array(map(_READ[each.type], values), type=field.type)
        for each, field, values in zip(table.columns, schema, columns, strict=True)
    ]
    return arrow.record_batch(arrays, schema=schema)


def _parts(rows: Iterable[Row]) -> Iterator[list[Row]]:
    part: list[Row] = []
    room = _CHARACTERS
    for row in rows:
        part.append(row)
        room -= sum(len(cell) for cell in row if isinstance(cell, str))
        if room <= 0 or len(part) == _ROWS:
            yield part
            part, room = [], _CHARACTERS
    if part:
        yield part


def _text(cell: object) -> str | None:
    return cell if isinstance(cell, str) else None


def _integer(cell: object) -> int | None:
    return cell if isinstance(cell, int) else None


def _real(cell: object) -> float | None:
    return float(cell) if isinstance(cell, (int, float)) else None


def _flag(cell: object) -> bool | None:
    return bool(cell) if isinstance(cell, int) else None


@cache
def _time(cell: object) -> int | None:
    """Return microseconds since 1970; None: it is no time."""
    if not isinstance(cell, str) or not _TIME.fullmatch(cell):
        return None
    try:
        moment = datetime.strptime(cell, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return (moment - _EPOCH) // _MICROSECOND


_READ: Final[Mapping[Type, Callable[[object], object]]] = {
    "text": _text,
    "json": _text,
    "integer": _integer,
    "real": _real,
    "flag": _flag,
    "time": _time,
}
