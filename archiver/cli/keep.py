"""The commands that keep an archive: run, prune, import, revert, verify."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from archiver.changes.retention import Retention
from archiver.cli import failure, options, output, reporting
from archiver.config import discover, process_environment
from archiver.errors import ConfigError, StoreError
from archiver.publish.lines import COLOURS
from archiver.records.text import terminal
from archiver.store.repository import Repository
from archiver.watcher import capture, moments, upkeep
from archiver.watcher.audit import Audit
from archiver.watcher.catalogue import configured
from archiver.watcher.clock import now
from archiver.watcher.importing import import_all
from archiver.watcher.origins import from_files, from_history
from archiver.watcher.target import open_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from archiver.cli.output import Progress
    from archiver.config import Config
    from archiver.sources import Ledger
    from archiver.watcher.report import Report

_source = click.option(
    "--source", "name", metavar="NAME", help="A source of archiver.toml.  [default: all]"
)
_number = click.IntRange(min=1)


@click.command(
    epilog=options.examples(
        "archiver run", "archiver run kev --dry-run", "archiver run kev --accept"
    )
)
@click.argument("names", metavar="[SOURCE]…", nargs=-1)
@click.option("--dry-run", is_flag=True, help="Say what would be committed; write nothing.")
@click.option("--accept", is_flag=True, help="Take a listing that is not believable as it is.")
@options.output_format("text", "json")
@options.repo
@click.pass_context
def run(
    context: click.Context,
    *,
    repo: Path,
    names: tuple[str, ...],
    dry_run: bool,
    accept: bool,
    form: str,
) -> None:
    """Capture sources, by default all of archiver.toml: fetch, guard, commit, say what changed.

    Each source is one commit. The trouble of one never stops the others; the command ends with
    the worst exit code.
    """
    config = discover(repo, process_environment())
    reports: list[Report] = []

    def captured(name: str) -> None:
        with output.progress(name) as bar:
            report = capture.run(
                config, name, clock=now, accept=accept, dry_run=dry_run, progress=_counting(bar)
            )
        reports.append(report)
        _tell(report, form, dry_run=dry_run)

    code = _each(context, _chosen(config, names), captured)
    if form == "json":
        click.echo(msgspec.json.encode(reports))
    context.exit(code)


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
@_source
@options.repo
@click.pass_context
def prune(
    context: click.Context,
    /,
    *,
    repo: Path,
    name: str | None,
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
        rules = upkeep.configured_retention(config)
    if rules.is_empty:
        raise ConfigError(
            "nothing says what to remove",
            hint="give --older-than 30d or --keep-last N, or add [retention] to archiver.toml",
        )

    def pruned(name: str) -> None:
        with Repository.open(config.root) as repository:
            target = open_target(config, name, repository)
            plan, revision = upkeep.prune(target, rules, clock=now, dry_run=not yes)
        sys.stdout.writelines(reporting.pruned(name, plan, revision))

    context.exit(_each(context, _chosen(config, (name,) if name else ()), pruned))


@click.command(
    "import",
    epilog=options.examples(
        "archiver import old-snapshots/",
        "archiver import a_models_20260129_154733.json b_models_20260130_154733.json.gz",
        "archiver import ../kev-data --file kev.json --records vulnerabilities --key cveID",
    ),
)
@click.argument(
    "paths",
    metavar="FILE…|DIR|REPO",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, path_type=Path),
)
@click.option("--file", metavar="PATH", help="Import the history of this file of REPO.")
@click.option("--records", metavar="PATH", help="Where its records are: . or a.b or a.b{}")
@click.option("--key", metavar="FIELD", multiple=True, help="A field of their key.  Repeatable.")
@click.option("--source", "name", metavar="NAME", help="Where to.  [default: the only source]")
@options.repo
def import_(
    *,
    repo: Path,
    paths: tuple[Path, ...],
    file: str | None,
    records: str | None,
    key: tuple[str, ...],
    name: str | None,
) -> None:
    """Turn old snapshot files, or the history of a file in another repository, into commits.

    The source must still be empty. Each version is dated at its capture time: the one in the
    file's name (UTC) or in the document, or the author date of the commit. Versions that cannot
    be read are named and left out. Importing the same again changes nothing.
    """
    if file is not None and len(paths) > 1:
        raise click.UsageError("--file names a file of one repository.")
    config = discover(repo, process_environment())
    with Repository.open(config.root) as repository, ExitStack() as stack:
        target = open_target(config, name, repository)
        if file is None:
            origins = from_files(paths, target.source, records=records, key=key)
        else:
            past = from_history(paths[0], file, target.source, records=records, key=key)
            origins = stack.enter_context(past)
        bar = stack.enter_context(output.progress(target.source.name))
        told = None if bar is None else lambda number: bar(number, len(origins))
        done = import_all(target, origins, progress=told)
    for line in (*done.notes, *(f"left out: {each}" for each in done.skipped)):
        output.note(terminal(f"{done.source}: {line}"))
    click.echo(reporting.imported(done))


@click.command(epilog=options.examples("archiver revert HEAD", "archiver revert 3f2ab1c"))
@click.argument("revision", metavar="REV")
@click.option("--source", "name", metavar="NAME", help="Its source.  [default: the only one]")
@options.repo
def revert(*, repo: Path, name: str | None, revision: str) -> None:
    """Take the capture of the commit REV back by a new commit.

    From then on log, changes and show leave it out. Nothing is removed from history.
    """
    config = discover(repo, process_environment())
    with Repository.open(config.root) as repository:
        target = open_target(config, name, repository)
        capture, commit = upkeep.revert(target, revision, clock=now)
    click.echo(reporting.reverted(target.source.name, capture, commit))


@click.command(epilog=options.examples("archiver verify", "archiver verify --source kev"))
@_source
@options.repo
@click.pass_context
def verify(context: click.Context, *, repo: Path, name: str | None) -> None:
    """Read every snapshot again: object ids, canonical form, counts, digests, stamped files."""
    config = discover(repo, process_environment())

    def verified(name: str) -> None:
        with Repository.open(config.root) as repository:
            audit = Audit(configured(config, name, repository))
            found = 0
            for problem in audit.problems():
                click.echo(reporting.problem(name, problem))
                found += 1
        click.echo(reporting.verified(name, audit))
        if found:
            raise StoreError(f"{found:,} problem{'' if found == 1 else 's'} found, see above")

    context.exit(_each(context, _chosen(config, (name,) if name else ()), verified))


def _chosen(config: Config, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the sources that are meant (none named: all), before anything is done."""
    if not config.sources:
        raise ConfigError("no source is configured", hint="add a table [sources.NAME]")
    return tuple(config.source(name).name for name in dict.fromkeys(names or config.sources))


def _each(context: click.Context, names: Iterable[str], work: Callable[[str], None]) -> int:
    """Do the `work` for every source, whatever becomes of the others; return the worst code."""
    worst = 0
    debug = context.find_root().params["debug"]
    for name in names:
        try:
            work(name)
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001  the other sources have their turn all the same
            worst = max(worst, failure.tell(error, about=f"{name}: ", debug=debug))
    return worst


def _counting(bar: Progress | None) -> Callable[[Ledger], None] | None:
    if bar is None:
        return None
    return lambda ledger: bar(ledger.received, ledger.announced)


def _tell(report: Report, form: str, *, dry_run: bool) -> None:
    for note in report.notes:
        output.note(terminal(f"{report.source}: note: {note}"))
    if form == "text":
        style = COLOURS if output.coloured(sys.stdout, process_environment()) else {}
        sys.stdout.writelines(reporting.run(report, style, dry_run=dry_run))
        sys.stdout.flush()


def _days(period: str | None) -> int | None:
    """Return a period as a number of whole days."""
    if period is None:
        return None
    today = now()
    begin = moments.moment(period, today)
    if begin is None or (today - begin) % timedelta(days=1):
        raise ConfigError(
            f"--older-than: {period!r} is no number of whole days", hint="write 30d, 8w, 12m or 2y"
        )
    return (today - begin).days
