"""The command that renders the history for people: changelog."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import click

from archiver.cli import change_output, options, output
from archiver.clock import now
from archiver.errors import ShallowHistory, reason
from archiver.history import revisions
from archiver.history.changelog import is_reversed, sections
from archiver.history.choice import answering
from archiver.language import ENGLISH, said, sentence, speaking, tr
from archiver.records.text import more
from archiver.render import changelog as rendering
from archiver.render.section import SCHEMA, read_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path
    from typing import TextIO

    from archiver.history.catalogue import Catalogue
    from archiver.history.choice import Choice


_UNCOUNTED: Final = sentence("… and more: this clone is shallow, so nobody can count them")


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
@options.damping
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

    Captures in which only metrics changed are left out.
    """
    # What templates receive is JSON, and the same in every language.
    with speaking(ENGLISH) if as_context else nullcontext():
        folder = None
        ended: list[ShallowHistory] = []
        if given is not None and (between or since):
            raise click.UsageError(
                tr("--from-context renders a document as it is: no A..B, no --since.")
            )
        if given is not None:
            document = read_document(given.read())
            source, found = document["source"], iter(document["sections"])
        else:
            start = None if since is None else revisions.start(since, now())
            catalogues = (replace(choice, damping=0) if as_context else choice).each()
            config = catalogues[0].config
            folder = config.template_folder if config else None
            source = ", ".join(each.source for each in catalogues)
            found = _newest_first(catalogues, between, start, ended)
        shown = islice(found, limit)
        with output.destination(output_path) as out:
            if as_context:
                document = {"schema": SCHEMA, "source": source, "sections": [*shown]}
                out.write(json.dumps(document, ensure_ascii=False, indent=1) + "\n")
            else:
                _render(source, shown, template, folder, out)
            left = sum(1 for _ in found)
            if ended and limit is not None:
                _say(_UNCOUNTED, None if as_context or template is not None else out)
            elif left:
                _say(more(left), None if as_context or template is not None else out)
        for end in ended:
            output.noted(sentence("{end}; {hint}", end=reason(end), hint=end.hint))


def _say(words: str, out: TextIO | None) -> None:
    """Write what is left out: into the page itself, otherwise to standard error."""
    if out is None:
        output.note(words)
    else:
        out.write(f"\n{said(words)}\n")


def _newest_first(
    catalogues: Sequence[Catalogue],
    between: str | None,
    since: datetime | None,
    ended: list[ShallowHistory],
) -> Iterator[dict[str, Any]]:
    """Return the sections of all catalogues; of several, each headline names its source.

    Where a shallow clone ends before a range does, `ended` receives where.
    """
    answers = answering(
        (_sections(each, between, since, ended) for each in catalogues),
        left_out=output.note_left_out,
    )
    found = merge(*answers, key=lambda section: section["timestamp"], reverse=True)
    if len(catalogues) == 1:
        return found
    return ({**each, "headline": f"{each['source']}: {each['headline']}"} for each in found)


def _sections(
    catalogue: Catalogue,
    between: str | None,
    since: datetime | None,
    ended: list[ShallowHistory],
) -> Iterator[dict[str, Any]]:
    until = tip = None
    if between is not None:
        first, _, second = between.partition("..")
        if not first or ".." not in between:
            raise click.UsageError(
                tr("{between}: a range is written as A..B or A..", between=between)
            )
        until = revisions.named(catalogue, first, now()).id
        tip = revisions.named(catalogue, second, now()).id if second else None
        if tip is not None and is_reversed(catalogue, until, tip):
            output.note(
                tr(
                    "note: {second} comes before {first}: there is nothing between them",
                    second=second,
                    first=first,
                )
            )
    try:
        for section in sections(catalogue, tip=tip, until=until, since=since):
            yield section
            if section["first"]:
                change_output.note_beginning(catalogue, section["to"]["revision"])
    except ShallowHistory as end:
        ended.append(end)


def _render(
    source: str,
    found: Iterable[dict[str, Any]],
    template: Path | None,
    folder: Path | None,
    out: TextIO,
) -> None:
    """Write the heading and the sections; the user's own template writes all there is."""
    name = rendering.TEMPLATE if template is None else template.name
    folder = folder if template is None else template.resolve().parent
    if template is None:
        out.write(rendering.heading(source))
    out.writelines(
        ("\n" if template is None else "") + rendering.rendered(each, folder=folder, template=name)
        for each in found
    )
