"""Write git objects as loose files, faster and more durably than git does, and edit trees.

hashlib and zlib at level 1 take 0.4 s for 50 MB where ``git hash-object`` takes 1.4 to 3.1 s.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from archiver.errors import DamagedObject, StoreError
from archiver.language import sentence
from archiver.store.durable import disk_errors, make_folders, sync_folder, write_new

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from archiver.store.objects import ObjectReader

LEVEL = 1
FILE, FOLDER, LINK = b"100644", b"40000", b"120000"


class LooseStore:
    """The loose objects of one repository, for one writer that holds the lock."""

    def __init__(self, objects: Path, scratch: Path, object_format: str) -> None:
        """Write below `objects`, through `scratch` on the same disk."""
        self._objects = objects
        self._scratch = scratch
        self._format = object_format
        self._unsettled: set[Path] = set()

    def write(self, kind: str, chunks: Iterable[bytes], size: int) -> str:
        """Store one object and return its id; `settle` makes it durable.

        Args:
            kind: ``blob``, ``tree`` or ``commit``.
            chunks: The content.
            size: Its length in bytes.

        Raises:
            StoreError: `chunks` are shorter or longer than `size`, or the disk is broken.
            StoreFull: The disk is full.
        """
        digest = hashlib.new(self._format)
        header = f"{kind} {size}\0".encode()
        temporary = self._scratch / "object"
        with disk_errors():
            temporary.unlink(missing_ok=True)
            try:
                write_new(temporary, deflated(header, measured(chunks, size), digest.update), 0o444)
            except OSError:
                temporary.unlink(missing_ok=True)  # git status needs room on a full disk
                raise
            oid = digest.hexdigest()
            self._link(temporary, oid)
        return oid

    def settle(self) -> None:
        """Make the names of everything written so far durable."""
        with disk_errors():
            for folder in self._unsettled:
                sync_folder(folder)
        self._unsettled.clear()

    def _link(self, temporary: Path, oid: str) -> None:
        final = self._objects / oid[:2] / oid[2:]
        make_folders(final.parent)
        self._unsettled.add(final.parent)
        if final.exists() and self._intact(final, oid):
            os.utime(final)  # a prune of old unreachable objects must see that it is wanted
            temporary.unlink()
        else:
            temporary.replace(final)

    def _intact(self, path: Path, oid: str) -> bool:
        digest = hashlib.new(self._format)
        try:
            for piece in inflated(path):
                digest.update(piece)
        except DamagedObject:
            return False
        return digest.hexdigest() == oid


def measured(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Yield `chunks`, and check that they are `size` bytes."""
    left = size
    for chunk in chunks:
        left -= len(chunk)
        yield chunk
    if left:
        raise StoreError(
            sentence(
                "content of {size} bytes was announced, {size2} came", size=size, size2=size - left
            )
        )


def deflated(
    header: bytes, chunks: Iterable[bytes], seen: Callable[[bytes], object]
) -> Iterator[bytes]:
    """Yield the compressed form of an object, and pass its plain form to `seen`."""
    packer = zlib.compressobj(LEVEL)
    for chunk in chain((header,), chunks):
        seen(chunk)
        yield packer.compress(chunk)
    yield packer.flush()


def inflated(path: Path) -> Iterator[bytes]:
    """Yield the plain form of a loose object, header included."""
    unpacker = zlib.decompressobj()
    with path.open("rb") as file:
        try:
            while chunk := file.read(1 << 20):
                yield unpacker.decompress(chunk)
        except zlib.error as broken:
            raise DamagedObject(sentence("{path} is damaged", path=path)) from broken


class Entry(NamedTuple):
    """An entry of a tree."""

    mode: bytes
    oid: str


@dataclass(frozen=True, slots=True)
class TreeEditor:
    """Builds new trees out of old ones.

    Attributes:
        reader: Where old trees come from, verified.
        loose: Where new trees go.
        replaced: Filled by `edit`: for each file that is set or removed, the id it had.
    """

    reader: ObjectReader
    loose: LooseStore
    replaced: dict[str, str | None]

    def edit(self, tree: str | None, files: Mapping[str, str | None]) -> str:
        """Return the id of `tree` with `files` set, or removed where None.

        Args:
            tree: Id of a tree; None: begin with nothing.
            files: Path, relative to the tree, to blob id or None.

        Raises:
            StoreError: A file stands where a folder is needed, or the other way round.
        """
        return self._edit(tree, files, "") or self._write({})

    def _edit(self, tree: str | None, files: Mapping[str, str | None], place: str) -> str | None:
        entries = parse(self.reader.read(tree), len(tree) // 2) if tree else {}
        folders: dict[str, dict[str, str | None]] = {}
        for path, oid in files.items():
            name, _, rest = path.partition("/")
            if rest:
                folders.setdefault(name, {})[rest] = oid
            else:
                self._set_file(entries, place, name, oid)
        for name, inside in folders.items():
            self._set_folder(entries, place, name, inside)
        return self._write(entries) if entries else None

    def _set_file(
        self, entries: dict[bytes, Entry], place: str, name: str, oid: str | None
    ) -> None:
        old = entries.pop(name.encode(), None)
        if old and old.mode == FOLDER:
            message = sentence(
                "in the history {place}{name} is a folder, not a file", place=place, name=name
            )
            raise StoreError(message, hint="git rm -r it")
        self.replaced[place + name] = old.oid if old else None
        if oid:
            entries[name.encode()] = Entry(FILE, oid)

    def _set_folder(
        self, entries: dict[bytes, Entry], place: str, name: str, inside: dict[str, str | None]
    ) -> None:
        old = entries.pop(name.encode(), None)
        if old and old.mode != FOLDER:
            what = sentence("a symbolic link") if old.mode == LINK else sentence("not a folder")
            raise StoreError(
                sentence(
                    "in the history {place}{name} is {what}", place=place, name=name, what=what
                ),
                hint="git rm it",
            )
        tree = self._edit(old.oid if old else None, inside, f"{place}{name}/")
        if tree:
            entries[name.encode()] = Entry(FOLDER, tree)

    def _write(self, entries: Mapping[bytes, Entry]) -> str:
        content = b"".join(encoded(entries))
        return self.loose.write("tree", [content], len(content))


def parse(content: bytes, width: int) -> dict[bytes, Entry]:
    """Return the entries of a tree object; `width` is the length of an id in bytes."""
    entries, position = {}, 0
    while position < len(content):
        space = content.index(b" ", position)
        end = content.index(b"\0", space)
        oid = content[end + 1 : end + 1 + width].hex()
        entries[content[space + 1 : end]] = Entry(content[position:space], oid)
        position = end + 1 + width
    return entries


def encoded(entries: Mapping[bytes, Entry]) -> Iterator[bytes]:
    """Yield the entries of a tree object in git's order: folders sort as ``name/``."""
    keys = {name + b"/" * (entry.mode == FOLDER): name for name, entry in entries.items()}
    for key in sorted(keys):
        mode, oid = entries[keys[key]]
        yield b"%s %s\0" % (mode, keys[key]) + bytes.fromhex(oid)
