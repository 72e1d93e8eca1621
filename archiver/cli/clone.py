"""The command that clones an archive to read it: clone."""

from __future__ import annotations

import re
from pathlib import Path

import click

from archiver.cli import options, output
from archiver.config import process_environment
from archiver.language import sentence, tr
from archiver.records.text import terminal
from archiver.store.transfer import TOKEN
from archiver.sync.clone import clone as cloned

_NAME = re.compile(r"[/:]([A-Za-z0-9_][A-Za-z0-9_.-]*?)(?:\.git)?/*$")


@click.command(
    epilog=options.examples(
        "archiver clone https://example.org/models.git",
        "archiver clone git@example.org:models.git here",
    )
)
@click.argument("url", metavar="URL")
@click.argument("folder", metavar="[FOLDER]", required=False, type=click.Path(path_type=Path))
def clone(*, url: str, folder: Path | None) -> None:
    """Clone an archive to read it, without its content.

    Commits and folders come now. Each command fetches what its question needs, in one batch.
    Snapshots are not checked out; `git sparse-checkout disable` does.
    """
    folder = folder or _named(url)
    variables = process_environment()
    with output.progress("clone"):
        made = cloned(url, folder, variables, variables.get(TOKEN, ""))
    shown = terminal(str(folder))
    click.echo(tr("made {file}", file=shown))
    if made.is_empty:
        output.noted(sentence("nothing is committed there yet"))
    elif not made.is_partial:
        output.noted(sentence("the server cannot leave content out: everything was cloned"))
    if made.sources:
        output.note(tr("next: cd {folder}, then: archiver log", folder=shown))
    elif not made.is_empty:
        output.noted(sentence("there is no archiver.toml; name a file: archiver log --file PATH"))


def _named(url: str) -> Path:
    """Return the folder that git would choose too: the last name of the address."""
    found = _NAME.search(url if "/" in url or ":" in url else f"/{url}")
    if found is None:
        raise click.UsageError(tr("Name the FOLDER: the address has no name for it."))
    return Path(found[1])
