"""Bring our entries of the person's index to what a commit says, and no other entry."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archiver.store import indexfile
from archiver.store.durable import disk_errors, sync_folder, write_new

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from archiver.store.journal import Move
    from archiver.store.repository import Repository

PATIENCE = 2.0
PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Staging:
    """The index of one work tree.

    Attributes:
        repository: The repository, opened in that work tree.
        root: Root of the work tree.
        scratch: A folder of ours on the same disk.
    """

    repository: Repository
    root: Path
    scratch: Path

    @property
    def lock(self) -> Path:
        """Return git's own lock of this index."""
        return self.repository.git_dir / "index.lock"

    @property
    def _held(self) -> Path:
        return self.scratch / "index.held"

    def entries(self) -> dict[str, str]:
        """Return path and blob id of every entry that is not in conflict."""
        rows = os.fsdecode(self.repository.git.run("ls-files", "--stage", "-z")).split("\0")
        parts = (row.partition("\t") for row in rows if row)
        return {path: meta.split(" ")[1] for meta, _, path in parts if meta.endswith(" 0")}

    def changed(self) -> frozenset[str]:
        """Return the paths whose files are not as the index says, or are left to the person.

        These are in a sparse checkout's shade, or assumed to be unchanged. A file that is just
        not there is not among them.
        """
        git = self.repository.git
        modified, gone = (
            frozenset(os.fsdecode(git.run("ls-files", option, "-z")).split("\0"))
            for option in ("--modified", "--deleted")
        )
        tagged = os.fsdecode(git.run("ls-files", "-v", "-z")).split("\0")[:-1]
        left = (row[2:] for row in tagged if row[0] == "S" or row[0].islower())
        return (modified - gone).union(left)

    def roll(self, files: Mapping[str, Move], seen: Mapping[str, os.stat_result]) -> bool:
        """Bring our entries forward; one that changed since is its person's.

        Args:
            files: Managed path to what happens to it.
            seen: Path to the status of the file while it held what the new commit says.

        Returns:
            Whether it is done; False: somebody else holds the index.
        """
        with disk_errors():
            if not self._acquire():
                return False
            try:
                self._write(files, seen)
            finally:
                self.lock.unlink()
                self._held.unlink()
        return True

    def free(self) -> None:
        """Remove the lock of the index if a run of ours left it."""
        if self._held.exists() and self.lock.exists() and self._held.samefile(self.lock):
            self.lock.unlink()

    def _acquire(self) -> bool:
        self._held.touch()
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.lock.hardlink_to(self._held)
            except FileExistsError:
                if time.monotonic() >= deadline:
                    return False
                time.sleep(PAUSE)  # noqa: TID251  # the store may wait for a lock
            else:
                return True

    def _write(self, files: Mapping[str, Move], seen: Mapping[str, os.stat_result]) -> None:
        entries = self.entries()
        moved = {path: move for path, move in files.items() if entries.get(path) == move.staged}
        wanted = {path: move.after for path, move in moved.items()}
        programs = {path for path, move in moved.items() if move.executable}
        index, private = self.repository.git_dir / "index", self.scratch / "index"
        private.unlink(missing_ok=True)
        if index.exists():
            shutil.copy2(index, private)  # with its time: by it git tells what may have changed
        self._set(private, wanted, programs)
        status = {os.fsencode(path): seen[path] for path in wanted if path in seen}
        content = indexfile.stamped(private.read_bytes(), status, self.repository.object_format)
        private.unlink()
        write_new(private, [content])
        private.replace(index)
        sync_folder(index.parent)

    def _set(self, private: Path, wanted: Mapping[str, str | None], programs: set[str]) -> None:
        null = self.repository.null_id
        rows = (
            f"{'100755' if path in programs else '100644'} {blob}\t{path}\0"
            if blob
            else f"0 {null}\t{path}\0"
            # What goes, goes first: a folder may stand where a file was.
            for path, blob in sorted(wanted.items(), key=lambda row: row[1] is not None)
        )
        git = replace(self.repository.git, variables=(("GIT_INDEX_FILE", str(private)),))
        git.run("update-index", "-z", "--index-info", stdin=os.fsencode("".join(rows)))
