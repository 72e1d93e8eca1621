"""Where output goes: data to standard output or a whole file, everything else to stderr."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Final, TextIO, TypeAlias, cast

import click

from archiver.language import Sentence, plain, retold, said, sentence, tr
from archiver.render.atomic_file import whole_file

if TYPE_CHECKING:
    from pathlib import Path

    from archiver.records.field_names import FieldNames

Progress: TypeAlias = Callable[[int, int | None], None]
"""Receives how many records have come, and how many will come if that is known."""

_HELD: Final = 1 << 16  # characters
_FIRST_LINE: Final = 10.0
_NEXT_LINE: Final = 30.0


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


@contextmanager
def held(out: TextIO, names: FieldNames) -> Iterator[TextIO]:
    """Yield a stream that writes to `out` once every one of `names` is found.

    What a misspelt field would select is refused rather than shown; only what is long, as an
    answer to ``licence != mit`` may be, is shown before that is known.

    Raises:
        ConfigError: At the end, no record has one of the fields.
    """
    if not names.missing:
        yield out
        return
    stream = _Held(out, names)
    yield cast("TextIO", stream)
    names.refuse_missing()
    stream.release()


class _Held(io.TextIOBase):
    """Keeps what is written while `names` are missing, and as long as it is short."""

    def __init__(self, out: TextIO, names: FieldNames) -> None:
        self._out = out
        self._names = names
        self._kept: list[str] = []
        self._room = _HELD
        self._holds = True

    def write(self, text: str) -> int:
        if self._holds:
            self._kept.append(text)
            self._room -= len(text)
            if self._room <= 0 or not self._names.missing:
                self.release()
        else:
            self._out.write(text)
        return len(text)

    def writelines(self, lines: Iterable[str], /) -> None:  # type: ignore[override]  # text only
        rest = iter(lines)
        while self._holds and (line := next(rest, None)) is not None:
            self.write(line)
        self._out.writelines(rest)

    def isatty(self) -> bool:
        return self._out.isatty()

    def release(self) -> None:
        """Write what was kept, and from now on whatever comes."""
        self._holds = False
        kept, self._kept = self._kept, []
        self._out.writelines(kept)


def note(message: str) -> None:
    """Write something that is not data to standard error."""
    click.echo(said(message), err=True)


def note_metrics(source: str, as_of: str) -> None:
    """Say as of when the metrics of a source are, where they are older than its version."""
    if as_of:
        from archiver.records.text import terminal  # noqa: PLC0415 - not for --help

        note(tr("{source}: metrics as of {as_of} UTC", source=source, as_of=terminal(as_of)))


def noted(words: str, *, about: str = "") -> None:
    """Write a note to standard error, made safe for it; what was stored is translated.

    Args:
        words: The note.
        about: The source that it is about; empty: it is clear.
    """
    from archiver.records.text import terminal  # noqa: PLC0415 - not for --help

    shown = tr("note: {words}", words=retold(words))
    note(terminal(f"{about}: {shown}" if about else shown))


def note_left_out(reason: str) -> None:
    """Name a source that has no answer where others have one."""
    noted(sentence("left out: {reason}", reason=reason))


def coloured(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Return whether colours belong on `stream`: a terminal, and no ``NO_COLOR`` (no-color.org)."""
    return (
        not plain()
        and stream.isatty()
        and not environ.get("NO_COLOR")
        and environ.get("TERM") != "dumb"
    )


@contextmanager
def progress(title: str) -> Iterator[Progress]:
    """Show a bar on standard error while the block runs; plain lines where it is no terminal.

    A line comes after ten seconds and then twice a minute: a log shows that something goes on.
    What git transfers meanwhile (fetch, push, clone) is shown likewise.
    """
    if plain() or not sys.stderr.isatty():
        lines: dict[str, Progress] = {}
        with _transfers(lambda stage, done, total, _: _line(lines, title, stage)(done, total)):
            yield _plain(title)
        return
    from rich import progress as parts
    from rich.console import Console

    columns = (
        parts.TextColumn("{task.description}"),
        parts.BarColumn(),
        parts.MofNCompleteColumn(),
        parts.TaskProgressColumn(show_speed=True),
        parts.TimeRemainingColumn(),
    )
    bar = parts.Progress(
        *columns,
        console=Console(stderr=True, soft_wrap=True),  # a line above the bar stays one line
        redirect_stdout=sys.stdout.isatty(),  # a file or a pipe gets its data all the same
        transient=True,
    )
    with bar:
        task = bar.add_task(title, total=None)
        transfer = bar.add_task("", total=None, visible=False)

        def show(stage: str, done: int, total: int | None, size: str) -> None:
            text = f"{stage} {size}".strip()
            left = done != total
            bar.update(transfer, description=text, completed=done, total=total, visible=left)

        with _transfers(show):
            yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def _transfers(show: Callable[[str, int, int | None, str], object]) -> Iterator[None]:
    """Show what the store logs of git's transfers: stage, objects done, in all, bytes and speed."""
    import logging  # noqa: PLC0415 - 5 ms, not for --help

    class Shown(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            show(*record.args)  # type: ignore[misc]  # as `store.transfer` logs them

    logger, handler = logging.getLogger("archiver.store.transfer"), Shown()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


@contextmanager
def fetches() -> Iterator[None]:
    """Show what a question fetches into a partial clone, unless a bar shows it already."""
    import logging  # noqa: PLC0415 - 5 ms, not for --help

    lines: dict[str, Progress] = {}
    logger = logging.getLogger("archiver.store.transfer")

    class Fetches(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            stage, done, total, _ = cast("tuple[str, int, int | None, str]", record.args)
            if logger.handlers == [self]:
                _line(lines, tr("fetch"), said(stage))(done, total)
            if done == total:
                lines.pop(said(stage), None)

    handler, level = Fetches(), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def _line(lines: dict[str, Progress], title: str, stage: str) -> Progress:
    return lines.setdefault(stage, _plain(f"{title}: {stage}"))


def _plain(title: str) -> Progress:
    began = monotonic()
    due = began + _FIRST_LINE

    def counted(done: int, total: int | None) -> None:
        nonlocal due
        now = monotonic()
        if now < due:
            return
        due = now + _NEXT_LINE
        speed = done / (now - began)
        if total is None:
            note(
                tr("{title}: {done:,}, {speed:,.0f} a second", title=title, done=done, speed=speed)
            )
        else:
            note(
                tr(
                    "{title}: {done:,} of {total:,}, {speed:,.0f} a second",
                    title=title,
                    done=done,
                    total=total,
                    speed=speed,
                )
            )

    return counted


def note_warnings() -> None:
    """Show what the library logs as notes, on a terminal each wait for a hub or a fetch, too.

    The words may come from a hub.
    """
    import logging  # noqa: PLC0415 - 5 ms, not for --help

    class Notes(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            words = said(record.msg) if isinstance(record.msg, Sentence) else record.getMessage()
            for line in words.splitlines():
                noted(line)

    logger = logging.getLogger("archiver")
    if not logger.handlers:
        logger.addHandler(Notes(logging.INFO))
        if sys.stderr.isatty():
            for name in ("archiver.transport", "archiver.store.promised"):
                logging.getLogger(name).setLevel(logging.INFO)


def prepare_streams() -> None:
    """Write UTF-8 wherever no terminal says otherwise, and never fail for a character.

    A stream that is closed (``>&-``) is replaced by /dev/null, so that no file takes its number.
    """
    _open_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            encoding = None if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


def _open_closed() -> None:
    names = [name for name in ("stdin", "stdout", "stderr") if getattr(sys, name) is None]
    for name in names:
        number = os.open(os.devnull, os.O_RDONLY if name == "stdin" else os.O_WRONLY)
        setattr(sys, name, os.fdopen(number, "r" if name == "stdin" else "w"))
