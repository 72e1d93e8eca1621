"""Show changes as a page: Markdown or HTML, from a template that gets the public form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from archiver.records.model import KINDS, RecordUpdate
from archiver.render import wording
from archiver.render.render import stream as rendered
from archiver.render.section import addresses

if TYPE_CHECKING:
    from typing import TextIO

    from archiver.records.model import RecordChange
    from archiver.render.view import ChangeStream, Shown, View


def write_markdown(stream: ChangeStream, shown: Shown, view: View, out: TextIO) -> None:
    """Write a changelog section from ``changes.md.j2``."""
    _write("changes.md.j2", stream, shown, view, out)


def write_html(stream: ChangeStream, shown: Shown, view: View, out: TextIO) -> None:
    """Write one page that needs nothing else from ``changes.html.j2``."""
    _write("changes.html.j2", stream, shown, view, out)


def _write(name: str, stream: ChangeStream, shown: Shown, view: View, out: TextIO) -> None:
    folder = view.folder
    if view.template is not None:
        name, folder = view.template.name, view.template.resolve().parent
    out.writelines(rendered(name, _context(stream, shown, view), folder=folder))


def _context(stream: ChangeStream, shown: Shown, view: View) -> dict[str, Any]:
    groups: dict[str, list[Any]] = {kind: [] for kind in KINDS}
    keys = []
    for change in shown:
        groups[change.kind].append(msgspec.to_builtins(_public(change, view)))
        keys.append(change.key)
    return {
        "changes": msgspec.to_builtins(shown.head) | groups,
        "ends": (wording.end(stream.old), wording.end(stream.current)),
        "headline": wording.headline(stream.summary(), stream.current.total, noun=stream.noun),
        "more": dict.fromkeys(KINDS, 0) | shown.left_out,
        "links": addresses(keys, view.link),
    }


def _public(change: RecordChange, view: View) -> Any:
    public = wording.public(change)
    if not view.name_only:
        return public
    if isinstance(public, RecordUpdate):
        return RecordUpdate(public.key, ())
    return {"@key": change.key} if isinstance(public, dict) else public
