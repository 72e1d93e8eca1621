"""One update of an index, as a process that may be killed on its way.

    python killed_index.py FOLDER [KILL_AT]

See `capture`: with KILL_AT the process dies just before that many changes of the file system.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

from faults.capture import Killer

from archiver.history import index
from archiver.history.choice import Choice


def main() -> None:
    killer = Killer(int(sys.argv[2]))
    catalogue = Choice(Path(sys.argv[1]), {}).one()
    sys.addaudithook(killer)
    index.update(catalogue)
    sys.stdout.write(f"{killer.count}\n")


if __name__ == "__main__":
    main()
