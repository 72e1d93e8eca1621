"""The commands that ask what changed: compare, changes, log."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Final

import click

from archiver.cli import change_output, log_output, options, output
from archiver.history import compare as comparisons
from archiver.history.log import log as logged
from archiver.records.text import count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from archiver.cli.change_output import Look
    from archiver.cli.options import Choice
    from archiver.history.log import Entry
    from archiver.render.view import Form

_ONE_AFTER_THE_OTHER: Final = ("text", "jsonl", "markdown")


@click.command(
    epilog=options.examples(
        "archiver compare",
        "archiver compare 2026-03-01 --stat",
        "archiver compare HEAD~3..HEAD --field pricing",
        "archiver compare old.json new.json --records models --key id",
    )
)
@click.argument("first", metavar="[A]", required=False)
@click.argument("second", metavar="[B]", required=False)
@change_output.changes
@click.option("--exit-code", is_flag=True, help="End with 1 if there is news (see --metrics).")
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
    with (
        change_output.compared(choice, first, second, look) as (found, catalogue),
        output.destination(look.output_path) as out,
    ):
        summary = look.write(found, catalogue, out)
    if exit_code and look.is_different(summary):
        context.exit(1)


@click.command(
    epilog=options.examples(
        "archiver changes --since 7d",
        "archiver changes --since 2026-03-01 --at 2026-03-31 -f markdown",
        "archiver changes --since 2w --steps --stat",
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
@options.at
@change_output.changes
@options.catalogue
def changes(*, choice: Choice, since: str, steps: bool, at: str | None, look: Look) -> None:
    """Show the net change of a period, up to the newest revision or to --at."""
    start = change_output.start(since)
    if steps and look.form not in _ONE_AFTER_THE_OTHER:
        forms = ", ".join(_ONE_AFTER_THE_OTHER)
        raise click.UsageError(f"--steps writes one change set after the other: as {forms}.")
    catalogue = choice.open()
    tip = change_output.tip(catalogue, at)
    with output.destination(look.output_path) as out:
        if steps:
            every = comparisons.steps(
                catalogue, start, tip=tip, chosen=look.chosen, fields=look.fields
            )
            for found in every:
                look.write(found, catalogue, out)
            return
        with comparisons.changes_since(
            catalogue, start, tip=tip, chosen=look.chosen, fields=look.fields
        ) as found:
            look.write(found, catalogue, out)


@click.command(
    epilog=options.examples(
        "archiver log --limit 10",
        "archiver log -f jsonl --file data.json --records vulnerabilities --key cveID",
    )
)
@options.at
@options.limit()
@options.output_format()
@options.output
@options.catalogue
def log(
    *, choice: Choice, at: str | None, limit: int | None, form: Form, output_path: Path | None
) -> None:
    """Show the history, newest first: what each revision changed.

    A version that cannot be read is named and skipped: the next one is compared with the last
    readable one.
    """
    catalogue = choice.open()
    tip = change_output.tip(catalogue, at)
    seen: Counter[str] = Counter()
    entries = _counted(islice(logged(catalogue, tip=tip), limit), seen)
    with output.destination(output_path) as out:
        log_output.log(entries, form, out, catalogue)
        more = 0 if limit is None else catalogue.count(tip) - seen.total()
        log_output.left_out(more, form, out)
    if seen["unreadable"]:
        output.note(f"skipped: {count(seen['unreadable'], 'unreadable version')}")


def _counted(entries: Iterable[Entry], seen: Counter[str]) -> Iterator[Entry]:
    for entry in entries:
        seen[entry.status] += 1
        yield entry
