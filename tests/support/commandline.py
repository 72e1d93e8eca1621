"""``archiver …`` in this process, with its own streams, environment and exit code.

A process of its own costs a fifth of a second, nearly all of it imports. What depends on the
process itself (signals, closed streams, what is imported, what Python reads when it starts) is
tested with `support.processes`.
"""

from __future__ import annotations

import logging
import os
from contextlib import redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from subprocess import CompletedProcess
from typing import TYPE_CHECKING, TypeAlias
from unittest.mock import patch

from archiver.cli import main
from archiver.language import ENGLISH, choose

if TYPE_CHECKING:
    from collections.abc import Callable

Ran: TypeAlias = "CompletedProcess[str]"
Archiver: TypeAlias = "Callable[..., Ran]"
"""``archiver(*arguments, **environ) -> CompletedProcess``."""


def run_archiver(*arguments: object, **environ: str) -> Ran:
    """Run ``archiver`` with `arguments` and more environment; return exit code and output."""
    command = ["archiver", *map(str, arguments)]
    out, err = Stream(), Stream()
    with (
        patch("sys.argv", command),
        patch.dict(os.environ, environ),
        patch.object(logging.getLogger("archiver"), "handlers", []),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        code = _exit_code()
        choose(ENGLISH)  # what the command spoke was that of its environment
    return CompletedProcess(command, code, out.text(), err.text())


def _exit_code() -> int:
    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


class Stream(TextIOWrapper):
    """A pipe that keeps everything."""

    def __init__(self) -> None:
        self._kept = BytesIO()
        super().__init__(self._kept, encoding="utf-8", newline="\n")

    def text(self) -> str:
        """Return what was written, with the line ends that a text pipe gives."""
        self.flush()
        return self._kept.getvalue().decode().replace("\r\n", "\n").replace("\r", "\n")
