"""Channels on this machine: standard output, a file, the step summary of a GitHub job."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from archiver.channels import Delivered, Notifier
from archiver.errors import NotifyError, RenderError
from archiver.render.render import render
from archiver.render.section import unnamed

if TYPE_CHECKING:
    from archiver.channels import Message

SUMMARY = "summary.md.j2"
_LARGEST = 900_000
"""Bytes of a step summary; GitHub drops the whole of one above 1 MiB."""


class Stdout(Notifier):
    """Prints the message."""

    def send(self, message: Message) -> None:
        """Print title and text."""
        sys.stdout.write(plain(message))
        sys.stdout.flush()


class File(Notifier):
    """Adds the message to a file, one JSON object a line or as text."""

    class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """``path``, relative to archiver.toml; ``.jsonl`` and ``.json`` get JSON, others text."""

        path: Annotated[str, Meta(min_length=1)]

    def send(self, message: Message) -> None:
        """Append the message; the file is made where there is none."""
        path = self.means.folder / self.settings.path
        as_json = path.suffix in (".jsonl", ".json")
        words = msgspec.json.encode(message).decode() + "\n" if as_json else plain(message) + "\n"
        append(path, words)


class StepSummary(Notifier):
    """Adds the message to the summary that GitHub shows of a job."""

    def send(self, message: Message) -> None:
        """Append Markdown to the file that ``GITHUB_STEP_SUMMARY`` names, if it is set."""
        place = self.means.variables.get("GITHUB_STEP_SUMMARY")
        if place:
            file = Path(place)
            written = file.stat().st_size if file.exists() else 0
            words, trouble = summary(message, self.means.templates, written=written)
            append(file, words)
            if trouble is not None:
                raise Delivered(f"{trouble}; the built-in template stood in") from trouble


def summary(
    message: Message, templates: Path | None, *, written: int = 0
) -> tuple[str, RenderError | None]:
    """Return the message as a section of a step summary, and what was wrong with a template.

    Where there is no room for its names it only counts, and where there is none for that either
    it is a title.

    Args:
        message: The message.
        templates: The user's templates; where theirs fails, the built-in one takes its place.
        written: So many bytes are in the summary already.
    """
    try:
        return _fitting(message, templates, written), None
    except RenderError as error:
        if templates is None:
            raise
        return _fitting(message, None, written), error


def _fitting(message: Message, templates: Path | None, written: int) -> str:
    words = _section(message, templates)
    if written + len(words.encode()) > _LARGEST and message.changes is not None:
        counted = msgspec.structs.replace(message, changes=unnamed(message.changes))
        words = _section(counted, templates)
    if written + len(words.encode()) > _LARGEST:
        title = msgspec.structs.replace(message, changes=None, text="")
        words = _section(title, None)
    return words


def _section(message: Message, templates: Path | None) -> str:
    context = msgspec.to_builtins(message)
    return render(SUMMARY, context, folder=templates).strip("\n") + "\n\n"


def plain(message: Message) -> str:
    """Return title and text."""
    return f"{message.title}\n{message.text.rstrip()}\n" if message.text else f"{message.title}\n"


def append(path: Path, words: str) -> None:
    """Add `words` to a file, in one write.

    Raises:
        NotifyError: It cannot be written.
    """
    try:
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(words)
    except OSError as error:
        raise NotifyError(f"cannot write {path}: {error.strerror}") from error
    except ValueError as error:  # a path with NUL
        raise NotifyError(f"cannot write {path}: {error}") from error
