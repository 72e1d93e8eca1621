"""The command that writes a feed of what changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from archiver.cli import asking, options, output
from archiver.language import tr
from archiver.records.model import KINDS, NEWS
from archiver.site import feeds

if TYPE_CHECKING:
    from pathlib import Path

    from archiver.history.choice import Choice
    from archiver.site.feeds import Form


def _kinds(_context: click.Context, _option: click.Parameter, incomplete: str) -> list[Any]:
    return [kind for kind in KINDS if kind in NEWS and kind.startswith(incomplete)]


@click.command(
    epilog=options.examples(
        "archiver feed -o feed.atom",
        "archiver feed --kind removed --base-url https://example.org/archive/ -o removed.atom",
        "archiver feed --name mine -f json",
    )
)
@click.option(
    "--kind", metavar="KIND", shell_complete=_kinds, help="Only changes of this kind: removed, new."
)
@click.option(
    "--name", metavar="NAME", help="The feed that [feeds.NAME] in archiver.toml asks for."
)
@options.base_url
@click.option(
    "--limit",
    type=click.IntRange(min=1, max=1_000),
    default=feeds.ENTRIES,
    show_default=True,
    metavar="N",
    help="At most N entries, the newest.",
)
@options.output_format("atom", "json")
@options.output
@options.damping
@options.catalogue
def feed(
    *,
    choice: Choice,
    kind: str | None,
    name: str | None,
    base_url: str | None,
    limit: int,
    form: Form,
    output_path: Path | None,
) -> None:
    """Write a feed of what changes: Atom, or JSON Feed 1.1.

    It has an entry for each capture with news. Ids stay the same wherever it is published; with
    --base-url its entries lead to the pages of `archiver site`. An index is made where there is
    none.
    """
    if kind is not None and name is not None:
        raise click.UsageError(tr("--kind and --name exclude each other."))
    chosen = feeds.named(choice.one(), kind=kind, name=name)
    with asking.asked(choice) as (catalogue, index):
        if base_url is None and catalogue.config is not None:
            base_url = catalogue.config.site.base_url
        written = feeds.feed(catalogue, index, chosen, form, base_url=base_url, limit=limit)
    with output.destination(output_path) as out:
        out.write(written)
