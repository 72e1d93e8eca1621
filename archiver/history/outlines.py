"""Versions of which the index knows what a step through the history tells: ends and counts."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Protocol, TypeAlias

from archiver.database.reading import counted
from archiver.errors import UnreadableSnapshot
from archiver.history.versions import Part, Version
from archiver.records.model import End

if TYPE_CHECKING:
    from archiver.history.ahead import Ahead
    from archiver.history.catalogue import Catalogue
    from archiver.history.index import Index
    from archiver.history.versions import Versions
    from archiver.records.model import Summary
    from archiver.records.policy import Policy
    from archiver.store.history import Revision


class Outlined(Protocol):
    """Whatever opens versions: `Versions`, or `Outlines` of them.

    Attributes:
        ahead: Looks ahead at what is read of them.
    """

    ahead: Ahead

    def stored(self, revision: Revision) -> Version:
        """Open the version that `revision` holds; UnreadableSnapshot where it holds none."""


Stored: TypeAlias = "Outlined | Versions"


class Outlines:
    """Opens versions only so far as the index knows them; reading one of them opens it in git."""

    def __init__(self, catalogue: Catalogue, versions: Versions, index: Index) -> None:
        """Take the ends from the catalogue's `index`, and all else from git."""
        self._catalogue = catalogue
        self._versions = versions
        self._known = counted(index.connection)
        self._policies = cache(catalogue.policy_in)
        self.ahead = versions.ahead

    def stored(self, revision: Revision) -> Version:
        """Outline the version that `revision` holds.

        Raises:
            UnreadableSnapshot: It holds no catalogue.
        """
        known = self._known[revision.id]
        if known.total is None:
            raise UnreadableSnapshot(known.reason or "")
        opened = partial(self._versions.stored, revision)
        if known.reason is not None:
            return opened()  # its notes are not known one by one
        end = End(revision.id, known.timestamp, known.total)
        parts = {"": Part(None, lambda: opened().lines())}
        return Version(end, parts, again=opened, outlined=True, path=revision.path)

    def policy_then(self, commit: str) -> Policy | None:
        """Return what the fields meant by the archiver.toml in `commit`; None: unknown."""
        settings = self._known[commit].settings
        return None if settings is None else self._policies(settings)

    def summary(self, version: Version) -> Summary | None:
        """Return what a version changed since the readable one before; None: unknown."""
        return self._known[version.end.revision or ""].summary
