"""Show a stream of changes: as text, for programs, or as a page from a template."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from archiver.records.model import KINDS, RecordUpdate
from archiver.render import console, data, wording
from archiver.render.section import addresses, folded, names
from archiver.render.templates import stream as rendered
from archiver.render.view import PAGES, Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TextIO

    from archiver.records.model import RecordChange
    from archiver.render.view import ChangeStream, Form, View

    _Writer = Callable[[ChangeStream, Shown, View, TextIO], None]


def show(stream: ChangeStream, view: View, out: TextIO) -> int:
    """Write `stream` to `out`; ``text``, ``jsonl`` and CSV hold one change at a time.

    Returns:
        How many changes the limit left out. Every form but CSV says so itself.

    Raises:
        RenderError: The template of a page is missing or wrong.
    """
    shown = Shown(stream, view)
    _WRITERS[view.form](stream, shown, view, out)
    return shown.left_out.total()


def _write_page(stream: ChangeStream, shown: Shown, view: View, out: TextIO) -> None:
    name, folder = PAGES[view.form], view.folder
    if view.template is not None:
        name, folder = view.template.name, view.template.resolve().parent
    context = _context(stream, shown, view)
    out.writelines(rendered(name, {**context, "others": ()}, folder=folder))


def show_together(found: Iterable[tuple[ChangeStream, View]], out: TextIO) -> None:
    """Write the changes of several sources as one web page, from the built-in template.

    The changes are held in memory.
    """
    contexts = [_context(stream, Shown(stream, view), view) for stream, view in found]
    if contexts:
        first, *others = contexts
        out.writelines(rendered(PAGES["html"], {**first, "others": others}))


def _context(stream: ChangeStream, shown: Shown, view: View) -> dict[str, Any]:
    groups: dict[str, list[Any]] = {kind: [] for kind in KINDS}
    named = []
    for change in shown:
        groups[change.kind].append(msgspec.to_builtins(_public(change, view)))
        named.append(change)
    context = {
        "changes": msgspec.to_builtins(shown.head) | groups,
        "ends": (wording.end(stream.old), wording.end(stream.current)),
        "headline": wording.headline(stream.summary(), stream.current.total, noun=stream.noun),
        "severities": shown.severities,
        "fields": msgspec.to_builtins(shown.fields),
        "told": shown.told["updated"],
        "more": dict.fromkeys(KINDS, 0) | (shown.left_out + stream.folded + shown.told),
        "links": addresses((change.key for change in named), view.link),
        "names": names(named),
    }
    return folded(context, stream.folded)


def _public(change: RecordChange, view: View) -> Any:
    public = wording.public(change)
    if not view.name_only:
        return public
    if isinstance(public, RecordUpdate):
        return RecordUpdate(public.key, (), public.severity)
    return {"@key": change.key} if isinstance(public, dict) else public


_WRITERS: Final[Mapping[Form, _Writer]] = {
    "text": console.write,
    "json": data.write_json,
    "jsonl": data.write_jsonl,
    "csv": data.write_csv,
    "csv-raw": data.write_csv,
    "markdown": _write_page,
    "html": _write_page,
}
