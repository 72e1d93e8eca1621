"""Show a stream of changes in the form that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from archiver.render import console, data, pages
from archiver.render.view import ChangeStream, Form, Shown, View

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TextIO

    _Writer = Callable[[ChangeStream, Shown, View, TextIO], None]

_WRITERS: Final[Mapping[Form, _Writer]] = {
    "text": console.write,
    "json": data.write_json,
    "jsonl": data.write_jsonl,
    "csv": data.write_csv,
    "markdown": pages.write_markdown,
    "html": pages.write_html,
}


def show(stream: ChangeStream, view: View, out: TextIO) -> int:
    """Write `stream` to `out`; ``text``, ``jsonl`` and ``csv`` hold one change at a time.

    Returns:
        How many changes the limit left out. Every form but CSV says so itself.

    Raises:
        RenderError: The template of a page is missing or wrong.
    """
    shown = Shown(stream, view)
    _WRITERS[view.form](stream, shown, view, out)
    return shown.left_out.total()
