"""Where the pages of a site are. No name is built from fetched text."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING, Final
from urllib.parse import quote
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archiver.history.catalogue import Catalogue

_TIME: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)", re.ASCII)
_NAMELESS: Final = "unknown"
_UNSAFE: Final = re.compile(r"[^a-z0-9]+")
_LONGEST: Final = 64
_DIGITS: Final = 16
_TAKEN: Final = frozenset({"assets"})


def source_folder(catalogue: Catalogue) -> str:
    """Return the folder of a source; that of a file of any repository is made from its path."""
    name = catalogue.source
    if catalogue.config is None:
        name = _UNSAFE.sub("-", name.lower()).strip("-")[:_LONGEST] or "file"
    return f"source-{name}" if name in _TAKEN else name


def capture_pages(timestamps: Iterable[str]) -> list[str]:
    """Return the names of the pages of captures: ``20260301_020000``, without ``.html``.

    Where several captures share a second, ``_2`` and so on is behind the later ones; what is no
    time, in a file that people wrote, is ``unknown``.

    Args:
        timestamps: Their times, ``YYYY-MM-DD HH:MM:SS``, oldest capture first.
    """
    known: Counter[str] = Counter()
    pages = []
    for timestamp in timestamps:
        found = _TIME.fullmatch(timestamp)
        name = "{}{}{}_{}{}{}".format(*found.groups()) if found else _NAMELESS
        known[name] += 1
        pages.append(name if known[name] == 1 else f"{name}_{known[name]}")
    return pages


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
