"""The command that makes the site of an archive."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from archiver.cli import options, output
from archiver.language import tr
from archiver.records.text import count, terminal

if TYPE_CHECKING:
    from archiver.history.choice import Choice


@click.command(
    epilog=options.examples(
        "archiver site -o public",
        "archiver site -o public --base-url https://example.org/archive/",
        "archiver site -o kev --file data.json --records vulnerabilities --key cveID",
    )
)
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("site"),
    show_default=True,
    metavar="DIR",
    help="The folder of the site: new, empty, or with a site.",
)
@click.option("--title", metavar="TEXT", help="What is archived.  [default: the sources]")
@options.base_url
@click.option("--rebuild", is_flag=True, help="Write every file again, whatever is in the folder.")
@options.catalogue
def site(
    *,
    choice: Choice,
    folder: Path,
    title: str | None,
    base_url: str | None,
    rebuild: bool,
) -> None:
    """Make a site of static files: overview, catalogue, every record, every change.

    It needs no server, and asks no other one for anything: open index.html, or publish the folder
    anywhere. What the folder holds already is brought up to date.
    """
    from archiver.site.build import Settings, build  # noqa: PLC0415 - 30 ms, for pages only

    catalogues = choice.each()
    settings = Settings.of(catalogues, title=title, base_url=base_url, rebuild=rebuild)
    with output.progress(catalogues[0].source) as bar:
        built = build(catalogues, folder, settings, bar)
    words = tr(
        "{files} written, {kept} as before",
        files=count(built.written, "file"),
        kept=count(built.kept),
    )
    click.echo(
        terminal(
            tr(
                "{folder}: {words}; open {folder2}",
                folder=folder,
                words=words,
                folder2=folder / "index.html",
            )
        )
    )
    if built.empty:
        output.note(tr("note: never captured, so left out: {empty}", empty=", ".join(built.empty)))
    if built.drawn:
        records = catalogues[0].noun.counted(built.drawn)
        limit = tr("static_records is {static_records:,}", static_records=settings.static_records)
        output.note(
            tr(
                "note: {records} without a page of their own ({limit}): a script draws it",
                records=records,
                limit=limit,
            )
        )
