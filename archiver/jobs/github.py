"""Results of a job on GitHub: the outputs of its step, and the step summary."""

from __future__ import annotations

import logging
import secrets
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from archiver.capture.report import section_of
from archiver.changes.severity import worst
from archiver.channels import Message
from archiver.channels.local import append, summary
from archiver.errors import reason
from archiver.history.catalogue import configured
from archiver.history.changelog import links
from archiver.language import said, sentence, speaking, tr
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

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
    75: "unfinished",
}
"""Exit code to the output ``status``; every other is ``failed``."""


def is_pull_request(variables: Mapping[str, str]) -> bool:
    """Return whether a pull request started the job."""
    return variables.get("GITHUB_EVENT_NAME") in PULL_REQUESTS


def without_summary_channels(config: Config) -> Config:
    """Return `config` without channels that write the step summary: `write_results` does."""
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
    """Write outputs and step summary to the files that the environment names.

    Args:
        config: The archiver.toml.
        reports: The captures.
        failures: Source to error message.
        code: Exit code of the job.
        dry_run: Whether nothing was committed.

    Raises:
        NotifyError: A file cannot be written.
    """
    captured = {report.source for report in reports}
    with speaking(config.language):
        messages = [_captured(config, report, dry_run=dry_run) for report in reports]
        messages += [
            _failed(source, error, captured=source in captured)
            for source, error in failures.items()
        ]
        text = "".join(_sections(messages, config.template_folder))
    _write(text, reports, code, config.environment.variables)


def write_failure(error: ArchiverError, variables: Mapping[str, str]) -> None:
    """Write outputs and step summary of a job that failed before its first source.

    Raises:
        NotifyError: A file cannot be written.
    """
    text, _ = summary(_failed("archiver", reason(error)), None)
    _write(text, (), error.exit_code, variables)


def _write(text: str, reports: Sequence[Report], code: int, variables: Mapping[str, str]) -> None:
    commits = [report.revision for report in reports if report.revision]
    counts = {
        kind: str(sum(getattr(report.summary, kind) for report in reports))
        for kind in ("new", "updated", "removed")
    }
    outputs = {
        "changed": "true" if commits else "false",
        "commit": commits[-1] if commits else "",
        **counts,
        "severity": worst(chain.from_iterable(report.weights for report in reports)) or "",
        "status": STATUS.get(code, "failed"),
        "summary": text.strip(),
    }
    write_outputs(outputs, variables)
    if path := variables.get("GITHUB_STEP_SUMMARY"):
        append(Path(path), text)


def _sections(messages: Iterable[Message], folder: Path | None) -> Iterator[str]:
    """Yield the sections; errors of the user's template are logged: outputs must be written."""
    errors: dict[str, None] = {}
    written = 0
    for message in messages:
        text, error = summary(message, folder, written=written)
        written += len(text.encode())
        yield text
        if error is not None:
            errors[reason(error)] = None
    for line in errors:
        _log.warning(sentence("{error}; the built-in template was used", error=line))


def _captured(config: Config, report: Report, *, dry_run: bool) -> Message:
    with Repository.open(config.root) as repository:
        link = links(configured(config, report.source, repository))
    context = section_of(report, report.snapshot or "", link)
    if report.outcome == "unchanged":
        headline = tr("nothing changed ({records})", records=report.noun.counted(report.new.total))
    else:
        headline = context["headline"]
    title = f"{report.source}: {headline}"
    return Message(
        id="",
        event="changes",
        source=report.source,
        title=tr("{title} (dry run)", title=title) if dry_run else title,
        text="",
        timestamp=report.new.timestamp or "",
        changes=context,
    )


def _failed(source: str, error: str, *, captured: bool = False) -> Message:
    what = tr("captured, with an error") if captured else tr("failed")
    title, text = f"{source}: {what}", said(error)
    return Message(id="", event="outage", source=source, title=title, text=text, timestamp="")


def write_outputs(values: Mapping[str, str], variables: Mapping[str, str]) -> None:
    """Set the outputs of the step, whatever their values contain.

    Each is delimited by a line that nobody can guess (GitHub docs, "Multiline strings").

    Raises:
        NotifyError: The file cannot be written.
    """
    if path := variables.get("GITHUB_OUTPUT"):
        append(Path(path), "".join(_output(name, value) for name, value in values.items()))


def _output(name: str, value: str) -> str:
    delimiter = f"end_{secrets.token_hex(16)}"
    return f"{name}<<{delimiter}\n{value}\n{delimiter}\n"
