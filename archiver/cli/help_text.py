"""Help in a language without spaces: click breaks lines at spaces only, and counts characters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import click

from archiver.language import tr
from archiver.records.text import width

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_OPENING: Final = "\uff08\u201c\u300a"  # a parenthesis, a quotation mark, a title
_NEVER_FIRST: Final = frozenset(
    "\uff0c\u3002\uff1b\uff1a\u3001\uff01\uff1f\uff09\u201d\u300b\u2026"
)
"""Punctuation that stands behind a word or a character, never at the beginning of a line."""
_CHUNK: Final = re.compile(rf"[{_OPENING}]*(?:[!-~]+|\S)|\s+")
"""A word that is not broken, one wide character, or white space."""


class Formatter(click.HelpFormatter):
    """Writes help in lines that fit in the columns of a terminal, two for each wide character."""

    def write_text(self, text: str) -> None:
        """Write paragraphs; one that begins with a backspace keeps its lines, as click has it."""
        indent = " " * self.current_indent
        paragraphs = text.split("\n\n")
        for number, paragraph in enumerate(paragraphs):
            self.write("\n" if number else "")
            for line in _lines(paragraph, self.width - self.current_indent):
                self.write(f"{indent}{line}\n".replace(f"{indent}\n", "\n"))

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write how a command is called; behind a wide colon stands no blank."""
        super().write_usage(prog, args, tr("Usage: ") if prefix is None else prefix)

    def write_heading(self, heading: str) -> None:
        """Write a heading and its colon."""
        self.write(" " * self.current_indent + tr("{heading}:", heading=heading) + "\n")

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        """Write terms and what they mean, in two columns."""
        listed = list(rows)
        first = min(max(width(term) for term, _ in listed), col_max) + col_spacing
        room = max(self.width - self.current_indent - first, 10)
        for term, words in listed:
            lines = list(_lines(words, room))
            fits = width(term) <= first - col_spacing
            start = term + " " * (first - width(term)) if fits else term
            if not fits:
                self.write(f"{'':>{self.current_indent}}{start}\n")
                start = " " * first
            for number, line in enumerate(lines or [""]):
                lead = start if number == 0 else " " * first
                self.write(f"{'':>{self.current_indent}}{lead}{line}".rstrip() + "\n")


def _lines(paragraph: str, room: int) -> Iterator[str]:
    """Yield the lines of a paragraph."""
    first, *rest = paragraph.strip("\n").split("\n")
    if first.strip() == "\b":
        yield from rest
        return
    line, taken = "", 0
    for chunk in _CHUNK.findall(" ".join((first, *rest)).strip()):
        if taken + width(chunk) > room and line.strip() and chunk not in _NEVER_FIRST:
            yield line.rstrip()
            line, taken = "", 0
        if line or not chunk.isspace():
            line, taken = line + chunk, taken + width(chunk)
    yield line.rstrip()
