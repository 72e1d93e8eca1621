"""Write the commit message of a capture: a subject that reads as a changelog line, and trailers."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

import msgspec

from archiver.errors import RenderError
from archiver.language import sentence, tr
from archiver.records import text
from archiver.records.model import KINDS
from archiver.render import wording
from archiver.render.section import first_of_each, names, public
from archiver.render.templates import render

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from archiver.records.model import FieldSummary, Kind, RecordChange, Severities, Summary

SUBJECT_COLUMNS: Final = 72
CAP: Final = 10
"""How many records of each kind a message names."""


def message(
    *,
    source: str,
    total: int,
    summary: Summary,
    trailers: Mapping[str, str],
    changes: Iterable[RecordChange] = (),
    severities: Severities | None = None,
    fields: Iterable[FieldSummary] = (),
    told: int = 0,
    first: bool = False,
    noun: text.Noun = text.RECORD,
    folder: Path | None = None,
) -> str:
    """Return a commit message that ends with a newline.

    Args:
        source: Name of the source.
        total: Number of records now.
        summary: How many changes there are of each kind.
        trailers: ``Archiver-Total`` and the like, in the order in which they are written.
        changes: At least the first `CAP` changes of each kind; more are read past.
        severities: How many changes there are of each kind and severity.
        fields: What happened to most records; it is left out of `changes`.
        told: How many updated records `fields` tells alone.
        first: Whether this is the first snapshot of the source.
        noun: What the records are called.
        folder: The user's templates; ``commit.txt.j2`` is the one used here.

    Raises:
        RenderError: The template is missing or wrong.
    """
    news = (change for change in changes if change.kind != "metrics")
    named = {} if first else first_of_each(news, CAP)
    context = {
        "subject": subject(source, summary, total, first=first, noun=noun),
        "source": source,
        "total": total,
        "summary": msgspec.to_builtins(summary),
        "news": summary.news,
        "severities": severities or {},
        "fields": msgspec.to_builtins(tuple(fields)),
        "told": told,
        "changes": public(named),
        "names": names(chain.from_iterable(named.values())),
        "more": {kind: 0 if first else _more(kind, summary, named) for kind in KINDS},
    }
    body = render("commit.txt.j2", context, folder=folder).strip()
    if not body:
        raise RenderError(
            sentence("commit.txt.j2: it says nothing, so the commit would have no subject")
        )
    return f"{body}\n\n{_block(trailers)}" if trailers else f"{body}\n"


def subject(
    source: str,
    summary: Summary,
    total: int,
    *,
    first: bool = False,
    noun: text.Noun = text.RECORD,
) -> str:
    """Return the first line of the message, at most 72 columns."""
    name = text.clip(text.commit(source), 24)
    news = wording.news(summary)
    line = f"{name}: {wording.headline(news, total, first=first, noun=noun)}"
    if text.width(line) <= SUBJECT_COLUMNS:
        return line
    changes, records = text.count(summary.news, "change"), noun.counted(total)
    return tr("{name}: {changes} ({records})", name=name, changes=changes, records=records)


def _more(kind: Kind, summary: Summary, named: Mapping[Kind, list[RecordChange]]) -> int:
    number: int = getattr(summary, kind)
    return number - len(named.get(kind, ()))


def _block(trailers: Mapping[str, str]) -> str:
    return "".join(f"{token}: {text.visible(value)}\n" for token, value in trailers.items())
