"""Write changes by the value of a field: of a period as a table, of a log entry by entry."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from archiver.cli import asking, log_output
from archiver.language import listed, said, sentence, tr
from archiver.records.model import KINDS, Summary
from archiver.records.text import Noun, clip, terminal
from archiver.render import wording

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TextIO, TypeAlias

    from archiver.changes.breakdown import Breakdown
    from archiver.history.catalogue import Catalogue
    from archiver.history.comparison import Comparison
    from archiver.history.log import Entry
    from archiver.records.model import Json, Kind
    from archiver.render.view import Form

    Broken: TypeAlias = tuple[Catalogue, Entry, Breakdown]

_VALUES: Final = Noun("value", "values")
_NONE: Final = sentence("(none)")
_WIDEST: Final = 60


def changes(
    found: Sequence[tuple[Catalogue, Comparison, Breakdown]],
    form: Form,
    out: TextIO,
    *,
    limit: int | None,
) -> None:
    """Write the changes of a period, one row for each value; ``text`` ends with the counts of all.

    Args:
        found: Catalogue, comparison, which is counted already, and its counts by the field.
        form: The format.
        out: Where to.
        limit: Show at most this many values; None: all.
    """
    several = len(found) > 1
    rows = [
        {**({"source": catalogue.source} if several else {}), "value": value, **_counts(counts)}
        for catalogue, _, by in found
        for value, counts in by
    ]
    kinds = [kind for kind in KINDS if form != "text" or any(row[kind] for row in rows)]
    columns = ("source",) * several + ("value", *kinds)
    shown = ({name: row[name] for name in columns} for row in islice(rows, limit))
    if form == "text":
        shown = ({**row, "value": _words(row["value"])} for row in shown)
    title = ", ".join(f"{catalogue.source}: {by.path}" for catalogue, _, by in found)
    asking.write(shown, columns, form, out, title=title, noun=_VALUES)
    log_output.left_out(max(len(rows) - limit, 0) if limit else 0, form, out)
    for catalogue, each, _ in found if form == "text" else ():
        words = wording.headline(each.summary, each.new.end.total, noun=catalogue.noun)
        out.write(terminal(f"{catalogue.source}: {words}") + "\n")


def log(
    entries: Iterable[Broken], form: Form, out: TextIO, catalogues: Sequence[Catalogue]
) -> None:
    """Write the entries of a log, each with its counts by the value of a field.

    Args:
        entries: Catalogue, entry, and what it changed, newest first.
        form: The format; all but ``text`` have one row for each value of each entry.
        out: Where to.
        catalogues: Those that were asked; of several, each row names its own.
    """
    if form == "text":
        for catalogue, entry, by in entries:
            log_output.log([(catalogue, entry)], form, out, catalogues)
            out.writelines(f"    {line}\n" for line in _lines(by))
        return
    several = len(catalogues) > 1
    columns = ("revision", "timestamp", *("source",) * several, "value", *KINDS)
    rows = (
        {
            "revision": entry.revision,
            "timestamp": entry.timestamp,
            **({"source": catalogue.source} if several else {}),
            "value": value,
            **_counts(counts),
        }
        for catalogue, entry, by in entries
        for value, counts in by
    )
    title = tr("{sources}: log", sources=", ".join(each.source for each in catalogues))
    asking.write(rows, columns, form, out, title=title, noun=_VALUES)


def _lines(by: Breakdown) -> Iterator[str]:
    for value, counts in by:
        words = said(listed(wording.counts(Summary(**_counts(counts)))))
        yield f"{clip(terminal(_words(value)), _WIDEST)}: {words}"


def _words(value: Json) -> str:
    return _NONE if value is None else wording.cell("", value)


def _counts(counts: Counter[Kind]) -> dict[str, Any]:
    return {str(kind): counts[kind] for kind in KINDS}
