"""Connect to a configured source: its pace, its token, its proxies."""

from __future__ import annotations

import hashlib
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from archiver import __version__, sources
from archiver.errors import ConfigError, SourceError, SourceUnavailable, reason
from archiver.language import sentence, stored
from archiver.records.jsontext import dump
from archiver.sources import Fate, Ledger
from archiver.sources.protocol import Given
from archiver.transport import Limits, Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from archiver.capture.target import Target
    from archiver.config import Config, SourceConfig
    from archiver.config.environment import Environment
    from archiver.sources import Request, Secret, Source
    from archiver.sources.listing import Listing


_WHOLE: Final = 10  # times the timeout, for one whole answer
_ASKED: Final = 1000
"""Keys that one run or check asks about at most; for a run the others wait for the next."""

_MEND = sentence(
    "check the network, the proxy (https_proxy, no_proxy), the certificates "
    "(SSL_CERT_FILE) and the address in archiver.toml"
)


@dataclass(frozen=True, slots=True)
class Connection:
    """A configured source that can be asked.

    Attributes:
        target: Where it is archived.
        source: What to ask, and what the answers mean.
        transport: Sends the requests.
        progress: Called with the ledger after each page.
        given: A listing that somebody else made; None: ask the source.
        notes: What the person should know about how the listing was obtained.
    """

    target: Target
    source: Source
    transport: Transport
    progress: Callable[[Ledger], None] | None = None
    given: Listing | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def identity(self) -> str:
        """Digest of what is asked: another question, another listing."""
        config = self.target.source
        settings = [config.settings, list(config.key), self.source.kind, __version__]
        settings += self.source.watched
        if (site := self.source.site("")) is not None:
            settings.append(site.endpoint)  # the environment may have named it
        return hashlib.sha256(dump(settings)).hexdigest()

    def fates(self, keys: Iterable[str]) -> dict[str, Fate]:
        """Ask about `keys`, in this order; where the source cannot tell, the listing is right."""
        requests = {key: self.source.confirm(key) for key in keys}
        gone = {key: Fate("gone") for key, request in requests.items() if request is None}
        asked = ((key, request) for key, request in requests.items() if request is not None)
        return gone | dict(_answers(self.source, self.transport, islice(asked, _ASKED)))


@contextmanager
def connected(
    target: Target,
    *,
    progress: Callable[[Ledger], None] | None = None,
    given: Listing | None = None,
) -> Iterator[Connection]:
    """Connect to the source of `target`, which is not asked where its listing is `given`.

    Raises:
        ConfigError: The settings do not fit the source, or its token is not set.
    """
    if given is not None:
        nobody = Given(None, base=target.config.root)
        yield Connection(target, nobody, Transport(), given=given)
        return
    with opened(target.config, target.source) as (source, transport):
        yield Connection(target, source, transport, progress)


@contextmanager
def opened(config: Config, source: SourceConfig) -> Iterator[tuple[Source, Transport]]:
    """Yield the source and its transport, which is closed when the block ends.

    Raises:
        ConfigError: The settings do not fit the source, or a secret is not set.
    """
    environment = config.environment
    asked = sources.create(
        source.name, source.settings, base=config.root, environ=environment.variables
    )
    sites = asked.sites(token(source, asked, environment))
    if asked.secrets:
        secrets = {each: _value(each, environment) for each in asked.secrets}
        sites = tuple(site.sending(secrets) for site in sites)
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
        sites=sites,
        redirect_to=source.redirect_to,
    ) as transport:
        yield asked, transport


def _value(secret: Secret, environment: Environment) -> str:
    """Return the value of a secret.

    Raises:
        ConfigError: Its variable is not set, or holds what its header cannot.
    """
    value = environment.secret(secret.variable)
    sent = secret.sent(value)
    if not (secret.in_query or (sent.isascii() and sent.isprintable())):
        raise ConfigError(
            sentence(
                "the environment variable {name} holds characters that no header can hold",
                name=secret.variable,
            )
        )
    return value


def token(source: SourceConfig, asked: Source, environment: Environment) -> str:
    """Return the token to send; empty: none.

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


def asked(
    config: Config, name: str, keys: Iterable[str], *, offline: bool = False
) -> dict[str, Fate]:
    """Ask the source `name` about `keys`; those about which it cannot tell are left out.

    A class that archiver.toml names (``package.module:Class``) is not asked: reading a repository
    must not run its code.

    Args:
        config: The archiver.toml.
        name: The source.
        keys: The keys.
        offline: Do not ask: the fate of every key that the source could tell is unknown.
    """
    settings = config.source(name)
    if ":" in settings.type:
        return {}
    try:
        with opened(config, settings) as (source, transport):
            requests = [(key, each) for key in keys if (each := source.confirm(key)) is not None]
            sent = [] if offline else requests[:_ASKED]
            unasked = {key: Fate("unknown", stored("not asked")) for key, _ in requests}
            return unasked | dict(_answers(source, transport, sent))
    except ConfigError as error:
        return {key: Fate("unknown", str(error)) for key in keys}


def _answers(
    source: Source, transport: Transport, requests: Iterable[tuple[str, Request]]
) -> Iterator[tuple[str, Fate]]:
    """Yield the fate of each key; once the source does not answer, the others are unknown too."""
    silent = False
    for key, request in requests:
        if silent:
            yield key, Fate("unknown", stored("not asked: the source did not answer before"))
            continue
        try:
            yield key, source.confirmed(transport.get(request))
        except SourceError as error:
            yield key, Fate("unknown", str(error))
            silent = isinstance(error, SourceUnavailable)


class Checked(NamedTuple):
    """What a source answered: records on its first page, and how many it announces in all."""

    records: int
    announced: int | None


def check(config: Config, name: str) -> Checked:
    """Ask the source `name` for its first page.

    Raises:
        ConfigError: The settings do not fit the source.
        SourceError: It does not answer, or not as it should; the hint says what to check.
    """
    with opened(config, config.source(name)) as (source, transport):
        (request,) = islice(source.plan(Ledger()), 1)
        try:
            page = transport.get(request)
            parsed = source.parse(page)
        except SourceUnavailable as error:
            raise SourceUnavailable(reason(error), hint=_MEND) from error
        with closing(page):
            announced = parsed.matches if parsed.total is None else parsed.total
            return Checked(sum(1 for _ in parsed.records), announced)
