"""The options that say how changes are shown, and the showing itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import click

from archiver.cli import options, output
from archiver.clock import now
from archiver.config import process_environment
from archiver.errors import ConfigError
from archiver.history import compare, revisions
from archiver.records.query import every
from archiver.records.text import more, terminal
from archiver.render.changes import show
from archiver.render.console import COLOURS
from archiver.render.view import ChangeStream, View

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path
    from typing import TextIO

    from archiver.cli.options import Choice
    from archiver.history.catalogue import Catalogue
    from archiver.history.comparison import Comparison
    from archiver.records.model import RecordChange, Summary
    from archiver.records.query import Predicate, Where
    from archiver.records.text import Noun
    from archiver.render.view import Form

Command: TypeAlias = Callable[..., Any]

_RANGE: Final = re.compile(r"(.*[^.])\.\.([^.].*)", re.DOTALL)
"""``A..B`` as git writes it: both ends are named, and ``A...B`` is something else."""

_FOR_PEOPLE: Final = frozenset({"text", "markdown", "html"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a person wants to see changes.

    Attributes:
        form: The format.
        output_path: The file to write; None: standard output.
        limit: Show at most so many changes; None: all.
        stat: Only the counts.
        name_only: Only kinds and keys.
        metrics: Counters are looked at as news is. Who asks for fields asks for this too.
        conditions: What the records fulfil.
        fields: Names of the fields that are looked at; empty: all.
        template: The template of a page; None: by its name.
    """

    form: Form
    output_path: Path | None = None
    limit: int | None = None
    stat: bool = False
    name_only: bool = False
    metrics: bool = False
    conditions: tuple[Predicate, ...] = ()
    fields: frozenset[str] = frozenset()
    template: Path | None = None

    @property
    def chosen(self) -> Predicate | None:
        """Which records are looked at; None: all."""
        return every(self.conditions) if self.conditions else None

    def write(self, found: Comparison, catalogue: Catalogue, out: TextIO) -> Summary:
        """Write the changes of `found` to `out`, and what is to be known to standard error."""
        for note in found.notes:
            output.note(terminal(f"note: {note}"))
        stream = self._stream(found, catalogue.noun)
        left_out = show(stream, self._view(catalogue, out), out)
        if left_out and self.form == "csv":
            output.note(more(left_out))
        return stream.summary()

    def is_different(self, summary: Summary) -> bool:
        """Say whether there is anything that ``--exit-code`` reports."""
        return bool(summary.news or (self.metrics and summary.metrics))

    def _stream(self, found: Comparison, noun: Noun) -> ChangeStream:
        if self.stat:
            found.tally()
        old, current = found.ends
        return ChangeStream(
            noun=noun,
            source=found.source,
            old=old,
            current=current,
            changes=() if self.stat else self._listed(found.changes()),
            summary=lambda: found.summary,
        )

    def _listed(self, changes: Iterator[RecordChange]) -> Iterator[RecordChange]:
        """Yield what is listed: for people, metrics are only counted unless asked for."""
        if self.metrics or self.form not in _FOR_PEOPLE:
            return changes
        return (change for change in changes if change.kind != "metrics")

    def _view(self, catalogue: Catalogue, out: TextIO) -> View:
        return View(
            form=self.form,
            limit=self.limit,
            stat=self.stat,
            name_only=self.name_only,
            style=COLOURS if output.coloured(out, process_environment()) else {},
            folder=catalogue.config.template_folder if catalogue.config else None,
            template=self.template,
            link=self._link(catalogue),
        )

    def _link(self, catalogue: Catalogue) -> Callable[[str], str]:
        """Return what tells the address of a record's page; only pages link to it."""
        if self.form not in ("markdown", "html"):
            return lambda _: ""
        from archiver.history.changelog import links  # noqa: PLC0415 - 25 ms, for pages only

        return links(catalogue)


def changes(command: Command) -> Command:
    """Offer what says how changes are shown; the command receives it as `look`."""

    @wraps(command)
    def gathered(
        *,
        form: Form,
        output_path: Path | None,
        limit: int | None,
        stat: bool,
        name_only: bool,
        with_metrics: bool,
        conditions: tuple[Where, ...],
        fields: tuple[str, ...],
        template: Path | None,
        **rest: Any,
    ) -> Any:
        if stat and name_only:
            raise click.UsageError("--stat and --name-only exclude each other.")
        if template is not None and form not in ("markdown", "html"):
            raise click.UsageError("--template renders a page: -f markdown or -f html.")
        look = Look(
            form=form,
            output_path=output_path,
            limit=limit,
            stat=stat,
            name_only=name_only,
            metrics=with_metrics or bool(fields),
            conditions=conditions,
            fields=frozenset(fields),
            template=template,
        )
        return command(look=look, **rest)

    return options.offer(gathered, *_CHANGES)


_CHANGES: Final = (
    click.option("--stat", is_flag=True, help="Only the counts; the fastest answer."),
    click.option("--name-only", is_flag=True, help="Only what happened, and the keys."),
    click.option(
        "--metrics",
        "with_metrics",
        is_flag=True,
        help="List changed metrics too (they are no news); JSON and CSV always do.",
    ),
    click.option(
        "--field",
        "fields",
        metavar="FIELD",
        multiple=True,
        help="Only changes of this field.  Repeatable.",
    ),
    options.template,
    options.where,
    options.limit(),
    options.output_format(),
    options.output,
)


@contextmanager
def compared(
    choice: Choice, first: str | None, second: str | None, look: Look
) -> Iterator[tuple[Comparison, Catalogue]]:
    """Yield the comparison of what ``[A] [B]`` or ``A..B`` names, and its catalogue."""
    old, new = ends(first, second)
    plain = revisions.is_file(old or "") and revisions.is_file(new or "")
    catalogue = choice.open(plain=(new or "") if plain else "")
    with compare.compare(
        catalogue, old, new, now=now(), chosen=look.chosen, fields=look.fields
    ) as found:
        yield found, catalogue


def ends(first: str | None, second: str | None) -> tuple[str | None, str | None]:
    """Return the old and the new end that ``[A] [B]`` or ``A..B`` names; None: not named."""
    both = _RANGE.fullmatch(first or "") if second is None else None
    if both is None or revisions.is_file(first or ""):
        return first, second
    return both[1], both[2]


def start(since: str) -> datetime:
    """Return the time that ``--since`` means, UTC.

    Raises:
        ConfigError: It is neither a period nor a date.
    """
    found = revisions.moment(since, now(), start=True)
    if found is None:
        raise ConfigError(
            f"--since: {since!r} is neither a period nor a date", hint="write 7d or 2026-03-01"
        )
    return found


def tip(catalogue: Catalogue, at: str | None) -> str | None:
    """Return the full id of the revision that ``--at`` names; None: the newest."""
    return None if at is None else revisions.named(catalogue, at, now()).id
