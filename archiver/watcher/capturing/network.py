"""Open a configured source with the transport that asks it: its pace, its token, the way out."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from archiver import sources
from archiver.transport import Limits, Transport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.config import Config, SourceConfig
    from archiver.config.environment import Environment
    from archiver.sources import Source


_WHOLE: Final = 10  # times the timeout, for one whole answer


@contextmanager
def opened(config: Config, source: SourceConfig) -> Iterator[tuple[Source, Transport]]:
    """Yield the source and its transport, which is closed when the block ends.

    Raises:
        ConfigError: The source cannot be made of its settings, or its token is not set.
    """
    environment = config.environment
    asked = sources.create(
        source.name, source.settings, base=config.root, environ=environment.variables
    )
    site = asked.site(token(source, asked, environment))
    limits = Limits(
        connect=min(source.timeout, Limits().connect),
        read=source.timeout,
        deadline=_WHOLE * source.timeout,
        retries=source.retries,
    )
    with Transport(
        limits,
        proxies=environment.proxies,
        ca_bundle=environment.ca_bundle,
        sites=() if site is None else (site,),
    ) as transport:
        yield asked, transport


def token(source: SourceConfig, asked: Source, environment: Environment) -> str:
    """Return the token to send, or an empty text.

    The variable that the official clients read counts only for their own endpoint, or the one
    that the environment names: somebody else's archiver.toml must not send a person's token to
    a server of its choice.

    Raises:
        ConfigError: ``token_env`` names a variable that is not set.
    """
    if named := str(source.settings.get("token_env", "")):
        return environment.secret(named)
    if "endpoint" in source.settings:
        return ""
    return environment.variables.get(asked.token_variable, "")
