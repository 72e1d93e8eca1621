"""The command that makes git show changes of records, and that git starts to compare two files."""

from __future__ import annotations

import sys
from io import StringIO
from typing import TYPE_CHECKING

import click

from archiver.cli import options
from archiver.cli.change_output import Look
from archiver.cli.failure import settle_streams
from archiver.config import process_environment
from archiver.driver import settings
from archiver.driver.files import Files
from archiver.errors import UnreadableSnapshot, reason
from archiver.history import queries
from archiver.language import tr
from archiver.records.text import terminal
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path

    from archiver.history.catalogue import Catalogue


@click.command(
    epilog=options.examples(
        "archiver diff-driver --install",
        "archiver diff-driver --install --file models.json --records models --key id",
        "archiver diff-driver --uninstall",
    )
)
@click.option("--install", "action", flag_value="install", help="Let git show changes of records.")
@click.option("--uninstall", "action", flag_value="uninstall", help="Undo what --install did.")
@click.option("--compare", "action", flag_value="compare", hidden=True)
@click.option(
    "--file",
    "files",
    metavar="PATTERN",
    multiple=True,
    help="Files, as in .gitattributes.  Repeatable.  [default: snapshots and their parts]",
)
@click.option("--records", metavar="PATH", help="Where the records of a document are.")
@click.option(
    "--key", metavar="FIELD", multiple=True, help="A field of the key of its records.  Repeatable."
)
@options.excluded
@options.repo
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="")
def diff_driver(
    *,
    action: str | None,
    files: tuple[str, ...],
    records: str | None,
    key: tuple[str, ...],
    excluded: tuple[str, ...],
    repo: Path,
    arguments: tuple[str, ...],
) -> None:
    """Let git log -p, git show and git diff show changes of records in this repository.

    log -p and show print one line for each member of a record that differs, below the record's
    key; diff prints what archiver compare does. --stat stays as it is. Nothing is committed: the
    settings are in .git/config and .git/info/attributes, so each clone needs them.
    """
    if action == "compare" and len(arguments) == 1:  # so git says that a merge left it open
        click.echo(f"* Unmerged path {terminal(arguments[0])}")
        return
    if action == "compare":
        found = Files.of(arguments)
        try:
            _compare(found, found.catalogue(process_environment(), records, key, excluded))
            sys.stdout.flush()
        except BrokenPipeError:  # git, which writes to the same pipe, notices it by itself
            settle_streams()
        return
    if arguments or action is None:
        raise click.UsageError(tr("Give --install or --uninstall, and nothing else."))
    with Repository.open(repo) as repository:
        if action == "uninstall":
            removed = settings.uninstall(repository)
            click.echo(tr("git shows text again") if removed else tr("nothing was installed here"))
            return
        description = (
            *(("--records", records) if records else ()),
            *(word for field in key for word in ("--key", field)),
            *(word for name in excluded for word in ("--except", name)),
        )
        for path in settings.install(repository, files, description):
            click.echo(tr("wrote {path}", path=terminal(path)))


def _compare(files: Files, catalogue: Catalogue) -> None:
    """Write the changes from one file to the other; of what is no catalogue, git's own diff."""
    sys.stdout.writelines(files.head())
    if files.old is None and files.new is None:
        return
    shown = StringIO()
    try:
        with queries.compare_files(catalogue, files.old, files.new) as found:
            Look(form="text").write([iter([(catalogue, found)])], shown)
    except UnreadableSnapshot as error:
        words = tr("no snapshot, shown as text: {reason}", reason=reason(error))
        sys.stdout.write(f"archiver: {terminal(words)}\n")
        sys.stdout.writelines(files.text())
        return
    sys.stdout.write(shown.getvalue())
