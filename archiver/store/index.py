"""Update our entries of the user's index to a commit, and no other entry.

An entry also records when its file was last seen, so that git need not read it again: ``git add
--refresh`` would read them all (0.3 s for two files of 35 MB) and run the filters that attributes
ask for. The format is git's ``index-format.txt``, versions 2 and 3; in version 4 the entries stay
unstamped, and the next ``git status`` reads the files.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archiver.store.durable import acquired, disk_errors, sync_folder, write_new

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from archiver.store.journal import Move
    from archiver.store.repository import Repository

PATIENCE = 2.0
HEADER = struct.Struct(">4sII")
STAT = struct.Struct(">10I")
FLAGS = struct.Struct(">H")
EXTENDED, STAGE = 0x4000, 0x3000
KNOWN_VERSIONS = (2, 3)
WORD = 0xFFFF_FFFF
MODE = 6  # where the mode stands among the words of `STAT`


@dataclass(frozen=True, slots=True)
class Index:
    """The index of one work tree.

    Attributes:
        repository: The repository, opened in that work tree.
        root: Root of the work tree.
        scratch: Our scratch folder, on the same disk.
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
        """Return the paths whose files differ from the index, or are left to the user.

        The latter are outside of a sparse checkout, or marked as assumed unchanged. A file that
        is merely absent is not among them.
        """
        git = self.repository.git
        modified, gone = (
            frozenset(os.fsdecode(git.run("ls-files", option, "-z")).split("\0"))
            for option in ("--modified", "--deleted")
        )
        tagged = os.fsdecode(git.run("ls-files", "-v", "-z")).split("\0")[:-1]
        left = (row[2:] for row in tagged if row[0] == "S" or row[0].islower())
        return (modified - gone).union(left)

    def update(self, files: Mapping[str, Move], seen: Mapping[str, os.stat_result]) -> bool:
        """Update our entries; one that changed since is left to the user.

        Args:
            files: Managed path to what happens to it.
            seen: Path to the status of the file while it matched the new commit.

        Returns:
            Whether it is done; False: another process holds the index.
        """
        with disk_errors():
            self._held.touch()
            if not acquired(lambda: self.lock.hardlink_to(self._held), PATIENCE):
                return False
            try:
                self._write(files, seen)
            finally:
                self.lock.unlink()
                self._held.unlink()
        return True

    def free(self) -> None:
        """Remove the lock of the index if one of our runs left it."""
        if self._held.exists() and self.lock.exists() and self._held.samefile(self.lock):
            self.lock.unlink()

    def _write(self, files: Mapping[str, Move], seen: Mapping[str, os.stat_result]) -> None:
        entries = self.entries()
        moved = {path: move for path, move in files.items() if entries.get(path) == move.staged}
        wanted = {path: move.after for path, move in moved.items()}
        programs = {path for path, move in moved.items() if move.executable}
        index, private = self.repository.git_dir / "index", self.scratch / "index"
        private.unlink(missing_ok=True)
        if index.exists():
            shutil.copy2(index, private)  # with its time, by which git sees what may have changed
        self._set(private, wanted, programs)
        status = {os.fsencode(path): seen[path] for path in wanted if path in seen}
        content = stamped(private.read_bytes(), status, self.repository.object_format)
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
            # Deletions first: a folder may take the place of a file.
            for path, blob in sorted(wanted.items(), key=lambda row: row[1] is not None)
        )
        git = replace(self.repository.git, variables=(("GIT_INDEX_FILE", str(private)),))
        git.run("update-index", "-z", "--index-info", stdin=os.fsencode("".join(rows)))


def stamped(index: bytes, seen: Mapping[bytes, os.stat_result], object_format: str) -> bytes:
    """Return the index with the status of the files in `seen` written into their entries.

    Args:
        index: The whole index file.
        seen: Path to the status of the file while it matched its entry.
        object_format: ``sha1`` or ``sha256``.
    """
    _, version, count = HEADER.unpack_from(index)
    if version not in KNOWN_VERSIONS:
        return index
    width = hashlib.new(object_format).digest_size
    content = bytearray(index[:-width])
    for offset, path in entries(index, count, width):
        if path in seen:
            mode = STAT.unpack_from(index, offset)[MODE]
            content[offset : offset + STAT.size] = packed(seen[path], mode)
    skipped = index[-width:] == bytes(width)  # index.skipHash: the user wants no checksum
    checksum = bytes(width) if skipped else hashlib.new(object_format, content).digest()
    return bytes(content) + checksum


def entries(index: bytes, count: int, width: int) -> Iterator[tuple[int, bytes]]:
    """Yield offset and path of every entry that is not in conflict."""
    offset = HEADER.size
    for _ in range(count):
        (flags,) = FLAGS.unpack_from(index, offset + STAT.size + width)
        begin = offset + STAT.size + width + FLAGS.size * (2 if flags & EXTENDED else 1)
        end = index.index(b"\0", begin)
        if not flags & STAGE:
            yield offset, index[begin:end]
        offset += (end - offset + 8) & ~7  # padded with 1 to 8 NUL


def packed(seen: os.stat_result, mode: int) -> bytes:
    """Return the ten words that git keeps of a file's status, with the entry's own `mode`."""
    second = 1_000_000_000
    words = (
        *divmod(seen.st_ctime_ns, second),
        *divmod(seen.st_mtime_ns, second),
        *(seen.st_dev, seen.st_ino, mode, seen.st_uid, seen.st_gid, seen.st_size),
    )
    return STAT.pack(*(word & WORD for word in words))
