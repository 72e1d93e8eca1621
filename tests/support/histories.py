"""Histories of small catalogues, committed with plain git as other people's tools do."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archiver.records import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE = "models.json"
LATEST = "data/hub/latest.json"
CONFIG = """\
[sources.hub]
type = "json"
url = "models.json"
records = "models"
key = ["{key}"]
metrics = {metrics}
"""


@dataclass(frozen=True, slots=True)
class History:
    """A git repository in which versions of a catalogue are committed.

    Attributes:
        folder: Its work tree, on a branch.
    """

    folder: Path

    def git(self, *arguments: str) -> str:
        """Run git here and return what it prints."""
        command = ["git", "-C", str(self.folder), *arguments]
        return subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout

    def commit(
        self, at: str, files: Mapping[str, str | bytes | None], message: str = "a version"
    ) -> str:
        """Commit files (None: removed) as if written at the time `at`; return the commit's id."""
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                path.unlink()
            else:
                path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.git("add", "--all", "--", *files)
        self.git("commit", "--quiet", "--allow-empty", f"--date={at}", f"--message={message}")
        return self.git("rev-parse", "HEAD").strip()

    def add(self, at: str, /, message: str = "a version", **models: int) -> str:
        """Commit ``models.json`` with one model per keyword, whose value is its field ``n``."""
        return self.commit(at, {FILE: document(**models)}, message)

    def capture(self, at: str, /, message: str = "hub: a capture", **models: int) -> str:
        """Commit a canonical snapshot of the source ``hub``, as a run does."""
        taken = at.replace("T", " ").removesuffix("Z")
        content = snapshot(taken, *({"id": key, "n": n} for key, n in models.items()))
        stamped = taken.translate({ord("-"): None, ord(":"): None, ord(" "): "_"})
        files = {LATEST: content, f"data/hub/snapshots/hub_models_{stamped}.json": content}
        return self.commit(at, files, message)

    def configure(self, *, key: str = "id", metrics: tuple[str, ...] = ()) -> None:
        """Commit an archiver.toml with the source ``hub``."""
        text = CONFIG.format(key=key, metrics=json.dumps(metrics))
        self.commit("2026-01-01T00:00:00Z", {"archiver.toml": text}, "configure")


def document(**models: int) -> str:
    """Return a document as a hub serves it."""
    return json.dumps({"models": [{"id": key, "n": n} for key, n in models.items()]}, indent=1)


def snapshot(taken: str, *records: dict[str, Any], key: tuple[str, ...] = ("id",)) -> bytes:
    """Return a canonical snapshot of `records`, taken at ``YYYY-MM-DD HH:MM:SS``."""
    lines = sorted(canonical.encode(record, key) for record in records)
    header = canonical.Header("hub", taken, len(lines))
    return b"".join(canonical.snapshot(header, [line.data for line in lines]))
