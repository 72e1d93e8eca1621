"""Ask the database in SQL: whatever is asked, nothing is written, and it comes to an end.

SQLite's authorizer lets only questions through, its limits and its progress handler see to it that
they end: with an answer, or with one sentence.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import contextmanager
from time import monotonic, process_time
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from archiver.errors import ConfigError, suggestion
from archiver.language import joined, sentence
from archiver.records.representation import short

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Cell: TypeAlias = str | int | float | bytes | None

_LONGEST_VALUE: Final = 16 << 20
"""Bytes of a value, and of a row that SQLite sorts."""
_LONGEST_QUERY: Final = 1 << 20
_LONGEST_PATTERN: Final = 200
"""Bytes of a LIKE or GLOB; the time that one takes grows with its wildcards."""
_MEMORY: Final = 64 << 20
"""Bytes that SQLite may take in this process; only ever lowered (sqlite.org/pragma.html)."""
_CACHE: Final = 16 << 10
"""Kilobytes of pages that are kept."""
_STEPS: Final = 1_000
"""Instructions of SQLite's machine between two looks at the clock."""
_GRACE: Final = 2.0
"""Seconds after the end of its time from which on a question counts as stuck."""
_LIMITS: Final = {
    sqlite3.SQLITE_LIMIT_LENGTH: _LONGEST_VALUE,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: _LONGEST_QUERY,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: _LONGEST_PATTERN,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
_ASKING: Final = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE},
)
_FUNCTIONS: Final = frozenset({"load_extension", "fts3_tokenizer", "sqlite_log"})
"""Functions that do more than compute; they are refused."""
_PRAGMAS: Final = frozenset(
    {
        *("table_list", "table_info", "table_xinfo", "index_list", "index_info", "index_xinfo"),
        *("function_list", "compile_options", "collation_list"),
    }
)
"""Pragmas that only describe; the others are refused."""
_TABLE_FUNCTIONS: Final = ("json_each", "json_tree", *(f"pragma_{name}" for name in _PRAGMAS))
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR})
_UNKNOWN: Final = re.compile(r"no such (table|column|function): (?:\w+\.)?(.+)")


class Answer(NamedTuple):
    """The names of the columns, each once, and the rows as they come."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[Cell, ...]]

    def __repr__(self) -> str:
        return short(self)


class Questions:
    """A database of which questions can be asked, and nothing else."""

    def __init__(self, connection: sqlite3.Connection, seconds: float) -> None:
        """Restrict `connection` for good; a question may take that many `seconds`."""
        self.tables = {name: _columns(connection, name) for name in _tables(connection)}
        self._connection = connection
        self._seconds = seconds
        self._spent = self._fetching = self._began = 0.0
        self._computing = False
        for setting in (
            f"cache_size = -{_CACHE}",
            f"hard_heap_limit = {_MEMORY}",
            "query_only = ON",
            "trusted_schema = OFF",
        ):
            connection.execute(f"PRAGMA {setting}").fetchall()
        connection.isolation_level = None
        for limit, most in _LIMITS.items():
            connection.setlimit(limit, most)
        connection.set_progress_handler(self._is_late, _STEPS)
        for name in _TABLE_FUNCTIONS:  # each declares a table when it is first named
            connection.execute(f"SELECT 1 FROM {name} LIMIT 0").fetchall()  # noqa: S608  constants
        connection.set_authorizer(_allowed)

    def ask(self, query: str, parameters: Mapping[str, Cell] | None = None) -> Answer:
        """Ask one question; its rows are computed as they are read.

        Its time is what SQLite takes, and what the process computes until the last row is read; it
        does not pass while a reader of the rows waits.

        Args:
            query: One statement.
            parameters: The values of ``:name``.

        Raises:
            ConfigError: The question is none, or is not allowed; it took too long or too much
                memory, which may come up with any row.
        """
        self._spent, self._began = 0.0, process_time()
        with self._translated():
            cursor = self._connection.execute(query, dict(parameters or {}))
        if cursor.description is None:
            raise ConfigError(
                sentence("there is no question"),
                hint=sentence('ask, for example, "SELECT * FROM runs"'),
            )
        columns = _each_once([name for name, *_ in cursor.description])
        return Answer(columns, self._rows(cursor))

    def schema(self) -> list[str]:
        """Return the statements that made the tables and views."""
        query = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid"
        return [str(row[0]) for row in self.ask(query).rows]

    def stuck(self) -> ConfigError | None:
        """Return the error of a question that is late and does not look at the clock any more.

        SQLite looks between its instructions; a single one, such as ``instr`` in a text of 16 MB,
        can take hours. Another thread may ask this, and can only end the process.
        """
        late = self._computing and self._is_spent(
            self._spent + monotonic() - self._fetching, _GRACE
        )
        return self._too_late() if late else None

    def _rows(self, cursor: sqlite3.Cursor) -> Iterator[tuple[Cell, ...]]:
        while True:
            with self._translated():
                row = cursor.fetchone()
            if row is None:
                return
            if self._is_spent(self._spent):  # a row of few instructions may be large
                raise self._too_late()
            yield row

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Count the time of the block, and say in one sentence why it fails.

        A failure of the database itself stays what it is.
        """
        self._fetching, self._computing = monotonic(), True
        try:
            yield
        except (MemoryError, OverflowError):
            most = f"{_MEMORY >> 20} MB"
            raise ConfigError(
                sentence("the query needs more than {most} of memory", most=most)
            ) from None
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in _DAMAGED:
                raise
            if code == sqlite3.SQLITE_INTERRUPT and not self._is_late():
                raise KeyboardInterrupt from None  # which came while SQLite looked at the clock
            raise self._refusal(str(error), code) from None
        finally:
            self._computing = False
            self._spent += monotonic() - self._fetching

    def _is_late(self) -> bool:
        return self._is_spent(self._spent + monotonic() - self._fetching)

    def _is_spent(self, fetched: float, grace: float = 0.0) -> bool:
        return max(fetched, process_time() - self._began) > self._seconds + grace

    def _too_late(self) -> ConfigError:
        hint = sentence("ask for less, or give it more with --timeout")
        return ConfigError(
            sentence("the query took more than {seconds:g} s", seconds=self._seconds), hint=hint
        )

    def _refusal(self, words: str, code: int) -> ConfigError:
        if code == sqlite3.SQLITE_INTERRUPT:
            return self._too_late()
        if code == sqlite3.SQLITE_AUTH:
            hint = sentence(
                "the index can only be asked: SELECT …, WITH … SELECT, EXPLAIN QUERY PLAN SELECT"
            )
            return ConfigError(words, hint=hint)
        return ConfigError(joined("", (words, self._near(words))))

    def _near(self, words: str) -> str:
        """Return the suggestion for a misspelt name that SQLite's `words` are about, if any."""
        unknown = _UNKNOWN.fullmatch(words)
        if unknown is None or unknown[1] == "function":
            return ""
        columns = {name for names in self.tables.values() for name in names}
        return suggestion(unknown[2], self.tables if unknown[1] == "table" else sorted(columns))


def is_complete(query: str) -> bool:
    """Return whether `query` ends with the semicolon of a statement."""
    return sqlite3.complete_statement(query)


def _allowed(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    """Answer SQLite's authorizer (sqlite.org/c3ref/set_authorizer.html)."""
    harmless = (
        action in _ASKING
        or (action == sqlite3.SQLITE_FUNCTION and (second or "").lower() not in _FUNCTIONS)
        or (action == sqlite3.SQLITE_PRAGMA and (first or "").lower() in _PRAGMAS)
    )
    return sqlite3.SQLITE_OK if harmless else sqlite3.SQLITE_DENY


def _tables(connection: sqlite3.Connection) -> list[str]:
    query = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY rowid"
    return [name for (name,) in connection.execute(query)]


def _columns(connection: sqlite3.Connection, table: str) -> tuple[str, ...]:
    rows = connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
    return tuple(name for (name,) in rows)


def _each_once(names: list[str]) -> tuple[str, ...]:
    """Return the names; one that is there already has its number behind it: ``key_2``."""
    found: dict[str, None] = {}
    for name in names:
        number, each = 1, name
        while each in found:
            number += 1
            each = f"{name}_{number}"
        found[each] = None
    return tuple(found)
