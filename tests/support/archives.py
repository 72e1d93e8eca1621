"""A data repository with one source, whose catalogue is a file that tests write."""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from archiver import config as configuration
from archiver.capture import capture
from archiver.capture.target import open_target
from archiver.capture.verify import Audit
from archiver.history.catalogue import configured
from archiver.store.repository import Repository
from support.git import copy_repository

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from archiver.capture.report import Report
    from archiver.capture.target import Target
    from archiver.capture.verify import Problem
    from archiver.config import Config

START = datetime(2026, 1, 29, 15, 47, 33, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass
class Archive:
    """A folder with an archiver.toml, in a git repository.

    Attributes:
        folder: Folder of archiver.toml.
        time: What the clock says.
    """

    folder: Path
    time: datetime = START

    def copied(self, folder: Path) -> Archive:
        """Copy this archive to `folder`: what many tests begin with is built once."""
        return Archive(copy_repository(self.folder, folder), self.time)

    def configure(self, more: str = "", **settings: Any) -> None:
        """Write archiver.toml: the source ``hub`` with `settings`, and `more` tables."""
        known = {"type": "json", "url": "models.json", "records": "models", "key": ["id"]}
        rows = (f"{name} = {json.dumps(value)}" for name, value in (known | settings).items())
        text = "\n".join(["[sources.hub]", *rows, more, ""])
        (self.folder / "archiver.toml").write_text(text)

    def lists(self, records: Iterable[dict[str, Any]] = (), /, **models: int) -> None:
        """Let the catalogue list `records`, or a model per keyword, whose value is ``n``."""
        listed = [*records, *({"id": key, "n": n} for key, n in models.items())]
        (self.folder / "models.json").write_text(json.dumps({"models": listed}))

    @property
    def config(self) -> Config:
        return configuration.discover(self.folder, {})

    def run(self, **options: Any) -> Report:
        """Capture, a day after the capture before."""
        self.time += DAY
        return capture.run(self.config, "hub", clock=lambda: self.time, **options)

    def captured(self, **models: int) -> Report:
        """Capture a catalogue with these models."""
        self.lists(**models)
        return self.run()

    def target(self) -> Target:
        """Return the source as a place to commit to."""
        return open_target(self.config, "hub", Repository.open(self.folder))

    def problems(self) -> tuple[list[Problem], Audit]:
        """Read everything again."""
        audit = Audit(configured(self.config, "hub", Repository.open(self.folder)))
        return [*audit.problems()], audit

    def git(self, *arguments: str) -> str:
        """Run git here and return what it prints, without the last newline."""
        command = ["git", "-C", str(self.folder), *arguments]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
        return done.stdout.removesuffix("\n")

    def listed(self, revision: str = "HEAD") -> dict[str, Any]:
        """Return the snapshot that a commit holds."""
        found: dict[str, Any] = json.loads(self.git("show", f"{revision}:./data/hub/latest.json"))
        return found

    @property
    def commits(self) -> int:
        """Number of commits on the branch that is checked out; 0 on an unborn one."""
        return int(self.git("rev-list", "--count", "--branches"))

    def footprint(self, *, but: str = "nothing") -> dict[str, str]:
        """Return the digest of every file, git's own included, except those below `but`."""
        return {
            str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and not path.is_relative_to(self.folder / but)
        }
