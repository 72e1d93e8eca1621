"""Run the benchmark and print its table: ``make bench``."""

# ruff: noqa: T201 - printing is what this program is for

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeAlias

from bench import (
    browsing,
    comparing,
    documents,
    exporting,
    folders,
    growing,
    histories,
    hubs,
    indexing,
    millions,
    pacing,
    reading,
    running,
    several,
    sites,
    starting,
    streaming,
)
from bench.result import Result, Skipped

Row: TypeAlias = Callable[[Path], Iterator[Result | Skipped]]

ROWS: dict[str, Row] = {
    "help": starting.help_text,
    "compare-100k": comparing.against_deepdiff,
    "run-100k": running.capture,
    "run-300k": partial(millions.run, 300_000),
    "run-paced": pacing.run,
    "log-khavel": partial(histories.log, histories.KHAVEL),
    "log-folder": folders.log,
    "log-genai": partial(histories.log, histories.GENAI),
    "index-khavel": partial(histories.index, histories.KHAVEL),
    "index-genai": partial(histories.index, histories.GENAI),
    "index-update": indexing.update,
    "index-questions": indexing.questions,
    "index-jobs": indexing.processes,
    "huggingface": hubs.huggingface,
    "modelscope": hubs.modelscope,
    "export-month": exporting.month,
    "read-csv": partial(documents.speed, ".csv"),
    "read-tsv": partial(documents.speed, ".tsv"),
    "read-jsonl": partial(documents.speed, ".jsonl"),
    "read-yaml": partial(documents.speed, ".yaml"),
    "read-toml": partial(documents.speed, ".toml"),
    "read-streams": documents.streams,
    "diff-driver": reading.log,
    "site": sites.site,
    "site-pages": browsing.pages,
    "across-300k": several.overview,
    "compare-memory": comparing.memory_sweep,
    "compare-800k": comparing.large,
    "compare-800k-shards": comparing.large_sharded,
}
SLOW: dict[str, Row] = {
    "growth-paced": pacing.growth,
    "log-radar": partial(histories.log, histories.RADAR),
    "index-radar": partial(histories.index, histories.RADAR),
    "growth": growing.growth,
    "huggingface-million": hubs.huggingface_committed,
    "modelscope-apart": hubs.modelscope_apart,
    "run-3m": partial(millions.run, 3_000_000),
    "run-stream": streaming.run,
}
"""Rows whose other side takes minutes: measured with ``--full`` or when asked for by name."""


def chosen() -> dict[str, Row]:
    """Return the rows that the command line asks for."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--only", metavar="ROW", choices=[*ROWS, *SLOW], help="measure one row")
    parser.add_argument("--full", action="store_true", help="measure the slow rows too")
    asked = parser.parse_args()
    if asked.only:
        return {asked.only: (ROWS | SLOW)[asked.only]}
    return ROWS | SLOW if asked.full else ROWS


def main() -> None:
    """Print each result as soon as it is there."""
    missed = 0
    for row in chosen().values():
        with tempfile.TemporaryDirectory(prefix="archiver-bench-") as folder:
            for result in row(Path(folder)):
                print(result, flush=True)
                missed += isinstance(result, Result) and not result.kept
    print(f"{missed} of the promises above are not kept." if missed else "Every promise is kept.")


if __name__ == "__main__":
    main()
