"""Where the pages of a site are, relative to its root."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archiver.history.catalogue import Catalogue

_TIME: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)", re.ASCII)
_NAMELESS: Final = "unknown"
_UNSAFE: Final = re.compile(r"[^a-z0-9]+")
_LONGEST: Final = 64


def source_folder(catalogue: Catalogue) -> str:
    """Return the folder of a source; that of a file of any repository is made from its path."""
    if catalogue.config is not None:
        return catalogue.source
    return _UNSAFE.sub("-", catalogue.source.lower()).strip("-")[:_LONGEST] or "file"


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
