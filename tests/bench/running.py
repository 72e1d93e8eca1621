"""Capture 100,000 records from a file, against ``git add && git commit`` of the same files."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import msgspec

from archiver.fakehub.catalogue import Catalogue
from bench import repositories
from bench.measure import ARCHIVER, PYTHON, Cost, middle, once
from bench.result import Result, at_most, memory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODELS = 100_000
RUNS = 3
PLAIN = ["sh", "-c", "git add data && git commit --quiet --message=today"]


def capture(folder: Path) -> Iterator[Result]:
    """Measure the second day: the first is in the repository already."""
    yesterday = repositories.created(folder / "run-100k")
    publish(yesterday, day=0)
    once([ARCHIVER, "run"], yesterday)
    publish(yesterday, day=1)
    whole, step, plain = [], [], []
    for number in range(RUNS):
        ours = copied(yesterday, f"ours-{number}")
        whole.append(once([ARCHIVER, "run"], ours))
        theirs = copied(yesterday, f"theirs-{number}")
        shutil.copytree(ours / "data", theirs / "data", dirs_exist_ok=True)
        plain.append(once(PLAIN, theirs))
        step.append(commit_step(copied(yesterday, f"step-{number}"), ours))
    git = middle(plain).wall
    run = middle(whole)
    yield at_most(
        "commit step, 100,000 : git add, commit", ours=middle(step).wall, theirs=git, target=1
    )
    yield at_most("run, 100,000 : git add, commit", ours=run.wall, theirs=git, target=4)
    yield memory("run, 100,000: memory", run.memory, target=400)


def publish(folder: Path, *, day: int) -> None:
    """Write the catalogue of `day` where the source reads it."""
    models = list(Catalogue(models=MODELS).day(day))
    document = {"total": len(models), "models": models}
    (folder / "catalogue.json").write_bytes(msgspec.json.encode(document))


def copied(folder: Path, name: str) -> Path:
    """Return a copy of a repository, so that every run starts from the same state."""
    return shutil.copytree(folder, folder.with_name(f"{folder.name}-{name}"))


def commit_step(repository: Path, captured: Path) -> Cost:
    """Commit the files of `captured` with our protocol; start-up and reading do not count."""
    command = [PYTHON, "-m", "bench.commit_step", str(captured / "data" / "hub")]
    seconds = float(once(command, repository, keep_output=True).output)
    return Cost(wall=seconds, cpu=0.0, memory=0)
