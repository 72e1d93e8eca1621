"""Apply another key to lines that are canonical already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.records import canonical
from archiver.records.key import key_of

if TYPE_CHECKING:
    from collections.abc import Iterable


def differs(line: bytes, fields: tuple[str, ...]) -> bool:
    """Say whether `line` was stored under another key than `fields` make.

    A key of which a part stood outside the record cannot be made again: it stays as stored.
    """
    try:
        key = key_of(canonical.decode(line), fields)
    except ValueError:
        return False
    return bool(fields) and key.encode() != canonical.line_key(line)


def rekeyed(lines: Iterable[bytes], fields: tuple[str, ...]) -> list[bytes]:
    """Return `lines` with the key that `fields` make, sorted by it.

    A record without these fields keeps the key that it has; nothing is lost.
    """
    return sorted((_rekeyed(line, fields) for line in lines), key=canonical.line_key)


def _rekeyed(line: bytes, fields: tuple[str, ...]) -> bytes:
    record = canonical.decode(line)
    try:
        return canonical.encode(record, fields).data
    except ValueError:
        return line
