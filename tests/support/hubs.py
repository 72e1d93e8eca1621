"""A data repository whose sources are made-up hubs, captured again and again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from archiver import config as configuration
from archiver.capture import capture
from support.git import copy_repository, run_git

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from archiver.capture.report import Report
    from archiver.fakehub.hub import Hub
    from archiver.fakehub.server import FakeHub
    from archiver.records.model import ChangeSet

START = datetime(2026, 2, 1, 3, 0, tzinfo=UTC)


@dataclass
class Archive:
    """One source of a data repository; each capture is a day later."""

    folder: Path
    server: FakeHub
    hub: Hub
    time: datetime = START

    def copied(self, folder: Path) -> Archive:
        """Copy this archive to `folder`: what many tests begin with is built once."""
        return Archive(copy_repository(self.folder, folder), self.server, self.hub, self.time)

    def configure(self, kind: str, *, endpoint: str = "", **settings: Any) -> None:
        """Write the archiver.toml of one source called ``hub``."""
        values = {"timeout": 5, "retries": 2, **settings}
        rows = "".join(f"{name} = {_toml(value)}\n" for name, value in values.items())
        table = f'[sources.hub]\ntype = "{kind}"\nendpoint = "{endpoint or self.server.endpoint}"\n'
        (self.folder / "archiver.toml").write_text(table + rows)

    @property
    def config(self) -> configuration.Config:
        return configuration.discover(self.folder, {})

    def run(self, *, later: timedelta = timedelta(days=1), **options: Any) -> Report:
        """Capture once, a day later than before."""
        self.time += later
        return capture.run(self.config, "hub", clock=lambda: self.time, **options)

    def detected(self) -> ChangeSet:
        return capture.detected(self.config, "hub", clock=lambda: self.time)

    def listed(self) -> set[str]:
        """Return the keys of the newest snapshot."""
        text = run_git(self.folder, "show", "HEAD:data/hub/latest.json")
        return {line.split('"')[3] for line in text.splitlines() if line.startswith('{"')}

    def state(self) -> Iterator[object]:
        """Yield everything that a refused listing must leave as it was."""
        yield run_git(self.folder, "rev-parse", "HEAD", "refs/archiver/state")
        yield run_git(self.folder, "status", "--porcelain")
        yield hashlib.sha256((self.folder / ".git" / "index").read_bytes()).hexdigest()
        files = (path for path in self.folder.rglob("*") if ".git" not in path.parts)
        yield sorted((str(path), path.stat().st_mtime_ns) for path in files)


def _toml(value: Any) -> str:
    return json.dumps(value)
