"""Channels of archiver.toml: made with the secrets that they name, and the sending of messages."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from archiver.channels import KINDS, Delivered, Means, Message
from archiver.errors import ConfigError, NotifyError, RenderError, StoreError, reason
from archiver.history.versions import stamp
from archiver.language import joined, sentence, speaking, tr
from archiver.notify import outbox
from archiver.transport import Limits, Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from archiver.channels import Notifier
    from archiver.config import ChannelConfig, Config

_LIMITS = Limits(read=15, deadline=30, retries=3, longest_wait=30, max_bytes=65_536)


def send_test(
    config: Config, *, now: datetime, delivered: Callable[[str], object] = lambda _: None
) -> None:
    """Send a test message to every channel, also after one that fails.

    Args:
        config: The archiver.toml.
        now: Time, UTC.
        delivered: Receives the name of each channel that delivered it.

    Raises:
        NotifyError: A channel could not deliver it.
    """
    time = stamp(now)
    with speaking(config.language), opened(config) as dispatcher:
        for channel in config.notify.values():
            message = Message(
                id=outbox.message_id("test", channel.name, time),
                event="test",
                source="",
                title=tr("archiver: this channel works"),
                text=tr("Sent by archiver notify to the channel {channel}.", channel=channel.name),
                timestamp=time,
            )
            with dispatcher.guarded(channel):
                dispatcher.send(channel, message)
                delivered(channel.name)
    dispatcher.raise_any()


@contextmanager
def opened(config: Config) -> Iterator[Dispatcher]:
    """Yield the dispatcher of the channels of `config`."""
    environment = config.environment
    with Transport(
        _LIMITS, proxies=environment.proxies, ca_bundle=environment.ca_bundle
    ) as transport:
        yield Dispatcher(config, transport)


class Dispatcher:
    """Sends messages by the channels of an archiver.toml; the failure of one stops no other.

    Attributes:
        template_error: What is wrong with the user's template, if the built-in one was used.
    """

    def __init__(self, config: Config, transport: Transport) -> None:
        """Send by the channels of `config`, which share the `transport`."""
        self._config = config
        self._transport = transport
        self._errors: dict[str, None] = {}
        self._store_error: StoreError | None = None
        self.template_error: RenderError | None = None

    @contextmanager
    def guarded(self, channel: ChannelConfig) -> Iterator[None]:
        """Collect the error that keeps a channel from delivering, for `raise_any`."""
        try:
            yield
        except (NotifyError, ConfigError, RenderError) as error:
            self._errors[
                sentence(
                    "not delivered: {channel}: {error}", channel=channel.name, error=reason(error)
                )
            ] = None
        except StoreError as error:
            self._store_error = self._store_error or error

    def send(self, channel: ChannelConfig, message: Message) -> None:
        """Send a message by a channel; a delivery with a flaw is collected for `raise_any`.

        Raises:
            NotifyError: It was not delivered, whatever the channel raised.
            ConfigError: The channel cannot be made.
            RenderError: A template of the channel cannot be rendered.
        """
        try:
            self.open(channel).send(message)
        except Delivered as flaw:
            self._errors[joined(": ", (channel.name, reason(flaw)))] = None
        except (NotifyError, ConfigError, RenderError):
            raise
        except Exception as error:  # noqa: BLE001  it may be anybody's code, and its words hold secrets
            raise NotifyError(sentence("it raised {name}", name=type(error).__name__)) from None

    def open(self, channel: ChannelConfig) -> Notifier:
        """Return the channel, with the secrets that it names.

        Raises:
            ConfigError: A variable is not set, or it cannot be made from its settings.
        """
        environment = self._config.environment
        secrets = {
            key: tuple(map(environment.secret, [value] if isinstance(value, str) else value))
            for key, value in channel.settings.items()
            if key.endswith("_env")
        }
        means = Means(
            folder=self._config.root,
            transport=self._transport,
            secrets=secrets,
            variables=environment.variables,
            templates=self._config.template_folder,
        )
        try:
            kind = KINDS.find(channel.type, folder=means.folder)
            return kind(msgspec.convert(channel.settings, kind.Settings), means)
        except ConfigError:
            raise
        except msgspec.ValidationError as error:
            raise ConfigError(reason(error)) from error
        except Exception as error:  # noqa: BLE001  it may be anybody's code, and its words hold secrets
            words = sentence(
                "the type {type} raised {name}", type=channel.type, name=type(error).__name__
            )
            raise ConfigError(words) from None

    def raise_any(self, *, hint: str = "") -> None:
        """Raise what went wrong, one error a line, if anything did.

        Raises:
            StoreError: The repository failed; the other channels were notified.
            NotifyError: A channel failed; its hint is `hint`.
            RenderError: No channel failed, but the user's template did.
        """
        if self._store_error is not None:
            raise self._store_error
        template = [] if self.template_error is None else [reason(self.template_error)]
        if self._errors:
            raise NotifyError(joined("\n", (*self._errors, *template)), hint=hint)
        if template:
            hint = sentence("all channels were notified, with the built-in template")
            raise RenderError(*template, hint=hint)
