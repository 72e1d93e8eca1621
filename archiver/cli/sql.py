"""The command that asks the index in SQL."""

from __future__ import annotations

import os
import re
import sys
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final

import click

from archiver.cli import asking, options, output
from archiver.cli.failure import tell
from archiver.database.asking import Questions
from archiver.errors import ConfigError
from archiver.history import index as indexes
from archiver.language import sentence, tr
from archiver.records.text import Noun

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import TextIO

    from archiver.database.asking import Answer, Cell
    from archiver.history.catalogue import Catalogue
    from archiver.history.choice import Choice
    from archiver.records.model import Record
    from archiver.render.view import Form

_STDIN: Final = "-"
_ROWS: Final = Noun("row", "rows")
_LONGEST: Final = 1 << 20
"""Characters of a query."""
_TIME: Final = re.compile(r"(\d{1,6})([smh])")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600}
_NUMBER: Final = re.compile(r"-?\d{1,18}|-?\d{1,300}\.\d{1,300}([eE][+-]?\d{1,3})?")


def _seconds(_context: click.Context, _option: click.Parameter, given: str) -> int:
    found = _TIME.fullmatch(given)
    if found is None or not int(found[1]):
        raise click.UsageError(
            tr("--timeout: {given!r} is no time: write 30s, 5m, 1h", given=given)
        )
    return int(found[1]) * _UNITS[found[2]]


def _parameters(
    _context: click.Context, _option: click.Parameter, given: tuple[str, ...]
) -> dict[str, Cell]:
    found: dict[str, Cell] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name.isidentifier():
            raise click.UsageError(tr("-p: {each!r} is not NAME=VALUE", each=each))
        found[name] = _value(value)
    return found


def _value(text: str) -> Cell:
    if not _NUMBER.fullmatch(text):
        return text
    return float(text) if "." in text else int(text)


@click.command(
    epilog=options.examples(
        "archiver sql 'SELECT key, count(*) FROM changes GROUP BY key ORDER BY 2 DESC' --limit 10",
        "archiver sql 'SELECT * FROM metrics WHERE key = :key' -p key=acme/model -f csv",
        "archiver sql < question.sql",
        'sqlite3 "$(archiver sql --db)"',
    )
)
@click.argument("query", metavar="[SQL]", required=False)
@click.option(
    "-p",
    "--parameter",
    "parameters",
    metavar="NAME=VALUE",
    multiple=True,
    callback=_parameters,
    help="The value of :NAME in SQL; what looks like a number is one.  Repeatable.",
)
@click.option(
    "--timeout",
    "seconds",
    metavar="TIME",
    default="60s",
    show_default=True,
    callback=_seconds,
    help="How long a query may take: 30s, 5m, 1h.",
)
@click.option("--db", is_flag=True, help="Only print the path of the database.")
@options.limit()
@options.output_format()
@options.output
@options.catalogue
def sql(
    *,
    choice: Choice,
    query: str | None,
    parameters: Mapping[str, Cell],
    seconds: int,
    db: bool,
    limit: int | None,
    form: Form,
    output_path: Path | None,
) -> None:
    """Ask the history in SQL: SELECT only, of the tables that docs/database.md describes.

    Without SQL, or with -, it is read from standard input; on a terminal there is a prompt. An
    index is made where there is none.
    """
    if db and query is not None:
        raise click.UsageError(tr("--db prints a path; it asks nothing."))
    prompted = query is None and not db and sys.stdin.isatty()
    if query in (None, _STDIN) and not prompted and not db:
        query = sys.stdin.read(_LONGEST + 1)
    with asking.asked(choice) as (catalogue, found):
        if db:
            _print_path(catalogue)
            return
        questions = Questions(found.connection, seconds)
        _end_if_stuck(questions)

        def answer(question: str) -> None:
            if len(question) > _LONGEST:
                raise ConfigError(
                    sentence("the query is longer than {longest:,} characters", longest=_LONGEST)
                )
            with output.destination(output_path) as out:
                _write(questions.ask(question, parameters), form, out, limit)

        if prompted:
            from archiver.cli.sql_prompt import prompt  # noqa: PLC0415 - on a terminal only

            prompt(questions, answer, catalogue.required().common_dir / "archiver/sql.history")
        else:
            answer(query or "")


def _end_if_stuck(questions: Questions) -> None:
    """End the process if a question can be ended in no other way; it only reads."""

    def watch() -> None:
        while not Event().wait(0.5):
            if error := questions.stuck():
                os._exit(tell(error, debug=False))

    Thread(target=watch, daemon=True).start()


def _print_path(catalogue: Catalogue) -> None:
    place = indexes.storage(catalogue)
    seal = place.seal() if place else None
    if place is not None and seal is not None:
        click.echo(place.path(seal))


def _write(found: Answer, form: Form, out: TextIO, limit: int | None) -> None:
    rows = (dict(zip(found.columns, map(_plain, row), strict=True)) for row in found.rows)
    shown, others = asking.first_rows(rows, limit)
    counted = _Counted(shown)
    asking.write(counted, found.columns, form, out, title=tr("answer"), noun=_ROWS)
    if not counted.number and form == "text":
        output.note(tr("no rows"))
    if limit is not None and next(others, None) is not None:
        output.note(tr("… and more"))


def _plain(value: Cell) -> Any:
    """Return a value as JSON can hold it: bytes in hex."""
    return value.hex() if isinstance(value, bytes) else value


class _Counted:
    """Counts rows as they come."""

    def __init__(self, rows: Iterator[Record]) -> None:
        self._rows = rows
        self.number = 0

    def __iter__(self) -> Iterator[Record]:
        for row in self._rows:
            self.number += 1
            yield row
