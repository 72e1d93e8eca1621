"""Make the channels of archiver.toml, with their secrets and the way to the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver import channels
from archiver.channels import Delivered, Means, Message
from archiver.errors import ConfigError, NotifyError, RenderError
from archiver.history.versions import stamp
from archiver.notify import outbox
from archiver.transport import Limits, Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from archiver.channels import Notifier
    from archiver.config import ChannelConfig, Config

_LIMITS = Limits(read=15, deadline=30, retries=3, longest_wait=30, max_bytes=65_536)


def check(config: Config) -> None:
    """Make every channel, so that what cannot work is known before anything is fetched.

    Raises:
        ConfigError: A variable is not set, or a channel cannot be made of its settings.
    """
    with opened_transport(config) as transport:
        for channel in config.notify.values():
            opened(config, channel, transport)


def send_test(config: Config, *, clock: Callable[[], datetime]) -> tuple[str, ...]:
    """Send every channel a message that says that it works; return their names.

    Raises:
        NotifyError: A channel could not be told.
    """
    now = stamp(clock())
    troubles = []
    with opened_transport(config) as transport:
        for channel in config.notify.values():
            message = Message(
                id=outbox.message_id("test", channel.name, now),
                event="test",
                source="",
                title="archiver: this channel works",
                text=f"Sent by archiver notify to the channel {channel.name}.",
                timestamp=now,
            )
            try:
                deliver(config, channel, transport, message)
            except Delivered as flaw:
                troubles.append(f"{channel.name}: {flaw}")
            except NotifyError as error:
                troubles.append(f"not told: {channel.name}: {error}")
    raise_any(troubles)
    return tuple(config.notify)


def deliver(config: Config, channel: ChannelConfig, transport: Transport, message: Message) -> None:
    """Send a message by a channel.

    Raises:
        NotifyError: It was not sent, whatever the channel raised.
        Delivered: It was sent, but something about it went wrong.
    """
    try:
        opened(config, channel, transport).send(message)
    except NotifyError:
        raise
    except (ConfigError, RenderError) as error:
        raise NotifyError(str(error), hint=error.hint) from error
    except Exception as error:  # noqa: BLE001  it may be anybody's code, and its words hold secrets
        raise NotifyError(f"it raised {type(error).__name__}") from None


def raise_any(
    troubles: Iterable[str], misrendered: RenderError | None = None, *, hint: str = ""
) -> None:
    """Raise what went wrong, one trouble a line, if anything did.

    Args:
        troubles: What went wrong with channels.
        misrendered: What is wrong with the user's template.
        hint: What becomes of what was not told.

    Raises:
        NotifyError: There was trouble with a channel.
        RenderError: There was none, but the template is wrong.
    """
    lines = list(dict.fromkeys(troubles))
    if lines:
        if misrendered is not None:
            lines.append(str(misrendered))
        raise NotifyError("\n".join(lines), hint=hint)
    if misrendered is not None:
        raise RenderError(str(misrendered), hint="all were told, with the built-in template")


def printing(config: Config) -> str:
    """Return the name of a channel that writes to standard output; empty: there is none."""
    return next((each.name for each in config.notify.values() if each.type == "stdout"), "")


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
        return channels.create(channel.name, channel.type, channel.settings, means)
    except ConfigError as error:
        raise ConfigError(f"notify.{channel.name}: {error}", hint=error.hint) from error
