"""Print the tests of the rooms that a change touches, for ``make check``.

A change is what differs from the commit where this branch left ``main``, committed or not.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CHECKOUT = Path(__file__).resolve().parents[1]
MAIN = ("origin/main", "main")
TESTED_BY = {
    "archiver/records": ("tests/records", "tests/test_laws.py"),
    "archiver/changes": ("tests/changes", "tests/notify/test_filters.py", "tests/test_laws.py"),
    "archiver/channels": ("tests/channels", "tests/notify"),
    "archiver/watcher.py": ("tests/test_watcher.py",),
    "templates": ("tests/render", "tests/site", "tests/workflows"),
    "docs/sources.md": ("tests/sources/test_guide.py",),
    "README.md": ("tests/test_readme.py",),
    "action.yml": ("tests/workflows",),
    ".github": ("tests/workflows",),
}
"""Where the tests of a path lie, unless a room's tests have the room's name."""


def changed(checkout: Path) -> set[str]:
    """Return the files that differ from where this branch left main."""
    return {
        *_git(checkout, "diff", "--name-only", "-z", _base(checkout)),
        *_git(checkout, "ls-files", "--others", "--exclude-standard", "-z"),
    }


def _base(checkout: Path) -> str:
    for name in MAIN:
        if found := _git(checkout, "for-each-ref", f"refs/heads/{name}", f"refs/remotes/{name}"):
            return _git(checkout, "merge-base", "HEAD", found[0].split()[0])[0].strip()
    return "HEAD"


def _git(checkout: Path, *arguments: str) -> list[str]:
    command = ["git", "-C", str(checkout), *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=True)
    return [each for each in done.stdout.split("\0") if each]


def chosen(paths: Iterable[str], checkout: Path) -> list[str]:
    """Return the test folders and files for changed `paths`, without those in listed folders."""
    found = {each for path in paths for each in _tests(path, checkout)}
    there = {each for each in found if (checkout / each).exists()}
    return sorted(each for each in there if str(Path(each).parent) not in there)


def _tests(path: str, checkout: Path) -> Iterator[str]:
    room = "/".join(path.split("/")[:2])
    for start, tests in TESTED_BY.items():
        if path == start or path.startswith(f"{start}/"):
            yield from tests
            return
    if path.startswith("tests/support/"):
        yield from _users(Path(path).stem, checkout)
    elif path.startswith("archiver/"):
        yield room.replace("archiver/", "tests/", 1)
    elif re.fullmatch(r"tests/(\w+/)?test_\w+\.py", path):
        yield path
    elif path.startswith("tests/golden/"):
        yield "tests/render"
    elif path.startswith("tests/") and (checkout / room).is_dir():
        yield room


def _users(module: str, checkout: Path) -> Iterator[str]:
    """Yield the test files that import a module of tests/support."""
    imports = re.compile(rf"(from|import) support\.{module}\b")
    for file in (checkout / "tests").rglob("test_*.py"):
        if imports.search(file.read_text("utf-8")):
            yield str(file.relative_to(checkout))


if __name__ == "__main__":
    sys.stdout.write(" ".join(chosen(changed(CHECKOUT), CHECKOUT)))
