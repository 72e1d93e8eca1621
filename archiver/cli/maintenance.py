"""The commands of maintenance: prune, revert, verify."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from archiver.capture import prune as pruning
from archiver.capture import revert as reverting
from archiver.capture.target import open_target
from archiver.capture.verify import Audit
from archiver.changes.retention import Retention
from archiver.cli import completion, options, report_output
from archiver.cli.failure import in_turn
from archiver.clock import now
from archiver.config import discover, process_environment
from archiver.errors import ConfigError, StoreError
from archiver.history import revisions
from archiver.history.catalogue import configured
from archiver.language import sentence
from archiver.records.text import count
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path

_number = click.IntRange(min=1)


@click.command(
    epilog=options.examples(
        "archiver prune --older-than 30d",
        "archiver prune --keep-last 7 --keep-weekly 8 --keep-monthly 24 --yes",
    )
)
@click.option("--older-than", metavar="PERIOD", help="Keep what is not older: 30d, 8w, 12m, 2y.")
@click.option("--keep-last", metavar="N", type=_number, help="Keep the newest N.")
@click.option("--keep-daily", metavar="N", type=_number, help="Keep the newest of N days.")
@click.option("--keep-weekly", metavar="N", type=_number, help="Keep the newest of N weeks.")
@click.option("--keep-monthly", metavar="N", type=_number, help="Keep the newest of N months.")
@click.option("--yes", is_flag=True, help="Do it, by a commit.")
@options.source
@options.repo
@click.pass_context
def prune(
    context: click.Context,
    /,
    *,
    repo: Path,
    sources: tuple[str, ...],
    older_than: str | None,
    yes: bool,
    **keep: int | None,
) -> None:
    """Remove stamped files that no rule keeps from the work tree; without --yes only say which.

    History keeps every snapshot: compare, show, export and the others read them as before.
    Without rules, those of [retention] in archiver.toml hold.
    """
    config = discover(repo, process_environment())
    rules = Retention(older_than=_days(older_than), **keep)
    if rules.is_empty:
        rules = pruning.configured_retention(config)
    if rules.is_empty:
        raise ConfigError(
            sentence("nothing says what to remove"),
            hint=sentence(
                "give --older-than 30d or --keep-last N, or add [retention] to archiver.toml"
            ),
        )

    def pruned(name: str) -> None:
        with Repository.open(config.root) as repository:
            target = open_target(config, name, repository)
            plan, revision = pruning.prune(target, rules, clock=now, dry_run=not yes)
        sys.stdout.writelines(report_output.pruned(name, plan, revision))

    context.exit(in_turn(context, config.chosen(sources), pruned))


@click.command(epilog=options.examples("archiver revert HEAD", "archiver revert 3f2ab1c"))
@click.argument("revision", metavar="REV", shell_complete=completion.versions)
@click.option(
    "--source",
    "name",
    metavar="NAME",
    shell_complete=completion.sources,
    help="Its source.  [default: the only one]",
)
@options.repo
def revert(*, repo: Path, name: str | None, revision: str) -> None:
    """Revert the capture of the commit REV by a new commit.

    From then on log, changes and show leave it out. Nothing is removed from history.
    """
    config = discover(repo, process_environment())
    with Repository.open(config.root) as repository:
        target = open_target(config, name, repository)
        capture, commit = reverting.revert(target, revision, clock=now)
    click.echo(report_output.reverted(target.source.name, capture, commit))


@click.command(epilog=options.examples("archiver verify", "archiver verify --source kev"))
@options.source
@options.repo
@click.pass_context
def verify(context: click.Context, *, repo: Path, sources: tuple[str, ...]) -> None:
    """Read every snapshot again: object ids, canonical form, counts, digests, stamped files."""
    config = discover(repo, process_environment())

    def verified(name: str) -> None:
        with Repository.open(config.root) as repository:
            audit = Audit(configured(config, name, repository))
            found = 0
            for problem in audit.problems():
                click.echo(report_output.problem(name, problem))
                found += 1
            for squash in audit.squashes:
                click.echo(report_output.squashed(name, squash))
        click.echo(report_output.verified(name, audit))
        if found:
            raise StoreError(
                sentence("{problems} found, see above", problems=count(found, "problem"))
            )

    context.exit(in_turn(context, config.chosen(sources), verified))


def _days(period: str | None) -> int | None:
    """Return a period as a number of whole days."""
    if period is None:
        return None
    today = now()
    begin = revisions.moment(period, today)
    if begin is None or (today - begin) % timedelta(days=1):
        raise ConfigError(
            sentence("--older-than: {period!r} is no number of whole days", period=period),
            hint=sentence("write 30d, 8w, 12m or 2y"),
        )
    return (today - begin).days
