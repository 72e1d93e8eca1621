"""The commands that keep an archive: run, prune, import, revert, verify."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
import msgspec

from archiver.cli import failure, options, output, reporting
from archiver.config import discover, process_environment
from archiver.errors import ConfigError
from archiver.publish.lines import COLOURS
from archiver.records.text import terminal
from archiver.watcher import capture
from archiver.watcher.clock import now

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from archiver.cli.output import Progress
    from archiver.config import Config
    from archiver.sources import Ledger
    from archiver.watcher.report import Report


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
    worst = 0
    for name in _chosen(config, names):
        try:
            report = _run(config, name, accept=accept, dry_run=dry_run)
        except Exception as error:  # noqa: BLE001  the other sources are captured all the same
            debug = context.find_root().params["debug"]
            worst = max(worst, failure.tell(error, about=f"{name}: ", debug=debug))
            continue
        reports.append(report)
        _tell(report, form, dry_run=dry_run)
    if form == "json":
        click.echo(msgspec.json.encode(reports))
    context.exit(worst)


def _chosen(config: Config, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the sources that are meant; ConfigError before any is run if there is none."""
    if not config.sources:
        raise ConfigError("no source is configured", hint="add a table [sources.NAME]")
    return tuple(config.source(name).name for name in dict.fromkeys(names or config.sources))


def _run(config: Config, name: str, *, accept: bool, dry_run: bool) -> Report:
    with output.progress(name) as bar:
        return capture.run(
            config, name, clock=now, accept=accept, dry_run=dry_run, progress=_counting(bar)
        )


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
