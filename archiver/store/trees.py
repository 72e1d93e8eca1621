"""Edit git trees: set and remove files, and leave everything else as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from archiver.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archiver.store.loose import LooseStore
    from archiver.store.objects import ObjectReader

FILE, FOLDER = b"100644", b"40000"


class Entry(NamedTuple):
    """What a tree says of one name."""

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
            raise StoreError(f"in the history {place}{name} is a folder, not a file")
        self.replaced[place + name] = old.oid if old else None
        if oid:
            entries[name.encode()] = Entry(FILE, oid)

    def _set_folder(
        self, entries: dict[bytes, Entry], place: str, name: str, inside: dict[str, str | None]
    ) -> None:
        old = entries.pop(name.encode(), None)
        if old and old.mode != FOLDER:
            raise StoreError(f"in the history {place}{name} is not a folder")
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
