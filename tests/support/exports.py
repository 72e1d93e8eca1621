"""Real histories, and what `archiver log` says of them, for the tests of exports."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from support.commandline import run_archiver

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Count: TypeAlias = tuple[str, str, int]
"""A commit, a kind of change, and how many records changed so; never 0."""


class Real(NamedTuple):
    """A real history: its bundle, and how it is read."""

    name: str
    options: tuple[str, ...]


def _described(file: str, records: str, *keys: str, metrics: Iterable[str] = ()) -> tuple[str, ...]:
    named = [part for key in keys for part in ("--key", key)]
    counted = [part for metric in metrics for part in ("--metric", metric)]
    return ("--file", file, "--records", records, *named, *counted)


REAL = (
    Real(
        "cisa-kev", _described("known_exploited_vulnerabilities.json", "vulnerabilities", "cveID")
    ),
    Real("genai-prices", _described("data.json", ".[].models", "^.id", "id")),
    Real(
        "khavel",
        _described("models.json", "models", "id", metrics=("price_input_per_mtok",)),
    ),
    Real(
        "radar-index",
        _described("index.json", "entries", "slug", metrics=("downloads_30d", "likes")),
    ),
)


def cloned(bundles: Path, name: str, folder: Path) -> Path:
    """Clone the history called `name` to `folder`."""
    bundle = bundles / f"{name}-all.bundle"
    command = ["git", "clone", "--quiet", "--branch=main", str(bundle), str(folder)]
    subprocess.run(command, check=True)
    return folder


def logged(folder: Path, options: Iterable[str]) -> set[Count]:
    """Return what `archiver log` counts, read from git."""
    done = run_archiver("log", "-f", "jsonl", "--no-index", "--repo", folder, *options)
    entries = map(json.loads, done.stdout.splitlines())
    return {
        (entry["revision"], kind, number)
        for entry in entries
        for kind, number in (entry["summary"] or {}).items()
        if number and kind != "unchanged"
    }
