"""One run of the source ``hub`` at a given time, as a process that may be killed on its way.

    python killed_run.py FOLDER TIME [KILL_AT]

See `capture`: with KILL_AT the process dies just before that many changes of the file system.
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

from faults.capture import Killer

from archiver import config as configuration
from archiver.watcher.running import Job


def main() -> None:
    folder, time, *kill_at = sys.argv[1:]
    moment = datetime.fromisoformat(time)
    killer = Killer(int(kill_at[0]) if kill_at else 0)
    config = configuration.discover(Path(folder), {})
    sys.addaudithook(killer)
    Job().run(config, "hub", clock=lambda: moment)
    sys.stdout.write(f"{killer.count}\n")


if __name__ == "__main__":
    main()
