"""Make the channels of archiver.toml, with their secrets and the way to the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.errors import ConfigError, NotifyError
from archiver.publish import notifiers
from archiver.publish.notifiers import Means, Message
from archiver.transport import Limits, Transport
from archiver.watcher.reading.versions import stamp
from archiver.watcher.unattended import sent

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from archiver.config import ChannelConfig, Config
    from archiver.publish.notifiers import Notifier

_LIMITS = Limits(read=15, deadline=30, retries=3, longest_wait=30)


def check(config: Config) -> None:
    """Make every channel, so that what cannot work is known before anything is fetched.

    Raises:
        ConfigError: A variable is not set, or a channel cannot be made of its settings.
    """
    with opened_transport(config) as transport:
        for channel in config.notify.values():
            opened(config, channel, transport)


def tell_test(config: Config, *, clock: Callable[[], datetime]) -> tuple[str, ...]:
    """Send every channel a message that says that it works; return their names.

    Raises:
        NotifyError: A channel could not be told.
    """
    now = stamp(clock())
    troubles = []
    with opened_transport(config) as transport:
        for channel in config.notify.values():
            message = Message(
                id=sent.identity("test", channel.name, now),
                event="test",
                source="",
                title="archiver: this channel works",
                text=f"Sent by archiver notify to the channel {channel.name}.",
                timestamp=now,
            )
            try:
                opened(config, channel, transport).send(message)
            except NotifyError as error:
                troubles.append(f"{channel.name}: {error}")
    raise_any(troubles)
    return tuple(config.notify)


def raise_any(troubles: list[str]) -> None:
    """Raise what went wrong, one channel a line, if anything did."""
    if troubles:
        hint = "the snapshot is committed; what was not told is told by the next run"
        raise NotifyError("\n".join(f"not told: {each}" for each in troubles), hint=hint)


def opened_transport(config: Config) -> Transport:
    """Return the transport that channels share."""
    environment = config.environment
    return Transport(_LIMITS, proxies=environment.proxies, ca_bundle=environment.ca_bundle)


def opened(config: Config, channel: ChannelConfig, transport: Transport) -> Notifier:
    """Return the channel, with the secrets that it names.

    Raises:
        ConfigError: A variable is not set, or it cannot be made of its settings.
    """
    secrets = {
        key: tuple(map(config.environment.secret, [value] if isinstance(value, str) else value))
        for key, value in channel.settings.items()
        if key.endswith("_env")
    }
    means = Means(
        config.root, transport, secrets, config.environment.variables, config.template_folder
    )
    try:
        return notifiers.create(channel.name, channel.type, channel.settings, means)
    except ConfigError as error:
        raise ConfigError(f"notify.{channel.name}: {error}", hint=error.hint) from error
