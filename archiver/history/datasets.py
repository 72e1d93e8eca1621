"""The history for other programs: an SQLite file, Parquet files, tables in Python."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from archiver.database import columnar, metadata, plain, sqlite_file
from archiver.database.partitions import Folder
from archiver.history.index import description, ready, silent
from archiver.records.representation import short
from archiver.render.atomic_file import whole_file

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from archiver.database.partitions import Outcome
    from archiver.database.plain import Row, Table
    from archiver.database.sqlite_file import Wanted, Written
    from archiver.history.catalogue import Catalogue

    Progress = Callable[[int, int], None]

_MOMENT: Final = "%Y-%m-%d %H:%M:%S"


def to_sqlite(
    catalogue: Catalogue,
    path: Path,
    wanted: Wanted,
    *,
    described: Path | None = None,
    progress: Progress = silent,
) -> Written:
    """Write the history of a catalogue into an SQLite file.

    Args:
        catalogue: The catalogue.
        path: The file; it appears complete or not at all.
        wanted: What the present records are to have besides their JSON.
        described: The file that receives Datasette's ``metadata.yaml``.
        progress: Receives the progress of the index, see `ready`.

    Raises:
        ConfigError: A wanted field is in no record; `path` is a file that archiver did not write.
        StoreError: See `ready`, or a file cannot be written.
    """
    with ready(catalogue, progress) as index:
        written = sqlite_file.write(path, index.connection, wanted)
    if described is not None:
        with whole_file(described) as out:
            out.write(metadata.datasette(path.stem, catalogue.source, written, wanted))
    return written


def to_parquet(catalogue: Catalogue, path: Path, progress: Progress = silent) -> Outcome:
    """Write the history of a catalogue into a folder of Parquet files, or what is new in it.

    Args:
        catalogue: The catalogue.
        path: The folder; of one source.
        progress: Receives the progress of the index, see `ready`.

    Raises:
        ConfigError: pyarrow is not installed; the folder holds something else.
        StoreError: See `ready`, or the folder cannot be written.
    """
    columnar.require("pyarrow")
    with ready(catalogue, progress) as index:
        described = description(catalogue)
        return Folder(path, catalogue.source, described).export(index.connection)


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one table of the history; they are read whenever they are iterated over.

    A row is a dictionary. Times are `datetime` in UTC, JSON is text, None is what is absent.
    """

    name: str
    _opened: Callable[[], AbstractContextManager[sqlite3.Connection]]

    __repr__ = short

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(each.name for each in self._table.columns)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Read the rows one by one."""
        columns = self._table.columns
        for row in self._rows():
            yield {
                each.name: _read(cell) if each.type == "time" else cell
                for each, cell in zip(columns, row, strict=True)
            }

    def to_arrow(self) -> Any:
        """Return a ``pyarrow.Table``; ConfigError where pyarrow is not installed."""
        return columnar.arrow(self._table, self._rows())

    def to_pandas(self) -> Any:
        """Return a ``pandas.DataFrame``; ConfigError where pandas or pyarrow is not installed."""
        return columnar.pandas(self._table, self._rows())

    def to_polars(self) -> Any:
        """Return a ``polars.DataFrame``; ConfigError where Polars or pyarrow is not installed."""
        return columnar.polars(self._table, self._rows())

    @property
    def _table(self) -> Table:
        return plain.HISTORY[self.name]

    def _rows(self) -> Iterator[Row]:
        with self._opened() as connection:
            yield from plain.rows(connection, self._table)


@dataclass(frozen=True, slots=True)
class History:
    """The history of a catalogue as tables.

    Attributes:
        captures: One row for each version, oldest first.
        changes: What is news, by key.
        records: What each record was and when, by key.
        metrics: The values of metrics where they differ from the capture before, by key.
    """

    captures: Rows
    changes: Rows
    records: Rows
    metrics: Rows

    __repr__ = short


def history(opened: Callable[[], AbstractContextManager[Catalogue]]) -> History:
    """Return the history of a catalogue; `opened` opens it, whenever rows are read.

    Raises:
        StoreError: See `ready`.
    """

    @contextmanager
    def connected() -> Iterator[sqlite3.Connection]:
        with opened() as catalogue, ready(catalogue) as index:
            yield index.connection

    with connected():
        return History(**{name: Rows(name, connected) for name in plain.HISTORY})


def _read(cell: object) -> datetime | None:
    try:
        return datetime.strptime(str(cell), _MOMENT).replace(tzinfo=UTC)
    except ValueError:
        return None
