"""The command that renders the history for people: changelog."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any, TextIO

import click

from archiver.cli import change_output, changelog_document, options, output
from archiver.cli.changelog_document import SCHEMA
from archiver.clock import now
from archiver.errors import ShallowHistory
from archiver.history import revisions
from archiver.history.changelog import is_reversed, sections
from archiver.records.text import more
from archiver.render import changelog as publishing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

    from archiver.cli.options import Choice
    from archiver.history.catalogue import Catalogue


@click.command(
    epilog=options.examples(
        "archiver changelog --since 7d",
        "archiver changelog v1..v2 -o RELEASE.md",
        "archiver changelog --context > changelog.json",
        "archiver changelog --from-context changelog.json --template mine.md.j2",
    )
)
@click.argument("between", metavar="[A..B]", required=False)
@click.option("--since", metavar="PERIOD|DATE", help="Only captures from then on: 7d, 2026-03-01.")
@options.limit()
@options.template
@click.option("--context", "as_context", is_flag=True, help="Print what templates receive (JSON).")
@click.option(
    "--from-context",
    "given",
    type=click.File("rb"),
    metavar="FILE",
    help="Render what --context printed; needs no repository.",
)
@options.output
@options.catalogue
def changelog(
    *,
    choice: Choice,
    between: str | None,
    since: str | None,
    limit: int | None,
    template: Path | None,
    as_context: bool,
    given: Any,
    output_path: Path | None,
) -> None:
    """Render the history as a changelog in Markdown: one section a capture, newest first.

    Captures that only moved counters are left out.
    """
    folder = None
    if given is not None and (between or since):
        raise click.UsageError("--from-context renders a document as it is: no A..B, no --since.")
    if given is not None:
        document = changelog_document.read(given.read())
        source, found = document["source"], iter(document["sections"])
    else:
        start = None if since is None else change_output.start(since)
        catalogue = choice.open()
        folder = catalogue.config.template_folder if catalogue.config else None
        source, found = catalogue.source, _sections(catalogue, between, start)
    shown = islice(found, limit)
    with output.destination(output_path) as out:
        if as_context:
            document = {"schema": SCHEMA, "source": source, "sections": [*shown]}
            out.write(json.dumps(document, ensure_ascii=False, indent=1) + "\n")
        else:
            _render(source, shown, template, folder, out)
        if left := _left_out(found):
            _say(left, None if as_context or template is not None else out)


def _left_out(rest: Iterator[dict[str, Any]]) -> str:
    """Say how many sections a limit left out; empty: none."""
    try:
        number = sum(1 for _ in rest)
    except ShallowHistory:
        return "… and more: this clone is shallow, so nobody can count them"
    return more(number) if number else ""


def _say(words: str, out: TextIO | None) -> None:
    """Say what is left out: in the page itself, beside anything else."""
    if out is None:
        output.note(words)
    else:
        out.write(f"\n{words}\n")


def _sections(
    catalogue: Catalogue, between: str | None, since: datetime | None
) -> Iterator[dict[str, Any]]:
    if between is None:
        return sections(catalogue, since=since)
    first, _, second = between.partition("..")
    if not first or ".." not in between:
        raise click.UsageError(f"{between}: a range is written as A..B or A..")
    until = revisions.named(catalogue, first, now()).id
    tip = revisions.named(catalogue, second, now()).id if second else None
    if tip is not None and is_reversed(catalogue, until, tip):
        output.note(f"note: {second} comes before {first}: there is nothing between them")
    return sections(catalogue, tip=tip, until=until, since=since)


def _render(
    source: str,
    found: Iterable[dict[str, Any]],
    template: Path | None,
    folder: Path | None,
    out: TextIO,
) -> None:
    """Write the heading and the sections; a template of the person's own writes all there is."""
    name = publishing.TEMPLATE if template is None else template.name
    folder = folder if template is None else template.resolve().parent
    if template is None:
        out.write(publishing.heading(source))
    out.writelines(
        ("\n" if template is None else "") + publishing.rendered(each, folder=folder, template=name)
        for each in found
    )
