"""The commands that ask what there is: show, search, list, export."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, fields, replace
from functools import wraps
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import click

from archiver.cli import change_output, log_output, options, output
from archiver.cli.change_output import Look
from archiver.clock import now
from archiver.history import compare
from archiver.history.timeline import timeline
from archiver.records import canonical, query
from archiver.records.text import terminal
from archiver.render import table
from archiver.render.export import EXPORT_FORMS
from archiver.render.export import export as export_records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from typing import TextIO

    from archiver.cli.options import Choice
    from archiver.history.catalogue import Catalogue
    from archiver.history.versions import Version
    from archiver.records.query import Predicate
    from archiver.render.export import Keyed
    from archiver.render.view import Form

_PIPED_WIDTH: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which records a person wants to see, and how.

    Attributes:
        at: What names the version; None: the newest.
        conditions: What the records fulfil.
        fields: The columns of tables; empty: all, or as many as fit.
        limit: Show at most so many records; None: all.
        form: The format.
        output_path: The file to write; None: standard output.
    """

    at: str | None
    conditions: tuple[Predicate, ...]
    fields: tuple[str, ...]
    limit: int | None
    form: Form
    output_path: Path | None

    def write(self, choice: Choice) -> None:
        """Write the records of the catalogue."""
        catalogue = choice.open()
        with (
            compare.version_at(catalogue, self.at, now=now()) as version,
            output.destination(self.output_path) as out,
        ):
            for note in version.notes:
                output.note(terminal(f"note: {note}"))
            found = _records(version, query.every(self.conditions))
            self._write(islice(found, self.limit), catalogue, out)
            log_output.left_out(sum(1 for _ in found), self.form, out)

    def _write(self, records: Iterable[Keyed], catalogue: Catalogue, out: TextIO) -> None:
        fields = self.fields or None
        if self.form != "text":
            title, noun = catalogue.source, catalogue.noun
            export_records(records, self.form, out, title=title, noun=noun, fields=fields)
            return
        leading = catalogue.policy.metrics
        hidden = table.write(records, out, width=_width(out), fields=fields, leading=leading)
        if hidden and not fields:
            names = ", ".join(map(terminal, hidden))
            output.note(f"not shown: {names}; choose with --field")


def _wanted(*forms: Form) -> options.Decorator:
    """Offer what says which records are shown and how; the command receives it as `wanted`."""

    def offering(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def gathered(*, choice: Choice, **given: Any) -> Any:
            asked = {each.name: given.pop(each.name) for each in fields(Wanted)}
            return command(choice=choice, wanted=Wanted(**asked), **given)

        return options.offer(gathered, *_WANTED, options.output_format(*forms), options.catalogue)

    return offering


_WANTED: Final = (
    click.option(
        "--field",
        "fields",
        metavar="FIELD",
        multiple=True,
        help="Show this field in tables.  Repeatable.  [default: all, or as many as fit]",
    ),
    options.where,
    options.at,
    options.limit(),
    options.output,
)


@click.command(
    epilog=options.examples(
        "archiver show Qwen/Qwen2.5-7B-Instruct",
        "archiver show acme/model --blame",
        "archiver show acme/model --at 2026-03-01 -f json",
    )
)
@click.argument("record", metavar="KEY")
@click.option("--blame", is_flag=True, help="Which revision gave each field its value.")
@options.at
@options.limit()
@options.output_format()
@options.output
@options.catalogue
def show(
    *,
    choice: Choice,
    record: str,
    blame: bool,
    at: str | None,
    limit: int | None,
    form: Form,
    output_path: Path | None,
) -> None:
    """Show one record: its state, and every change of every field, newest first."""
    if blame and limit is not None:
        raise click.UsageError("--blame shows every field; --limit is for changes.")
    catalogue = choice.open()
    found = timeline(catalogue, record, tip=change_output.tip(catalogue, at))
    with output.destination(output_path) as out:
        if blame:
            log_output.blame(found, form, out)
            return
        more = log_output.life(found, form, out, limit=limit)
        log_output.left_out(more, form, out)


@click.command(
    epilog=options.examples(
        "archiver search 'vision 7b'", "archiver search qwen --where downloads '>' 10000"
    )
)
@click.argument("words", metavar="QUERY")
@_wanted()
def search(*, choice: Choice, words: str, wanted: Wanted) -> None:
    """Find the records that contain every word of QUERY, in the key or in any text."""
    conditions = (query.search(words), *wanted.conditions)
    replace(wanted, conditions=conditions).write(choice)


@click.command(
    "list",
    epilog=options.examples(
        "archiver list --limit 20",
        "archiver list --where tags has vision --field downloads --at 2026-03-01",
    ),
)
@_wanted()
def list_(*, choice: Choice, wanted: Wanted) -> None:
    """List the records, by key."""
    wanted.write(choice)


@click.command(
    epilog=options.examples(
        "archiver export -o models.csv",
        "archiver export -f html -o models.html --at 2026-03-01",
        "archiver export --changes 2026-03-01 -f markdown",
    )
)
@click.argument("first", metavar="[A]", required=False)
@click.argument("second", metavar="[B]", required=False)
@click.option("--changes", is_flag=True, help="The changes from A to B, not the catalogue.")
@_wanted(*EXPORT_FORMS)
def export(
    *, choice: Choice, first: str | None, second: str | None, changes: bool, wanted: Wanted
) -> None:
    """Write the whole catalogue, or with --changes what changed, for other programs.

    A and B are named as for `archiver compare`; without them it is the last change.
    """
    if not changes:
        if first is not None:
            raise click.UsageError("A and B name changes: give --changes, or use --at.")
        wanted.write(choice)
        return
    if wanted.at is not None:
        raise click.UsageError("--at names one version; with --changes give A and B.")
    look = Look(
        form=wanted.form,
        output_path=wanted.output_path,
        limit=wanted.limit,
        metrics=True,
        conditions=wanted.conditions,
        fields=frozenset(wanted.fields),
    )
    with (
        change_output.compared(choice, first, second, look) as (found, catalogue),
        output.destination(look.output_path) as out,
    ):
        look.write(found, catalogue, out)


def _records(version: Version, chosen: Predicate) -> Iterator[Keyed]:
    """Yield key and record of what is chosen; records stand as in a snapshot's line."""
    for line in version.lines():
        key, record = canonical.line_key(line).decode(), canonical.decode_with_key(line)
        if chosen(key, record):
            yield key, record


def _width(out: TextIO) -> int:
    return shutil.get_terminal_size().columns if out.isatty() else _PIPED_WIDTH
