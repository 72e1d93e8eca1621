"""The command that reviews a period."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archiver.cli import asking, options, output
from archiver.clock import now
from archiver.history import revisions

if TYPE_CHECKING:
    from pathlib import Path

    from archiver.history.choice import Choice
    from archiver.site.report import Form


@click.command(
    epilog=options.examples(
        "archiver report --since 30d",
        "archiver report --since 2026-03-01 -f html -o march.html",
    )
)
@click.option(
    "--since",
    metavar="PERIOD|DATE",
    default="30d",
    show_default=True,
    help="Since then: 36h, 7d, 2w, 3m, 1y, or a date.",
)
@options.output_format("markdown", "html")
@options.output
@options.catalogue
def report(*, choice: Choice, since: str, form: Form, output_path: Path | None) -> None:
    """Review a period: what is gone, new and changed, licences, movers, categories, churn.

    A page of HTML is one file, which needs no network and no script. An index is made where there
    is none.
    """
    from archiver.site import report as reports  # noqa: PLC0415 - templates and all

    start = revisions.start(since, now())
    with asking.asked(choice) as (catalogue, index):
        page = reports.report(catalogue, index, start, form)
    with output.destination(output_path) as out:
        out.write(page)
