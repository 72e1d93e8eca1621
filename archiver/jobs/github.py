"""Tell GitHub what a job did: the outputs of its step, and the summary that people see."""

from __future__ import annotations

import logging
import secrets
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from archiver.capture.draft import section_of
from archiver.channels import Message
from archiver.channels.local import append, summary
from archiver.history.catalogue import configured
from archiver.history.changelog import links
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from archiver.capture.report import Report
    from archiver.config import Config
    from archiver.errors import ArchiverError

_log = logging.getLogger(__name__)

PULL_REQUESTS: Final = frozenset({"pull_request", "pull_request_target"})
"""Events on which nothing is committed."""

STATUS = {
    0: "ok",
    2: "config",
    3: "unavailable",
    4: "refused",
    5: "store",
    6: "template",
    7: "notify",
}
"""Exit code to the output ``status``; any other is ``failed``."""


def is_pull_request(variables: Mapping[str, str]) -> bool:
    """Say whether the job was started by a pull request."""
    return variables.get("GITHUB_EVENT_NAME") in PULL_REQUESTS


def without_summary_channels(config: Config) -> Config:
    """Leave out the channels that write the step summary: `write_results` writes it anyway."""
    kept = {name: each for name, each in config.notify.items() if each.type != "github"}
    return replace(config, notify=kept)


def write_results(
    config: Config,
    reports: Sequence[Report],
    failures: Mapping[str, str],
    *,
    code: int,
    dry_run: bool,
) -> None:
    """Write outputs and step summary, as far as the environment names their files.

    Args:
        config: The archiver.toml.
        reports: What was captured.
        failures: Source to what went wrong.
        code: Exit code of the job.
        dry_run: Whether nothing was written.

    Raises:
        NotifyError: A file cannot be written.
    """
    variables = config.environment.variables
    told = [_captured(config, report, dry_run=dry_run) for report in reports]
    kept = {report.source for report in reports}
    told += [_failed(source, words, kept=source in kept) for source, words in failures.items()]
    _write("".join(_summaries(told, config.template_folder)), reports, code, variables)


def write_failure(error: ArchiverError, variables: Mapping[str, str]) -> None:
    """Write outputs and step summary of a job that failed before its first source.

    Raises:
        NotifyError: A file cannot be written.
    """
    words, _ = summary(_failed("archiver", str(error)), None)
    _write(words, (), error.exit_code, variables)


def _write(words: str, reports: Sequence[Report], code: int, variables: Mapping[str, str]) -> None:
    commits = [report.revision for report in reports if report.revision]
    counts = {
        kind: str(sum(getattr(report.summary, kind) for report in reports))
        for kind in ("new", "updated", "removed")
    }
    outputs = {
        "changed": "true" if commits else "false",
        "commit": commits[-1] if commits else "",
        **counts,
        "status": STATUS.get(code, "failed"),
        "summary": words.strip(),
    }
    write_outputs(outputs, variables)
    write_summary(words, variables)


def _summaries(told: list[Message], folder: Path | None) -> Iterator[str]:
    """Yield the sections; trouble with the user's template is logged: outputs must be written."""
    troubles: dict[str, None] = {}
    written = 0
    for message in told:
        words, trouble = summary(message, folder, written=written)
        written += len(words.encode())
        yield words
        if trouble is not None:
            troubles[str(trouble)] = None
    for line in troubles:
        _log.warning("%s; the built-in template stood in", line)


def _captured(config: Config, report: Report, *, dry_run: bool) -> Message:
    with Repository.open(config.root) as repository:
        link = links(configured(config, report.source, repository))
    context = section_of(report, report.snapshot or "", link)
    if report.outcome == "unchanged":
        headline = f"nothing changed ({report.noun.counted(report.new.total)})"
    else:
        headline = context["headline"]
    return Message(
        id="",
        event="changes",
        source=report.source,
        title=f"{report.source}: {headline}{' (dry run)' if dry_run else ''}",
        text="",
        timestamp=report.new.timestamp or "",
        changes=context,
    )


def _failed(source: str, words: str, *, kept: bool = False) -> Message:
    what = "captured, but not all went well" if kept else "failed"
    return Message(
        id="", event="outage", source=source, title=f"{source}: {what}", text=words, timestamp=""
    )


def write_outputs(values: Mapping[str, str], variables: Mapping[str, str]) -> None:
    """Set the outputs of the step, whatever their values hold.

    Each stands between two lines that nobody can guess (GitHub docs, "Multiline strings").

    Raises:
        NotifyError: The file cannot be written.
    """
    if place := variables.get("GITHUB_OUTPUT"):
        append(Path(place), "".join(_output(name, value) for name, value in values.items()))


def write_summary(words: str, variables: Mapping[str, str]) -> None:
    """Add Markdown to the summary of the step.

    Raises:
        NotifyError: The file cannot be written.
    """
    if place := variables.get("GITHUB_STEP_SUMMARY"):
        append(Path(place), words)


def _output(name: str, value: str) -> str:
    mark = f"end_{secrets.token_hex(16)}"
    return f"{name}<<{mark}\n{value}\n{mark}\n"
