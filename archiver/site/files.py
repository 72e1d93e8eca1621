"""Which file of a folder an address means: never one outside of it, never a hidden one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

INDEX: Final = "index.html"
OTHER: Final = "application/octet-stream"
TYPES: Final = {
    ".atom": "application/atom+xml; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".xml": "application/xml; charset=utf-8",
}
"""Content types by the ending of a file's name."""


def names(target: str) -> tuple[str, ...] | None:
    """Return the names on the way to what a request asks for, ``index.html`` for a folder's own.

    Args:
        target: The path of a request, as it was sent; a query means nothing.

    Returns:
        None if no file of a site can have this address.
    """
    path = target.partition("?")[0].partition("#")[0]
    try:
        found = [unquote(each, errors="strict") for each in path.split("/")[1:]]
    except UnicodeDecodeError:
        return None
    if not found:
        return None
    found[-1] = found[-1] or INDEX
    return tuple(found) if all(map(_is_plain, found)) else None


def _is_plain(name: str) -> bool:
    return name != "" and not name.startswith(".") and not any(bad in name for bad in "/\\\0")


def located(folder: Path, way: tuple[str, ...]) -> Path | None:
    """Return the file or folder at the end of a way of `names`; None: there is none.

    The site may be replaced at any moment, so every request looks for it anew. A link counts as
    what it leads to.
    """
    root = Path(os.path.realpath(folder))
    found = Path(os.path.realpath(root.joinpath(*way)))
    if not found.is_relative_to(root):
        return None
    if not all(map(_is_plain, found.relative_to(root).parts)):
        return None
    try:
        return found if found.is_file() or found.is_dir() else None
    except OSError:  # a name that is too long for the file system
        return None


def address(way: tuple[str, ...]) -> str:
    """Return the address of a folder: it ends with a slash, so that links in it work."""
    return "/" + "".join(f"{quote(each, safe='')}/" for each in way)
