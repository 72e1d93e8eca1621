"""What a run writes down before it moves a ref, so that the next run can finish or undo it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from archiver.errors import RepositoryBusy
from archiver.records.jsontext import UNREADABLE
from archiver.store.durable import write_whole

if TYPE_CHECKING:
    from pathlib import Path


class Move(msgspec.Struct, frozen=True):
    """One managed file of the work tree, as blob ids (None: no such file).

    Attributes:
        before: What the work tree held before.
        staged: What the person's index held before.
        after: What the new commit holds.
        executable: Whether it is a program there.
    """

    before: str | None
    staged: str | None
    after: str | None
    executable: bool = False


class RefMove(msgspec.Struct, frozen=True):
    """One ref that moves: from `old` (None: it did not exist) to `new`."""

    old: str | None
    new: str


class Journal(msgspec.Struct, frozen=True):
    """One transaction under way.

    Attributes:
        git_dir: The git folder whose HEAD, index and work tree it concerns.
        root: Root of that work tree; None where no work tree is touched.
        branch: Full ref of the branch whose files these are.
        refs: Full ref to where it moves.
        files: Managed path to what happens to it.
        at: Full id of the commit that holds these files; empty: where `refs` moves the branch.
        earlier: The transaction before, which found the index held by somebody; its files are
            among these too, and count as it says if the refs did not move.
    """

    git_dir: str = ""
    root: str | None = None
    branch: str = ""
    refs: dict[str, RefMove] = {}
    files: dict[str, Move] = {}
    at: str = ""
    earlier: Journal | None = None

    @property
    def tip(self) -> str:
        """Return the full id of the commit that holds these files."""
        return self.at or self.refs[self.branch].new

    @property
    def token(self) -> str:
        """Return what makes the names of this run's temporary files its own."""
        return self.tip[:16]

    def following(self, pending: Journal | None) -> Journal:
        """Return this transaction with the files whose index entries `pending` could not set.

        Raises:
            RepositoryBusy: They are of another work tree.
        """
        if pending is None:
            return self
        pending = msgspec.structs.replace(pending, earlier=None)
        left = {
            path: Move(move.after, move.staged, move.after, move.executable)
            for path, move in pending.files.items()
            if path not in self.files
        }
        if self.root is None:
            place = {"git_dir": pending.git_dir, "root": pending.root, "branch": pending.branch}
            return msgspec.structs.replace(
                self, **place, files=left, at=pending.tip, earlier=pending
            )
        if self.root != pending.root:
            message = f"somebody's git holds the index of {pending.root}"
            raise RepositoryBusy(message, hint="try again when it has ended")
        return msgspec.structs.replace(self, files={**left, **self.files}, earlier=pending)

    def save(self, path: Path) -> None:
        """Write the journal, durably and never by half."""
        write_whole(path, [msgspec.json.encode(self)])

    @classmethod
    def load(cls, path: Path) -> Journal | None:
        """Return the journal at `path`; None: no run is under way."""
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except FileNotFoundError:
            return None
        except UNREADABLE:
            return cls()  # bit rot, or another version's: the refs are the truth
