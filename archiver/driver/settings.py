"""What tells git to ask us: settings of one repository, and attributes of its snapshots."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from archiver.driver import textconv
from archiver.errors import ConfigError
from archiver.language import sentence
from archiver.store.durable import disk_errors, make_folders, write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archiver.store.repository import Repository

FILES: Final = ("latest.json", "**/latest/*.json")
"""Patterns of the snapshots of any archive, and of their parts."""
_SECTION: Final = "diff.archiver"
_OURS: Final = "archiver diff-driver"
"""Stands in each command that we configure."""
_BEGIN: Final = f"# begin: {_OURS} --install\n".encode()
_END: Final = f"# end: {_OURS} --install\n".encode()
_GONE: Final = f'{_OURS}: the program is gone; install it again, or remove [diff "archiver"]'


def install(
    repository: Repository, files: Sequence[str] = (), description: Sequence[str] = ()
) -> list[str]:
    """Make git ask us, also where it was told to before; return where that is written.

    Args:
        repository: The repository.
        files: Patterns of gitattributes; empty: `FILES`.
        description: Options that say where the records of its documents are.

    Raises:
        ConfigError: A diff driver of this name is set that is not ours, or a pattern is none.
    """
    for pattern in files:
        _refuse_odd(pattern)
    if foreign := _foreign(repository):
        raise ConfigError(
            sentence("git has a diff driver of another origin: {foreign}", foreign=foreign),
            hint=sentence(
                "remove it first: git config --remove-section {section}", section=_SECTION
            ),
        )
    for name, value in _settings(description).items():
        repository.git.run("config", "--local", "--replace-all", f"{_SECTION}.{name}", value)
    attributes = _attributes(repository)
    others = _others(attributes)
    if others and not others[-1].endswith(b"\n"):
        others[-1] += b"\n"
    lines = (f"{pattern} diff=archiver\n".encode() for pattern in files or FILES)
    _write(attributes, [*others, _BEGIN, *lines, _END])
    return [str(repository.common_dir / "config"), str(attributes)]


def uninstall(repository: Repository) -> bool:
    """Remove what `install` wrote and nothing else; return whether there was anything."""
    found = _found(repository, "config", "--local")
    ours = [name for name in found if _OURS in found[name]]
    for name in ours:
        repository.git.run("config", "--local", "--unset-all", name)
    attributes = _attributes(repository)
    before, others = _read(attributes), _others(attributes)
    if others == before:
        return bool(ours)
    if others:
        _write(attributes, others)
    else:
        attributes.unlink()
    return True


def _settings(description: Sequence[str]) -> dict[str, str]:
    """Return our settings by name; git hands both commands to a shell, with its own arguments."""
    options = shlex.join(description)
    python, script = shlex.quote(sys.executable), shlex.quote(textconv.__file__)
    gone = f"test -x {python} && test -f {script} || {{ echo {shlex.quote(_GONE)} >&2;"
    text = f"{python} -I -S {script} {options}".rstrip()
    compare = f"{python} -I -m archiver diff-driver --compare {options}".rstrip()
    plain = 'git diff --no-index --no-ext-diff -- "$2" "$5"'
    return {
        "textconv": f'{gone} exec cat -- "$1"; }}; exec {text}',
        "command": f"{gone} {plain}; exit 0; }}; exec {compare} --",
    }


def _foreign(repository: Repository) -> str:
    """Return the name of a setting of the driver that is not ours; empty: there is none."""
    found = _found(repository, "config")
    return next((name for name in found if _OURS not in found[name]), "")


def _found(repository: Repository, *command: str) -> dict[str, str]:
    answer = repository.git.ask(*command, "--null", "--get-regexp", rf"^{_SECTION}\.")
    pairs = os.fsdecode(answer.out).split("\0")[:-1]
    return dict(pair.partition("\n")[::2] for pair in pairs)


def _attributes(repository: Repository) -> Path:
    """Return the file of attributes that git reads in every work tree, and where there is none."""
    path = repository.git.line("rev-parse", "--path-format=absolute", "--git-path", "info")
    return Path(path) / "attributes"


def _read(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return []


def _others(path: Path) -> list[bytes]:
    """Return the lines of a file of attributes that are not ours."""
    lines = _read(path)
    if _BEGIN not in lines or _END not in lines:
        return lines
    return lines[: lines.index(_BEGIN)] + lines[lines.index(_END) + 1 :]


def _write(path: Path, lines: list[bytes]) -> None:
    with disk_errors():
        make_folders(path.parent)
        write_whole(path, lines)


def _refuse_odd(pattern: str) -> None:
    """Refuse what git would not read as one pattern of a file."""
    if not pattern.isprintable() or " " in pattern or not pattern or pattern[0] in '#!"[':
        raise ConfigError(
            sentence("{pattern!r} is no pattern of a file", pattern=pattern),
            hint=sentence("write it as .gitattributes holds it"),
        )
