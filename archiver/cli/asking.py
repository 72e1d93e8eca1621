"""Open the index for a command that only it can answer, and write rows in every format."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Final

import click

from archiver.cli import output
from archiver.errors import ConfigError
from archiver.history import index as indexes
from archiver.language import said, sentence, tr
from archiver.records.text import Noun, count
from archiver.render import table, wording
from archiver.render.export import export

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TextIO

    from archiver.history.catalogue import Catalogue
    from archiver.history.choice import Choice
    from archiver.history.index import Index
    from archiver.records.model import Json, Record
    from archiver.render.view import Form

_WIDTH: Final = 100
_LONGEST: Final = 2_000
"""Characters of a cell that people are shown; a page or a table in memory stays small."""
_PAGE: Final = 32_000_000
"""Characters of a page, which is held in memory."""
_ROW: Final = 100
"""What a row adds to that."""

_SIGNED: Final = frozenset({"change", "growth"})
_SHARES: Final = frozenset({"of_captures", "of_records"})


@contextmanager
def asked(choice: Choice) -> Iterator[tuple[Catalogue, Index]]:
    """Yield the one catalogue that is meant and its index, which is made where there is none.

    Raises:
        ConfigError: Several sources could be meant, or an index may not be made.
        ShallowHistory: The clone is shallow: it does not hold the history.
    """
    if not choice.index:
        raise click.UsageError(tr("--no-index: only an index answers this."))
    catalogue = choice.one()
    if catalogue.indexed and not indexes.is_current(catalogue):
        _build(catalogue)
    with indexes.ready(catalogue) as found:
        yield catalogue, found


def _build(catalogue: Catalogue) -> None:
    place = indexes.storage(catalogue)
    versions = count(catalogue.count(), "version")
    if place is not None:
        if place.exists:
            output.noted(
                tr("the index is out of date: updating it from {versions}", versions=versions)
            )
        else:
            output.noted(tr("no index yet: building one from {versions}", versions=versions))
    with output.progress(catalogue.source) as bar:
        indexes.update(catalogue, progress=bar)


def write(
    rows: Iterable[Record],
    columns: Sequence[str],
    form: Form,
    out: TextIO,
    *,
    title: str,
    noun: Noun,
) -> None:
    """Write rows in any format.

    Args:
        rows: One mapping for each, with every column.
        columns: The names of the columns, in order; at least one.
        form: The format.
        out: Where to.
        title: The heading of a page.
        noun: What the rows are called.

    Raises:
        ConfigError: There are too many for a page.
    """
    first, *others = columns
    if form == "text":
        shown = (_shown(row, first) for row in rows)
        table.write(((str(row[first]), row) for row in shown), out, width=_WIDTH, fields=others)
        return
    if form == "html":
        rows = _fitting(rows)
    keyed = ((row[first], row) for row in rows)
    export(keyed, form, out, title=title, noun=noun, fields=others, first=first)


def _shown(row: Record, first: str) -> Record:
    """Return a row for people: its first cell in words, long texts cut."""
    cut = {name: _cut(value) for name, value in row.items()}
    return {**cut, first: wording.cell(first, cut[first])}


def _cut(value: Json) -> Json:
    return value[:_LONGEST] if isinstance(value, str) else value


def _fitting(rows: Iterable[Record]) -> Iterator[Record]:
    room = _PAGE
    for row in rows:
        room -= _ROW + sum(len(value) for value in row.values() if isinstance(value, str))
        if room < 0:
            hint = tr("ask for less with --limit, or write it with -f csv")
            raise ConfigError(sentence("the answer is too large for a page"), hint=hint)
        yield row


def spoken(row: Record) -> Record:
    """Return a row for people: shares in percent, a mark for yes."""
    return {name: _spoken(name, value) for name, value in row.items()}


def _spoken(name: str, value: Json) -> Json:
    if name in _SIGNED and isinstance(value, (int, float)):
        return f"{value:+,.1%}" if name == "growth" else f"{value:+,}"
    if name in _SHARES and isinstance(value, (int, float)):
        return f"{value:.1%}"
    if isinstance(value, bool):
        return said(wording.WORDS["new"]) if value else ""
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def note(words: str) -> None:
    """Write something that is not data to standard error, made safe for it."""
    output.noted(words)


def first_rows(
    rows: Iterable[Record], limit: int | None
) -> tuple[Iterator[Record], Iterator[Record]]:
    """Return the first rows, as many as `limit` says, and the others, to be read after them."""
    ahead = iter(rows)
    return islice(ahead, limit), ahead
