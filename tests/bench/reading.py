"""Read a data repository with git: ``git log -p`` with the diff driver against plain git."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from archiver.config.scaffold import files
from archiver.fakehub.catalogue import Catalogue
from archiver.records.canonical import Header
from bench import repositories
from bench.measure import ARCHIVER, once
from bench.result import at_most

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.result import Result

RECORDS = 20_000
CAPTURES = 100
KEPT = 30
"""Days for which a new archiver.toml keeps stamped files in the work tree."""


def log(folder: Path) -> Iterator[Result]:
    """100 captures, a day apart; each changes a counter of 40 % of its records.

    Two thirds of git's own time go into the stamped files: one comes, one leaves, and git asks
    whether the one was renamed to the other. The second row reads the snapshot alone.
    """
    repository = daily(folder / "diff-driver")
    everything = ["git", "log", "-p", f"-{CAPTURES}"]
    commands = {
        "a data repository": everything,
        "latest.json": [*everything, "--", repositories.LATEST],
    }
    plain = {name: once(command, repository) for name, command in commands.items()}
    once([ARCHIVER, "diff-driver", "--install"], repository)
    for name, command in commands.items():
        ours = once(command, repository)
        what = f"git log -p of {name}, CPU: plain"
        yield at_most(what, ours=ours.cpu, theirs=plain[name].cpu, target=3)


def daily(folder: Path) -> Path:
    """Create a repository of daily captures as `archiver run` commits them."""
    repositories.created(folder)
    (folder / ".gitattributes").write_text(files(None)[".gitattributes"])
    latest = folder / repositories.LATEST
    snapshots = latest.parent / "snapshots"
    snapshots.mkdir(parents=True)
    catalogue = Catalogue(models=RECORDS)
    for day in range(KEPT + CAPTURES):
        at = date(2026, 1, 1) + timedelta(days=day)
        lines = repositories.sorted_lines(catalogue, day)
        repositories.write(latest, Header("hub", f"{at} 12:00:00", len(lines)), lines.values())
        (snapshots / f"hub_models_{at:%Y%m%d}_120000.json").hardlink_to(latest)
        old = at - timedelta(days=KEPT)
        (snapshots / f"hub_models_{old:%Y%m%d}_120000.json").unlink(missing_ok=True)
        repositories.commit_all(folder, f"{at}T12:00:00+00:00")
        latest.unlink()
    repositories.git(folder, "repack", "-a", "-d", "--quiet")
    return folder
