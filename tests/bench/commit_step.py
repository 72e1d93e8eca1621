"""Commit a captured catalogue with our protocol and print the seconds that it took."""

# ruff: noqa: T201 - printing is what this program is for

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from archiver.store.commit import Change, writing
from archiver.store.repository import Repository

FOLDER = "data/hub"
CHUNK = 1 << 20


def commit(captured: Path) -> None:
    """Commit the newest snapshot of `captured` under its two names."""
    newest = max((captured / "snapshots").iterdir())
    content = newest.read_bytes()
    now = datetime.now(UTC)
    with Repository.open(Path()) as repository, writing(repository) as writer:
        branch = repository.branch(None)
        chunks = (content[start : start + CHUNK] for start in range(0, len(content), CHUNK))
        blob = writer.write_blob(chunks, len(content))
        names = (f"{FOLDER}/latest.json", f"{FOLDER}/snapshots/{newest.name}")
        writer.commit(
            Change(
                branch=branch,
                expected=repository.tip(branch),
                files=dict.fromkeys(names, blob),
                message="one day\n",
                state={},
                author=None,
                authored_at=now,
                committed_at=now,
                managed=(FOLDER,),
            )
        )


if __name__ == "__main__":
    started = perf_counter()
    commit(Path(sys.argv[1]))
    print(perf_counter() - started)
