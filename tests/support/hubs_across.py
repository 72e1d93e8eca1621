"""An archive of several sources that is written by hand: records, removals, a table [alias]."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archiver.changes.lifecycle import Tombstone, write_tombstones
from support.histories import History, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_SOURCE = """\
[sources.{name}]
type = "json"
url = "{name}.json"
key = ["id"]
noun = "model"

"""


def gone(key: str, day: int = 2, cause: str = "deleted or private", now: str = "") -> Tombstone:
    """Return the tombstone of a record that was removed, or renamed, on a day."""
    return Tombstone(key, f"2026-01-{day:02} 00:00:00", "2026-01-01 00:00:00", cause, now)


class Hubs:
    """Several sources in one git repository.

    Attributes:
        folder: Its work tree.
    """

    def __init__(self, folder: Path, *names: str, alias: str = "") -> None:
        """Configure the sources, and what `alias` says of them."""
        self._history = History(folder)
        self.folder = folder
        text = "".join(_SOURCE.format(name=name) for name in names)
        (folder / "archiver.toml").write_text(f"{text}{alias}", encoding="utf-8")

    def capture(
        self,
        day: int,
        source: str,
        models: Mapping[str, Mapping[str, Any]],
        removed: Iterable[Tombstone] = (),
    ) -> None:
        """Commit a capture of a source as of a day: its models by key, and its tombstones."""
        records = [{"id": key, **models[key]} for key in sorted(models)]
        content = snapshot(f"2026-01-{day:02} 00:00:00", *records)
        folder = f"data/{source}"
        files = {
            f"{folder}/latest.json": content,
            f"{folder}/snapshots/{source}_models_202601{day:02}_000000.json": content,
            f"{folder}/removed.jsonl": write_tombstones({each.key: each for each in removed}),
        }
        self._history.commit(f"2026-01-{day:02}T00:00:00Z", files)
