"""The command rollover: go on in a new repository, and read on in the one before."""

from __future__ import annotations

from pathlib import Path

import click

from archiver.capture import rollover as rolling
from archiver.cli import options, output
from archiver.clock import now
from archiver.config import discover, process_environment
from archiver.language import tr
from archiver.records.text import terminal


@click.command(
    epilog=options.examples(
        "archiver rollover ../models-2027",
        "archiver rollover ../models-2027 --previous https://github.com/me/models-2026 --finish",
        "archiver rollover --fetch",
    )
)
@click.argument("folder", metavar="[NEW_FOLDER]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--previous",
    metavar="URL",
    help="Where this repository is found from the new one, or with --fetch the one before this."
    "  [default: the URL of origin, else the folder; what is recorded]",
)
@click.option("--finish", is_flag=True, help="Commit here that this archive is finished.")
@click.option("--fetch", is_flag=True, help="Fetch the repositories before this one, to be read.")
@options.repo
def rollover(
    *, repo: Path, folder: Path | None, previous: str | None, finish: bool, fetch: bool
) -> None:
    """Go on in a new repository, which begins with the newest snapshot of each source.

    Its first run compares with that snapshot, and remembers what runs here remember. It records
    where this repository is. Nothing is written here, unless --finish asks for it: then runs here
    are refused.

    In the new one, --fetch fetches what was before, and questions reach into it. Nothing else
    does: an address in a repository is not asked because somebody reads it.
    """
    if (folder is None) != fetch or (fetch and finish):
        raise click.UsageError(tr("Say either NEW_FOLDER or --fetch."))
    config = discover(repo, process_environment())
    if folder is None:
        for found in rolling.fetch(config, address=previous):
            click.echo(
                tr(
                    "{commit} of {address} can be read",
                    commit=found.commit[:10],
                    address=terminal(found.address),
                )
            )
        return
    made = rolling.roll_over(config, folder, address=previous, finish=finish, clock=now)
    click.echo(tr("made {file}", file=folder))
    click.echo(
        tr(
            "  goes on from {commit} of {address}",
            commit=made.previous.commit[:10],
            address=terminal(made.previous.repository),
        )
    )
    if made.finished:
        click.echo(tr("  this archive is finished: {commit}", commit=made.finished[:10]))
    else:
        output.note(tr("stop the schedule here; --finish makes runs here fail"))
    output.note(tr("to ask what was before, in {folder}: archiver rollover --fetch", folder=folder))
