"""The review of a period: figures, losses, terms, movers, categories, churn."""

from __future__ import annotations

import shlex
from collections import defaultdict
from datetime import timedelta
from itertools import groupby, islice, pairwise
from statistics import median
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from archiver.changes.severity import TERMS
from archiver.database import figures, news, pages, standing
from archiver.errors import ConfigError
from archiver.history import queries
from archiver.history.changelog import links
from archiver.history.churn import churn
from archiver.history.comparison import outlined
from archiver.history.dates import Dates
from archiver.history.flapping import indexed, noted
from archiver.history.index import Index
from archiver.language import sentence, tr
from archiver.records.jsontext import parse
from archiver.records.key import label_of
from archiver.records.model import KINDS
from archiver.records.text import count, named
from archiver.render import wording
from archiver.render.section import addresses, public
from archiver.render.templates import render
from archiver.site import overview
from archiver.site.categories import Categories
from archiver.site.story import shifts, time_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from archiver.database.news import Event
    from archiver.database.pages import Capture
    from archiver.database.standing import Spell
    from archiver.history.catalogue import Catalogue
    from archiver.history.comparison import Comparison
    from archiver.records.model import Kind, Record, RecordChange, Summary

Form: TypeAlias = Literal["markdown", "html"]

_TEMPLATES: Final = {"markdown": "report.md.j2", "html": "report.html.j2"}
_NAMED: Final = 30
"""Changes of each kind that a report names."""
_MOVERS: Final = 10
_METRICS: Final = 4
_FIELDS: Final = 10
_GAPS: Final = 5
_UNUSUAL: Final = 1.5
"""A time without captures is a gap from so many times the usual one on."""
_HOUR: Final = timedelta(hours=1)
_TWO_DAYS: Final = timedelta(days=2)


def report(
    catalogue: Catalogue,
    index: Index,
    since: datetime,
    until: datetime | None,
    *,
    form: Form,
    options: Sequence[str] = (),
) -> str:
    """Return the review of a period.

    Args:
        catalogue: The catalogue.
        index: Its index.
        since: When it begins, UTC.
        until: When it ends, UTC; None: with the newest capture.
        form: How it is written.
        options: What chooses the catalogue on the command line.

    Raises:
        ConfigError: Nothing was captured in that time.
        RenderError: The user's template is wrong.
        UnknownRevision: The history begins after `until`.
        UnreadableSnapshot: An end cannot be read.
    """
    folder = catalogue.config.template_folder if catalogue.config else None
    tip = None if until is None else Dates.of(catalogue).at(until).id
    with queries.changes_since(catalogue, since, tip=tip) as found:
        shown = _Review(catalogue, index, found).context(options)
    return render(_TEMPLATES[form], shown, folder=folder)


class _Review:
    """One source in one period."""

    def __init__(self, catalogue: Catalogue, index: Index, found: Comparison) -> None:
        captures = pages.captures(index.connection)
        ends = {each.revision: each for each in captures}
        self._base = ends[found.old.end.revision or ""]
        self._last = ends[found.new.end.revision or ""]
        if self._base.id == self._last.id:
            raise ConfigError(
                sentence(
                    "{source}: nothing was captured since {timestamp} UTC",
                    source=catalogue.source,
                    timestamp=self._base.timestamp,
                ),
                hint=sentence("name an earlier --since"),
            )
        self._catalogue = catalogue
        self._index = Index(index.connection, self._last.id)
        self._found = found
        self._captures = captures[self._base.id - 1 : self._last.id]
        self._timestamps = {each.id: each.timestamp for each in captures}

    def context(self, options: Sequence[str]) -> dict[str, Any]:
        """Return what a template may name."""
        account = outlined(
            self._found.old.opened(), self._found.new.opened(), self._catalogue.policy
        )
        summary, severities = account.summary, account.severities
        changed = _first_of_each(noted(self._catalogue, self._found, account.changes))
        terms, terms_more = self._terms()
        metrics = list(self._movers())
        between = self._between()
        habits = churn(self._index, self._base.id)
        restless = [each for each in islice(habits.records, _FIELDS) if each["captures"] > 1]
        rows = (terms, between["passed"], between["absences"], restless)
        rows = (*rows, *(moved[order] for moved in metrics for order in ("most", "fastest")))
        keys = {each.key for group in changed.values() for each in group}
        keys |= {each["key"] for group in rows for each in group}
        return {
            "source": self._catalogue.source,
            "noun": tuple(self._catalogue.noun.words),
            "changes": self._changes(summary, changed),
            "severities": severities,
            "fields": msgspec.to_builtins(account.fields),
            "told": account.told,
            "more": {kind: self._left(summary, changed, kind) for kind in KINDS},
            "when": self._when(changed),
            "terms": terms,
            "terms_more": terms_more,
            **between,
            "links": addresses(sorted(keys), links(self._catalogue)),
            "names": self._names(keys),
            "notes": self._found.notes,
            **_rhythm(self._captures),
            **overview.over_time(self._captures),
            "movers": metrics,
            "categories": list(self._categories()),
            "churn": [_habit(row) for row in habits.fields[:_FIELDS]],
            "restless": restless,
            "again": self._again(options),
        }

    @property
    def _span(self) -> tuple[int, int]:
        return self._base.id, self._last.id

    def _changes(self, summary: Summary, changed: dict[Kind, list[RecordChange]]) -> dict[str, Any]:
        """Return the net change in the public form, its first changes of each kind."""
        head = {
            "source": self._catalogue.source,
            "from": msgspec.to_builtins(self._found.old.end),
            "to": msgspec.to_builtins(self._found.new.end),
            "summary": msgspec.to_builtins(summary),
        }
        return head | public(changed)

    def _left(self, summary: Summary, changed: dict[Kind, list[RecordChange]], kind: Kind) -> int:
        shown = len(changed.get(kind, ()))
        return 0 if kind == "metrics" else int(getattr(summary, kind)) - shown

    def _when(self, changed: dict[Kind, list[RecordChange]]) -> dict[str, dict[str, str]]:
        """Return when the last news of a kind came, by kind and key."""
        keys = [each.key for group in changed.values() for each in group]
        when: dict[str, dict[str, str]] = {kind: {} for kind in KINDS}
        for kind, key, capture in news.last_of(self._index.connection, keys, *self._span):
            when[kind][key] = self._timestamps[capture]
        return when

    def _terms(self) -> tuple[list[dict[str, Any]], int]:
        """Return what changed licence or access, newest first, and how much more of it there is."""
        events = news.of_fields(self._index.connection, sorted(TERMS), *self._span)
        shown = [self._term(event) for event in islice(events, _NAMED)]
        return shown, sum(1 for _ in events)

    def _term(self, event: Event) -> dict[str, Any]:
        policy = self._catalogue.policy
        at = self._timestamps[event.capture]
        return {"key": event.key, "at": at, "shifts": shifts(event, policy)}

    def _between(self) -> dict[str, Any]:
        """Return what came and went, or went and came back: both ends show none of it."""
        passed = standing.passed(self._index.connection, *self._span)
        gaps = standing.absences(self._index.connection, *self._span)
        absences = [*self._absences(gaps)]
        return {
            "passed": [self._spell(each) for each in passed[:_NAMED]],
            "passed_more": max(len(passed) - _NAMED, 0),
            "absences": absences[:_NAMED],
            "absences_more": max(len(absences) - _NAMED, 0),
            "absences_count": len(gaps),
        }

    def _absences(self, gaps: Iterable[Spell]) -> Iterator[dict[str, Any]]:
        """Yield when records were gone; those of one that flapped as one, with their number."""
        known = indexed(self._index, self._catalogue.damping)

        def episode(gap: Spell) -> object:
            revision = self._captures[gap.until - self._base.id].revision
            return known.episode(revision, gap.key) or gap

        for _, group in groupby(gaps, key=episode):
            first, *others = group
            last = others[-1] if others else first
            yield {**self._spell(first._replace(until=last.until)), "times": 1 + len(others)}

    def _spell(self, spell: Spell) -> dict[str, str]:
        since, until = self._timestamps[spell.since], self._timestamps[spell.until]
        return {"key": spell.key, "from": since, "to": until}

    def _movers(self) -> Iterator[dict[str, Any]]:
        """Yield the records whose metrics moved most, in numbers and in shares."""
        known = figures.metrics(self._index.connection)
        for name, number in islice(known.items(), _METRICS):
            most = self._moved(name, number, growth=False)
            if most:
                fastest = self._moved(name, number, growth=True)
                yield {"name": name, "most": most, "fastest": fastest}

    def _moved(self, name: str, number: int, *, growth: bool) -> list[dict[str, Any]]:
        base, last = self._span
        found = figures.movers(self._index.connection, number, base=base, last=last, growth=growth)
        numbers = (each for each in found if isinstance(each.now, (int, float)))
        return [_mover(each, name) for each in islice(numbers, _MOVERS)]

    def _categories(self) -> Iterator[dict[str, Any]]:
        found = Categories(self._base.total or 0, self._last.total or 0)
        for each in standing.records(self._index.connection, *self._span):
            found.add(parse(each.record.encode()), then=each.then, now=each.now)
        return found.moved()

    def _names(self, keys: Iterable[str]) -> dict[str, str]:
        """Return what people read of the records that have a label, by key."""
        path = self._catalogue.policy.label
        if not path:
            return {}
        shown = {}
        for key in keys:
            text = figures.record(self._index.connection, key, self._last.id)
            label = label_of(parse(text.encode()), path) if text else ""
            if label:
                shown[key] = named(key, label)
        return shown

    def _again(self, options: Sequence[str]) -> list[str]:
        """Return the commands that say the same again."""
        since, until = (
            figures.authored(self._index.connection, each).replace(" ", "T") for each in self._span
        )
        compared = (self._base.revision, self._last.revision)
        config, damping = self._catalogue.config, self._catalogue.damping
        configured = config.source(self._catalogue.source).damping if config else 0
        damped = () if damping == configured else ("--damping", str(damping))
        reviewed = ("report", "--since", since, "--until", until, *options, *damped)
        return [
            shlex.join(("archiver", *reviewed)),
            shlex.join(("archiver", "compare", *compared, *options)),
        ]


def _first_of_each(changes: Iterable[RecordChange]) -> dict[Kind, list[RecordChange]]:
    """Return the changes that a report names, by kind."""
    groups: dict[Kind, list[RecordChange]] = defaultdict(list)
    for each in changes:
        if len(groups[each.kind]) < _NAMED:
            groups[each.kind].append(_news(each))
    return groups


def _news(change: RecordChange) -> RecordChange:
    """Leave out the metrics that moved beside what is news."""
    if change.changes is UNSET:
        return change
    return replace(change, changes=tuple(each for each in change.changes if not each.metric))


def _mover(mover: figures.Mover, name: str) -> dict[str, Any]:
    change = mover.now - (mover.was or 0)
    words = wording.words(name, change)
    growth = f"{change / mover.was:+,.0%}" if mover.was else ""
    return {
        "key": mover.key,
        "then": "" if mover.was is None else wording.words(name, mover.was),
        "now": wording.words(name, mover.now),
        "change": words if change < 0 else f"+{words}",
        "growth": tr("new") if mover.risen else growth,
    }


def _habit(row: Record) -> Record:
    """Return how often a field changed, shares in percent."""
    shares = {"of_captures": f"{row['of_captures']:.0%}", "of_records": f"{row['of_records']:.1%}"}
    return {**row, **shares}


def _rhythm(captures: Sequence[Capture]) -> dict[str, Any]:
    """Return how often captures came, and the longest times without one."""
    times = [time_of(each.timestamp) for each in captures]
    days = {time.date() for time in times[1:]}
    taken = {"captures": count(len(captures) - 1, "capture"), "days": count(len(days), "day")}
    words = tr("{captures} on {days}", **taken)
    gaps = [(after - before, before, after) for before, after in pairwise(times)]
    usual = timedelta(seconds=median(length.total_seconds() for length, _, _ in gaps))
    if len(gaps) > 1 and usual >= _HOUR:
        words = tr("{captures} on {days}, as a rule {time} apart", time=_long(usual), **taken)
    unusual = [each for each in gaps if each[0] > max(_UNUSUAL * usual, _HOUR)]
    unusual.sort(key=lambda each: (-each[0], each[1]))
    return {
        "captures": len(captures) - 1,
        "unreadable": sum(each.total is None for each in captures[1:]),
        "rhythm": words,
        "gaps": [
            {"from": f"{before:%F %R}", "to": f"{after:%F %R}", "words": _long(length)}
            for length, before, after in unusual[:_GAPS]
        ],
        "gaps_more": max(len(unusual) - _GAPS, 0),
    }


def _long(length: timedelta) -> str:
    """Say how long a time is, in hours or days."""
    if length < _TWO_DAYS:
        return count(round(length / _HOUR), "hour")
    return count(round(length / timedelta(days=1)), "day")
