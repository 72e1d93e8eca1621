"""A short way to commit one capture, for tests of the store."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from archiver.store.commit import Change, Committed, Identity, Writer, writing
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NOW = datetime(2026, 1, 29, 15, 47, 33, tzinfo=UTC)


@dataclass(frozen=True)
class Capture:
    """Commits files to the branch that is checked out, or to another one."""

    author: Identity | None = field(default_factory=lambda: Identity("archiver", "a@example.org"))
    moment: datetime = NOW

    def __call__(
        self,
        folder: Path,
        files: Mapping[str, bytes | None],
        *,
        state: Mapping[str, bytes | None] | None = None,
        branch: str | None = None,
        message: str = "ms: a capture\n\nArchiver-Source: ms\n",
    ) -> Committed:
        with Repository.open(folder) as repository, writing(repository) as writer:
            change = self.change(repository, writer, files, branch, message)
            return writer.commit(replace(change, state=state or {}))

    def change(
        self,
        repository: Repository,
        writer: Writer,
        files: Mapping[str, bytes | None],
        branch: str | None = None,
        message: str = "ms: a capture\n",
    ) -> Change:
        ref = repository.branch(branch)
        blobs = {
            path: None if content is None else writer.write_blob([content], len(content))
            for path, content in files.items()
        }
        return Change(
            branch=ref,
            expected=repository.tip(ref),
            files=blobs,
            message=message,
            state={},
            author=self.author,
            authored_at=self.moment,
            committed_at=self.moment,
            managed=("data/ms",),
        )
