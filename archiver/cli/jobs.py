"""The commands of the unattended job: status, watch, schedule, notify."""

from __future__ import annotations

import shutil
import signal
import sys
import threading
from contextlib import nullcontext
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

from archiver.cli import completion, failure, options, output, report_output
from archiver.clock import now
from archiver.config import discover, process_environment
from archiver.config.scaffold import PACKAGE, PUBLISHED
from archiver.errors import ConfigError
from archiver.jobs.growth import FILE_LIMIT
from archiver.jobs.job import Job
from archiver.jobs.schedule import Cron, Every
from archiver.jobs.status import status as measured
from archiver.jobs.watch import Watch
from archiver.language import retold, sentence, tr
from archiver.notify import dispatch
from archiver.records.text import bytes_, count, terminal
from archiver.render.schedules import FORMS, scheduled
from archiver.render.wording import labelled
from archiver.store.repository import STATE_REF, Repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager
    from datetime import timedelta

    from archiver.capture.report import Report
    from archiver.capture.runlog import Run
    from archiver.config import Config
    from archiver.jobs.growth import Advice, Name
    from archiver.jobs.schedule import Schedule
    from archiver.jobs.status import SourceStatus, Status
    from archiver.records.text import Noun
from archiver.render.schedules import ScheduleForm


@click.command(epilog=options.examples("archiver status", "archiver status --max-age 36h -f json"))
@click.argument("names", metavar="[SOURCE]…", nargs=-1, shell_complete=completion.sources)
@options.period("--max-age", help="End with 1 if the last good run is older: 36h, 7d.")
@options.output_format("text", "json")
@options.repo
@click.pass_context
def status(
    context: click.Context,
    *,
    names: tuple[str, ...],
    max_age: timedelta | None,
    form: str,
    repo: Path,
) -> None:
    """Show when each source was last captured, what failed, and how large the archive is.

    Ends with 1 if the last run of a source failed, was not pushed or not delivered, if there was
    none (also after an import), if the next one is overdue by the rhythm of those before, or if
    the last good one is older than --max-age.
    """
    config = discover(repo, process_environment())
    found = measured(config, config.chosen(names), now=now(), max_age=max_age)
    if form == "json":
        rows = msgspec.to_builtins(found) | {"healthy": found.healthy}
        click.echo(msgspec.json.encode(rows))
    else:
        for line in _lines(found, config):
            click.echo(labelled(line))
    if all(each.last is None and not each.imported for each in found.sources):
        output.note(
            tr(
                "no reports are here; of a clone: git fetch origin {state_ref}:{state_ref}",
                state_ref=STATE_REF,
            )
        )
    context.exit(0 if found.healthy else 1)


def _lines(found: Status, config: Config) -> Iterator[str]:
    for each in found.sources:
        yield from _source_lines(each, config.source(each.source).called)
    growth = (
        tr("unknown: this clone is shallow or partial")
        if found.growth is None
        else bytes_(found.growth)
    )
    if found.committed:
        yield tr("git: {size}, last 30 days: {growth}", size=bytes_(found.git), growth=growth)
    else:
        yield tr("git: {size}, nothing is committed yet", size=bytes_(found.git))
    if found.committed and found.measured is None and found.growth is not None:
        yield tr("  too early to tell when it reaches a limit")
    yield from _limit_lines(found)


_LIMITS: Final[Mapping[Name, str]] = {
    "github": sentence("{most} of git, which GitHub strongly recommends to stay below"),
    "github-most": sentence("{most} of git, the most that GitHub recommends"),
    "gitlab": sentence("{most} of git, the most that GitLab.com stores of a free project"),
    "disk": sentence("the disk here is full"),
    "file": sentence("{source}: a file of {most}, which GitHub refuses"),
    "folder": sentence("{source}: {number:,} stamped files, the most that GitHub recommends"),
}
"""What is reached."""
_ADVICE: Final[Mapping[Advice, str]] = {
    "metrics": sentence(
        'most changes are of metrics alone: metrics = { every = "7d", round = 2 } in archiver.toml'
    ),
    "retention": sentence(
        "the stamped files: keep fewer by [retention] in archiver.toml, or archiver prune"
    ),
    "shards": sentence('larger files than needed: shards = "auto" in archiver.toml'),
    "disk": sentence("the disk: make room, or move the repository"),
    "rollover": sentence("a new repository that goes on from this one: archiver rollover"),
}
"""What to change."""


def _limit_lines(found: Status) -> Iterator[str]:
    """Say when a limit is reached, and what to change, what has the largest effect first."""
    for each in found.limits:
        what = tr(_LIMITS[each.name], most=bytes_(each.most), number=each.most, source=each.source)
        if not each.months:
            yield tr("  warning        now: {what}", what=what)
        elif each.near:
            yield tr("  warning        {date}: {what}", date=each.date, what=what)
        else:
            yield tr("  ahead          {date}: {what}", date=each.date, what=what)
    for advice in dict.fromkeys(chain.from_iterable(each.advice for each in found.limits)):
        yield tr("  to change      {advice}", advice=tr(_ADVICE[advice]))
    if found.limits and found.measured and found.measured.at_most:
        yield tr("  growth         at most: not packed yet, and packed it is less")


def _state(each: SourceStatus) -> str:
    if each.imported:
        return tr("NOT RUN YET")
    if each.healthy:
        return tr("ok")
    if each.stale:
        return tr("STALE")
    return tr("LATE") if each.late and not each.failures else tr("FAILING")


def _source_lines(each: SourceStatus, noun: Noun) -> Iterator[str]:
    good, runs = each.month
    yield f"{each.source}: {_state(each)}"
    yield tr("  last good run  {run}", run=_run(each.good, noun))
    if each.imported:
        yield tr(
            "  imported       up to {imported} UTC; nothing has run since", imported=each.imported
        )
    if each.failures:
        failed = count(each.failures, "failed run")
        yield tr("  since then     {failed}; last: {run}", failed=failed, run=_run(each.last, noun))
    if each.last is not None and each.last.good and each.last.code:
        yield tr(
            "  after it       exit code {code}: {error}",
            code=each.last.code,
            error=terminal(retold(each.last.error)),
        )
    yield tr(
        "  last 30 days   {good:,} of {runs} good", good=good, runs=count(runs, "reported run")
    )
    if each.ahead:
        ahead = count(each.ahead, "report")
        yield tr("  ahead          {ahead} from the future: was the clock wrong?", ahead=ahead)
    for gap in each.gaps:
        yield tr("  gap            {after} to {until} UTC", after=gap.after, until=gap.until)
    largest = tr(
        "{largest} of {file_limit}", largest=bytes_(each.largest), file_limit=bytes_(FILE_LIMIT)
    )
    yield tr(
        "  files          {files}, largest {largest}", files=bytes_(each.files), largest=largest
    )


_OUTCOMES: Final[Mapping[str, str]] = {
    "first": sentence("first"),
    "changed": sentence("changed"),
    "unchanged": sentence("unchanged"),
}
"""What a good run ended with."""


def _run(run: Run | None, noun: Noun) -> str:
    if run is None:
        return tr("never")
    words = tr(_OUTCOMES[run.outcome]) if run.good else terminal(retold(run.error))
    if run.total is None:
        return tr("{time} UTC, {words}", time=run.timestamp, words=words)
    records = noun.counted(run.total)
    return tr("{time} UTC, {words}, {records}", time=run.timestamp, words=words, records=records)


@click.command(
    epilog=options.examples(
        "archiver watch --every 24h --push",
        'archiver watch --cron "17 3 * * *" --timezone Asia/Shanghai',
        "archiver watch --every 24h --serve",
    )
)
@click.argument("names", metavar="[SOURCE]…", nargs=-1, shell_complete=completion.sources)
@options.period("--every", help="Run once in each such time: 24h, 7d.")
@click.option("--cron", metavar="EXPRESSION", help='Run at these times: "17 3 * * *".')
@click.option("--timezone", default="UTC", show_default=True, help="The clock of --cron.")
@click.option("--push", is_flag=True, help="Fetch before, and push branch and reports after.")
@click.option("--notify/--no-notify", default=True, help="Notify the channels of archiver.toml.")
@click.option("--serve", "serves", is_flag=True, help="Serve the site, as `archiver serve` does.")
@click.option("--port", type=click.IntRange(0, 65535), help="Where to; 0: any.  [default: 8765]")
@options.repo
def watch(
    *,
    names: tuple[str, ...],
    every: timedelta | None,
    cron: str | None,
    timezone: str,
    push: bool,
    notify: bool,
    serves: bool,
    port: int | None,
    repo: Path,
) -> None:
    """Run sources again and again until it is stopped (SIGTERM or Ctrl-C, at once).

    Missed runs are caught up by one run. A source that failed is tried again after
    5 minutes, then 10, 20, … up to 6 hours, but not before the time that its server named. The
    reports of earlier runs count: a restart runs nothing twice.
    """
    if port is not None and not serves:
        raise click.UsageError(tr("--port belongs to --serve."))
    schedule_ = _schedule(every, cron, timezone)
    config = discover(repo, process_environment())
    wanted = config.runnable(names)
    job = Job(push=push, notify=notify)

    def run(name: str) -> None:
        config = discover(repo, process_environment())
        for line in job.prepare(config, (name,), clock=now):
            output.noted(line)
        config = discover(repo, process_environment())  # what was fetched may have changed it
        job.run(config, name, clock=now, on_capture=_captured)

    ending = threading.Event()
    watching = Watch(
        wanted,
        schedule_,
        run,
        folder=config.root,
        clock=now,
        wait=ending.wait,
        failed=_failed,
    )
    signal.signal(signal.SIGTERM, _stop)
    try:
        with _served(repo, names, port) if serves else nullcontext():
            output.note(tr("watching {wanted}; stop with Ctrl-C", wanted=", ".join(wanted)))
            watching.forever()
    except _Stopped:
        output.note(tr("stopped"))


def _served(repo: Path, names: tuple[str, ...], port: int | None) -> AbstractContextManager[None]:
    from archiver.cli.serve import beside  # noqa: PLC0415 - only where it is asked for
    from archiver.history.choice import Choice  # noqa: PLC0415 - likewise
    from archiver.site.server import PORT  # noqa: PLC0415 - likewise

    return beside(Choice(repo, process_environment(), names), PORT if port is None else port)


def _captured(report: Report) -> None:
    """Show what was captured; a closed or full standard output does not fail the run."""
    for line in report.notes:
        output.noted(line, about=report.source)
    try:
        click.echo("".join(report_output.run(report, {}, dry_run=False)), nl=False)
    except OSError:
        failure.settle_streams()


class _Stopped(BaseException):
    """The process was asked to end; a commit under way is healed by the next run."""


def _stop(_number: int, _frame: object) -> None:
    raise _Stopped


def _failed(name: str, error: Exception) -> None:
    failure.tell(error, debug=False, about=f"{name}: ")


def _schedule(every: timedelta | None, cron: str | None, timezone: str) -> Schedule:
    if (every is None) == (cron is None):
        raise click.UsageError(tr('Say either --every 24h or --cron "17 3 * * *".'))
    if every is not None:
        return Every.of(every.total_seconds())
    return Cron.read(cron or "", timezone)


@click.command(
    epilog=options.examples(
        "archiver schedule --print systemd",
        'archiver schedule --print cron --cron "17 3 * * *"',
        "archiver schedule --print github > .github/workflows/archive.yml",
        "archiver schedule --print gitlab --pages > .gitlab-ci.yml",
    )
)
@click.option(
    "--print",
    "form",
    type=click.Choice(FORMS),
    required=True,
    help="What runs the job.",
)
@click.option("--cron", default="17 3 * * *", show_default=True, help="When, in UTC.")
@click.option("--pages", is_flag=True, help="Publish the site after each capture.")
@options.repo
def schedule(*, form: ScheduleForm, cron: str, pages: bool, repo: Path) -> None:
    """Print what makes another program run the job: a systemd unit, a crontab line, a workflow.

    Nothing is installed; the first lines say where it belongs.
    """
    if pages and form not in PUBLISHED:
        raise click.UsageError(tr("--pages belongs to --print github or --print gitlab."))
    expression = Cron.read(cron).expression
    environ = process_environment()
    folder = discover(repo, environ).root.resolve()
    found = shutil.which(sys.argv[0])
    command = (str(Path(found).absolute()),) if found else (sys.executable, "-m", "archiver")
    top = Repository.open(folder).root if form in ("github", "gitlab") else None
    words = scheduled(
        form,
        cron=expression,
        folder=folder,
        top=top,
        command=command,
        pages=pages,
        environ=environ,
    )
    click.echo(words, nl=False)
    if form == "github":
        output.note(PACKAGE)
    if pages:
        output.note(PUBLISHED[form])


@click.command(epilog=options.examples("archiver notify"))
@options.repo
def notify(*, repo: Path) -> None:
    """Send every channel of archiver.toml a message that says that it works."""
    config = discover(repo, process_environment())
    if not config.notify:
        raise ConfigError(
            sentence("no channel is configured"), hint=sentence("add a table [notify.NAME]")
        )
    dispatch.send_test(
        config, now=now(), delivered=lambda name: click.echo(tr("{name}: delivered", name=name))
    )
