"""One run of a source at a given time, as a process that may be killed on its way.

    python killed_run.py FOLDER TIME [KILL_AT [SOURCE [push]]]

See `capture`: with KILL_AT the process dies just before that many changes of the file system.
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

from faults.capture import Killer

from archiver import config as configuration
from archiver.jobs.job import Job


def main() -> None:
    folder, time, kill_at, source, push = (*sys.argv[1:], *("0", "hub", "")[len(sys.argv) - 3 :])
    moment = datetime.fromisoformat(time)
    killer = Killer(int(kill_at))
    config = configuration.discover(Path(folder), {})
    sys.addaudithook(killer)
    job = Job(push=bool(push))
    job.prepare(config, ("hub",), clock=lambda: moment)
    job.run(config, source, clock=lambda: moment)
    sys.stdout.write(f"{killer.count}\n")


if __name__ == "__main__":
    main()
