"""The messages that channels receive, of changes and of outages."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from archiver.channels import Message
from archiver.errors import RenderError
from archiver.history.changelog import links
from archiver.language import listed, tr
from archiver.notify import outbox
from archiver.records.model import Summary
from archiver.records.text import chat
from archiver.render import wording
from archiver.render.section import section
from archiver.render.templates import render

if TYPE_CHECKING:
    from pathlib import Path

    from archiver.history.catalogue import Catalogue
    from archiver.notify.filters import Selection
    from archiver.notify.outages import Transition
    from archiver.records.model import End

_TEMPLATE = "notification.txt.j2"


class News(NamedTuple):
    """The changes that a channel is notified of.

    Attributes:
        selection: The changes.
        ends: The two ends of the comparison.
        snapshots: Names of their stamped files; the first is a part of the message's id.
    """

    selection: Selection
    ends: tuple[End, End]
    snapshots: tuple[str, str]


def transition_message(transition: Transition, *, source: str, channel: str, now: str) -> Message:
    """Return the message of the start or the end of an outage."""
    return Message(
        id=outbox.message_id(source, transition.event, transition.since, channel),
        event=transition.event,
        source=source,
        title=transition.title,
        text=chat(transition.text),
        timestamp=now,
    )


def changes_message(
    news: News,
    catalogue: Catalogue,
    *,
    channel: str,
    now: str,
    folder: Path | None,
) -> tuple[Message, RenderError | None]:
    """Return the message, and the error of the user's template if the built-in one was used.

    Args:
        news: The changes.
        catalogue: The source.
        channel: Name of the channel.
        now: The time, where the new end has none; ``YYYY-MM-DD HH:MM:SS`` in UTC.
        folder: The user's templates.
    """
    selection, (old, new) = news.selection, news.ends
    summary = Summary(**{str(kind): number for kind, number in selection.counts.items()})
    context = section(
        source=catalogue.source,
        old=old,
        new=new,
        summary=summary,
        changes=selection.named,
        severities=selection.severities,
        fields=selection.fields,
        told=selection.told,
        snapshots=news.snapshots,
        noun=catalogue.noun,
        link=links(catalogue),
        cap=len(selection.named),
        metrics=True,
    )
    counts = listed(wording.counts(summary))
    template_error = None
    try:
        text = render(_TEMPLATE, context, folder=folder)
    except RenderError as error:
        if folder is None:
            raise
        text, template_error = render(_TEMPLATE, context), error
    message = Message(
        id=outbox.message_id(catalogue.source, news.snapshots[0], selection.digest, channel),
        event="changes",
        source=catalogue.source,
        title=tr(
            "{source}: {counts} ({records})",
            source=catalogue.source,
            counts=counts,
            records=catalogue.noun.counted(new.total),
        ),
        text=text.strip() + "\n",
        timestamp=new.timestamp or now,
        changes=context,
    )
    return message, template_error
