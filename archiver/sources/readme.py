"""Find the first sentence or two of a model's README."""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 500
"""Characters of a description."""

_NO_PROSE = ("#", "|", "```", "~~~", "<", "![", "[![", "---", "===", ">", "- ", "* ", "import ")
_MARKUP = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|[*`]")


def first_paragraph(markdown: str) -> str | None:
    """Return the first paragraph of prose, on one line, or None.

    YAML front matter, headings, tables, lists, code, HTML and pictures are passed over.
    """
    for block in re.split(r"\n[ \t]*\n", _without_front_matter(markdown.replace("\r\n", "\n"))):
        text = " ".join(_MARKUP.sub(r"\1", block).split())
        if text and not block.lstrip().startswith(_NO_PROSE):
            return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    return None


def _without_front_matter(markdown: str) -> str:
    if not markdown.startswith("---\n"):
        return markdown
    _, _, rest = markdown[4:].partition("\n---")
    return rest
