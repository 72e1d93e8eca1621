"""Copies of one data repository that push to the same bare repository."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from archiver import config as configuration
from archiver.capture import runlog
from archiver.jobs.job import Job
from support.git import run_git

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from archiver.capture.report import Report

START = datetime(2026, 2, 1, 3, 0, tzinfo=UTC)
TABLE = '[sources.{name}]\ntype = "json"\nurl = "{url}"\nkey = "id"\n{rules}\n'
AT_ONCE = "confirmations = 1"
PATIENT = "confirmations = 2\nmax_shrink = 1"
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

    def first(self, rules: str = AT_ONCE) -> Copy:
        """Make the repository as a person does: configure, commit, push."""
        copy = self.made("first")
        urls = {name: (self.folder / f"{name}.json").as_uri() for name in "ab"}
        tables = (TABLE.format(name=name, url=url, rules=rules) for name, url in urls.items())
        copy.publish("Begin", {"archiver.toml": "\n".join(tables)})
        return copy

    def second(self, first: Copy, *options: str, **values: int) -> Copy:
        """Let `first` push a capture of source ``a`` that lists `values`, then clone it."""
        self.lists("a", **values)
        first.run("a")
        return self.clone("second", *options)

    def race(
        self, first: Copy, second: Copy, *, theirs: dict[str, int], ours: dict[str, int]
    ) -> Report:
        """Let both capture source ``a``: `second` pushes without knowing what `first` pushed.

        The first capture lists `theirs` and the second `ours`, whose report is returned.
        """
        self.lists("a", **theirs)
        first.run("a")
        self.lists("a", **ours)
        return second.stale_run("a")

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

    def publish(self, subject: str, files: Mapping[str, str] | None = None) -> None:
        """Commit and push, as a person does, `files` and whatever else has changed here."""
        for name, content in (files or {}).items():
            (self.folder / name).write_text(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", subject)
        self.git("push", "--quiet", "origin", "HEAD:main")

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
