"""Render a changelog: one section for each capture that has news, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from archiver.language import tr
from archiver.records import text
from archiver.render.section import unnamed
from archiver.render.templates import render

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TEMPLATE: Final = "changelog.md.j2"

_LARGEST: Final = 400_000
"""Bytes of a file that holds sections; GitHub shows no Markdown above 512 kB."""
_LARGEST_SECTION: Final = 200_000
_SECTION: Final = b"\n## "
_OLDER: Final = b"\nOlder entries: `archiver changelog`\n"


def rendered(section: Mapping[str, Any], *, folder: Path | None, template: str = TEMPLATE) -> str:
    """Return one section of a changelog, ending with a newline; one too large names no change.

    Args:
        section: What the template may name (see `section.section`).
        folder: The user's templates; None: the built-in ones.
        template: Its file name.

    Raises:
        RenderError: The template is missing or wrong.
    """
    words = render(template, section, folder=folder)
    if len(words.encode()) > _LARGEST_SECTION:
        words = render(template, unnamed(section), folder=folder)
    return words.strip("\n") + "\n"


def heading(source: str) -> str:
    """Return the first lines of a changelog."""
    return tr("# Changelog of {source}\n", source=text.markdown(source))


def prepended(file: bytes | None, section: str, *, source: str) -> bytes:
    """Return the changelog `file` with one more section at its top.

    Text written by hand stays. The oldest sections are dropped where the file would become too
    large to be shown.

    Args:
        file: The file as it is; None: there is none.
        section: The section, ending with a newline.
        source: Name of the source.
    """
    top, found, rest = (file or heading(source).encode()).partition(_SECTION)
    new = top.rstrip(b"\n") + b"\n\n" + section.encode()
    if found:
        new += found + rest
    if len(new) <= _LARGEST:
        return new
    cut = new.rfind(_SECTION, len(top) + len(section.encode()) + 2, _LARGEST)
    kept = new[: cut if cut > 0 else len(top) + len(section.encode()) + 2]
    return kept.rstrip(b"\n") + b"\n" + _OLDER
