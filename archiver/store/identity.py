"""Who commits: the person that git knows, or a fixed bot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from archiver.errors import StoreError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

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
                message = f"{value!r} cannot stand in the author line of a commit"
                raise StoreError(message, hint="author = NAME <ADDRESS>, without < > in them")

    def signature(self, moment: datetime) -> str:
        """Return the author line's text for a moment with a time zone; git stores seconds."""
        seconds = int(moment.timestamp())
        if seconds < 0:
            raise StoreError(f"git cannot store {moment:%Y-%m-%d %H:%M:%S}, before 1970")
        return f"{self.name.strip()} <{self.email.strip()}> {seconds} +0000"


BOT = Identity("archiver", "archiver@users.noreply.example")


def configured(repository: Path) -> Identity:
    """Return git's own ``user.name`` and ``user.email`` of a repository, else the bot.

    Args:
        repository: Root of the work tree, or the bare repository.
    """
    import git

    with git.Repo(repository) as opened:  # git reads it: GitPython's own parser misses forms
        name, email = (
            str(opened.git.config("--get", f"user.{each}", with_exceptions=False)).strip()
            for each in ("name", "email")
        )
    return Identity(name, email) if name and email else BOT
