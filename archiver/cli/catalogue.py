"""The commands that list records: search, list, export."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, fields, replace
from functools import wraps
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final

import click

from archiver.cli import change_output, completion, datasets, log_output, options, output
from archiver.cli.change_output import Look
from archiver.clock import now, period
from archiver.history import queries, revisions
from archiver.history.choice import answering
from archiver.language import tr
from archiver.records import canonical, query
from archiver.records.field_names import FieldNames
from archiver.records.field_path import whole
from archiver.records.key import label_of
from archiver.records.text import RECORD, terminal
from archiver.render import table
from archiver.render.export import EXPORT_FORMS, SOURCE
from archiver.render.export import export as export_records
from archiver.render.section import nowhere

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import TextIO

    from archiver.cli.datasets import Datasets
    from archiver.history.catalogue import Catalogue
    from archiver.history.choice import Choice
    from archiver.history.versions import Version
    from archiver.records.query import Predicate
    from archiver.render.export import Keyed
    from archiver.render.view import Form

_PIPED_WIDTH: Final = 100
_ALWAYS_THERE: Final = {"key", canonical.KEY, SOURCE}
"""Columns that are no fields of the records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which records are shown, and how.

    Attributes:
        at: What names the version; None: the newest.
        conditions: What the records fulfil.
        fields: The columns of tables; empty: all, or as many as fit.
        order: The field that orders the records, ``-`` before it: largest first; None: the key.
        limit: Show at most this many records; None: all.
        form: The format.
        output_path: The file to write; None: standard output.
    """

    at: str | None
    conditions: tuple[Predicate, ...]
    fields: tuple[str, ...]
    order: str | None
    limit: int | None
    form: Form
    output_path: Path | None

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the newest version is asked for, or not all of it, or elsewhere."""
        asked = (self.at, self.conditions, self.fields, self.order, self.limit, self.output_path)
        return any(asked)

    def write(self, choice: Choice) -> None:
        """Write the records of the catalogues that are meant."""
        catalogues, at = choice.versions(self.at)
        several = len(catalogues) > 1
        answers = answering(
            (self._version(each, at) for each in catalogues), left_out=output.note_left_out
        )
        limited = _Limited(self.limit)
        names = self._names()
        found = (
            (catalogue, limited(self._ordered(catalogue, version, names, named=several)))
            for answer in answers
            for catalogue, version in answer
        )
        with output.destination(self.output_path) as path, output.held(path, names) as out:
            if self.form == "text":
                self._write_tables(found, out, named=several)
            else:
                fields = self.fields and (*(SOURCE,) * several, *self.fields)
                nouns = {each.noun for each in catalogues}
                export_records(
                    chain.from_iterable(records for _, records in found),
                    self.form,
                    out,
                    title=", ".join(each.source for each in catalogues),
                    noun=nouns.pop() if len(nouns) == 1 else RECORD,
                    fields=fields or None,
                    link=_link(catalogues) if self.form == "html" else nowhere,
                )
            log_output.left_out(limited.left_out, self.form, out)

    def _version(self, catalogue: Catalogue, at: str | None) -> Iterator[tuple[Catalogue, Version]]:
        with queries.version_at(catalogue, at, now=now()) as version:
            for note in version.notes:
                output.noted(note)
            output.note_metrics(catalogue.source, version.metrics)
            yield catalogue, version

    def _names(self) -> FieldNames:
        """Return the fields that are named and that records must have."""
        asked = {each.field for each in self.conditions if isinstance(each, query.Where)}
        if self.order is not None:
            asked.add(self.order.removeprefix("-"))
        return FieldNames.asked(fields={*self.fields} - _ALWAYS_THERE, paths=asked)

    def _ordered(
        self, catalogue: Catalogue, version: Version, names: FieldNames, *, named: bool
    ) -> Iterable[Keyed]:
        """Return key and record of what is chosen, in order."""
        records = self._records(catalogue, version, names, named=named)
        return records if self.order is None else query.in_order(records, self.order)

    def _records(
        self, catalogue: Catalogue, version: Version, names: FieldNames, *, named: bool
    ) -> Iterator[Keyed]:
        """Yield key and record of what is chosen; records stand as in a snapshot's line."""
        chosen = query.every(self.conditions)
        source = {SOURCE: catalogue.source} if named else {}
        for line in version.lines():
            key, record = canonical.line_key(line).decode(), canonical.decode_with_key(line)
            names.see(record)
            if chosen(key, record):
                yield key, {**record, **source} if named else record

    def _write_tables(
        self, found: Iterable[tuple[Catalogue, Iterator[Keyed]]], out: TextIO, *, named: bool
    ) -> None:
        """Write one table for each catalogue: their fields differ."""
        gap = ""
        for catalogue, unlabelled in found:
            records = _labelled(unlabelled, catalogue.policy.label)
            ahead = list(islice(records, 1))
            if not ahead:
                continue
            out.write(gap)
            gap = "\n"
            leading = (
                *(SOURCE,) * named,
                catalogue.policy.label,
                *_LEADING,
                *catalogue.policy.metrics,
            )
            fields = self.fields and (*(SOURCE,) * named, *self.fields)
            hidden = table.write(
                chain(ahead, records),
                out,
                width=_width(out),
                fields=fields or None,
                leading=leading,
            )
            if hidden and not fields:
                names = ", ".join(map(terminal, hidden))
                output.note(tr("not shown: {names}; choose with --field", names=names))


def _labelled(records: Iterable[Keyed], path: str) -> Iterator[Keyed]:
    """Add the label of each record as a column of its own, where it is nested in another."""
    for key, record in records:
        nested = path not in record and label_of(record, path)
        yield key, {**record, path: nested} if nested else record


_LEADING: Final = ("category", "size", "license", "downloads")
"""The fields that tell most of a model; they come first where not all fit."""


def _link(catalogues: Sequence[Catalogue]) -> Callable[[str], str]:
    """Return what gives the address of a record on the hub; of several sources, keys may clash."""
    if len(catalogues) > 1:
        return nowhere
    from archiver.history.changelog import links  # noqa: PLC0415 - 25 ms, for pages only

    return links(catalogues[0])


class _Limited:
    """Lets the first records through, of all catalogues together, and counts the others."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._number = 0

    @property
    def left_out(self) -> int:
        """How many records were not let through, once all were read."""
        return 0 if self._limit is None else max(self._number - self._limit, 0)

    def __call__(self, records: Iterable[Keyed]) -> Iterator[Keyed]:
        for record in records:
            self._number += 1
            if self._limit is None or self._number <= self._limit:
                yield record


def _wanted(*forms: Form) -> options.Decorator:
    """Offer what says which records are shown and how; the command receives it as `wanted`."""

    def offering(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def gathered(*, choice: Choice, **given: Any) -> Any:
            asked = {each.name: given.pop(each.name) for each in fields(Wanted)}
            asked["fields"] = tuple(map(whole, asked["fields"]))
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
    click.option(
        "--sort",
        "order",
        metavar="FIELD",
        help="Order by this field within each source; -FIELD: largest first.  [default: the key]",
    ),
    options.at,
    options.limit(),
    options.output,
)


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
        "archiver list --sort -downloads --limit 20",
        "archiver list --where tags has vision --field downloads --at 2026-03-01",
    ),
)
@_wanted()
def list_(*, choice: Choice, wanted: Wanted) -> None:
    """List the records, by key or by a field."""
    wanted.write(choice)


@click.command(
    epilog=options.examples(
        "archiver export -o models.csv",
        "archiver export -f html -o models.html --at 2026-03-01",
        "archiver export --changes 7d -f markdown",
        "archiver export --sqlite models.db --column category --fts description",
        "archiver export --parquet lake",
    )
)
@click.argument("first", metavar="[A]", required=False, shell_complete=completion.versions)
@click.argument("second", metavar="[B]", required=False, shell_complete=completion.versions)
@click.option("--changes", is_flag=True, help="The changes from A to B, not the catalogue.")
@datasets.offered
@_wanted(*EXPORT_FORMS)
def export(
    *,
    choice: Choice,
    first: str | None,
    second: str | None,
    changes: bool,
    datasets: Datasets,
    wanted: Wanted,
) -> None:
    """Write the whole catalogue, or with --changes what changed, for other programs.

    A and B are named as for `archiver compare`; without them it is the last change. A period alone
    (7d) is that of `archiver changes --since`. With --sqlite or --parquet it is the whole history
    of one source.
    """
    if datasets.asked:
        if changes or first is not None or wanted.is_narrowed:
            raise click.UsageError(
                tr("--sqlite and --parquet write the whole history of a source.")
            )
        datasets.write(choice)
        return
    if not changes:
        if first is not None:
            raise click.UsageError(tr("A and B name changes: give --changes, or use --at."))
        wanted.write(choice)
        return
    if wanted.order is not None:
        raise click.UsageError(tr("--sort orders the catalogue; changes are in the order of keys."))
    if wanted.at is not None:
        raise click.UsageError(tr("--at names one version; with --changes give A and B."))
    look = Look(
        form=wanted.form,
        output_path=wanted.output_path,
        limit=wanted.limit,
        metrics=True,
        conditions=wanted.conditions,
        fields=frozenset(wanted.fields),
    )
    if second is None and period(first or "") is not None:
        answers = change_output.since(choice, revisions.start(first or "", now()))
    else:
        answers = change_output.compared(choice, first, second)
    with output.destination(look.output_path) as out:
        look.write(answers, out, metrics=choice.metrics)


def _width(out: TextIO) -> int:
    return shutil.get_terminal_size().columns if out.isatty() else _PIPED_WIDTH
