"""The commands that ask what changed: compare, changes, log."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Final

import click

from archiver.changes.breakdown import Breakdown
from archiver.cli import (
    breakdown_output,
    change_output,
    completion,
    log_output,
    options,
    output,
)
from archiver.cli.failure import found
from archiver.clock import now
from archiver.errors import NotADataRepository, UnknownRevision
from archiver.history import queries, revisions
from archiver.history.choice import answering
from archiver.history.log import log as logged
from archiver.history.log import log_by as logged_by
from archiver.history.log import log_damped
from archiver.history.versions import stamp
from archiver.language import tr
from archiver.records.field_names import FieldNames
from archiver.records.text import count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from archiver.cli.breakdown_output import Broken
    from archiver.cli.change_output import Look
    from archiver.cli.log_output import Flapped
    from archiver.history.catalogue import Catalogue
    from archiver.history.choice import Choice
    from archiver.history.log import Entry
    from archiver.render.view import Form

_ONE_AFTER_THE_OTHER: Final = ("text", "jsonl", "csv", "csv-raw", "markdown")


@click.command(
    epilog=options.examples(
        "archiver compare",
        "archiver compare 2026-03-01 --stat",
        "archiver compare v1..HEAD --fail-on breaking",
        "archiver compare HEAD~3..HEAD --field pricing",
        "archiver compare old.json new.json --records models --key id",
    )
)
@click.argument("first", metavar="[A]", required=False, shell_complete=completion.versions)
@click.argument("second", metavar="[B]", required=False, shell_complete=completion.versions)
@change_output.changes
@click.option("--exit-code", is_flag=True, help="End with 1 if there is news (see --metrics).")
@options.null
@options.renames
@options.catalogue
@click.pass_context
def compare(
    context: click.Context,
    *,
    choice: Choice,
    first: str | None,
    second: str | None,
    look: Look,
    exit_code: bool,
) -> None:
    """Show what changed from A to B.

    Each is a revision, a date, a period (7d), the name of a snapshot file, or a plain file,
    which needs neither git nor archiver.toml. Only A: from there to the newest. None: the
    last change.
    """
    answers = change_output.compared(choice, first, second)
    with output.destination(look.output_path) as out:
        seen = look.write(answers, out, metrics=choice.metrics)
    if found(seen.severities, look.fail_on) or (exit_code and seen.different):
        context.exit(1)


@click.command(
    epilog=options.examples(
        "archiver changes --since 7d",
        "archiver changes --since 2026-03-01 --at 2026-03-31 -f markdown",
        "archiver changes --since 2w --steps --stat",
        "archiver changes --since 30d --steps -f csv -o month.csv",
        "archiver changes --since 30d --by category",
    )
)
@click.option(
    "--since",
    metavar="PERIOD|DATE",
    default="7d",
    show_default=True,
    help="Where the period begins: 36h, 7d, 2w, 3m, 1y, or a date.",
)
@click.option("--steps", is_flag=True, help="One change set a revision, newest first.")
@options.by
@options.at
@options.damping
@change_output.changes
@options.null
@options.renames
@options.catalogue
@click.pass_context
def changes(
    context: click.Context,
    *,
    choice: Choice,
    since: str,
    steps: bool,
    by: str | None,
    at: str | None,
    look: Look,
) -> None:
    """Show the net change of a period, up to the newest revision or to --at."""
    start = revisions.start(since, now())
    if by is not None:
        listing = {"--steps": steps, "--name-only": look.name_only, "--stat": look.stat}
        if look.fail_on is not None:
            raise click.UsageError(tr("--by counts; --fail-on looks at each change."))
        _refuse_with_by({**listing, "--template": look.template is not None})
        answers = change_output.since(choice, start, at=at)
        with output.destination(look.output_path) as out:
            look.write_by(answers, by, out, metrics=choice.metrics)
        return
    if steps and look.form not in _ONE_AFTER_THE_OTHER:
        forms = ", ".join(_ONE_AFTER_THE_OTHER)
        raise click.UsageError(
            tr("--steps writes one change set after the other: as {forms}.", forms=forms)
        )

    answers = change_output.since(choice, start, at=at, steps=steps)
    look = replace(look, dated=steps)
    with output.destination(look.output_path) as out:
        seen = look.write(answers, out, metrics=choice.metrics)
    if found(seen.severities, look.fail_on):
        context.exit(1)


@click.command(
    epilog=options.examples(
        "archiver log --limit 10",
        "archiver log --since 2026-03-01 --at 2026-03-31",
        "archiver log --by license --limit 3",
        "archiver log -f jsonl --file data.json --records vulnerabilities --key cveID",
    )
)
@click.option(
    "--since",
    metavar="PERIOD|DATE",
    help="Only what happened since then: 36h, 7d, 2w, 3m, 1y, or a date.",
)
@options.by
@options.at
@options.limit()
@options.output_format()
@options.output
@options.damping
@options.null
@options.renames
@options.catalogue
def log(
    *,
    choice: Choice,
    since: str | None,
    by: str | None,
    at: str | None,
    limit: int | None,
    form: Form,
    output_path: Path | None,
) -> None:
    """Show the history, newest first: what each revision changed.

    A version that cannot be read is named and skipped: the next one is compared with the last
    readable one.
    """
    start = None if since is None else revisions.start(since, now())
    catalogues = choice.each()
    names = FieldNames.asked(paths=() if by is None else (by,))
    flapped: Flapped = {}
    told = flapped if form == "text" and by is None else None
    answers = answering(
        (
            _logged(catalogue, start, at, by, limit, names=names, flapped=told)
            for catalogue in catalogues
        ),
        left_out=output.note_left_out,
    )
    entries = merge(*answers, key=lambda each: each[1].timestamp, reverse=True)
    seen: dict[tuple[str, str], str] = {}
    with output.destination(output_path) as path, output.held(path, names) as out:
        shown = _counted(islice(entries, limit), seen)
        if by is None:
            entries_only = ((each, entry) for each, entry, _ in shown)
            log_output.log(entries_only, form, out, catalogues, flapped)
        else:
            breakdown_output.log(shown, form, out, catalogues)
            _look_for_names(catalogues, names)
        more = 0 if limit is None else _number(catalogues, start, at) - len(seen)
        log_output.left_out(more, form, out)
    for catalogue in catalogues:
        change_output.note_squashes(catalogue, {revision for _, revision in seen})
    if unreadable := [*seen.values()].count("unreadable"):
        output.note(tr("skipped: {versions}", versions=count(unreadable, "unreadable version")))
    if start is not None and not seen:
        output.note(tr("no revision since {start} UTC", start=stamp(start)))


def _logged(
    catalogue: Catalogue,
    start: datetime | None,
    at: str | None,
    by: str | None,
    limit: int | None,
    *,
    names: FieldNames,
    flapped: Flapped | None,
) -> Iterator[Broken]:
    """Yield the log of a catalogue; `flapped` receives the episodes that end in each revision."""
    entry = None
    tip, before = _span(catalogue, start, at)
    found = (
        ((entry, Breakdown("")) for entry in _entries(catalogue, tip, before, limit, flapped))
        if by is None
        else logged_by(catalogue, by, tip=tip, before=before, limit=limit)
    )
    for entry, groups in found:
        if by is not None and any(value is not None for value, _ in groups):
            names.found(by)
        yield catalogue, entry, groups
    if entry is not None and entry.status != "edge" and not before:
        change_output.note_beginning(catalogue, entry.revision)


def _entries(
    catalogue: Catalogue,
    tip: str | None,
    before: str,
    limit: int | None,
    flapped: Flapped | None,
) -> Iterator[Entry]:
    if flapped is None or not catalogue.damping:
        yield from logged(catalogue, tip=tip, before=before, limit=limit)
        return
    for entry, episodes in log_damped(catalogue, tip=tip, before=before, limit=limit):
        flapped[catalogue.source, entry.revision] = episodes
        yield entry


def _look_for_names(catalogues: Iterable[Catalogue], names: FieldNames) -> None:
    """Look in the newest versions for a field that no change was about."""
    for catalogue in catalogues if names.missing else ():
        with suppress(NotADataRepository), queries.version_at(catalogue, None, now=now()) as newest:
            names.look(newest.lines)


def _refuse_with_by(given: Mapping[str, bool]) -> None:
    for name, is_given in given.items():
        if is_given:
            raise click.UsageError(tr("--by counts; {name} lists changes.", name=name))


def _span(catalogue: Catalogue, start: datetime | None, at: str | None) -> tuple[str | None, str]:
    """Return the revision at which a log begins, and the one before its end; see `logged`."""
    tip = revisions.tip(catalogue, at, now())
    return tip, "" if start is None else revisions.before(catalogue, start, tip=tip)


def _counted(entries: Iterable[Broken], seen: dict[tuple[str, str], str]) -> Iterator[Broken]:
    """Yield the entries; source and revision of each are `seen`, with its status."""
    for catalogue, entry, by in entries:
        seen[catalogue.source, entry.revision] = entry.status
        yield catalogue, entry, by


def _number(catalogues: Iterable[Catalogue], start: datetime | None, at: str | None) -> int:
    """Return how many revisions there are, as far as the clone reaches."""
    number = 0
    for catalogue in catalogues:
        with suppress(UnknownRevision, NotADataRepository):
            number += catalogue.count(*_span(catalogue, start, at))
    return number
