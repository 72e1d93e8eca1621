"""The channel that posts a signed JSON document to an address."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

import msgspec

from archiver.channels import Notifier
from archiver.errors import ConfigError, NotifyError, SourceError, reason
from archiver.language import sentence
from archiver.transport import Request

if TYPE_CHECKING:
    from archiver.channels import Means, Message

_ACCEPTED = tuple(range(200, 300))


class Webhook(Notifier):
    """Posts the message as JSON, ``archiver/notification/1``.

    ``Idempotency-Key`` is the message's id: a receiver that has seen it may drop the message.
    ``X-Archiver-Signature-256`` is ``sha256=`` and the HMAC-SHA256 (RFC 2104) of the body in hex,
    where `secret_env` is set. Requests are retried after 408, 429 and 5xx.
    """

    class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        """``url_env`` names the variable with the address, ``secret_env`` the one with a key."""

        url_env: str
        secret_env: str = ""

    def __init__(self, settings: Settings, means: Means) -> None:
        """Check the address.

        Raises:
            ConfigError: It is not a web address.
        """
        super().__init__(settings, means)
        (self._url,) = means.secrets["url_env"]
        if not self._url.startswith(("https://", "http://")):
            raise ConfigError(
                sentence(
                    "{url_env} holds no address that begins with https://", url_env=settings.url_env
                )
            )

    def send(self, message: Message) -> None:
        """Post the message."""
        body = msgspec.json.encode(message)
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": message.id,
            "X-Archiver-Event": message.event,
        }
        for secret in self.means.secrets.get("secret_env", ()):
            digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
            headers["X-Archiver-Signature-256"] = f"sha256={digest}"
        request = Request(
            "webhook", self._url, headers, _ACCEPTED, method="POST", body=body, private=True
        )
        try:
            self.means.transport.get(request)
        except SourceError as error:
            raise NotifyError(reason(error)) from None  # the cause holds the address, a secret
