"""Read the tables for pages: captures, what each changed, the life of each record, its values."""

from __future__ import annotations

from itertools import groupby, pairwise
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from archiver.database.news import by_record
from archiver.records.jsontext import dump
from archiver.records.model import KINDS
from archiver.records.representation import short

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from archiver.database.news import Event
    from archiver.records.model import Kind

Values: TypeAlias = "dict[int, list[tuple[int, str]]]"
"""Number of a metric to the captures in which it changed, with its value as JSON from then on."""

_CAPTURES: Final = f"""SELECT id, revision, coalesce(object, ''),
    CASE WHEN datetime(timestamp) = timestamp THEN timestamp ELSE authored_at END,
    committed_at, subject,
    total, status, reason, proof, {", ".join(KINDS)}
FROM captures ORDER BY id"""  # noqa: S608  names of ours
_LIVES: Final = """SELECT rows.key, keys.key, rows.valid_from, rows.valid_to, rows.record
FROM record_rows AS rows JOIN keys ON keys.id = rows.key ORDER BY rows.key, rows.valid_from"""
# SQLite writes 15 digits of a fraction, which is not always the number.
_VALUE: Final = (
    "coalesce(rows.json, "
    "CASE typeof(rows.value) WHEN 'real' THEN exact(rows.value) ELSE rows.value END, 'null')"
)
# One row a record, metric and period: SQLite joins the texts, which is faster than Python. It reads
# them in the order of the primary key, which is that of the captures.
_SPAN: Final = f"""SELECT rows.key, rows.field,
    group_concat(rows.capture || ',' || {_VALUE}, ',')
FROM value_rows AS rows
WHERE rows.capture BETWEEN :first AND :last AND rows.field IN (SELECT value FROM json_each(:fields))
    AND (:keys IS NULL OR rows.key IN (SELECT value FROM json_each(:keys)))
GROUP BY rows.key, rows.field"""  # noqa: S608  constants
_HELD: Final = f"""SELECT ends.key, ends.field, ends.capture || ',' || {_VALUE}
FROM (
    SELECT key, field, max(capture) AS capture FROM value_rows
    WHERE capture < :first AND field IN (SELECT value FROM json_each(:fields))
        AND (:keys IS NULL OR key IN (SELECT value FROM json_each(:keys)))
    GROUP BY key, field
) AS ends JOIN value_rows AS rows USING (key, field, capture)"""  # noqa: S608  constants


class Capture(NamedTuple):
    """One version of the catalogue.

    Attributes:
        id: Its number; 1 is the oldest.
        revision: Full id of the commit.
        object: git's id of the file; empty: the file is gone.
        timestamp: Capture time, ``YYYY-MM-DD HH:MM:SS`` in UTC.
        committed_at: Time of the commit, ISO 8601.
        subject: First line of the commit message.
        total: Number of records; None: it cannot be read.
        status: ``first``, ``ok`` or ``unreadable``.
        reason: Why it cannot be read, or what is to be known of it.
        proof: Why its listing was complete; None: unknown.
        counts: Number of changes of each kind; empty: there was nothing to compare with.
    """

    id: int
    revision: str
    object: str
    timestamp: str
    committed_at: str
    subject: str
    total: int | None
    status: str
    reason: str | None
    proof: str | None
    counts: Mapping[Kind, int]

    def __repr__(self) -> str:
        return short(self)

    @property
    def news(self) -> int:
        """Number of changes that are news."""
        return sum(number for kind, number in self.counts.items() if kind != "metrics")


class Life(NamedTuple):
    """One record from its first capture on.

    Attributes:
        key: Its key.
        since: Number of the first capture that has it.
        until: Number of the first capture that lacks it; None: the newest has it.
        record: The record without metrics and volatile fields, as it is or last was, as JSON.
        events: Its news, oldest first.
    """

    key: str
    since: int
    until: int | None
    record: str
    events: tuple[Event, ...]

    def __repr__(self) -> str:
        return short(self)

    @property
    def gone(self) -> str:
        """How the record went: ``removed``, ``renamed`` or ``left``; empty: it is there."""
        if self.until is None:
            return ""
        kinds = [each.kind for each in self.events if each.capture == self.until]
        return kinds[-1] if kinds else "removed"


def captures(connection: sqlite3.Connection) -> list[Capture]:
    """Return every capture, oldest first."""
    rows = connection.execute(_CAPTURES)
    return [Capture._make((*row[:10], _counts(row[10:]))) for row in rows]


def _counts(numbers: Sequence[int | None]) -> dict[Kind, int]:
    return {kind: n for kind, n in zip(KINDS, numbers, strict=True) if n is not None}


def lives(connection: sqlite3.Connection) -> Iterator[Life]:
    """Yield the life of every record there ever was; the order is the index's own."""
    events = groupby(by_record(connection), key=attrgetter("number"))
    ahead = next(events, None)
    for number, rows in groupby(connection.execute(_LIVES), key=itemgetter(0)):
        spans = list(rows)
        found: tuple[Event, ...] = ()
        if ahead is not None and ahead[0] == number:
            gone = _before_gaps(spans)
            found = tuple(each._replace(record=gone.get(each.capture)) for each in ahead[1])
            ahead = next(events, None)
        _, key, _, until, record = spans[-1]
        yield Life(key, spans[0][2], until, record, found)


def _before_gaps(spans: Sequence[tuple[int, str, int, int | None, str]]) -> dict[int, str]:
    """Return the record as it was when it went, by the capture in which it did and came back."""
    return {
        span[3]: span[4]
        for span, after in pairwise(spans)
        if span[3] is not None and span[3] < after[2]
    }


def touched(connection: sqlite3.Connection, after: int) -> set[str]:
    """Return the keys of the records with another settled part, or news, after a capture."""
    query = (
        "SELECT keys.key FROM keys WHERE id IN ("
        "SELECT key FROM record_rows WHERE valid_from > :after OR valid_to > :after "
        "UNION SELECT key FROM change_rows WHERE capture > :after)"
    )
    return {key for (key,) in connection.execute(query, {"after": after})}


def moved(connection: sqlite3.Connection, after: int) -> set[str]:
    """Return the keys of the records with another value of a metric after a capture."""
    query = (
        "SELECT keys.key FROM keys WHERE id IN (SELECT DISTINCT key FROM value_rows "
        "WHERE capture > ?)"
    )
    return {key for (key,) in connection.execute(query, (after,))}


def values(
    connection: sqlite3.Connection,
    metrics: Mapping[str, int],
    first: int,
    last: int,
    among: Collection[str] | None = None,
) -> Iterator[tuple[str, int, str]]:
    """Yield the values that a metric of a record held from one capture to another.

    Key, place of the metric in `metrics`, and ``capture,value,capture,value…`` in JSON: the value
    that held before `first`, with the capture from which on it did, then each change up to `last`.
    A record that has no value there is left out. The order is the index's own.

    Args:
        connection: The index.
        metrics: Names of the metrics, and their numbers in the index.
        first: Number of the first capture.
        last: Number of the last capture.
        among: Keys of the records that are meant; None: all.
    """
    places = {number: place for place, number in enumerate(metrics.values())}
    connection.create_function("exact", 1, lambda number: dump(number).decode(), deterministic=True)
    names: dict[int, str] = dict(connection.execute("SELECT id, key FROM keys"))
    given = {
        "first": first,
        "last": last,
        "fields": _array(places),
        "keys": None if among is None else _array(n for n, key in names.items() if key in among),
    }
    spans = {(key, field): text for key, field, text in connection.execute(_SPAN, given)}
    for key, field, text in connection.execute(_HELD, given):
        rest = spans.pop((key, field), None)
        if rest is not None or not text.endswith(",null"):
            yield names[key], places[field], text if rest is None else f"{text},{rest}"
    for (key, field), text in spans.items():
        yield names[key], places[field], text


def _array(numbers: Iterable[int]) -> str:
    return f"[{','.join(map(str, numbers))}]"


class LastRun(NamedTuple):
    """The last run: when it began (UTC), what came of it, its exit code."""

    timestamp: str
    outcome: str
    code: int


def last_run(connection: sqlite3.Connection) -> LastRun | None:
    """Return what the last run reported; None: there is no report."""
    query = "SELECT timestamp, outcome, code FROM runs ORDER BY rowid DESC LIMIT 1"
    row = connection.execute(query).fetchone()
    return None if row is None else LastRun(*row)


def returns(connection: sqlite3.Connection, most: int) -> list[tuple[str, int, int | None]]:
    """Return key, capture and the capture before in which it went, of what returned, newest first.

    Only records that are there.
    """
    query = """SELECT keys.key, rows.capture, (SELECT max(spans.valid_to) FROM record_rows AS spans
        WHERE spans.key = rows.key AND spans.valid_to < rows.capture)
    FROM change_rows AS rows JOIN keys ON keys.id = rows.key
    WHERE rows.kind = 'returned' AND EXISTS (SELECT 1 FROM record_rows AS spans
        WHERE spans.key = rows.key AND spans.valid_to IS NULL)
    ORDER BY rows.capture DESC, keys.key LIMIT ?"""
    return connection.execute(query, (most,)).fetchall()
