"""The command that shows one record: show.

What answers is imported when the command runs, so that a key is completed in a moment.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import click

from archiver.cli import completion, options, output
from archiver.language import tr

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from archiver.history.catalogue import Catalogue
    from archiver.history.choice import Choice
    from archiver.history.timeline import Timeline
    from archiver.records.policy import Policy
    from archiver.render.view import Form


@click.command(
    epilog=options.examples(
        "archiver show Qwen/Qwen2.5-7B-Instruct",
        "archiver show acme/model --blame",
        "archiver show acme/model --at 2026-03-01 -f json",
    )
)
@click.argument("record", metavar="KEY", shell_complete=completion.keys)
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
    """Show one record: its state, how its metrics moved, and every change, newest first."""
    if blame and limit is not None:
        raise click.UsageError(tr("--blame shows every field; --limit is for changes."))
    from archiver.cli import log_output, timeline_output  # noqa: PLC0415 - see above
    from archiver.clock import now  # noqa: PLC0415 - see above
    from archiver.history import queries, revisions  # noqa: PLC0415 - see above
    from archiver.history.choice import answering  # noqa: PLC0415 - see above
    from archiver.history.timeline import series, timeline  # noqa: PLC0415 - see above

    catalogues = choice.each()
    named = len(catalogues) > 1

    def answer(catalogue: Catalogue) -> Iterator[tuple[str, Timeline, Policy]]:
        tip = revisions.tip(catalogue, at, now())
        yield catalogue.source, timeline(catalogue, record, tip=tip), catalogue.policy

    answers = answering(map(answer, catalogues), left_out=output.note_left_out)
    told = list(chain.from_iterable(answers))
    found = [(source, each) for source, each, _ in told]
    with output.destination(output_path) as out:
        if blame:
            timeline_output.blame(found, form, out, named=named)
            return
        metrics = [series(each, policy) for _, each, policy in told]
        more = timeline_output.lives(found, form, out, limit=limit, named=named, metrics=metrics)
        log_output.left_out(more, form, out)
    for each in catalogues if form == "text" else ():
        output.note_metrics(each.source, queries.metrics_as_of(each, at, now=now()))
