"""What one transaction does, who commits it, and what it may touch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archiver.errors import StoreError
from archiver.language import sentence

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from archiver.store.plumbing import Plumbing

NEVER = frozenset(("", ".", "..", ".git"))
FORBIDDEN = frozenset("<>\n\r\0")


@dataclass(frozen=True, slots=True)
class Identity:
    """A name and a mail address, safe to stand in a commit's header.

    Raises:
        StoreError: One of them is empty or would break out of the header.
    """

    name: str
    email: str

    def __post_init__(self) -> None:
        """Refuse what could forge another header."""
        for value in (self.name, self.email):
            if not value.strip() or FORBIDDEN & set(value):
                message = sentence(
                    "{value!r} cannot stand in the author line of a commit", value=value
                )
                raise StoreError(
                    message, hint=sentence("author = NAME <ADDRESS>, without < > in them")
                )

    def signature(self, moment: datetime) -> str:
        """Return the author line's text for a moment with a time zone; git stores seconds."""
        seconds = int(moment.timestamp())
        if seconds < 0:
            raise StoreError(
                sentence("git cannot store {moment:%Y-%m-%d %H:%M:%S}, before 1970", moment=moment)
            )
        return f"{self.name.strip()} <{self.email.strip()}> {seconds} +0000"


BOT = Identity("archiver", "archiver@users.noreply.example")


def configured(git: Plumbing) -> Identity:
    """Return git's own ``user.name`` and ``user.email`` of a repository, else the bot."""
    out = git.ask("config", "-z", "--get-regexp", r"^user\.(name|email)$").out
    rows = (row.partition("\n") for row in out.decode(errors="replace").split("\0"))
    last = {key: value for key, _, value in rows}
    name, email = last.get("user.name", "").strip(), last.get("user.email", "").strip()
    return Identity(name, email) if name and email else BOT


@dataclass(frozen=True, slots=True)
class Change:
    """What one transaction does.

    Attributes:
        branch: Full ref of the branch to commit to.
        expected: The tip that the caller compared with; None: unborn.
        files: Managed path to blob id; None removes. Empty: only the state ref moves.
        message: The whole commit message.
        state: File of the state ref to its content; None removes.
        author: Who commits; None: git's own identity of the repository, else the bot.
        authored_at: Author date, with a time zone; the capture time.
        committed_at: Committer date, with a time zone.
        managed: Folders or files under which alone `files` may lie.
        state_base: The commit that the state is laid over; None: the tip of the state ref.
        adopted: A commit that is there already, to which the branch moves; `files` is then what
            it changes from `expected`, managed or not.
        replaced: Path to the blob id in `expected`; of an adopted commit only.
        programs: Those of `files` that are programs; of an adopted commit only.
    """

    branch: str
    expected: str | None
    files: Mapping[str, str | None]
    message: str
    state: Mapping[str, bytes | None]
    author: Identity | None
    authored_at: datetime
    committed_at: datetime
    managed: tuple[str, ...]
    state_base: str | None = None
    adopted: str | None = None
    replaced: Mapping[str, str | None] = field(default_factory=dict)
    programs: AbstractSet[str] = frozenset()

    def manages(self, path: str) -> bool:
        """Return whether `path` is one of the managed paths."""
        return any(path == one or path.startswith(f"{one}/") for one in self.managed)

    def check(self) -> None:
        """Check that the change writes managed paths only, and that git can hold it.

        Raises:
            StoreError: A path is not managed or unsafe, or the message cannot be stored.
        """
        for path in self.files if self.adopted is None else ():
            if not self.manages(path):
                raise StoreError(sentence("{path} is not a managed path", path=path))
        for path in (*self.files, *self.state):
            if "\0" in path or any(name.lower() in NEVER for name in path.split("/")):
                raise StoreError(sentence("{path!r} is not a path that git can hold", path=path))
        if "\0" in self.message:
            raise StoreError(sentence("a commit message cannot hold a NUL character"))


@dataclass(frozen=True, slots=True)
class Committed:
    """What a transaction did.

    Attributes:
        revision: Id of the new commit; None: the branch holds these files already.
        state: Tip of the state ref; None: there is none.
        kept: Paths on `KEPT_REF` of the local changes that managed files had.
    """

    revision: str | None
    state: str | None
    kept: tuple[str, ...] = ()
