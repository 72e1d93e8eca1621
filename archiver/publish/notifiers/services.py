"""The channel that speaks to some 170 services through apprise: chats, mail, telephones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from archiver.errors import ConfigError, NotifyError
from archiver.publish.notifiers import Notifier

if TYPE_CHECKING:
    from archiver.publish.notifiers import Means, Message


class Apprise(Notifier):
    """Sends plain text to every address that the named variables hold (apprise's URLs)."""

    class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """``url_env`` names the variable, or variables, with addresses separated by spaces."""

        url_env: str | tuple[str, ...]

    def __init__(self, settings: Settings, means: Means) -> None:
        """Load apprise and read the addresses.

        Raises:
            ConfigError: apprise is not installed, or does not know an address.
        """
        super().__init__(settings, means)
        self._services = _services(means.secrets["url_env"])

    def send(self, message: Message) -> None:
        """Send the message to each address."""
        import apprise  # noqa: PLC0415 - 105 ms, an extra

        sent = self._services.notify(
            title=message.title,
            body=message.text or message.title,
            body_format=apprise.NotifyFormat.TEXT,
        )
        if not sent:
            raise NotifyError("a service did not take the message")


def _services(values: tuple[str, ...]) -> Any:
    try:
        import apprise  # noqa: PLC0415 - 105 ms, an extra
    except ImportError as error:
        hint = "pip install 'snapshot-archiver[notify]'"
        raise ConfigError("the type apprise needs the package apprise", hint=hint) from error
    services = apprise.Apprise()
    for number, address in enumerate(" ".join(values).split(), start=1):
        if not services.add(address):
            raise ConfigError(f"apprise does not know address {number} of url_env")
    return services
