"""Compose what a channel is told of a change set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from archiver.channels import Message
from archiver.errors import RenderError
from archiver.notify import outbox
from archiver.records.model import Summary
from archiver.render import wording
from archiver.render.render import render
from archiver.render.section import section

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from archiver.notify.filters import Selection
    from archiver.records.model import End
    from archiver.records.text import Noun

_TEMPLATE = "notification.txt.j2"


class Told(NamedTuple):
    """What is told.

    Attributes:
        selection: The changes.
        ends: The two ends of the comparison.
        names: Names of their stamped files; the first is a part of the message's id.
    """

    selection: Selection
    ends: tuple[End, End]
    names: tuple[str, str]


def composed(
    told: Told,
    *,
    source: str,
    channel: str,
    now: str,
    noun: Noun,
    link: Callable[[str], str],
    folder: Path | None,
) -> tuple[Message, RenderError | None]:
    """Return the message, and what was wrong with the user's template: the built-in one stood in.

    Args:
        told: What it tells.
        source: Name of the source.
        channel: Name of the channel.
        now: The time, where the new end has none; ``YYYY-MM-DD HH:MM:SS`` in UTC.
        noun: What the records are called.
        link: Returns the address of a record's page; empty: it has none.
        folder: The user's templates.
    """
    selection, new = told.selection, told.ends[1]
    summary = Summary(**{str(kind): number for kind, number in selection.counts.items()})
    context = section(
        source=source,
        old=told.ends[0],
        new=new,
        summary=summary,
        changes=selection.named,
        snapshots=told.names,
        noun=noun,
        link=link,
        cap=len(selection.named),
        metrics=True,
    )
    text, trouble = _rendered(context, folder)
    message = Message(
        id=outbox.message_id(source, told.names[0], selection.digest, channel),
        event="changes",
        source=source,
        title=f"{source}: {', '.join(wording.counts(summary))} ({noun.counted(new.total)})",
        text=text.strip() + "\n",
        timestamp=new.timestamp or now,
        changes=context,
    )
    return message, trouble


def _rendered(context: dict[str, Any], folder: Path | None) -> tuple[str, RenderError | None]:
    try:
        return render(_TEMPLATE, context, folder=folder), None
    except RenderError as error:
        if folder is None:
            raise
        return render(_TEMPLATE, context), error
