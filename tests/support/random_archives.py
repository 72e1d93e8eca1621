"""Random histories of an archive: every kind of change, and every policy that a field can have."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from archiver.changes.lifecycle import Tombstone, write_tombstones
from archiver.history.catalogue import REMOVED, REVERTED
from archiver.records import canonical
from support.histories import History

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping
    from pathlib import Path

START = datetime(2026, 1, 1, tzinfo=UTC)
KEYS = [f"org/{name}" for name in "abcdefgh"] + ["模型", "a'b\"c", "x" * 90]
POLICIES: list[dict[str, Any]] = [
    {},
    {"metrics": ["downloads", "likes"]},
    {"metrics": ["stats.likes", "downloads"], "volatile": ["fetched_at"]},
    {"metrics": ["downloads"], "sets": ["tags"], "tolerance": {"downloads": 2, "price": 0.5}},
    {"volatile": ["*.seen", "fetched_at"], "metrics": ["*.likes", "likes"]},
]
Record = dict[str, Any]


def value(chance: random.Random, name: str) -> Any:
    """Return a value that a field of this name may have; mostly of the kind one expects."""
    if chance.random() < 0.05:
        return chance.choice([None, "many", 2**70, 1e300, 0.1, [], {"a": [1, {"b": None}]}])
    choices: dict[str, Any] = {
        "downloads": chance.randrange(12),
        "likes": chance.choice([1, 2, 2.5]),
        "price": chance.choice([1, 1.25, 1.75, 9]),
        "tags": chance.sample(["x", "y", "z"], chance.randrange(4)),
        "stats": {"likes": chance.randrange(3), "seen": chance.randrange(3), "kind": "k"},
        "fetched_at": chance.randrange(9),
        "license": chance.choice(["mit", "apache-2.0", "=cmd()", "\u2028"]),
    }
    return choices[name]


FIELDS = ("downloads", "likes", "price", "tags", "stats", "fetched_at", "license")


class Past:
    """A repository with an archive whose captures are made up.

    Attributes:
        folder: Its work tree.
        keys: Every key that was ever captured.
    """

    def __init__(self, folder: Path, chance: random.Random, policy: Mapping[str, Any]) -> None:
        self.folder = folder
        self.keys: set[str] = set()
        self._chance = chance
        self._history = History(folder)
        self._time = START
        self._records: dict[str, Record] = {}
        self._stones: dict[str, Tombstone] = {}
        self._reverted: list[dict[str, str]] = []
        self.configure(policy)

    def configure(self, policy: Mapping[str, Any]) -> None:
        """Write what the fields mean."""
        rows = ['type = "json"', 'url = "models.json"', 'records = "models"', 'key = ["id"]']
        for name, each in policy.items():
            inline = isinstance(each, dict)
            table = ", ".join(f"{path} = {span}" for path, span in each.items()) if inline else ""
            rows.append(f"{name} = {{{table}}}" if inline else f"{name} = {json.dumps(each)}")
        text = "\n".join(["[sources.hub]", *rows, ""])
        self._history.commit(self._stamp("T"), {"archiver.toml": text}, "configure")

    def step(self) -> None:
        """Commit one more capture, or something else that happens to an archive."""
        self._time += timedelta(hours=self._chance.randrange(1, 30))
        happening = self._chance.random()
        if happening < 0.08:
            self._history.commit(self._stamp("T"), {"data/hub/latest.json": "<html>504"}, "broken")
        elif happening < 0.16 and self.captures:
            self._revert()
        elif happening < 0.2:
            self._history.commit(self._stamp("T"), {"NOTES": self._stamp(" ")}, "a note")
        else:
            self._change()
            self._capture(window=self._chance.random() < 0.15)

    @property
    def captures(self) -> list[str]:
        """Full ids of the commits that touched the catalogue, newest first."""
        return self._history.git("log", "--format=%H", "--", "data/hub/latest.json").split()

    def forget(self, number: int) -> None:
        """Throw away the newest commits: history is rewritten."""
        if len(self.captures) > number:
            self._history.git("reset", "--quiet", "--hard", f"HEAD~{number}")

    def _stamp(self, between: str) -> str:
        form = f"%Y-%m-%d{between}%H:%M:%S" + ("Z" if between == "T" else "")
        return self._time.strftime(form)

    def _change(self) -> None:
        for key in self._chance.sample(KEYS, self._chance.randrange(5)):
            record = self._records.get(key)
            if record is None:
                self._records[key] = {
                    name: value(self._chance, name)
                    for name in self._chance.sample(FIELDS, self._chance.randrange(8))
                }
                self._stones.pop(key, None)
            elif self._chance.random() < 0.25:
                self._remove(key)
            else:
                for name in self._chance.sample(FIELDS, self._chance.randrange(1, 4)):
                    record[name] = value(self._chance, name)
                    if self._chance.random() < 0.15:
                        del record[name]

    def _remove(self, key: str) -> None:
        record = self._records.pop(key)
        now = ""
        if self._chance.random() < 0.4:
            now = self._chance.choice(KEYS)
            self._records[now] = dict(record)
            self._stones.pop(now, None)
        if now != key and self._chance.random() < 0.8:
            cause = "" if now else self._chance.choice(["", "deleted or private"])
            taken = self._stamp(" ")
            self._stones[key] = Tombstone(key, taken, taken, cause, now)

    def _capture(self, *, window: bool) -> None:
        self.keys |= self._records.keys()
        records = [{"id": key, **record} for key, record in self._records.items()]
        lines = sorted(canonical.encode(record, ("id",)) for record in records)
        covers = "window" if window else ""
        header = canonical.Header("hub", self._stamp(" "), len(lines), covers=covers)
        content = b"".join(canonical.snapshot(header, [line.data for line in lines]))
        files: dict[str, str | bytes | None] = {
            "data/hub/latest.json": content,
            f"data/hub/{REMOVED}": write_tombstones(self._stones),
        }
        self._history.commit(self._stamp("T"), files, "hub: a capture")

    def _revert(self) -> None:
        victim = self._chance.choice(self.captures[:3])
        taken = self._stamp(" ")
        self._reverted.append({"revision": victim, "timestamp": taken, "reverted_at": taken})
        text = "".join(json.dumps(row) + "\n" for row in self._reverted)
        files: dict[str, str | bytes | None] = {f"data/hub/{REVERTED}": text}
        self._history.commit(self._stamp("T"), files, "revert a capture")
