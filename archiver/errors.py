"""The tree of errors, one exit code per class, and the guess at what a person meant.

```
ArchiverError                  never raised itself
├─ ConfigError            2    archiver.toml or an option is wrong; all mistakes at once
├─ SourceError            3    no complete listing, so nothing was written
│    ├─ SourceUnavailable      network, time limit, 429 or 5xx after all retries
│    ├─ SourceRefused          401 or 403
│    └─ MalformedPage          the answer is not what the protocol promises
├─ SnapshotRejected       4    complete but not believable; kept as evidence, not committed
├─ StoreError             5    the data repository
│    ├─ NotADataRepository
│    ├─ UnknownRevision
│    ├─ UnknownRecord
│    ├─ UnreadableSnapshot     a version holds no catalogue (truncated, an error body, …)
│    ├─ DamagedObject
│    ├─ ShallowHistory
│    ├─ PushRejected
│    ├─ StoreFull
│    └─ RepositoryBusy   75    somebody else holds the lock
├─ RenderError            6    a template
└─ NotifyError            7    the snapshot is committed, a message was not delivered
```

Unexpected errors end with 70, an interruption with 130. Exit code 1 means "different" and
appears only where it was asked for. The library raises; only `archiver.cli` catches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable


class ArchiverError(Exception):
    """Something that the person at the keyboard can understand and act on.

    Attributes:
        exit_code: Exit status of the command that ends with this error.
        hint: What to do about it, one sentence, or empty.
    """

    exit_code: ClassVar[int] = 70

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Keep the one-line `message` and the `hint`."""
        super().__init__(message)
        self.hint = hint


class ConfigError(ArchiverError):
    """The configuration or an option cannot be used; lists every mistake found."""

    exit_code = 2


class SourceError(ArchiverError):
    """There is no complete listing; nothing was written."""

    exit_code = 3


class SourceUnavailable(SourceError):
    """The source did not answer in time, or answered "later", after all retries."""


class SourceRefused(SourceError):
    """The source answered 401 or 403."""


class MalformedPage(SourceError):
    """The source answered something that its protocol does not promise."""


class SnapshotRejected(ArchiverError):
    """The listing is complete but not believable; it is kept as evidence."""

    exit_code = 4


class StoreError(ArchiverError):
    """The data repository cannot answer or cannot take what was asked."""

    exit_code = 5


class NotADataRepository(StoreError):
    """There is no git repository, or no archive in it."""


class UnknownRevision(StoreError):
    """No revision, date, snapshot file or plain file has this name."""


class UnknownRecord(StoreError):
    """No version of the catalogue holds a record with this key."""


class UnreadableSnapshot(StoreError):
    """A stored version is not a catalogue: truncated, an error body, conflict markers."""


class DamagedObject(StoreError):
    """An object's content does not have the id under which it is stored."""


class ShallowHistory(StoreError):
    """The clone ends before the answer."""


class PushRejected(StoreError):
    """The remote did not take the branch."""


class StoreFull(StoreError):
    """The disk or a quota is full; the history is whole, old or new."""


class RepositoryBusy(StoreError):
    """Another run holds the lock."""

    exit_code = 75


class RenderError(ArchiverError):
    """A template is missing, wrong, or names something undefined."""

    exit_code = 6


class NotifyError(ArchiverError):
    """The snapshot is committed, but a message was not delivered."""

    exit_code = 7


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return ``; did you mean "…"?`` for the nearest of the `known` names, or nothing."""
    from difflib import get_close_matches  # noqa: PLC0415 - costs 5 ms, needed for mistakes only

    near = get_close_matches(name, list(known), n=1)
    return f'; did you mean "{near[0]}"?' if near else ""
