"""One export to SQLite or Parquet, as a process that may be killed on its way.

    python killed_export.py FOLDER --sqlite|--parquet PATH KILL_AT

See `capture`: with KILL_AT the process dies just before that many changes of the file system; with
0 it only counts them.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

from faults.capture import Killer

from archiver.database.sqlite_file import Wanted
from archiver.history import datasets, index
from archiver.history.choice import Choice


def main() -> None:
    folder, kind, path, kill_at = sys.argv[1:]
    killer = Killer(int(kill_at))
    catalogue = Choice(Path(folder), {}).one()
    with index.ready(catalogue):
        sys.addaudithook(killer)
        if kind == "--sqlite":
            datasets.to_sqlite(catalogue, Path(path), Wanted(("n",)))
        else:
            datasets.to_parquet(catalogue, Path(path))
    sys.stdout.write(f"{killer.count}\n")


if __name__ == "__main__":
    main()
