"""The source whose records somebody else lists: a class with its own ``fetch_latest_models``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.errors import ConfigError
from archiver.sources.protocol import Parsed, Source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archiver.sources.protocol import Ledger
    from archiver.transport import Page, Request


class Given(Source):
    """Cannot be asked; only takes what it is given."""

    def plan(self, ledger: Ledger) -> Sequence[Request]:  # noqa: ARG002  there is nothing to plan
        """Refuse: only the class that lists the records can."""
        raise ConfigError("this source is listed by a class of its own", hint="run that class")

    def parse(self, page: Page) -> Parsed:
        """Take no page: none was ever asked for."""
        raise NotImplementedError
