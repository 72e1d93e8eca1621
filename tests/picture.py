"""Draw the README's picture: real commands, run in a terminal, as an SVG.

``make readme`` writes ``docs/terminal.svg``.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from archiver.fakehub.catalogue import Catalogue
from archiver.fakehub.server import FakeHub

ROOT = Path(__file__).parents[1]
COLUMNS = 100
SETUP = (
    "archiver init --source hub --url {url} --records models --key id"
    " --metric downloads --metric likes"
)
SCENES = (
    "archiver log",
    "archiver compare",
    "archiver changes --since 7d --stat",
    "archiver list --where category = text-generation --field downloads --field size --limit 4",
)
_FOREIGN = re.compile(r"@font-face \{.*?\}\s*|<!-- Generated.*?-->", re.DOTALL)
"""Fonts that would be fetched, and a line about the maker of the picture."""


def shown(command: str, folder: Path) -> str:
    """Run `command` in a terminal of its own and return what it wrote there."""
    ours, theirs = pty.openpty()
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "TERM": "xterm-256color",
        "COLUMNS": str(COLUMNS),
        "HOME": str(folder),
    }
    with subprocess.Popen(
        ["bash", "-c", command], cwd=folder, env=environment, stdout=theirs, stderr=theirs
    ) as child:
        os.close(theirs)
        written = b""
        while chunk := _read(ours):
            written += chunk
        child.wait()
    os.close(ours)
    return written.decode().replace("\r\n", "\n")


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:  # a terminal whose other side is closed
        return b""


def main() -> None:
    """Play the scenes and write the picture."""
    with (
        tempfile.TemporaryDirectory() as name,
        FakeHub(Catalogue(models=400)) as hub,
        Path(os.devnull).open("w") as nowhere,
    ):
        folder = Path(name)
        shown(SETUP.format(url=hub.url), folder)
        for day in range(4):
            hub.day = day
            shown("archiver run", folder)
        console = Console(record=True, width=COLUMNS, file=nowhere)
        for command in SCENES:
            console.print(f"[bold green]$[/] {command}", highlight=False)
            console.print(Text.from_ansi(shown(command, folder)), end="")
            console.print()
        picture = console.export_svg(title="archiver")
    (ROOT / "docs" / "terminal.svg").write_text(_FOREIGN.sub("", picture), encoding="utf-8")


if __name__ == "__main__":
    main()
