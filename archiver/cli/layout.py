"""The commands that change how an archive is stored, and nothing that it says: migrate, pack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archiver.capture.migration import migrate as migrated
from archiver.capture.target import open_target
from archiver.cli import options, output
from archiver.cli.failure import in_turn
from archiver.clock import now
from archiver.config import discover, process_environment
from archiver.history.snapshots import COUNTS
from archiver.language import tr
from archiver.records.text import bytes_
from archiver.store.commit import KEPT_REF, writing
from archiver.store.packing import stored_bytes
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path

    from archiver.history.snapshots import Shards


@click.command(epilog=options.examples("archiver migrate", "archiver migrate --shards 256 --yes"))
@click.option(
    "--shards",
    type=click.Choice(["auto", *map(str, COUNTS)]),
    help="Number of files, or by size.  [default: as archiver.toml says]",
)
@click.option("--yes", is_flag=True, help="Do it, by a commit.")
@options.source
@options.repo
@click.pass_context
def migrate(
    context: click.Context,
    /,
    *,
    repo: Path,
    sources: tuple[str, ...],
    shards: str | None,
    yes: bool,
) -> None:
    """Carry the newest snapshot over to another number of files; without --yes only say so.

    It is a commit without news. Older snapshots stay as they are; every command reads both.
    """
    config = discover(repo, process_environment())
    wanted: Shards | None = None if shards is None else _number(shards)

    def carried(name: str) -> None:
        with Repository.open(config.root) as repository:
            target = open_target(config, name, repository)
            plan = migrated(target, wanted, clock=now, dry_run=not yes)
        largest = bytes_(plan.largest)
        files = tr("{before} → {after} files", before=plan.before, after=plan.after)
        if plan.before == plan.after:
            said = tr("nothing to do: files: {after}", after=plan.after)
        elif plan.revision is None:
            said = tr("{files}, the largest {largest}; --yes does it", files=files, largest=largest)
        else:
            said = tr(
                "{files}, the largest {largest}: {commit}",
                files=files,
                largest=largest,
                commit=plan.revision[:10],
            )
        click.echo(f"{name}: {said}")
        for path in plan.kept:
            output.note(
                tr("your changes to {path} are kept on {kept_ref}", path=path, kept_ref=KEPT_REF)
            )

    context.exit(in_turn(context, config.chosen(sources), carried))


@click.command(epilog=options.examples("archiver pack", "archiver pack --again"))
@click.option("--again", is_flag=True, help="Compute all differences again; takes much longer.")
@options.repo
def pack(*, repo: Path, again: bool) -> None:
    """Join everything that git stores into one pack, versions of a file beside each other.

    A run packs what it may within a tenth of its time. This takes as long as it needs, and makes
    the archive as small as it gets.
    """
    config = discover(repo, process_environment())
    with Repository.open(config.root) as repository:
        before = stored_bytes(repository)
        with writing(repository) as writer:
            done = writer.pack_all(again=again)
        after = stored_bytes(repository)
    if done:
        click.echo(tr("{before} → {after}", before=bytes_(before), after=bytes_(after)))
    else:
        click.echo(tr("nothing to pack: {before}", before=bytes_(before)))


def _number(text: str) -> Shards:
    return "auto" if text == "auto" else next(n for n in COUNTS if str(n) == text)
