"""The static page of one record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from archiver.language import retold, sentence, tr
from archiver.records.jsontext import parse
from archiver.render import chart, wording

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archiver.database.pages import Life
    from archiver.records.model import Json
    from archiver.site.story import Story

Series = list[tuple[int, Any]]
"""Captures, and the value from then on; None: absent."""

_GONE: Final = {
    "removed": sentence("Removed"),
    "renamed": sentence("Renamed"),
    "left": sentence("Left the window"),
}
_FILLED: Final = 0.95
"""Share of a chart up to the last change; what follows it is as it was then."""
_EVENTS: Final = 60
"""Changes that a static page shows; it stays small."""


def series(text: str) -> Series:
    """Return what ``capture,value,…`` says."""
    flat: list[Any] = msgspec.json.decode(f"[{text}]")
    return list(zip(flat[::2], flat[1::2], strict=True))


def context(life: Life, metrics: Mapping[str, Series], story: Story, hub: str) -> dict[str, Any]:
    """Return what the page of a record shows.

    Args:
        life: The record.
        metrics: What each of its metrics was; by name.
        story: How changes are shown.
        hub: Address of its page on the hub; empty: it has none.
    """
    settled: dict[str, Json] = parse(life.record.encode())
    facts = [(name, value) for name, value in settled.items() if name != "@key"]
    standing = {name: _standing(values, life.until) for name, values in metrics.items()}
    facts += [(name, value) for name, value in standing.items() if value is not None]
    events = [story.told(each) for each in reversed(life.events)]
    return {
        **story.record(life.key),
        "gone": life.gone,
        "state": _state(life, story),
        "hub": "" if life.gone else hub,
        "facts": [(name, _words(name, value)) for name, value in facts],
        "charts": [
            drawn
            for name, values in metrics.items()
            if (drawn := _chart(name, values, story)) is not None
        ],
        "events": events[:_EVENTS],
        "left": len(events) - len(events[:_EVENTS]),
        "since": story.at(life.since),
    }


def _standing(values: Series, until: int | None) -> Json:
    """Return the newest value; of a record that is gone, the last one that it had."""
    there = [value for capture, value in values if until is None or capture < until]
    return there[-1] if there else None


def _state(life: Life, story: Story) -> str:
    since = tr("first seen {at} UTC", at=story.at(life.since)["timestamp"][:16])
    if life.until is None:
        return tr("In the catalogue; {since}.", since=since)
    ending = [each for each in life.events if each.capture == life.until]
    at = story.at(life.until)["timestamp"][:16]
    gone = _GONE[life.gone]
    if ending and life.gone == "renamed":
        words = tr("{gone} on {at} UTC, now {key}", gone=gone, at=at, key=ending[-1].new_key)
    else:
        words = tr("{gone} on {at} UTC", gone=gone, at=at)
    if ending and ending[-1].reason:
        words = tr("{words} ({reason})", words=words, reason=retold(ending[-1].reason))
    return tr("{words}; {since}.", words=words, since=since)


def _words(name: str, value: Json) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return wording.words(name, value)
    return msgspec.json.format(msgspec.json.encode(value), indent=1).decode()


def _chart(name: str, values: Series, story: Story) -> dict[str, Any] | None:
    """Return the chart of a metric that moved; None: it did not, or is no number."""
    numbers = [value for _, value in values if type(value) in (int, float)]
    if len(numbers) < 2 or any(type(value) is str for _, value in values):  # noqa: PLR2004
        return None
    begin, end = values[0][0], values[-1][0]
    start = story.times[begin - 1]
    span = (story.times[end - 1] - start) / _FILLED or 1.0
    points = [
        ((story.times[capture - 1] - start) / span, _number(value)) for capture, value in values
    ]
    line = chart.line(points)
    if line is None:
        return None
    ends = (
        wording.words(name, value)
        for value in (numbers[0], numbers[-1], min(numbers), max(numbers))
    )
    words = wording.spanned(*ends)
    return {
        "name": name,
        "line": line,
        "words": words,
        "begin": story.timestamps[begin - 1],
        "end": story.timestamps[end - 1],
    }


def _number(value: Json) -> float | None:
    return float(value) if type(value) in (int, float) else None
