"""The prompt of `archiver sql` on a terminal: history, completion, statements of several lines."""

from __future__ import annotations

import readline
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import click

from archiver.cli import output
from archiver.cli.failure import tell
from archiver.database.asking import is_complete
from archiver.errors import ArchiverError, suggestion
from archiver.language import tr
from archiver.records.text import terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from archiver.database.asking import Questions

_FIRST: Final = "sql> "
_NEXT: Final = "...> "
_REMEMBERED: Final = 1_000
_COMMANDS: Final = (".quit", ".schema", ".tables")
_KEYWORDS: Final = (
    *("SELECT", "DISTINCT", "FROM", "JOIN", "LEFT JOIN", "ON", "WHERE", "AND", "OR", "NOT", "IN"),
    *("GROUP BY", "HAVING", "ORDER BY", "DESC", "LIMIT", "WITH", "RECURSIVE", "AS", "UNION ALL"),
    *("CASE", "WHEN", "THEN", "ELSE", "END", "IS NULL", "LIKE", "BETWEEN", "EXISTS", "OVER"),
    *("count(", "sum(", "avg(", "min(", "max(", "json_extract(", "coalesce(", "date("),
)


def prompt(questions: Questions, answer: Callable[[str], None], history: Path) -> None:
    """Read questions until the end of input or ``.quit``, and answer each.

    Args:
        questions: The database.
        answer: Writes the answer to a question.
        history: The file that keeps what was typed.
    """
    output.note("A question ends with a semicolon; .tables, .schema and .quit are commands.")
    with _edited(questions, history):
        for statement in _statements():
            if statement == ".quit":
                return
            try:
                _obey(statement, questions, answer)
            except (ArchiverError, KeyboardInterrupt) as error:
                tell(error, debug=False)


def _statements() -> Iterator[str]:
    """Yield what is typed: a command, or a statement that ends with a semicolon."""
    lines: list[str] = []
    while True:
        try:
            lines.append(input(_NEXT if lines else _FIRST))
        except EOFError:
            click.echo()
            return
        except KeyboardInterrupt:
            click.echo()
            lines.clear()
            continue
        typed = "\n".join(lines).strip()
        if not typed or typed.startswith(".") or is_complete(typed):
            lines.clear()
            if typed:
                yield typed


def _obey(statement: str, questions: Questions, answer: Callable[[str], None]) -> None:
    if not statement.startswith("."):
        answer(statement)
    elif statement == ".tables":
        for name, columns in questions.tables.items():
            click.echo(f"{name} ({', '.join(columns)})")
    elif statement == ".schema":
        for each in questions.schema():
            click.echo(f"{each};")
    else:
        near = suggestion(statement, _COMMANDS)
        words = tr("there is no command {statement}{near}", statement=statement, near=near)
        output.note(terminal(words))


@contextmanager
def _edited(questions: Questions, history: Path) -> Iterator[None]:
    """Let `input` edit lines, complete names, and remember what was typed."""
    readline.set_completer(_Completer(questions).complete)
    readline.set_completer_delims(" \t\n,()=<>+-*/;")
    libedit = "libedit" in (readline.__doc__ or "")
    readline.parse_and_bind("bind ^I rl_complete" if libedit else "tab: complete")
    readline.set_history_length(_REMEMBERED)
    with suppress(OSError):
        readline.read_history_file(history)
    try:
        yield
    finally:
        with suppress(OSError):
            readline.write_history_file(history)


class _Completer:
    """Completes tables, columns (also behind ``table.``), keywords and commands."""

    def __init__(self, questions: Questions) -> None:
        self._tables = questions.tables
        columns = {name for names in self._tables.values() for name in names}
        self._words = (*self._tables, *sorted(columns), *_KEYWORDS, *_COMMANDS)
        self._found: list[str] = []

    def complete(self, text: str, state: int) -> str | None:
        """Return one of the words that begin with `text`, as readline asks for them in turn."""
        if state == 0:
            self._found = [*self.matching(text)]
        return self._found[state] if state < len(self._found) else None

    def matching(self, text: str) -> Iterator[str]:
        """Yield the words that begin with `text`, whatever its case."""
        table, dot, begun = text.rpartition(".")
        if dot and table in self._tables:
            columns = self._tables[table]
            yield from (f"{table}.{name}" for name in columns if name.startswith(begun))
            return
        wanted = text.casefold()
        yield from (word for word in self._words if word.casefold().startswith(wanted))
