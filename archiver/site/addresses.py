"""Where the pages of a site are. No name is built from fetched text."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING, Final
from urllib.parse import quote
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SAFE: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_DIGITS: Final = 16
_TAKEN: Final = frozenset({"assets"})


def folder_of(source: str) -> str:
    """Return the folder of a source: its name; of a file, what is left of its name."""
    name = source.lower()
    if name in _TAKEN:
        return f"source-{name}"
    if _SAFE.fullmatch(name):
        return name
    return re.sub(r"[^a-z0-9]+", "-", name).strip("-")[:64] or "catalogue"


def capture_pages(timestamps: Sequence[str]) -> list[str]:
    """Return the names of the pages of captures, which are taken at these times, oldest first.

    ``YYYYMMDD_HHMMSS``, as in the names of stamped files; with ``_2`` behind it where another one
    was taken in the same second.
    """
    seen: Counter[str] = Counter()
    names = []
    for timestamp in timestamps:
        name = re.sub(r"[^0-9 ]", "", timestamp).replace(" ", "_")
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return names


def month_of(timestamp: str) -> str:
    """Return the month of a capture time, ``YYYY-MM``."""
    return timestamp[:7]


def record_page(key: str) -> str:
    """Return the static page of a record, relative to the folder of its source.

    A digest names it, so that keys that differ only by case have different pages on every disk.
    """
    digest = hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()[:_DIGITS]
    return f"records/{digest[:2]}/{digest}.html"


def drawn_page(key: str) -> str:
    """Return the address at which a script draws any record."""
    return f"record.html#{quote(key.encode(errors='replace'), safe='')}"


def bucket_of(key: str, buckets: int) -> int:
    """Return the number of the data file of a record, of so many files (a power of two)."""
    return crc32(key.encode(errors="replace")) & (buckets - 1)


def power_of_two(least: float, most: int) -> int:
    """Return the smallest power of two that is not below `least`, at most `most`."""
    return min(1 << max(int(least) - 1, 0).bit_length(), most)


def upwards(path: str) -> str:
    """Return the way from a page to the folder at which all paths begin: ``../`` for each."""
    return "../" * path.count("/")


def months(timestamps: Iterable[str]) -> list[str]:
    """Return the months in which there are captures, oldest first."""
    return sorted(set(map(month_of, timestamps)))
