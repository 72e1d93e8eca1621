"""What a run records before it moves refs, so that the next run can finish or undo it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from archiver.errors import RepositoryBusy, StoreError
from archiver.language import sentence
from archiver.records.jsontext import UNREADABLE
from archiver.store.durable import write_whole
from archiver.store.plumbing import failed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from archiver.store.repository import Repository

MOVED = re.compile(r"'(\S+)': (?:is at|reference already exists|unable to resolve reference)")
REASON = "archiver: capture"


class Move(msgspec.Struct, frozen=True):
    """One managed file of the work tree, as blob ids (None: no such file).

    Attributes:
        before: What the work tree held before.
        staged: What the user's index held before.
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
        earlier: The previous transaction, which found the index locked; its files are among these
            too, and count as recorded there if the refs did not move.
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
        """Return what makes the names of this run's temporary files unique."""
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
            message = sentence("another git process holds the index of {root}", root=pending.root)
            raise RepositoryBusy(message, hint=sentence("try again when it has ended"))
        return msgspec.structs.replace(self, files={**left, **self.files}, earlier=pending)

    def save(self, path: Path) -> None:
        """Write the journal, durably and atomically."""
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


def move_refs(repository: Repository, moves: Mapping[str, RefMove]) -> None:
    """Move refs in one transaction, each compared with its expected tip under git's lock.

    Raises:
        StoreError: A ref is not where it was expected; nothing moved.
        RepositoryBusy: Another git process holds one of them.
        StoreError: Or held it long ago and left it locked.
    """
    null = repository.null_id
    updates = (f"update {ref} {one.new} {one.old or null}\n" for ref, one in moves.items())
    script = "".join(("start\n", *updates, "prepare\n", "commit\n"))
    answer = repository.git.ask("update-ref", "-m", REASON, "--stdin", stdin=script.encode())
    if not answer.code:
        return
    if found := MOVED.search(answer.err):
        message = sentence(
            "{found} moved while this run was under way; nothing was written", found=found[1]
        )
        raise StoreError(message, hint=sentence("run it again"))
    failed("update-ref", answer)
