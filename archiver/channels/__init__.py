"""Channels: the message that they deliver, and their types."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec

from archiver.errors import NotifyError
from archiver.language import sentence
from archiver.plugins import Kinds
from archiver.records.representation import short

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from archiver.transport import Transport

Event: TypeAlias = Literal["changes", "outage", "recovery", "test"]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message to a channel; its JSON form is public, ``archiver/notification/1``.

    Attributes:
        schema: Name of the JSON form.
        id: Equal for the same message to the same channel, also when it is repeated.
        event: What happened.
        source: Name of the source.
        title: One line that no receiver reads as markup or a command.
        text: The details, likewise.
        timestamp: Time of the capture or the run, ``YYYY-MM-DD HH:MM:SS`` in UTC.
        changes: The section that templates receive; None for other events.
    """

    schema: Literal["archiver/notification/1"] = "archiver/notification/1"
    id: str
    event: Event
    source: str
    title: str
    text: str
    timestamp: str
    changes: dict[str, Any] | None = None

    __repr__ = short


class Delivered(NotifyError):
    """A message was delivered, but not to every address or with a flaw; it is not repeated."""


@dataclass(frozen=True, slots=True)
class Means:
    """The means that a channel may use.

    Attributes:
        folder: Folder of archiver.toml.
        transport: Sends HTTP requests.
        secrets: Setting (``url_env``) to the values of the variables that it names; not in `repr`.
        variables: The environment; not in `repr`.
        templates: The user's templates; None: the built-in ones.
    """

    folder: Path
    transport: Transport
    secrets: Mapping[str, tuple[str, ...]] = field(repr=False)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    templates: Path | None = None

    __repr__ = short


class Notifier(ABC):
    """A type of channel.

    A setting whose name ends with ``_env`` names one or several environment variables, whose
    values are in ``means.secrets`` and nowhere else.
    """

    class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """The settings of the type in archiver.toml, beside those of every channel."""

    def __init__(self, settings: Any, means: Means) -> None:
        """Keep the settings; nothing is opened yet."""
        self.settings = settings
        self.means = means

    @abstractmethod
    def send(self, message: Message) -> None:
        """Deliver a message.

        Raises:
            NotifyError: It was not delivered; the message names no secret.
            Delivered: It was delivered with a flaw; it is not repeated.
        """


BUILT_IN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "apprise": "archiver.channels.services:Apprise",
        "file": "archiver.channels.local:File",
        "github": "archiver.channels.local:StepSummary",
        "stdout": "archiver.channels.local:Stdout",
        "webhook": "archiver.channels.webhook:Webhook",
    }
)
"""The built-in types, by name."""

KINDS: Kinds[Notifier] = Kinds(sentence("channel"), Notifier, "archiver.notifiers", BUILT_IN)  # type: ignore[type-abstract]
