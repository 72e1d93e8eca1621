"""The command that makes the index: the history as a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archiver.cli import options, output
from archiver.cli.failure import in_turn
from archiver.errors import ConfigError
from archiver.history import index as indexes
from archiver.records.text import bytes_, count

if TYPE_CHECKING:
    from archiver.history.catalogue import Catalogue
    from archiver.history.choice import Choice


@click.command(
    epilog=options.examples(
        "archiver index",
        "archiver index --rebuild",
        "archiver index --file data.json --records vulnerabilities --key cveID",
    )
)
@click.option("--rebuild", is_flag=True, help="Build it from nothing.")
@click.option("--remove", is_flag=True, help="Remove it; git keeps the history.")
@options.catalogue
@click.pass_context
def index(context: click.Context, *, choice: Choice, rebuild: bool, remove: bool) -> None:
    """Make or update the index: a database of the history, below .git.

    log, show and check answer from it at once, and runs keep it up to date. It is derived from
    git and can be deleted at any time.
    """
    if rebuild and remove:
        raise click.UsageError("--rebuild and --remove exclude each other.")
    catalogues = {each.source: each for each in choice.each()}
    if not all(each.indexed for each in catalogues.values()):
        raise ConfigError('[archive] index is "never"', hint='set it to "auto" or "always"')

    def indexed(name: str) -> None:
        catalogue = catalogues[name]
        click.echo(_removed(catalogue) if remove else _updated(catalogue, rebuild=rebuild))

    context.exit(in_turn(context, tuple(catalogues), indexed))


def _updated(catalogue: Catalogue, *, rebuild: bool) -> str:
    with output.progress(catalogue.source) as bar:
        seal = indexes.update(catalogue, rebuild=rebuild, progress=bar)
    place = indexes.storage(catalogue)
    if seal is None or place is None:
        return f"{catalogue.source}: another process updates the index"
    path = place.path(seal)
    size, root = bytes_(path.stat().st_size), catalogue.required().root
    shown = path.relative_to(root) if root and path.is_relative_to(root) else path
    return f"{catalogue.source}: {count(seal.captures, 'version')}, {size} in {shown}"


def _removed(catalogue: Catalogue) -> str:
    place = indexes.storage(catalogue)
    there = place is not None and place.remove()
    return f"{catalogue.source}: {'removed' if there else 'there is no index'}"
