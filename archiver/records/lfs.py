"""Git LFS: in the place of a large file stands a small one, a *pointer*, that names its content."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from archiver.errors import UnreadableSnapshot
from archiver.language import sentence

_FORM: Final = re.compile(
    rb"version https?://[^\n]*git-(?:lfs|media)[^\n]*\n(?:ext-[^\n]*\n)*"
    rb"oid sha256:([0-9a-f]{64})\nsize (\d{1,18})\n?\Z"
)
_LONGEST: Final = 1024


class Pointer(NamedTuple):
    """What a pointer says of a file: its SHA-256 and its size in bytes."""

    oid: str
    size: int

    def unreadable(self) -> UnreadableSnapshot:
        """Return the error that only the pointer is here."""
        return UnreadableSnapshot(
            sentence("it is a Git LFS pointer ({size:,} bytes)", size=self.size),
            hint=sentence("fetch what it stands for with: git lfs fetch --all"),
        )


def pointer(content: bytes) -> Pointer | None:
    """Return what a file is a pointer to; None: it is none."""
    if len(content) >= _LONGEST or not content.startswith(b"version "):
        return None
    form = _FORM.match(content)
    return Pointer(form[1].decode(), int(form[2])) if form else None
