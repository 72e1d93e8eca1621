"""Keep an index up to date, and ask it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.fakehub.catalogue import Catalogue
from archiver.pins.status import DEVIATIONS
from bench import repositories, running
from bench.measure import ARCHIVER, once, repeated
from bench.result import Result, at_most, memory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODELS = 20_000
DAYS = 31
CONFIG = f'{repositories.CONFIG}metrics = ["downloads", "likes"]\n'


def update(folder: Path) -> Iterator[Result]:
    """Add one capture of 100,000 records to an index, against the run that took it."""
    archive = repositories.created(folder / "index-100k")
    (archive / "archiver.toml").write_text(CONFIG)
    running.publish(archive, day=0)
    once([ARCHIVER, "run"], archive)
    once([ARCHIVER, "index"], archive)
    running.publish(archive, day=1)
    capture = running.copied(archive, "run")
    (capture / "archiver.toml").write_text(f'[archive]\nindex = "never"\n{CONFIG}')
    run = once([ARCHIVER, "run"], capture)
    (capture / "archiver.toml").write_text(CONFIG)
    added = once([ARCHIVER, "index"], capture)
    yield at_most(
        "index by one capture, 100,000 : run", ours=added.wall, theirs=run.wall, target=0.5
    )
    yield memory("index by one capture: memory", added.memory, target=200)


def questions(folder: Path) -> Iterator[Result]:
    """Ask a warm index of 31 versions of 20,000 records, against ``archiver --version``."""
    catalogue = Catalogue(models=MODELS)
    archive = repositories.committed(
        folder / "index-20k",
        (repositories.sorted_lines(catalogue, day) for day in range(DAYS)),
    )
    (archive / "archiver.toml").write_text(CONFIG)
    once([ARCHIVER, "index"], archive)
    key = next(iter(repositories.sorted_lines(catalogue, 0)))
    allowed = [word for each in DEVIATIONS for word in ("--allow", each)]
    start = repeated([ARCHIVER, "--version"], archive, runs=9).wall
    asked = {
        "show KEY": (["show", key], 2),
        "log": (["log"], 3),
        "changes --steps --stat": (["changes", "--since", "10y", "--steps", "--stat"], 3),
        "check": (["check", "--keys", key, "--offline", *allowed], 3),
    }
    for what, (command, target) in asked.items():
        ours = repeated([ARCHIVER, *command], archive, runs=9).wall
        yield at_most(f"{what}, warm index : --version", ours=ours, theirs=start, target=target)


def processes(folder: Path) -> Iterator[Result]:
    """Build the index of 31 versions of 20,000 records with two processes, against one."""
    catalogue = Catalogue(models=MODELS)
    archive = repositories.committed(
        folder / "index-jobs", (repositories.sorted_lines(catalogue, day) for day in range(DAYS))
    )
    (archive / "archiver.toml").write_text(CONFIG)
    one, two = (
        repeated([ARCHIVER, "index", "--rebuild", "--jobs", jobs], archive) for jobs in ("1", "2")
    )
    yield at_most("index, CPU: --jobs 2 : --jobs 1", ours=two.cpu, theirs=one.cpu, target=1.3)
    yield memory("index --jobs 2: memory of the parent", two.memory, target=200)
