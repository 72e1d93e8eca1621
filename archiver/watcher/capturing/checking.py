"""Ask a source for its first page, to see whether it answers."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from archiver.errors import SourceUnavailable
from archiver.sources import Ledger
from archiver.watcher.capturing import network

if TYPE_CHECKING:
    from archiver.config import Config

_MEND = (
    "check the network, the proxy (https_proxy, no_proxy), the certificates (REQUESTS_CA_BUNDLE) "
    "and the address in archiver.toml"
)


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
    with network.opened(config, config.source(name)) as (source, transport):
        (request,) = islice(source.plan(Ledger()), 1)
        try:
            parsed = source.parse(transport.get(request))
        except SourceUnavailable as error:
            raise SourceUnavailable(str(error), hint=_MEND) from error
        announced = parsed.matches if parsed.total is None else parsed.total
        return Checked(sum(1 for _ in parsed.records), announced)
