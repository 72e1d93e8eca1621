"""What the first page of a source shows: health, news, movers, charts, a calendar."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from itertools import groupby, islice, pairwise
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from archiver.database import figures
from archiver.database.news import told
from archiver.history.versions import STAMP
from archiver.language import retold, said, sentence, tr
from archiver.records.text import count, more
from archiver.render import chart, wording
from archiver.site.story import time_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from archiver.changes.flapping import Damping
    from archiver.database.news import Event
    from archiver.database.pages import Capture, LastRun
    from archiver.records.text import Noun
    from archiver.site.data import Columns
    from archiver.site.story import Story

PERIOD: Final = timedelta(days=30)
_NEWS: Final = 24
_OF_EACH: Final = 6
"""Number of news of the same importance that are named, as long as there are others."""
_MOVERS: Final = 7
_METRICS: Final = 2
_FACETS: Final = 2
_VALUES: Final = 7
_BARS: Final = 60
_WEEKS: Final = 53
_CELL: Final = 12
_LEFT: Final = 4
_TOP: Final = 14
_HOUR: Final = 3_600
_MONTHS: Final = (
    *(sentence("Jan"), sentence("Feb"), sentence("Mar"), sentence("Apr")),
    *(sentence("May"), sentence("Jun"), sentence("Jul"), sentence("Aug")),
    *(sentence("Sep"), sentence("Oct"), sentence("Nov"), sentence("Dec")),
)


def base_of(captures: Sequence[Capture], period: timedelta = PERIOD) -> Capture:
    """Return the newest readable capture that is older than the newest one by a period."""
    readable = [each for each in captures if each.total is not None]
    start = (time_of(readable[-1].timestamp) - period).strftime(STAMP)
    before = [each for each in readable if each.timestamp <= start]
    return (before or readable)[-1 if before else 0]


def at_a_glance(captures: Sequence[Capture], noun: Noun, run: LastRun | None) -> dict[str, Any]:
    """Return how many records there are, since when, and whether captures still come."""
    readable = [each for each in captures if each.total is not None]
    newest = readable[-1]
    total = newest.total or 0
    base = base_of(captures)
    hours = _usual_hours(captures)
    return {
        "now": total,
        "total": noun.counted(total),
        "captures": len(captures),
        "first": captures[0].timestamp,
        "last": captures[-1].timestamp,
        "growth": tr(
            "{total:+,} since {timestamp}",
            total=total - (base.total or 0),
            timestamp=base.timestamp[:10],
        ),
        "usual_hours": hours,
        "health": _health(captures, hours, run),
    }


def _usual_hours(captures: Sequence[Capture]) -> int:
    """Return how many hours pass between two captures, as a rule; 0: nobody knows."""
    times = [time_of(each.timestamp) for each in captures]
    gaps = [(after - before).total_seconds() / _HOUR for before, after in pairwise(times)]
    return max(round(median(gaps)), 1) if gaps else 0


def _health(captures: Sequence[Capture], hours: int, run: LastRun | None) -> str:
    newest = captures[-1]
    last = newest.timestamp[:16]
    words = tr("Last captured on {last} UTC", last=last)
    if hours:
        rhythm = count(hours, "hour") if hours < 48 else count(round(hours / 24), "day")  # noqa: PLR2004
        words = tr(
            "Last captured on {last} UTC; as a rule a capture comes every {rhythm}",
            last=last,
            rhythm=rhythm,
        )
    if newest.total is None:
        return tr(
            "{words}. It cannot be read: {reason}.", words=words, reason=retold(newest.reason or "")
        )
    if run is not None and run.timestamp > newest.timestamp:
        when = f"{run.timestamp[:16]} UTC"
        if run.code:
            return tr("{words}. The last run, on {when}, did not succeed.", words=words, when=when)
        return tr("{words}. Last checked on {when}.", words=words, when=when)
    return tr("{words}.", words=words)


def news(
    connection: sqlite3.Connection, captures: Sequence[Capture], story: Story, damping: Damping
) -> dict[str, Any]:
    """Return the news of the last 30 days, in the order of what matters."""
    newest_first = captures[: base_of(captures).id - 1 : -1]
    events = [each for capture in newest_first for each in told(connection, capture.id)]
    shown = _most_important(story.folded(events, damping), story.importance)
    return {
        "news": [story.told(each) for each in shown],
        "news_left": len(events) - len(shown),
    }


def _most_important(events: Iterable[Event], importance: Callable[[Event], int]) -> list[Event]:
    """Return the events to name, in the order of what matters, the newest of each kind first."""
    ordered = sorted(events, key=lambda each: (importance(each), -each.capture, each.key))
    first: list[Event] = []
    others: list[Event] = []
    for _, group in groupby(ordered, key=importance):
        alike = list(group)
        first += alike[:_OF_EACH]
        others += alike[_OF_EACH:]
    chosen = [*first, *others][:_NEWS]
    return sorted(chosen, key=lambda each: (importance(each), -each.capture, each.key))


def movers(
    connection: sqlite3.Connection, captures: Sequence[Capture], story: Story
) -> Iterator[dict[str, Any]]:
    """Yield the records whose metrics moved most in the last 30 days, for each metric."""
    base, last = base_of(captures), captures[-1]
    found = 0
    for name, number in figures.metrics(connection).items():
        rows = figures.movers(connection, number, base=base.id, last=last.id, growth=False)
        best = [row for row in islice(rows, _MOVERS) if isinstance(row.now, (int, float))]
        if not best or base.id == last.id:
            continue
        yield {
            "name": name,
            "since": base.timestamp,
            "rows": [_mover(each, name, story) for each in best],
        }
        found += 1
        if found == _METRICS:
            return


def _mover(mover: figures.Mover, name: str, story: Story) -> dict[str, Any]:
    change = mover.now - (mover.was or 0)
    words = wording.words(name, change)
    return {
        **story.record(mover.key),
        "now": wording.words(name, mover.now),
        "change": words if change < 0 else f"+{words}",
        "risen": mover.risen,
    }


def values(columns: Columns) -> Iterator[dict[str, Any]]:
    """Yield how many records have each value of the fields by which one can filter."""
    facets = [field for field in columns.fields if field.facet and field.shown]
    for field in facets[:_FACETS]:
        cells = (columns.cell(field.name, place) for place in range(len(columns.keys)))
        counts = Counter(
            tr("(none)") if cell is None else wording.cell(field.name, cell) for cell in cells
        )
        rows = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
        shown = [{"value": value, "count": number} for value, number in rows[:_VALUES]]
        if rest := sum(number for _, number in rows[_VALUES:]):
            shown.append({"value": more(len(rows) - _VALUES), "count": rest})
        yield {"name": field.name, "rows": shown}


def over_time(captures: Sequence[Capture]) -> dict[str, Any]:
    """Return the charts of the number of records, and of how many changed."""
    totals = [(time_of(each.timestamp), each.total) for each in captures if each.total is not None]
    start, end = time_of(captures[0].timestamp), time_of(captures[-1].timestamp)
    span = (end - start).total_seconds()
    points = [
        ((time - start).total_seconds() / span, float(total)) for time, total in totals if span
    ]
    line = chart.line(points)
    words = ""
    if line is not None:
        words = wording.spanned(
            *(count(int(each)) for each in (line.first, line.last, line.least, line.most))
        )
    return {"line": line, "line_words": words, **_bars(captures)}


def _bars(captures: Sequence[Capture]) -> dict[str, Any]:
    compared = [each for each in captures if each.counts]
    period, groups = _grouped(compared)
    rows = [_counted(group) for group in groups]
    sums = {kind: sum(row[kind] for row in rows) for kind in ("new", "updated", "removed")}
    return {
        "bars": chart.bars(rows),
        "bars_period": said(period),
        "bars_first": groups[0][0].timestamp if groups else "",
        "bars_words": tr(
            "{new:,} new, {updated:,} updated, {removed:,} removed in all",
            new=sums["new"],
            updated=sums["updated"],
            removed=sums["removed"],
        ),
    }


def _grouped(captures: Sequence[Capture]) -> tuple[str, list[list[Capture]]]:
    """Return the captures in so few groups that each can have a bar, and what a group is."""
    for period, name in _PERIODS.items():
        groups = [list(group) for _, group in groupby(captures, key=name)]
        if len(groups) <= _BARS:
            return period, groups
    return period, groups[-_BARS:]


_PERIODS: Final[Mapping[str, Callable[[Capture], object]]] = {
    sentence("Changes per capture"): lambda each: each.id,
    sentence("Changes per week"): lambda each: time_of(each.timestamp).isocalendar()[:2],
    sentence("Changes per month"): lambda each: each.timestamp[:7],
}


def _counted(captures: Sequence[Capture]) -> dict[str, int]:
    def total(*kinds: str) -> int:
        return sum(each.counts.get(kind, 0) for each in captures for kind in kinds)  # type: ignore[call-overload]

    return {
        "removed": total("removed", "left"),
        "updated": total("updated", "renamed"),
        "new": total("new", "returned", "entered"),
    }


def calendar(captures: Sequence[Capture]) -> dict[str, Any]:
    """Return the days of the last year with and without captures."""
    days: dict[date, list[Capture]] = {}
    for each in captures:
        days.setdefault(time_of(each.timestamp).date(), []).append(each)
    last = max(days)
    monday = last - timedelta(days=last.weekday())
    first = max(
        monday - timedelta(weeks=_WEEKS - 1), min(days) - timedelta(days=min(days).weekday())
    )
    cells, labels = [], []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        x = _LEFT + number // 7 * _CELL
        if day.day <= 7 and not day.weekday():  # noqa: PLR2004  the first Monday of a month
            labels.append({"x": x, "name": said(_MONTHS[day.month - 1])})
        here = days.get(day, [])
        cells.append(
            {"x": x, "y": _TOP + number % 7 * _CELL, "mark": _mark(here), "words": _day(day, here)}
        )
    width = _LEFT + ((last - first).days // 7 + 1) * _CELL
    return {
        "days": cells,
        "months": labels,
        "width": max(width, 40),
        "words": _calendar_words(days),
    }


def _mark(captures: Sequence[Capture]) -> str:
    if not captures:
        return ""
    return " news" if any(each.news or not each.counts for each in captures) else " one"


def _day(day: date, captures: Sequence[Capture]) -> str:
    if not captures:
        return tr("{day}: no capture", day=day)
    changes = sum(each.news for each in captures)
    return tr(
        "{day}: {captures}, {changes}",
        day=day,
        captures=count(len(captures), "capture"),
        changes=count(changes, "change"),
    )


def _calendar_words(days: Mapping[date, Sequence[Capture]]) -> str:
    number = sum(map(len, days.values()))
    taken = {"captures": count(number, "capture"), "days": count(len(days), "day")}
    gaps = [((after - before).days, before, after) for before, after in pairwise(sorted(days))]
    if gaps and max(gaps)[0] > 1:
        longest, before, after = max(gaps)
        return tr(
            "{captures} on {days}; the longest time without one: {longest}, {before} to {after}.",
            longest=count(longest, "day"),
            before=before,
            after=after,
            **taken,
        )
    return tr("{captures} on {days}.", **taken)
