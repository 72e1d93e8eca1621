"""The commands that fill an archive: run, import."""

from __future__ import annotations

import sys
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click
import msgspec

from archiver.capture.imports import import_all
from archiver.capture.origins import from_files, from_history
from archiver.capture.target import open_target
from archiver.cli import completion, options, output, report_output
from archiver.cli.failure import found, in_turn
from archiver.clock import now
from archiver.config import discover, process_environment
from archiver.errors import ArchiverError, StoreError, reason
from archiver.jobs.github import (
    is_pull_request,
    without_summary_channels,
    write_failure,
    write_results,
)
from archiver.jobs.job import Job
from archiver.language import joined, retold, sentence, tr
from archiver.records.text import count, terminal
from archiver.render.console import COLOURS
from archiver.store.clone import is_url
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from archiver.capture.report import Report
    from archiver.cli.output import Progress
    from archiver.config import Config
    from archiver.formats import Reading
    from archiver.records.model import Severity
    from archiver.sources import Ledger


@click.command(
    epilog=options.examples(
        "archiver run", "archiver run kev --dry-run", "archiver run kev --accept"
    )
)
@click.argument(
    "names",
    metavar="[SOURCE]…",
    nargs=-1,
    envvar="ARCHIVER_SOURCES",
    shell_complete=completion.sources,
)
@click.option(
    "--dry-run",
    is_flag=True,
    envvar="ARCHIVER_DRY_RUN",
    help="Show what would be committed; write nothing.",
)
@click.option(
    "--accept",
    is_flag=True,
    envvar="ARCHIVER_ACCEPT",
    help="Accept an implausible listing as it is.",
)
@click.option(
    "--push",
    is_flag=True,
    envvar="ARCHIVER_PUSH",
    help="Fetch before, and push branch and reports after.",
)
@click.option(
    "--notify/--no-notify",
    default=True,
    envvar="ARCHIVER_NOTIFY",
    help="Notify the channels of archiver.toml.",
)
@options.fail_on(envvar="ARCHIVER_FAIL_ON")
@options.period(
    "--time-limit",
    envvar="ARCHIVER_TIME_LIMIT",
    help="End a listing that takes longer, such as 5h; the next run goes on.",
)
@click.option(
    "--github",
    is_flag=True,
    help="Write outputs and summary of a GitHub step; a pull request is a dry run.",
)
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
    push: bool,
    notify: bool,
    fail_on: Severity | None,
    time_limit: timedelta | None,
    github: bool,
    form: str,
) -> None:
    """Capture sources, by default all of archiver.toml: fetch, check, commit, show what changed.

    Each source is one commit. A source that fails does not stop the others; the command ends
    with the worst exit code. What --fail-on finds is committed, pushed and told all the same.
    """
    variables = process_environment()
    dry_run = dry_run or (github and is_pull_request(variables))
    until = now() + time_limit if time_limit else None
    job = Job(accept=accept, dry_run=dry_run, push=push, notify=notify, until=until)
    try:
        config, wanted = _begun(job, repo, names, as_json=form == "json")
    except ArchiverError as error:
        if github:
            write_failure(error, variables)
        raise
    config = without_summary_channels(config) if github else config
    reports: list[Report] = []
    failures: dict[str, str] = {}
    unwritten: list[OSError] = []

    def show(report: Report) -> None:
        reports.append(report)
        try:
            _tell(report, form, dry_run=dry_run)
        except OSError as error:  # a full disk behind a log keeps no channel from its message
            unwritten.append(error)

    def captured(name: str) -> None:
        try:
            with output.progress(name) as bar:
                job.run(config, name, clock=now, progress=_counting(bar), on_capture=show)
        except Exception as error:
            failures[name] = joined("\n", filter(None, (reason(error), getattr(error, "hint", ""))))
            failures[name] = failures[name] or type(error).__name__
            raise

    code = in_turn(context, wanted, captured)
    if form == "json":
        click.echo(msgspec.json.encode(reports))
    if github:
        write_results(config, reports, failures, code=code, dry_run=dry_run)
    if unwritten:
        raise unwritten[0]
    bad = [found(each.weights, fail_on, about=f"{each.source}: ") for each in reports]
    context.exit(code or int(any(bad)))


class _Place(click.Path):
    """A file or folder that exists, or the URL of a repository."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Path | str:
        """Return the path, or the URL as it is."""
        if not Path(value).exists() and is_url(value):
            return str(value)
        return cast("Path", super().convert(value, param, ctx))


@click.command(
    "import",
    epilog=options.examples(
        "archiver import old-snapshots/",
        "archiver import a_models_20260129_154733.json b_models_20260130_154733.json.gz",
        "archiver import ../kev-data --file kev.json --records vulnerabilities --key cveID",
        "archiver import https://example.org/data.git --file models.json",
    ),
)
@click.argument(
    "paths",
    metavar="FILE…|DIR|REPO|URL",
    nargs=-1,
    required=True,
    type=_Place(exists=True, path_type=Path),
)
@click.option(
    "--file", metavar="PATH", help="Import the history of this file of REPO, or of 'DIR/*.json'."
)
@options.follow
@click.option("--records", metavar="PATH", help="Where its records are: . or a.b or a.b{}")
@click.option("--key", metavar="FIELD", multiple=True, help="A field of their key.  Repeatable.")
@options.excluded
@options.reading
@click.option(
    "--source",
    "name",
    metavar="NAME",
    shell_complete=completion.sources,
    help="Where to.  [default: the only source]",
)
@options.repo
def import_(
    *,
    repo: Path,
    paths: tuple[Path | str, ...],
    file: str | None,
    follow: bool,
    records: str | None,
    key: tuple[str, ...],
    excluded: tuple[str, ...],
    how: Reading,
    name: str | None,
) -> None:
    """Turn old snapshot files, or the history of a file in another repository, into commits.

    The source must still be empty. Each version is dated at its capture time: the one in the
    file's name (UTC; 2026-11-01.json is the beginning of that day) or in the document, or the
    author date of the commit. Versions that cannot
    be read are named and left out. Importing the same again changes nothing.

    A URL (https, http, ssh, git, file) is cloned into a temporary folder.
    """
    if file is not None and len(paths) > 1:
        raise click.UsageError(tr("--file names a file of one repository."))
    files = [path for path in paths if isinstance(path, Path)]
    if file is None and len(files) < len(paths):
        raise click.UsageError(tr("A URL is that of a repository: name a file of it with --file."))
    config = discover(repo, process_environment())
    with Repository.open(config.root) as repository, ExitStack() as stack:
        target = open_target(config, name, repository)
        bar = stack.enter_context(output.progress(target.source.name))
        if file is None:
            origins = from_files(
                files, target.source, records=records, key=key, excluded=excluded, how=how
            )
        else:
            past = from_history(
                paths[0],
                file,
                target.source,
                records=records,
                key=key,
                excluded=excluded,
                how=how,
                follow=follow,
                variables=config.environment.variables,
            )
            origins = stack.enter_context(past)
        done = import_all(
            target, origins, now=now(), progress=lambda number: bar(number, len(origins))
        )
    skipped = (tr("left out: {each}", each=each) for each in done.skipped)
    for line in (*map(retold, done.notes), *skipped):
        output.note(terminal(f"{done.source}: {line}"))
    if not done.committed + done.present + done.identical:
        left_out = count(len(done.skipped), "version")
        raise StoreError(
            sentence("nothing was imported: {left_out} left out, see above", left_out=left_out)
        )
    click.echo(report_output.imported(done))


def _begun(
    job: Job, repo: Path, names: tuple[str, ...], *, as_json: bool
) -> tuple[Config, tuple[str, ...]]:
    """Fetch if that is wanted; return the archiver.toml as it is then, and the sources meant."""
    config = discover(repo, process_environment())
    printing = [each.name for each in config.notify.values() if each.type == "stdout"]
    if as_json and job.notify and not job.dry_run and printing:
        words = tr(
            "-f json and the channel {printing} both write to standard output.",
            printing=printing[0],
        )
        raise click.UsageError(words)
    with output.progress("fetch") if job.push else nullcontext():
        notes = job.prepare(config, config.runnable(names), clock=now)
    for line in notes:
        output.noted(line)
    config = discover(repo, process_environment())
    return config, config.runnable(names)


def _counting(bar: Progress) -> Callable[[Ledger], None]:
    return lambda ledger: bar(ledger.distinct, ledger.announced)


def _tell(report: Report, form: str, *, dry_run: bool) -> None:
    for note in report.notes:
        output.noted(note, about=report.source)
    if form == "text":
        style = COLOURS if output.coloured(sys.stdout, process_environment()) else {}
        sys.stdout.writelines(report_output.run(report, style, dry_run=dry_run))
        sys.stdout.flush()
