"""The environment: proxies, certificates, secrets by name. No other module reads it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archiver.errors import ConfigError
from archiver.language import sentence
from archiver.records.representation import short

if TYPE_CHECKING:
    from collections.abc import Mapping


def process_environment() -> Mapping[str, str]:
    """Return the environment of this process."""
    return os.environ  # noqa: TID251  only config reads the environment, and only here


@dataclass(frozen=True, slots=True)
class Environment:
    """Network settings and secrets of the environment.

    Attributes:
        proxies: ``http``, ``https``, ``all`` and ``no_proxy`` to their values, if set. The
            lower-case variable wins, as in curl. Hidden in `repr`: may hold a password.
        ca_bundle: File of trusted certificates; None: those that come with the program.
        variables: The whole environment. Hidden in `repr`.
    """

    proxies: Mapping[str, str] = field(repr=False)
    ca_bundle: str | None
    variables: Mapping[str, str] = field(repr=False)

    __repr__ = short

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> Environment:
        """Read the network settings of `variables`; an empty variable counts as not set."""
        proxies = {
            "http": _first(variables, "http_proxy", "HTTP_PROXY"),
            "https": _first(variables, "https_proxy", "HTTPS_PROXY"),
            "all": _first(variables, "all_proxy", "ALL_PROXY"),
            "no_proxy": _first(variables, "no_proxy", "NO_PROXY"),
        }
        return cls(
            proxies={name: value for name, value in proxies.items() if value},
            ca_bundle=_first(variables, "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"),
            variables=variables,
        )

    def secret(self, name: str) -> str:
        """Return the value of the variable `name` without surrounding white space.

        A file that was pasted into a variable ends with a newline.

        Raises:
            ConfigError: The variable is not set or empty.
        """
        if value := self.variables.get(name, "").strip():
            return value
        raise ConfigError(
            sentence("the environment variable {name} is not set", name=name),
            hint=sentence(
                "Set {name}; secrets are named in archiver.toml, never written there.", name=name
            ),
        )


def _first(variables: Mapping[str, str], *names: str) -> str | None:
    return next((variables[name] for name in names if variables.get(name)), None)
