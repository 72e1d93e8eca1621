"""The command that reviews a period."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archiver.cli import asking, options, output
from archiver.clock import now
from archiver.history import revisions
from archiver.language import tr

if TYPE_CHECKING:
    from pathlib import Path

    from archiver.history.choice import Choice
    from archiver.site.report import Form


@click.command(
    epilog=options.examples(
        "archiver report --since 30d",
        "archiver report --since 2026-03-01 --until 2026-03-31 -f html -o march.html",
    )
)
@click.option(
    "--since",
    metavar="PERIOD|DATE",
    default="30d",
    show_default=True,
    help="Since then: 36h, 7d, 2w, 3m, 1y, or a date.",
)
@click.option(
    "--until",
    metavar="PERIOD|DATE",
    help="Up to then, the end of that day.  [default: the newest capture]",
)
@options.output_format("markdown", "html")
@options.output
@options.damping
@options.catalogue
def report(
    *, choice: Choice, since: str, until: str | None, form: Form, output_path: Path | None
) -> None:
    """Review a period: what is gone, new and changed, licences, movers, categories, churn.

    A page of HTML is one file, which needs no network and no script. An index is made where there
    is none.
    """
    from archiver.site import report as reports  # noqa: PLC0415 - templates and all

    start = revisions.start(since, now())
    end = None if until is None else revisions.end(until, now())
    if end is not None and end < start:
        raise click.UsageError(
            tr("--until {until} is before --since {since}.", until=until, since=since)
        )
    with asking.asked(choice) as (catalogue, index):
        chosen = _options(choice, catalogue.source)
        page = reports.report(catalogue, index, start, end, form=form, options=chosen)
    with output.destination(output_path) as out:
        out.write(page)


def _options(choice: Choice, source: str) -> list[str]:
    """Return the options that choose the same catalogue again."""
    how = {f"--{name}": value for name, value in choice.how._asdict().items()}
    named = {"--file": choice.file, "--records": choice.records, **how}
    repeated = {"--key": choice.key, "--except": choice.excluded, "--metric": choice.metrics}
    found = [] if choice.file else ["--source", source]
    found += [word for name, value in named.items() if value for word in (name, value)]
    return found + [word for name, each in repeated.items() for one in each for word in (name, one)]
