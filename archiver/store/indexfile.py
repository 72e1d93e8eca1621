"""Write into a git index when files were last seen, so that nobody needs to read them again.

``git add --refresh`` would read them all (0.3 s for two files of 35 MB) and run the filters that
attributes ask for. The format is git's ``index-format.txt``, versions 2 and 3; in version 4 the
entries stay unstamped, and the next ``git status`` reads the files.
"""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping

HEADER = struct.Struct(">4sII")
STAT = struct.Struct(">10I")
FLAGS = struct.Struct(">H")
EXTENDED, STAGE = 0x4000, 0x3000
KNOWN_VERSIONS = (2, 3)
WORD = 0xFFFF_FFFF
MODE = 6  # where the mode stands among the words of `STAT`


def stamped(index: bytes, seen: Mapping[bytes, os.stat_result], object_format: str) -> bytes:
    """Return an index whose entries for the files in `seen` count as looked at.

    Args:
        index: The whole index file.
        seen: Path to the status of the file while it held what its entry says.
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
    skipped = index[-width:] == bytes(width)  # index.skipHash: the person wants no checksum
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
