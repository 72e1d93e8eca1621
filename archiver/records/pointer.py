"""Name a value inside a record: JSON pointers (RFC 6901)."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=1024)
def pointer(*steps: str | int) -> str:
    """Return the pointer that goes through member names and indexes, from the record's root."""
    return "".join(f"/{_escaped(str(step))}" for step in steps)


def steps(pointer: str) -> list[str]:
    """Return the member names and indexes that `pointer` goes through, unescaped."""
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")
