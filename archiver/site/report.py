"""The review of a period: figures, losses, terms, movers, categories, churn."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from archiver.database import figures, standing
from archiver.errors import ConfigError
from archiver.history import queries
from archiver.history.changelog import links
from archiver.history.churn import churn
from archiver.records.model import KINDS
from archiver.records.text import count
from archiver.render import wording
from archiver.render.section import addresses, names, public
from archiver.render.templates import render
from archiver.site import overview
from archiver.site.facts import Facts
from archiver.site.story import TERMS, time_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from archiver.database.pages import Capture
    from archiver.history.catalogue import Catalogue
    from archiver.history.comparison import Comparison
    from archiver.history.index import Index
    from archiver.records.model import FieldChange, Kind, RecordChange

Form: TypeAlias = Literal["markdown", "html"]

_TEMPLATES: Final = {"markdown": "report.md.j2", "html": "report.html.j2"}
_NAMED: Final = 30
"""Changes of each kind that a report names."""
_MOVERS: Final = 10
_METRICS: Final = 4
_FACETS: Final = 4
_VALUES: Final = 10
_FIELDS: Final = 10


def report(catalogue: Catalogue, index: Index, since: datetime, form: Form) -> str:
    """Return the review of the time since `since` (UTC), up to the newest capture.

    Raises:
        ConfigError: There is only one capture.
        RenderError: The user's template is wrong.
        UnreadableSnapshot: An end cannot be read.
    """
    folder = catalogue.config.template_folder if catalogue.config else None
    with queries.changes_since(catalogue, since) as found:
        shown = _Review(Facts(catalogue, index, 0), found).context(links(catalogue))
    return render(_TEMPLATES[form], shown, folder=folder)


class _Review:
    """One source in one period."""

    def __init__(self, facts: Facts, found: Comparison) -> None:
        ends = {each.revision: each for each in facts.captures}
        self._facts = facts
        self._found = found
        self._base = ends[found.old.end.revision or ""]
        self._last = ends[found.new.end.revision or ""]

    def context(self, link: Callable[[str], str]) -> dict[str, Any]:
        """Return what a template may name; `link` gives the address of a record's page."""
        if self._base.id == self._last.id:
            name = self._facts.catalogue.source
            raise ConfigError(
                f"{name}: nothing was captured since {self._base.timestamp} UTC",
                hint="name an earlier --since",
            )
        captures = self._facts.captures[self._base.id - 1 : self._last.id]
        changes = [_news(each) for each in self._found.changes() if each.kind != "metrics"]
        groups = {kind: [each for each in changes if each.kind == kind] for kind in KINDS}
        terms = [each for each in map(_terms, groups["updated"]) if each.changes]
        shown = [each for group in groups.values() for each in group[:_NAMED]] + terms[:_NAMED]
        head = {
            "source": self._facts.catalogue.source,
            "from": msgspec.to_builtins(self._found.old.end),
            "to": msgspec.to_builtins(self._found.new.end),
            "summary": msgspec.to_builtins(self._found.summary),
        }
        cut: dict[Kind, Sequence[RecordChange]] = {
            kind: group[:_NAMED] for kind, group in groups.items()
        }
        return {
            "source": self._facts.catalogue.source,
            "noun": tuple(self._facts.catalogue.noun),
            "changes": head | public(cut),
            "more": {kind: len(group) - len(cut[kind]) for kind, group in groups.items()},
            "terms": public({"updated": terms[:_NAMED]})["updated"],
            "terms_more": max(len(terms) - _NAMED, 0),
            "links": addresses((each.key for each in shown), link),
            "names": names(shown),
            "notes": self._found.notes,
            "captures": len(captures) - 1,
            "gaps": _gaps(captures),
            **overview.over_time(captures),
            "movers": list(self._movers()),
            "categories": list(self._categories()),
            **self._churn(),
        }

    def _movers(self) -> Iterator[dict[str, Any]]:
        """Yield the records whose metrics moved most, in numbers and in shares."""
        connection = self._facts.connection
        for name, number in islice(self._facts.metrics.items(), _METRICS):
            rows = {
                growth: [
                    _mover(each, name)
                    for each in islice(
                        figures.movers(
                            connection,
                            number,
                            base=self._base.id,
                            last=self._last.id,
                            growth=growth,
                        ),
                        _MOVERS,
                    )
                    if isinstance(each.now, (int, float))
                ]
                for growth in (False, True)
            }
            if rows[False]:
                yield {"name": name, "most": rows[False], "fastest": rows[True]}

    def _categories(self) -> Iterator[dict[str, Any]]:
        """Yield how many records had each value of a field, then and now."""
        fields = (each.name for each in self._facts.columns.fields if each.facet)
        for name in islice(fields, _FACETS):
            then = standing.counts(self._facts.connection, name, self._base.id)
            now = standing.counts(self._facts.connection, name, self._last.id)
            values = sorted(then.keys() | now.keys(), key=lambda each: (-now.get(each, 0), each))
            rows = [
                {
                    "value": value,
                    "then": then.get(value, 0),
                    "now": now.get(value, 0),
                    "change": f"{now.get(value, 0) - then.get(value, 0):+,}",
                }
                for value in values[:_VALUES]
            ]
            if rows:
                yield {"name": name, "rows": rows, "left": max(len(values) - _VALUES, 0)}

    def _churn(self) -> dict[str, Any]:
        found = churn(self._facts.index, self._base.id)
        fields = [
            {
                **row,
                "of_captures": f"{row['of_captures']:.0%}",
                "of_records": f"{row['of_records']:.1%}",
            }
            for row in found.fields[:_FIELDS]
        ]
        return {"churn": fields, "restless": list(islice(found.records, _FIELDS))}


def _news(change: RecordChange) -> RecordChange:
    """Leave out the metrics that moved beside what is news."""
    return _only(change, lambda each: not each.metric)


def _terms(change: RecordChange) -> RecordChange:
    """Leave only what decides whether a record may be used."""
    return _only(change, lambda each: each.field in TERMS)


def _only(change: RecordChange, wanted: Callable[[FieldChange], bool]) -> RecordChange:
    if change.changes is UNSET:
        return change
    return replace(change, changes=tuple(filter(wanted, change.changes)))


def _mover(mover: figures.Mover, name: str) -> dict[str, Any]:
    change = mover.now - (mover.was or 0)
    words = wording.words(name, change)
    return {
        "key": mover.key,
        "then": "" if mover.was is None else wording.words(name, mover.was),
        "now": wording.words(name, mover.now),
        "change": words if change < 0 else f"+{words}",
        "growth": f"{change / mover.was:+.0%}" if mover.was else "new",
    }


def _gaps(captures: Sequence[Capture]) -> str:
    """Return how often captures came, and the longest time without one."""
    days = [time_of(each.timestamp).date() for each in captures]
    words = f"{count(len(captures) - 1, 'capture')} on {count(len({*days[1:]}), 'day')}"
    return words + overview.longest_gap({*days})
