"""The channel that speaks to some 170 services through apprise: chats, mail, telephones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from archiver.channels import Delivered, Notifier
from archiver.errors import ConfigError, NotifyError

if TYPE_CHECKING:
    from archiver.channels import Means, Message

_OVERFLOW: Final = re.compile(r"[?&]overflow=", re.IGNORECASE)


class Apprise(Notifier):
    """Sends plain text to every address that the named variables hold (apprise's URLs).

    A message that is too long for a service comes in parts, unless the address says otherwise
    (``overflow=``). Where some take it and some do not, it counts as told.
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
        """Send the message to each address, whatever becomes of the others."""
        took = [_taken(service, message) for service in self._services]
        if not any(took):
            raise NotifyError("no address took the message")
        missed = [str(number) for number, taken in enumerate(took, start=1) if not taken]
        if missed:
            which = f"{', '.join(missed)} of {len(took)}"
            words = "address" if len(missed) == 1 else "addresses"
            raise Delivered(f"{words} {which} did not take the message")


def _taken(service: Any, message: Message) -> bool:
    import apprise  # noqa: PLC0415 - 105 ms, an extra

    return bool(
        service.notify(
            title=message.title,
            body=message.text or message.title,
            body_format=apprise.NotifyFormat.TEXT,
        )
    )


def _services(values: tuple[str, ...]) -> list[Any]:
    """Return what sends to each address.

    Raises:
        ConfigError: apprise is not installed, or does not know an address, or there is none.
    """
    try:
        import apprise  # noqa: PLC0415 - 105 ms, an extra
    except ImportError as error:
        hint = "pip install 'snapshot-archiver[notify]'"
        raise ConfigError("the type apprise needs the package apprise", hint=hint) from error
    services = []
    for number, address in enumerate(" ".join(values).split(), start=1):
        service = apprise.Apprise()
        if not service.add(address):
            raise ConfigError(f"apprise does not know address {number} of url_env")
        if not _OVERFLOW.search(address):
            for each in service:
                if each.overflow_mode == apprise.OverflowMode.UPSTREAM:
                    each.overflow_mode = apprise.OverflowMode.SPLIT
        services.append(service)
    if not services:
        raise ConfigError("url_env holds no address")
    return services
