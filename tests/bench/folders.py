"""Read the real history of a folder: only what changed, against every version whole."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from bench.histories import REAL
from bench.measure import ARCHIVER, PYTHON, once, repeated
from bench.result import Result, Skipped, faster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATTERN = "bucket/*.json"
SAMPLE = 40
TARGET = 8.0

WHOLE = """
import json, subprocess, sys
commits = subprocess.run(["git", "rev-list", "HEAD"], capture_output=True, text=True).stdout.split()
batch = subprocess.Popen(["git", "cat-file", "--batch"], stdin=-1, stdout=-1)
for commit in commits[: int(sys.argv[1])]:
    tree = subprocess.run(["git", "ls-tree", commit, "bucket/"], capture_output=True).stdout
    version = {}
    for row in tree.splitlines():
        meta, path = row.split(b"\\t")
        batch.stdin.write(meta.split()[2] + b"\\n")
        batch.stdin.flush()
        size = int(batch.stdout.readline().split()[2])
        version[path] = json.loads(batch.stdout.read(size))
        batch.stdout.read(1)
batch.stdin.close()
batch.wait()
"""
"""Reads the newest versions, file by file, with the standard library."""


def log(folder: Path) -> Iterator[Result | Skipped]:
    """Compare the processor time for all 2,000 versions."""
    what = "log of a folder, CPU: every version whole"
    bundle = REAL / "scoop-folder.bundle"
    if not bundle.is_file():
        yield Skipped(what, "there is no ../shared/real beside this checkout")
        return
    clone = folder / "scoop"
    subprocess.run(["git", "clone", "--quiet", "--branch=main", bundle, clone], check=True)
    ours = repeated([ARCHIVER, "log", "--format", "jsonl", "--file", PATTERN], clone)
    sample = once([PYTHON, "-c", WHOLE, str(SAMPLE)], clone)
    count = ["git", "-C", str(clone), "rev-list", "--count", "HEAD"]
    versions = int(subprocess.run(count, capture_output=True, check=True).stdout)
    yield faster(what, ours=ours.cpu, theirs=sample.cpu * versions / SAMPLE, target=TARGET)
    yield Result("log of a folder, memory", ours.memory / 1e6, "≤", 100, unit="MB")
