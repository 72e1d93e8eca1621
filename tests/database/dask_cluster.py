"""A Dask cluster of this machine, as a process of its own; needs Dask.

    python dask_cluster.py

It prints the scheduler's address. For each line ``kill`` on standard input it kills a worker that
derives a range, as soon as there is one, and prints its process id. It ends with its input.
"""

from __future__ import annotations

import os
import signal
import sys
import time

from distributed import Client, LocalCluster


def main() -> None:
    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
    ) as cluster:
        print(cluster.scheduler_address, flush=True)  # noqa: T201 - for the test
        with Client(cluster.scheduler_address) as client:
            for _ in sys.stdin:
                print(kill_one(client), flush=True)  # noqa: T201 - for the test


def kill_one(client: Client) -> int:
    """Kill a worker that works, and return its process id."""
    pids = client.run(os.getpid)
    while True:
        for worker, tasks in client.processing().items():
            if any(task.startswith("_part") for task in tasks) and worker in pids:
                time.sleep(0.3)  # it is in the middle of it
                os.kill(pids[worker], signal.SIGKILL)
                return int(pids[worker])
        time.sleep(0.01)


if __name__ == "__main__":
    main()
