"""Where the snapshots of one source are committed, and by whom."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archiver import __version__
from archiver.history.catalogue import Catalogue, configured
from archiver.language import said
from archiver.store.change import Change, Identity

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from archiver.config import Config, SourceConfig
    from archiver.store.repository import Repository


@dataclass(frozen=True, slots=True)
class Target:
    """A configured source in its data repository.

    Attributes:
        config: The archiver.toml.
        source: The source.
        repository: The data repository.
        catalogue: The source's history, on the branch that is committed to.
    """

    config: Config
    source: SourceConfig
    repository: Repository
    catalogue: Catalogue

    def tip(self) -> str | None:
        """Return the full id of the branch, or None if nothing was ever committed."""
        return self.repository.tip(self.catalogue.ref)

    def required_tip(self) -> str:
        """Return the full id of the branch; NotADataRepository if nothing was ever committed."""
        tip = self.tip()
        if tip is None:
            raise self.catalogue.no_revision()
        return tip

    def message(self, subject: str) -> str:
        """Return the message of a commit that is no capture, with its trailers."""
        name = self.source.name
        return (
            f"{name}: {said(subject)}\n\nArchiver-Source: {name}\nArchiver-Version: {__version__}\n"
        )

    def files(self, blobs: Mapping[str, str], name: str, tip: str | None) -> dict[str, str | None]:
        """Return what a snapshot's commit writes: every file twice, latest and stamped.

        Args:
            blobs: Rest of the file's name to blob id (see `snapshots.Layout.write`).
            name: Name of the stamped file.
            tip: The commit it stands on; shards that the snapshot lacks are removed.
        """
        latest = f"{self.catalogue.folder}/latest"
        old = self.repository.entries(tip, latest) if tip else {}
        files: dict[str, str | None] = {f"{latest}/{shard}": None for shard in old}
        for rest, blob in blobs.items():
            files[latest + rest] = blob
            files[f"{self.catalogue.stamped}/{name.removesuffix('.json')}{rest}"] = blob
        return files

    def change(
        self,
        files: Mapping[str, str | None],
        message: str,
        *,
        tip: str | None,
        taken: datetime,
        now: datetime,
        state: Mapping[str, bytes | None] | None = None,
        author: Identity | None = None,
    ) -> Change:
        """Return the transaction that commits `files` on `tip`.

        Args:
            files: Path to blob id, None to remove; empty: only the state ref moves.
            message: The commit message.
            tip: The commit that was compared with.
            taken: Author date: the capture time.
            now: Committer date.
            state: Files of the state ref.
            author: Who commits; None: as configured, or as git says.
        """
        identity = self.config.archive.identity
        return Change(
            branch=self.catalogue.ref,
            expected=tip,
            files=files,
            message=message,
            state=state or {},
            author=author or (Identity(*identity) if identity else None),
            authored_at=taken,
            committed_at=now,
            managed=(self.catalogue.folder,),
        )


def state_change(config: Config, state: Mapping[str, bytes | None], *, now: datetime) -> Change:
    """Return the transaction that moves only the state ref; HEAD may be detached."""
    identity = config.archive.identity
    return Change(
        branch="",
        expected=None,
        files={},
        message="",
        state=state,
        author=Identity(*identity) if identity else None,
        authored_at=now,
        committed_at=now,
        managed=(),
    )


def open_target(config: Config, name: str | None, repository: Repository) -> Target:
    """Return the source `name` (None: the only one) in its data repository.

    Raises:
        ConfigError: There is no such source.
        StoreError: HEAD is detached and no branch is configured.
    """
    catalogue = configured(config, name, repository)
    branch = repository.branch(config.archive.branch)
    source = config.source(catalogue.source)
    return Target(config, source, repository, replace(catalogue, ref=branch))
