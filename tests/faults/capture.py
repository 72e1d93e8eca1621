"""One capture into a repository, as a process that may be killed at its N-th change.

    python capture.py FOLDER NUMBER [KILL_AT]

With KILL_AT, the process group dies by SIGKILL just before that many changes of the file system
or starts of git (counted by an audit hook); with 0 it only counts them, and prints the count.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from archiver.store.commit import Change, Identity, writing
from archiver.store.repository import Repository

CHANGES = {
    "os.rename",
    "os.link",
    "os.remove",
    "os.rmdir",
    "os.mkdir",
    "os.truncate",
    "os.utime",
    "shutil.copyfile",
    "shutil.rmtree",
    "fcntl.flock",
    "subprocess.Popen",
}
START = datetime(2026, 1, 29, 15, 47, 33, tzinfo=UTC)
BOT = Identity("archiver", "archiver@users.noreply.example")


class Killer:
    """Counts what changes the disk, and ends the process group before the chosen one."""

    def __init__(self, kill_at: int) -> None:
        self.count = 0
        self.kill_at = kill_at

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & 3
        if writes or event in CHANGES:
            self.count += 1
            if self.count == self.kill_at:
                os.killpg(0, signal.SIGKILL)


def body(number: int) -> bytes:
    """Return the catalogue of one capture."""
    lines = (b'{"id":"model-%d","capture":%d}' % (one, number) for one in range(200))
    return b"[\n" + b",\n".join(lines) + b"\n]\n"


def capture(folder: Path, number: int) -> None:
    """Commit the catalogue of capture `number` under two names, and remember it."""
    with Repository.open(folder) as repository, writing(repository) as writer:
        content = body(number)
        blob = writer.write_blob([content], len(content))
        moment = START + timedelta(hours=number)
        branch = repository.branch(None)
        change = Change(
            branch=branch,
            expected=repository.tip(branch),
            files={"data/ms/latest.json": blob, f"data/ms/snapshots/{number}.json": blob},
            message=f"ms: capture {number}\n\nArchiver-Source: ms\n",
            state={"run.json": b'{"last":%d}' % number},
            author=BOT,
            authored_at=moment,
            committed_at=moment,
            managed=("data/ms",),
        )
        assert writer.commit(change).revision is not None


if __name__ == "__main__":
    killer = Killer(int(sys.argv[3])) if len(sys.argv) > 3 else None
    if killer:
        sys.addaudithook(killer)
    capture(Path(sys.argv[1]), int(sys.argv[2]))
    if killer:
        sys.stdout.write(f"{killer.count}\n")
