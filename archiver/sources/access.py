"""What a source sends along: parameters, headers, and secrets by the names of their variables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from archiver.errors import ConfigError
from archiver.language import sentence
from archiver.transport.message import Secret, origin, redact

if TYPE_CHECKING:
    from collections.abc import Mapping

Plain: TypeAlias = str | int | float | bool
Param: TypeAlias = Plain | tuple[Plain, ...]

_LETTERS: Final = re.compile(r"[^a-z0-9]")
_SECRET_PARAM: Final = re.compile(
    r"(.*(api|app|access|private|subscription|license)key|.*(access|auth|private|api)token"
    r"|.*(secret|password|passwd|signature|credentials?|jwt)|key|token|pwd|pass|sig|auth"
    r"|authorization|session(id)?)"
)
"""Names of parameters that hold a secret, in lower case and without ``-`` and ``_``."""
_SECRET_HEADER: Final = re.compile(
    r".*(authorization|cookie|secret|password|token|credentials?|key|auth)"
)
"""The same for headers, of which fewer are harmless."""


class Access(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every request of a source says besides its address.

    Attributes:
        params: Parameters of the query.
        headers: Headers.
        bearer_env: Environment variable that holds a token: ``Authorization: Bearer …``.
        basic_env: Environment variable that holds ``user:password``: ``Authorization: Basic …``.
        headers_env: Header to the environment variable that holds its value.
        params_env: Parameter of the query to the environment variable that holds its value.
    """

    params: dict[str, Param] = {}
    headers: dict[str, str] = {}
    bearer_env: str = ""
    basic_env: str = ""
    headers_env: dict[str, str] = {}
    params_env: dict[str, str] = {}

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Which variables hold secrets, and how each is sent."""
        found = [Secret(variable, name) for name, variable in self.headers_env.items()]
        found += [Secret(each, name, in_query=True) for name, each in self.params_env.items()]
        if self.bearer_env:
            found.append(Secret(self.bearer_env, "Authorization", scheme="Bearer"))
        if self.basic_env:
            found.append(Secret(self.basic_env, "Authorization", scheme="Basic"))
        return tuple(found)

    def refuse_secrets(self) -> None:
        """Refuse what contradicts itself, and secrets that are written instead of named.

        Raises:
            ConfigError: The first such setting.
        """
        for name in self.headers:
            if _SECRET_HEADER.fullmatch(_letters(name)):
                raise ConfigError(
                    sentence("headers: {name} is a secret, which is never written here", name=name),
                    hint=_named(name, "headers_env"),
                )
        for name in self.params:
            refuse_secret(name)
        sent = [each.name.lower() for each in self.secrets if not each.in_query]
        sent += [name.lower() for name in self.headers]
        if twice := next((name for name in sent if sent.count(name) > 1), ""):
            raise ConfigError(sentence("the header {name} is set twice", name=twice))
        if both := self.params.keys() & self.params_env.keys():
            raise ConfigError(sentence("the parameter {name} is set twice", name=min(both)))

    @property
    def is_used(self) -> bool:
        """Whether anything is sent along."""
        return bool(self.params or self.headers or self.secrets)


def refuse_secret(name: str) -> None:
    """Refuse the parameter `name` with a literal value where it is that of a secret.

    Raises:
        ConfigError: It is.
    """
    if _SECRET_PARAM.fullmatch(_letters(name)):
        raise ConfigError(
            sentence("params: {name} is a secret, which is never written here", name=name),
            hint=_named(name, "params_env"),
        )


def refuse_unreadable(url: str) -> None:
    """Refuse what is no address on the web.

    Raises:
        ConfigError: It begins with something else, has no host, or a port that is none.
    """
    try:
        scheme, host, _ = origin(url)
    except ValueError:
        scheme, host = "", ""
    if scheme not in ("http", "https") or not host:
        raise ConfigError(
            sentence(
                'url: "{url}" is no address that begins with http:// or https://', url=redact(url)
            )
        )


def refuse_secret_in(url: str) -> None:
    """Refuse an address with a secret in it.

    Raises:
        ConfigError: It has one.
    """
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise ConfigError(
            sentence("url: a password is a secret, which is never written here"),
            hint=sentence('basic_env = "NAME" names the variable that holds user:password'),
        )
    for name, _ in parse_qsl(parts.query):
        refuse_secret(name)


def with_params(url: str, params: Mapping[str, object]) -> str:
    """Return `url` with more parameters in its query, and then without a fragment."""
    if not params:
        return url
    words = {
        name: [_written(each) for each in (value if isinstance(value, (tuple, list)) else [value])]
        for name, value in params.items()
    }
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, urlencode(words, doseq=True))))
    return parts._replace(query=query, fragment="").geturl()


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _letters(name: str) -> str:
    return _LETTERS.sub("", name.lower())


def _named(name: str, setting: str) -> str:
    if name.lower() == "authorization":
        return sentence('bearer_env = "NAME" names the environment variable that holds the token')
    return sentence(
        '{setting} = {{ "{name}" = "NAME" }} names the environment variable that holds it',
        setting=setting,
        name=name,
    )
