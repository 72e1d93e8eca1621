"""The channel to some 170 services through apprise: chats, mail, telephones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from archiver.channels import Delivered, Notifier
from archiver.errors import ConfigError, NotifyError
from archiver.language import sentence, sentences

if TYPE_CHECKING:
    from archiver.channels import Means, Message

_OVERFLOW: Final = re.compile(r"[?&]overflow=", re.IGNORECASE)


class Apprise(Notifier):
    """Sends plain text to every address in the named variables (apprise's URLs).

    A message that is too long for a service is sent in parts, unless the address says otherwise
    (``overflow=``). If one address accepts it, it counts as delivered.
    """

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
        """Send the message to each address, even if others fail."""
        accepted = [_send(service, message) for service in self._services]
        if not any(accepted):
            raise NotifyError(sentence("no address accepted the message"))
        missed = [str(number) for number, each in enumerate(accepted, start=1) if not each]
        if missed:
            raise Delivered(
                sentences(
                    "address {missed} of {all} did not accept the message",
                    "addresses {missed} of {all} did not accept the message",
                    len(missed),
                    missed=", ".join(missed),
                    all=len(accepted),
                )
            )


def _send(service: Any, message: Message) -> bool:
    import apprise  # noqa: PLC0415 - 105 ms, an extra

    return bool(
        service.notify(
            title=message.title,
            body=message.text or message.title,
            body_format=apprise.NotifyFormat.TEXT,
        )
    )


def _services(values: tuple[str, ...]) -> list[Any]:
    """Return one apprise object for each address.

    Raises:
        ConfigError: apprise is not installed, or does not know an address, or there is none.
    """
    try:
        import apprise  # noqa: PLC0415 - 105 ms, an extra
    except ImportError as error:
        words = sentence(
            "the type apprise needs its package: pip install 'snapshot-archiver[notify]'"
        )
        raise ConfigError(words) from error
    services = []
    for number, address in enumerate(" ".join(values).split(), start=1):
        service = apprise.Apprise()
        if not service.add(address):
            raise ConfigError(
                sentence("apprise does not know address {number} of url_env", number=number)
            )
        if not _OVERFLOW.search(address):
            for each in service:
                if each.overflow_mode == apprise.OverflowMode.UPSTREAM:
                    each.overflow_mode = apprise.OverflowMode.SPLIT
        services.append(service)
    if not services:
        raise ConfigError(sentence("url_env holds no address"))
    return services
