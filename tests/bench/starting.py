"""How long the program takes to say what it can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.measure import ARCHIVER, PYTHON, repeated
from bench.result import Result, at_most

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def help_text(folder: Path) -> Iterator[Result]:
    """Compare ``archiver --help`` with importing click."""
    ours = repeated([ARCHIVER, "--help"], folder, runs=15)
    click = repeated([PYTHON, "-c", "import click"], folder, runs=15)
    yield at_most("archiver --help : import click", ours=ours.wall, theirs=click.wall, target=1.6)
