"""Channels on this machine: standard output, a file, the step summary of a GitHub job."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from archiver.channels import Delivered, Notifier
from archiver.errors import NotifyError, RenderError, reason
from archiver.language import sentence
from archiver.render.section import unnamed
from archiver.render.templates import render

if TYPE_CHECKING:
    from archiver.channels import Message

SUMMARY = "summary.md.j2"
_LARGEST = 900_000
"""Largest size of a step summary in bytes; GitHub drops one above 1 MiB."""


class Stdout(Notifier):
    """Prints messages."""

    def send(self, message: Message) -> None:
        """Print title and text."""
        sys.stdout.write(plain(message))
        sys.stdout.flush()


class File(Notifier):
    """Appends messages to a file, as JSON lines or text."""

    class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """``path``, relative to archiver.toml; ``.jsonl`` and ``.json`` get JSON, others text."""

        path: Annotated[str, Meta(min_length=1)]

    def send(self, message: Message) -> None:
        """Append the message; the file is created if it does not exist."""
        path = self.means.folder / self.settings.path
        as_json = path.suffix in (".jsonl", ".json")
        text = msgspec.json.encode(message).decode() if as_json else plain(message)
        append(path, text + "\n")


class StepSummary(Notifier):
    """Appends messages to the summary that GitHub shows of a job."""

    def send(self, message: Message) -> None:
        """Append Markdown to the file that ``GITHUB_STEP_SUMMARY`` names, if it is set."""
        if path := self.means.variables.get("GITHUB_STEP_SUMMARY"):
            file = Path(path)
            written = file.stat().st_size if file.exists() else 0
            text, error = summary(message, self.means.templates, written=written)
            append(file, text)
            if error is not None:
                raise Delivered(
                    sentence("{error}; the built-in template was used", error=error)
                ) from error


def summary(
    message: Message, templates: Path | None, *, written: int = 0
) -> tuple[str, RenderError | None]:
    """Return the message as a section of a step summary, and the error of the user's template.

    Without room for its names it only counts; without room for that it is a title.

    Args:
        message: The message.
        templates: The user's templates; the built-in one replaces one that fails.
        written: Bytes that the summary has already.
    """
    try:
        return _fitting(message, templates, written), None
    except RenderError as error:
        if templates is None:
            raise
        return _fitting(message, None, written), error


def _fitting(message: Message, templates: Path | None, written: int) -> str:
    text = _section(message, templates)
    if written + len(text.encode()) > _LARGEST and message.changes is not None:
        counted = msgspec.structs.replace(message, changes=unnamed(message.changes))
        text = _section(counted, templates)
    if written + len(text.encode()) > _LARGEST:
        title = msgspec.structs.replace(message, changes=None, text="")
        text = _section(title, None)
    return text


def _section(message: Message, templates: Path | None) -> str:
    context = msgspec.to_builtins(message)
    return render(SUMMARY, context, folder=templates).strip("\n") + "\n\n"


def plain(message: Message) -> str:
    """Return title and text."""
    return f"{message.title}\n{message.text.rstrip()}\n" if message.text else f"{message.title}\n"


def append(path: Path, text: str) -> None:
    """Append text to a file, in one write.

    Raises:
        NotifyError: It cannot be written.
    """
    try:
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise NotifyError(
            sentence("cannot write {path}: {strerror}", path=path, strerror=error.strerror)
        ) from error
    except ValueError as error:  # a path with NUL
        raise NotifyError(
            sentence("cannot write {path}: {error}", path=path, error=reason(error))
        ) from error
