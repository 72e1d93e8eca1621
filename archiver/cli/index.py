"""The command that makes the index: the history as a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archiver.cli import options, output
from archiver.cli.failure import in_turn
from archiver.errors import ConfigError
from archiver.history import index as indexes
from archiver.history import workers
from archiver.language import sentence, tr
from archiver.records.text import bytes_, count

if TYPE_CHECKING:
    from archiver.history.catalogue import Catalogue
    from archiver.history.choice import Choice
    from archiver.history.workers import Workers


@click.command(
    epilog=options.examples(
        "archiver index",
        "archiver index --rebuild --jobs 0",
        "archiver index --dask tcp://127.0.0.1:8786 --repository-on-workers /data/catalogue",
        "archiver index --file data.json --records vulnerabilities --key cveID",
    )
)
@click.option("--rebuild", is_flag=True, help="Build it from nothing.")
@click.option("--remove", is_flag=True, help="Remove it; git keeps the history.")
@click.option(
    "--jobs",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    metavar="N",
    help="Build it with N processes; 0: one for each core.",
)
@click.option(
    "--dask",
    metavar="ADDRESS",
    help="Build it on the Dask cluster of this scheduler (needs the extra `dask`).",
)
@click.option(
    "--repository-on-workers",
    "there",
    metavar="PATH_OR_URL",
    default="",
    help="Where the workers of --dask find the repository.  [default: the same path]",
)
@options.catalogue
@click.pass_context
def index(
    context: click.Context,
    *,
    choice: Choice,
    rebuild: bool,
    remove: bool,
    jobs: int,
    dask: str | None,
    there: str,
) -> None:
    """Make or update the index: a database of the history, below .git.

    log, show and check answer from it at once, and runs keep it up to date. It is derived from
    git and can be deleted at any time.
    """
    if rebuild and remove:
        raise click.UsageError(tr("--rebuild and --remove exclude each other."))
    if remove and (jobs != 1 or dask is not None):
        raise click.UsageError(tr("--remove takes no --jobs and no --dask."))
    if there and dask is None:
        raise click.UsageError(tr("--repository-on-workers belongs to --dask."))
    if dask is not None and jobs != 1:
        raise click.UsageError(tr("--jobs and --dask exclude each other."))
    helpers = workers.processes(jobs) if dask is None else workers.cluster(dask, there)
    catalogues = {each.source: each for each in choice.each()}
    if not all(each.indexed for each in catalogues.values()):
        raise ConfigError(
            sentence('[archive] index is "never"'), hint=sentence('set it to "auto" or "always"')
        )

    def indexed(name: str) -> None:
        catalogue = catalogues[name]
        click.echo(_removed(catalogue) if remove else _updated(catalogue, helpers, rebuild=rebuild))

    context.exit(in_turn(context, tuple(catalogues), indexed))


def _updated(catalogue: Catalogue, helpers: Workers, *, rebuild: bool) -> str:
    with output.progress(catalogue.source) as bar:
        seal = indexes.update(catalogue, rebuild=rebuild, workers=helpers, progress=bar)
    place = indexes.storage(catalogue)
    if seal is None or place is None:
        return tr("{source}: another process updates the index", source=catalogue.source)
    path = place.path(seal)
    size, root = bytes_(path.stat().st_size), catalogue.required().root
    shown = path.relative_to(root) if root and path.is_relative_to(root) else path
    return tr(
        "{source}: {versions}, {size} in {shown}",
        source=catalogue.source,
        versions=count(seal.captures, "version"),
        size=size,
        shown=shown,
    )


def _removed(catalogue: Catalogue) -> str:
    place = indexes.storage(catalogue)
    there = place is not None and place.remove()
    words = tr("the index is removed") if there else tr("there is no index")
    return f"{catalogue.source}: {words}"
