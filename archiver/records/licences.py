"""Licences by their names: an SPDX id and the full name mean the same licence."""

from __future__ import annotations

from functools import cache, lru_cache

from archiver.records.spdx import LICENCES


def common_name(one: str, other: str) -> str:
    """Return the full name of the licence that both texts mean; empty: they may mean two.

    Upper and lower case are equal, as in SPDX license expressions. So are the ids to which the
    list gives one name, such as the deprecated GPL-3.0 and GPL-3.0-only.
    """
    name = _names().get(_folded(one), "")
    return name if name and name == _names().get(_folded(other)) else ""


@lru_cache(maxsize=1024)
def meaning(text: str) -> str:
    """Return the full name of the licence that a text means; an unknown one in lower case."""
    known = _folded(text)
    return _names().get(known, known)


@cache
def _names() -> dict[str, str]:
    rows = [line.split(" ", 1) for line in LICENCES.splitlines()]
    return {_folded(spelled): name for row in rows for spelled in row for name in row[1:]}


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
