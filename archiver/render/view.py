"""A stream of changes, and how it is shown."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from itertools import chain, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

from archiver.changes.severity import importance, severity_of
from archiver.records.model import CHANGES_2, Rename
from archiver.records.text import RECORD
from archiver.render.folding import Folding
from archiver.render.section import nowhere

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from archiver.changes.fields import FieldCounts
    from archiver.changes.renames import Renames
    from archiver.records.model import (
        End,
        FieldSummary,
        Kind,
        RecordChange,
        Severities,
        Summary,
    )
    from archiver.records.text import Noun

Form: TypeAlias = Literal["text", "json", "jsonl", "markdown", "html", "csv", "csv-raw"]
FORMS: Final[tuple[Form, ...]] = get_args(Form)
FOR_PEOPLE: Final[frozenset[Form]] = frozenset({"text", "markdown", "html"})
_WITH_HEAD: Final[frozenset[Form]] = frozenset({"json", "jsonl"})
PAGES: Final[Mapping[str, str]] = {"markdown": "changes.md.j2", "html": "changes.html.j2"}
"""The forms that are pages, and their templates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeStream:
    """A comparison whose changes are read once, as they come.

    Attributes:
        source: Name of the source.
        old: The end that is compared with.
        current: The end that is compared.
        changes: The changes, in the order of their keys; read once.
        summary: Returns the counts, once `changes` has ended.
        noun: What the records are called.
        fold: Yields those of its changes that are told here; the others are counted in `folded`.
        folded: How many changes of each kind are told in a newer one, once `changes` has ended.
        fields: Counts its changes by field; None: only some of them are looked at.
        renames: Finds those of its records that may have another key now; None: nobody looks.
    """

    source: str
    old: End
    current: End
    changes: Iterable[RecordChange]
    summary: Callable[[], Summary]
    noun: Noun = RECORD
    fold: Callable[[Iterable[RecordChange]], Iterator[RecordChange]] = iter
    folded: Counter[Kind] = field(default_factory=Counter)
    fields: FieldCounts | None = None
    renames: Renames | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How changes are shown.

    Attributes:
        form: The format.
        limit: Show at most this many changes, the most important ones; None: all of them.
        stat: Only the counts.
        name_only: Only kinds and keys.
        style: ANSI sequence with which each kind starts in ``text``; empty: no colour.
        folder: The user's templates, for ``markdown`` and ``html``.
        template: A template file in place of the one of that form; None: by its name.
        link: Returns the address of a record's page for people, which ``markdown`` and ``html``
            link to; empty: it has none.
        named: Each row for a program names its source: one of several is shown.
        dated: Each row of CSV names the capture time: one of several change sets is shown.
        headed: Whether CSV begins with the names of the columns.
        whole: Whether ``text``, ``markdown`` and ``html`` list what happened to most records, too.
        metrics: Whether they list changed metrics.
    """

    form: Form = "text"
    limit: int | None = None
    stat: bool = False
    name_only: bool = False
    style: Mapping[Kind, str] = field(default_factory=dict)
    folder: Path | None = None
    template: Path | None = None
    link: Callable[[str], str] = nowhere
    named: bool = False
    dated: bool = False
    headed: bool = True
    whole: bool = False
    metrics: bool = False


class Shown:
    """The changes of a stream that a view shows; the others are counted, never forgotten.

    A limit is spent on the most important ones, which are shown in the order of the stream. Pages
    are told how many there are of each severity, too, once the stream has ended. For people, what
    happened to most records is left out of the changes and told by `fields`.
    """

    def __init__(self, stream: ChangeStream, view: View) -> None:
        """Show what `view` asks of `stream`; nothing is read yet."""
        self.left_out: Counter[Kind] = Counter()
        self.severities: Severities = {}
        self._stream = stream
        self._view = view
        self._folding = None
        if stream.fields is not None and view.form in FOR_PEOPLE and not view.stat:
            asked = {"whole": view.whole or view.name_only, "metrics": view.metrics}
            self._folding = Folding(stream.fields, stream.renames, **asked)

    def __iter__(self) -> Iterator[RecordChange]:
        """Yield what is shown, then run to the end of the stream."""
        if self._view.stat:
            deque(self._stream.changes, maxlen=0)
            return
        changes = self._stream.changes
        if self._view.form in PAGES:
            changes = self._counted(changes)
        if self._folding is not None:
            changes = self._folding.folded(changes)
        elif self._stream.fields is not None and self._view.form in _WITH_HEAD:
            changes = self._stream.fields.counted(changes)
        changes = self._stream.fold(changes)
        if self._view.limit is None:
            yield from changes
        else:
            shown, self.left_out = _most_important(changes, self._view.limit)
            yield from shown

    def _counted(self, changes: Iterable[RecordChange]) -> Iterator[RecordChange]:
        """Yield the changes, and count those of each kind and severity."""
        for change in changes:
            of_kind, severity = self.severities.setdefault(change.kind, {}), severity_of(change)
            of_kind[severity] = of_kind.get(severity, 0) + 1
            yield change

    @property
    def fields(self) -> tuple[FieldSummary, ...]:
        """What is told once of most records, and left out of the changes; known at their end."""
        return self._folding.summaries if self._folding is not None else ()

    @property
    def told(self) -> Counter[Kind]:
        """How many changes of each kind `fields` tells alone; known at their end."""
        return Counter({"updated": 0 if self._folding is None else self._folding.told})

    def drain(self) -> None:
        """Run to the end of the stream, where its summary is known."""
        for _ in self:
            pass

    @property
    def head(self) -> dict[str, Any]:
        """The members of the public form that are no changes, once the stream has ended.

        The limit adds one: ``more``, the number of changes left out. ``fields`` is there where all
        changes were looked at.
        """
        head: dict[str, Any] = {
            "schema": CHANGES_2,
            "source": self._stream.source,
            "from": self._stream.old,
            "to": self._stream.current,
            "summary": self._stream.summary(),
        }
        fields, renames = self._stream.fields, self._stream.renames
        if fields is not None and not self._view.stat:
            head["fields"] = (*(renames.summaries if renames else ()), *fields.summaries)
        if renames and (found := renames.found):
            head["possible_renames"] = [Rename(old, new) for old, new in sorted(found.items())]
        return head | {"more": self.left_out.total()} if self.left_out else head


def _most_important(
    changes: Iterable[RecordChange], limit: int
) -> tuple[list[RecordChange], Counter[Kind]]:
    """Return at most `limit` changes in their order, and how many others there are of each kind."""
    counts: Counter[Kind] = Counter()
    groups: dict[int, list[tuple[int, RecordChange]]] = {}
    for place, change in enumerate(changes):
        counts[change.kind] += 1
        group = groups.setdefault(importance(change), [])
        if len(group) < limit:
            group.append((place, change))
    first = islice(chain.from_iterable(groups[each] for each in sorted(groups)), limit)
    shown = [change for _, change in sorted(first, key=itemgetter(0))]
    return shown, counts - Counter(change.kind for change in shown)
