"""Copies of one data repository that push to the same bare repository."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from conftest import run_git

from archiver import config as configuration
from archiver.capture import runlog
from archiver.jobs.job import Job

if TYPE_CHECKING:
    from pathlib import Path

    from archiver.capture.report import Report

START = datetime(2026, 2, 1, 3, 0, tzinfo=UTC)
TABLE = '[sources.{name}]\ntype = "json"\nurl = "{url}"\nkey = "id"\nconfirmations = 1\n'
PUSH = Job(push=True)


@dataclass
class Hub:
    """Two catalogues as files, and the bare repository that everybody pushes to."""

    folder: Path
    origin: Path = field(init=False)
    time: datetime = START

    def __post_init__(self) -> None:
        self.origin = self.folder / "origin.git"
        self.origin.mkdir()
        run_git(self.origin, "init", "--bare", "--quiet", "--initial-branch=main")
        self.lists("a", one=1, two=2)
        self.lists("b", one=1)

    def lists(self, source: str, **values: int) -> None:
        """Write what a source lists: key to value."""
        rows = [{"id": key, "value": value} for key, value in values.items()]
        (self.folder / f"{source}.json").write_text(json.dumps(rows))

    def first(self) -> Copy:
        """Make the repository as a person does: configure, commit, push."""
        copy = self.made("first")
        tables = (TABLE.format(name=n, url=(self.folder / f"{n}.json").as_uri()) for n in "ab")
        (copy.folder / "archiver.toml").write_text("\n".join(tables))
        run_git(copy.folder, "add", ".")
        run_git(copy.folder, "commit", "--quiet", "-m", "Begin")
        run_git(copy.folder, "push", "--quiet", "origin", "main")
        return copy

    def made(self, name: str) -> Copy:
        """Make an empty repository that knows the bare one."""
        copy = self._copy(self.folder / name)
        run_git(copy.folder, "init", "--quiet", "--initial-branch=main")
        run_git(copy.folder, "remote", "add", "origin", str(self.origin))
        return copy

    def clone(self, name: str, *options: str) -> Copy:
        """Clone the bare repository, as an ordinary or a shallow clone."""
        url = self.origin.as_uri()
        run_git(self.folder, "clone", "--quiet", *options, url, name)
        return self._copy(self.folder / name)

    def _copy(self, folder: Path) -> Copy:
        folder.mkdir(exist_ok=True)
        return Copy(self, folder)

    def git(self, *arguments: str) -> str:
        return run_git(self.origin, *arguments)

    def refuses(self, script: str) -> Path:
        """Let a hook of the bare repository decide what is pushed."""
        hook = self.origin / "hooks" / "pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\n{script}\n")
        hook.chmod(0o755)
        return hook

    def records(self, source: str) -> dict[str, Any]:
        """Return key and value of the newest snapshot that was pushed."""
        text = self.git("show", f"main:data/{source}/latest.json")
        return {each["id"]: each["value"] for each in json.loads(text)["models"]}

    def runs(self, source: str) -> list[str]:
        """Return the outcomes of the runs whose reports were pushed."""
        text = self.git("show", f"refs/archiver/state:{source}/runs.jsonl")
        return [run.outcome for run in runlog.decode(text.encode())]

    def subjects(self) -> list[str]:
        return self.git("log", "--format=%s", "main").splitlines()


@dataclass
class Copy:
    """One clone, whose runs are an hour apart."""

    hub: Hub
    folder: Path

    @property
    def config(self) -> configuration.Config:
        return configuration.discover(self.folder, {})

    def clock(self) -> datetime:
        return self.hub.time

    def run(self, source: str = "a", *, job: Job = PUSH) -> Report:
        """Run a source as the command line does; an hour later than before."""
        self.hub.time += timedelta(hours=1)
        self.notes = job.prepare(self.config, (source,), clock=self.clock)
        return job.run(self.config, source, clock=self.clock)

    def stale_run(self, source: str = "a") -> Report:
        """Run without fetching first, as a job does that began before somebody else pushed."""
        self.hub.time += timedelta(hours=1)
        return PUSH.run(self.config, source, clock=self.clock)

    def stale_run_without_push(self, source: str = "a") -> Report:
        """Run without fetching or pushing."""
        self.hub.time += timedelta(hours=1)
        return Job().run(self.config, source, clock=self.clock)

    def git(self, *arguments: str) -> str:
        return run_git(self.folder, *arguments)

    def is_clean(self) -> bool:
        return not self.git("status", "--porcelain") and "error" not in self.git("fsck", "--strict")
