"""Open a configured source with the transport that asks it: its pace, its token, the way out."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from archiver import sources
from archiver.errors import SourceUnavailable
from archiver.sources import Ledger
from archiver.transport import Limits, Transport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.config import Config, SourceConfig
    from archiver.config.environment import Environment
    from archiver.sources import Source


_WHOLE: Final = 10  # times the timeout, for one whole answer

_MEND = (
    "check the network, the proxy (https_proxy, no_proxy), the certificates (REQUESTS_CA_BUNDLE) "
    "and the address in archiver.toml"
)


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


class Checked(NamedTuple):
    """What a source answered: records on its first page, and how many it announces in all."""

    records: int
    announced: int | None


def check(config: Config, name: str) -> Checked:
    """Ask the source `name` for its first page.

    Raises:
        ConfigError: It cannot be made of its settings.
        SourceError: It does not answer, or not as it should; the hint says how to mend it.
    """
    with opened(config, config.source(name)) as (source, transport):
        (request,) = islice(source.plan(Ledger()), 1)
        try:
            parsed = source.parse(transport.get(request))
        except SourceUnavailable as error:
            raise SourceUnavailable(str(error), hint=_MEND) from error
        announced = parsed.matches if parsed.total is None else parsed.total
        return Checked(sum(1 for _ in parsed.records), announced)
