"""The tree of errors with their exit codes, and suggestions for misspelled names.

```
ArchiverError                  never raised itself
├─ ConfigError            2    archiver.toml or an option is wrong; reports all errors at once
├─ SourceError            3    no complete listing, so nothing was written
│    ├─ SourceUnavailable      network, silence, 429 or 5xx after all retries
│    │    └─ Unfinished   75    the run has a time limit, and the listing goes on in the next one
│    ├─ SourceRefused          401 or 403
│    └─ MalformedPage          the answer violates the protocol
├─ SnapshotRejected       4    complete but not plausible; quarantined, not committed
├─ StoreError             5    the data repository
│    ├─ NotADataRepository
│    ├─ UnknownRevision
│    ├─ UnknownRecord
│    ├─ UnreadableSnapshot     a version is not a catalogue (truncated, an error body, …)
│    │    └─ DamagedObject     an object of git is missing or broken
│    ├─ ShallowHistory
│    │    └─ PreviousNotHere    the answer is in the repository that this one goes on from
│    ├─ MissingContent         a partial clone lacks it, and its remote did not give it
│    ├─ PushRejected
│    ├─ StoreFull
│    ├─ DatabaseDamaged        the index; it is built again
│    └─ RepositoryBusy   75    another run holds the lock
├─ RenderError            6    a template
└─ NotifyError            7    the snapshot is committed, a message was not delivered
```

Unexpected errors end with 70, output that cannot be written with 74, an interruption with 130.
Exit code 1 means "different" and occurs only on request. The library raises; only `archiver.cli`
catches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from archiver.language import Sentence, sentence

if TYPE_CHECKING:
    from collections.abc import Iterable


class ArchiverError(Exception):
    """An error that the user can understand and act on.

    Attributes:
        exit_code: Exit status of the command that ends with this error.
        hint: What to do about it, in one sentence; may be empty.
    """

    exit_code: ClassVar[int] = 70

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Create the error with a one-line `message`."""
        super().__init__(message)
        self.hint = hint


class ConfigError(ArchiverError):
    """The configuration or an option is wrong; lists all errors."""

    exit_code = 2


class SourceError(ArchiverError):
    """There is no complete listing; nothing was written."""

    exit_code = 3


class SourceUnavailable(SourceError):
    """The source did not answer in time, or asked to wait, after all retries.

    Attributes:
        wait: Seconds that it asked to wait; 0: it asked for nothing.
    """

    def __init__(self, message: str, *, hint: str = "", wait: float = 0) -> None:
        """Create the error with a one-line `message`."""
        super().__init__(message, hint=hint)
        self.wait = wait


class Unfinished(SourceUnavailable):
    """The listing did not end within the time limit of the run; the next run goes on with it."""

    exit_code = 75


class SourceRefused(SourceError):
    """The source answered 401 or 403."""


class MalformedPage(SourceError):
    """The source violated its protocol."""


class SnapshotRejected(ArchiverError):
    """The listing is complete but not plausible; it is quarantined."""

    exit_code = 4


class StoreError(ArchiverError):
    """The data repository cannot be read or written as requested."""

    exit_code = 5


class NotADataRepository(StoreError):
    """There is no git repository, or no archive in it."""


class NotInARepository(NotADataRepository):
    """A folder lies in no git repository."""


class UnknownRevision(StoreError):
    """No revision, date, snapshot file or plain file has this name."""


class UnknownRecord(StoreError):
    """No version of the catalogue holds a record with this key."""


class UnreadableSnapshot(StoreError):
    """A stored version is not a catalogue: truncated, an error body, conflict markers."""


class DamagedObject(UnreadableSnapshot):
    """An object is missing, or its content does not match its id."""


class ShallowHistory(StoreError):
    """The clone ends before the answer.

    Attributes:
        commit: Full id of the commit at which it ends.
        path: Where the file is in that commit.
    """

    def __init__(self, message: str, *, hint: str = "", commit: str = "", path: str = "") -> None:
        """Keep the one-line `message`, the `hint`, the `commit` and the `path`."""
        super().__init__(message, hint=hint)
        self.commit = commit
        self.path = path


class PreviousNotHere(ShallowHistory):
    """The archive goes on from another repository, which has the answer and was not fetched."""


class MissingContent(StoreError):
    """A partial clone lacks what is asked for, and its remote does not give it."""


class PushRejected(StoreError):
    """The remote rejected the branch, or there is none."""


class StoreFull(StoreError):
    """The disk or a quota is full; the history is intact."""


class DatabaseDamaged(StoreError):
    """The index is not what was written; it is derived, and can be built again."""


class RepositoryBusy(StoreError):
    """Another run holds the lock."""

    exit_code = 75


class RenderError(ArchiverError):
    """A template is missing or wrong, or uses an undefined name."""

    exit_code = 6


class NotifyError(ArchiverError):
    """The snapshot is committed, but a message was not delivered."""

    exit_code = 7


def reason(error: BaseException) -> str:
    """Return what an error says: its `Sentence` where it has one, else its words."""
    first = error.args[0] if error.args else None
    return first if isinstance(first, Sentence) else str(error)


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return ``; did you mean "…"?`` for the nearest of the `known` names, or nothing."""
    from difflib import get_close_matches  # noqa: PLC0415 - costs 5 ms, only for misspelled names

    near = get_close_matches(name, list(known), n=1)
    return sentence('; did you mean "{near}"?', near=near[0]) if near else ""
