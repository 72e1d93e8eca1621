"""Where output goes: data to standard output or a whole file, everything else to stderr."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO, TypeAlias

import click

from archiver.publish.files import whole_file

if TYPE_CHECKING:
    from pathlib import Path

Progress: TypeAlias = Callable[[int, int | None], None]
"""Is told how many records have come and how many will come, if that is known."""


@contextmanager
def destination(path: Path | None) -> Iterator[TextIO]:
    """Yield the stream for data: standard output for None or ``-``, else the file `path`.

    The file appears complete or not at all: an error leaves the old one as it was. Pipes and
    devices (``/dev/stdout``) are written as they are.

    Raises:
        ConfigError: The file cannot be written.
    """
    if path is None or str(path) == "-":
        yield sys.stdout
        sys.stdout.flush()
    elif path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8", newline="\n") as stream:
            yield stream
    else:
        with whole_file(path) as stream:
            yield stream


def note(message: str) -> None:
    """Tell the person something that is not data, on standard error."""
    click.echo(message, err=True)


def coloured(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Tell whether colours belong on `stream`: a terminal, and no ``NO_COLOR`` (no-color.org)."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


@contextmanager
def progress(title: str) -> Iterator[Progress | None]:
    """Show a bar on standard error while the block runs; yield None where nobody looks."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def prepare_streams() -> None:
    """Write UTF-8 wherever no terminal says otherwise, and never fail for a character."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            encoding = None if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="backslashreplace")
