"""Read real histories: ``archiver log`` against git-history 0.8 on the same file."""

from __future__ import annotations

import subprocess
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import ARCHIVER, once, repeated
from bench.result import Result, Skipped, faster

if TYPE_CHECKING:
    from collections.abc import Iterator

REAL = Path(__file__).resolve().parents[3] / "shared" / "real"
RIVAL = "git-history==0.8"


@dataclass(frozen=True, slots=True)
class History:
    """One real catalogue, and how each of the two programs is told to read it.

    Attributes:
        name: Name of its bundle.
        file: The catalogue's path in the repository.
        records: Path of the records in the document.
        key: Fields that make the key, for us.
        convert: The same for git-history: Python that makes a list of flat records.
        columns: The key's columns, for git-history.
        target: How many times less processor time we promise.
    """

    name: str
    file: str
    records: str
    key: tuple[str, ...]
    convert: str
    columns: tuple[str, ...]
    target: float


KHAVEL = History(
    name="khavel",
    file="models.json",
    records="models",
    key=("id",),
    convert='json.loads(content)["models"]',
    columns=("id",),
    target=7,
)
GENAI = History(
    name="genai-prices",
    file="data.json",
    records=".[].models",
    key=("^.id", "id"),
    convert='[{**m, "of": p["id"]} for p in json.loads(content) for m in p["models"]]',
    columns=("of", "id"),
    target=15,
)
RADAR = History(
    name="radar-index",
    file="index.json",
    records="entries",
    key=("slug",),
    convert='json.loads(content)["entries"]',
    columns=("slug",),
    target=60,
)


def log(history: History, folder: Path) -> Iterator[Result | Skipped]:
    """Compare the processor time of both programs on one history."""
    return _against(history, folder, "log of", "log", "--format", "jsonl")


def index(history: History, folder: Path) -> Iterator[Result | Skipped]:
    """Compare the processor time that both programs need to build their databases."""
    return _against(history, folder, "index of", "index", "--rebuild")


def _against(
    history: History, folder: Path, what: str, *command: str
) -> Iterator[Result | Skipped]:
    what = f"{what} {history.name}, CPU: git-history"
    bundle = REAL / f"{history.name}-all.bundle"
    if not bundle.is_file():
        yield Skipped(what, "there is no ../shared/real beside this checkout")
        return
    rival = installed_rival(folder)
    if rival is None:
        yield Skipped(what, f"{RIVAL} cannot be installed here")
        return
    clone = folder / history.name
    subprocess.run(["git", "clone", "--quiet", "--branch=main", bundle, clone], check=True)
    ours = repeated([ARCHIVER, *command, *described(history)], clone)
    theirs = once(their_log(history, rival, folder), clone)
    yield faster(what, ours=ours.cpu, theirs=theirs.cpu, target=history.target)


def described(history: History) -> list[str]:
    """Return the options that say where the records are, and what keys them."""
    keys = [part for field in history.key for part in ("--key", field)]
    return ["--file", history.file, "--records", history.records, *keys]


def their_log(history: History, rival: Path, folder: Path) -> list[str]:
    """Return the command that writes every revision into a database."""
    columns = [part for column in history.columns for part in ("--id", column)]
    database = str(folder / f"{history.name}.db")
    options = ["--branch", "main", "--silent", "--ignore-duplicate-ids", *columns]
    return [str(rival), "file", database, history.file, "--convert", history.convert, *options]


def installed_rival(folder: Path) -> Path | None:
    """Return git-history's command in an environment of its own, or None."""
    environment = folder / "git-history"
    if not environment.exists():
        venv.create(environment, with_pip=True)
    pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", RIVAL]
    installed = subprocess.run(pip, check=False, capture_output=True).returncode == 0
    return environment / "bin" / "git-history" if installed else None
