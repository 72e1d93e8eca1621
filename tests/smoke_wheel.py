"""Build the wheel, install it into a fresh environment, and run it far from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
COMMANDS = (("--version",), ("--help",), ("demo",))


def build(folder: Path) -> Path:
    """Build the wheel of the checkout into `folder` and return its path."""
    options = ["--quiet", "--no-deps", "--wheel-dir", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(CHECKOUT)], check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def missing_templates(wheel: Path) -> set[str]:
    """Return the templates of the checkout that are not in the `wheel`."""
    templates = CHECKOUT / "templates"
    expected = {f"archiver/templates/{path.name}" for path in templates.iterdir()}
    return expected - set(zipfile.ZipFile(wheel).namelist())


def install(wheel: Path, folder: Path) -> Path:
    """Install the `wheel` into a new environment and return its ``archiver`` command."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", wheel], check=True)
    return folder / "bin" / "archiver"


def main() -> None:
    """Fail with the first thing that a person who installs the wheel would miss."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = build(folder)
        if missing := missing_templates(wheel):
            sys.exit(f"not in the wheel: {', '.join(sorted(missing))}")
        archiver = install(wheel, folder / "venv")
        elsewhere = folder / "elsewhere"
        elsewhere.mkdir()
        environment = {"PATH": os.environ["PATH"], "HOME": str(elsewhere)}
        for command in COMMANDS:
            subprocess.run([archiver, *command], cwd=elsewhere, env=environment, check=True)


if __name__ == "__main__":
    main()
