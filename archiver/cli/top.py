"""The command that lists the largest movers of a metric."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from archiver.cli import asking, log_output, options, output
from archiver.clock import now
from archiver.history import queries, revisions
from archiver.history import top as tops
from archiver.language import tr

if TYPE_CHECKING:
    from pathlib import Path

    from archiver.history.choice import Choice
    from archiver.render.view import Form

_MOVED: Final = ("then", "now", "change", "growth", "new")


@click.command(
    epilog=options.examples(
        "archiver top --by downloads",
        "archiver top --by downloads --since 30d",
        "archiver top --by stats.likes --since 7d --growth --limit 50 -f csv",
    )
)
@click.option("--by", "field", metavar="FIELD", required=True, help="The metric.")
@click.option(
    "--since",
    metavar="PERIOD|DATE",
    help="The change since then: 36h, 7d, 2w, 3m, 1y, or a date.  [default: the present value]",
)
@click.option("--growth", is_flag=True, help="Order by the relative change, not the absolute one.")
@options.limit(20)
@options.output_format()
@options.output
@options.catalogue
def top(
    *,
    choice: Choice,
    field: str,
    since: str | None,
    growth: bool,
    limit: int | None,
    form: Form,
    output_path: Path | None,
) -> None:
    """List the records with most of a metric, or with --since those whose metric moved most.

    A record that did not exist then is marked as new; it has a change, but no growth. An index is
    made where there is none.
    """
    if growth and since is None:
        raise click.UsageError(tr("--growth needs a period: --since 30d."))
    start = None if since is None else revisions.start(since, now())
    with asking.asked(choice) as (catalogue, index):
        metric = tops.metric(catalogue, index, field)
        columns: tuple[str, ...] = ("key", *(("label",) if catalogue.policy.label else ()))
        if start is None:
            rows = tops.standing(catalogue, index, metric)
            columns = (*columns, "value")
        else:
            since_then = tops.base(catalogue, index, start)
            if since_then.note:
                asking.note(since_then.note)
            rows = tops.movers(catalogue, index, metric, since_then, growth=growth)
            columns = (*columns, *_MOVED)
        shown, others = asking.first_rows(rows, limit)
        with output.destination(output_path) as out:
            shown = map(asking.spoken, shown) if form == "text" else shown
            title = f"{catalogue.source}: {field}"
            asking.write(shown, columns, form, out, title=title, noun=catalogue.noun)
            log_output.left_out(sum(1 for _ in others), form, out)
        as_of = queries.metrics_as_of(catalogue, None, now=now())
        output.note_metrics(catalogue.source, as_of)
