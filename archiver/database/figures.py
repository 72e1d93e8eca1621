"""Read the tables: the movers of a metric, and what changes how often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from archiver.records.representation import short

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

Number = int | float

_METRIC_ROLES: Final = "('metric', 'leaf')"
# Integers that SQLite cannot hold are kept as JSON; so are the texts of metrics that are no number.
_NUMBER: Final = (
    "SELECT CASE WHEN json GLOB '[-0-9]*' THEN CAST(json AS REAL) ELSE value END "
    "FROM value_rows AS rows WHERE rows.key = keys.id AND rows.field = :field "
    "AND rows.capture <= :{end} ORDER BY rows.capture DESC LIMIT 1"
)
_STANDING: Final = f"""WITH ends AS MATERIALIZED (
    SELECT keys.key AS key, ({_NUMBER.format(end="last")}) AS value FROM keys
)
SELECT key, value FROM ends WHERE value IS NOT NULL ORDER BY value DESC, key"""  # noqa: S608  constants
_MOVERS: Final = f"""WITH ends AS MATERIALIZED (
    SELECT keys.id AS id, keys.key AS key,
        ({_NUMBER.format(end="base")}) AS was, ({_NUMBER.format(end="last")}) AS now
    FROM keys
), moved AS MATERIALIZED (
    SELECT key, was, now, was IS NULL AS risen FROM ends
    WHERE now IS NOT NULL AND now <> coalesce(was, 0) AND (was IS NOT NULL OR NOT EXISTS (
        SELECT 1 FROM record_rows AS rows WHERE rows.key = ends.id AND rows.valid_from <= :base
            AND (rows.valid_to IS NULL OR rows.valid_to > :base)))
)
SELECT key, was, now, risen FROM moved WHERE NOT :growth OR was <> 0
ORDER BY CASE WHEN :growth THEN abs((now - was) * 1.0 / was) ELSE abs(now - coalesce(was, 0)) END
    DESC, key"""  # noqa: S608  constants


class Mover(NamedTuple):
    """A record whose metric moved.

    Attributes:
        key: Its key.
        was: The value at the beginning; None: there was no such record then.
        now: The value at the end.
        risen: Whether there was no such record at the beginning.
    """

    key: str
    was: Number | None
    now: Number
    risen: bool

    def __repr__(self) -> str:
        return short(self)


class Period(NamedTuple):
    """How much can have changed in a period.

    Attributes:
        captures: Number of captures that were compared with the one before.
        records: How many records one of them has, on average.
    """

    captures: int
    records: float

    def __repr__(self) -> str:
        return short(self)


class Habit(NamedTuple):
    """How often a field changed.

    Attributes:
        field: Name of the field; of a metric inside a field its dotted path.
        kind: ``updated``: its changes are news; ``metrics``.
        captures: Number of captures in which any record changed it.
        changes: Number of changes in all of them.
    """

    field: str
    kind: str
    captures: int
    changes: int

    def __repr__(self) -> str:
        return short(self)


class Restless(NamedTuple):
    """A record that changed: its key, in how many captures, and which fields, by name."""

    key: str
    captures: int
    fields: tuple[str, ...]

    def __repr__(self) -> str:
        return short(self)


def metrics(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the metrics that any record has or had, by name, with their numbers."""
    query = f"SELECT name, id FROM fields WHERE role IN {_METRIC_ROLES} ORDER BY name, role"  # noqa: S608  constants
    return dict(connection.execute(query))


def number_of(connection: sqlite3.Connection, revision: str) -> int | None:
    """Return the number of the newest readable capture up to a revision; None: there is none."""
    query = (
        "SELECT max(id) FROM captures WHERE status <> 'unreadable' "
        "AND id <= (SELECT id FROM captures WHERE revision = ?)"
    )
    found: int | None = connection.execute(query, (revision,)).fetchone()[0]
    return found


def first(connection: sqlite3.Connection) -> tuple[int, str]:
    """Return the number of the first readable capture, and its author date as in `captures`."""
    query = "SELECT id, authored_at FROM captures WHERE status <> 'unreadable' ORDER BY id LIMIT 1"
    number, authored_at = connection.execute(query).fetchone()
    return int(number), str(authored_at)


def authored(connection: sqlite3.Connection, capture: int) -> str:
    """Return the author date of a capture, ``YYYY-MM-DD HH:MM:SS`` in UTC."""
    query = "SELECT authored_at FROM captures WHERE id = ?"
    return str(connection.execute(query, (capture,)).fetchone()[0])


def standing(connection: sqlite3.Connection, field: int, last: int) -> Iterator[tuple[str, Number]]:
    """Yield key and value of the records that have a metric at capture `last`, largest first."""
    yield from connection.execute(_STANDING, {"field": field, "last": last})


def movers(
    connection: sqlite3.Connection, field: int, *, base: int, last: int, growth: bool
) -> Iterator[Mover]:
    """Yield the records that have another value of a metric than before, largest change first.

    A record that did not exist then begins at nothing; it has no growth, nor has one that was 0.

    Args:
        connection: The database.
        field: Number of the metric.
        base: Number of the capture to begin with.
        last: Number of the capture to end with.
        growth: Order by the relative change instead of the absolute one.
    """
    values = {"field": field, "base": base, "last": last, "growth": growth}
    for key, was, now, risen in connection.execute(_MOVERS, values):
        yield Mover(key, was, now, bool(risen))


def record(connection: sqlite3.Connection, key: str, capture: int) -> str | None:
    """Return the settled part of a record, as it last was at a capture, as JSON."""
    row = connection.execute(
        "SELECT record FROM record_rows WHERE key = (SELECT id FROM keys WHERE key = ?) "
        "AND valid_from <= ? ORDER BY valid_from DESC LIMIT 1",
        (key, capture),
    ).fetchone()
    return None if row is None else str(row[0])


def period(connection: sqlite3.Connection, base: int, last: int) -> Period:
    """Return how much can have changed after capture `base`, up to capture `last`."""
    query = (
        "SELECT count(*), coalesce(avg(total), 0) FROM captures "
        "WHERE id > ? AND id <= ? AND status = 'ok'"
    )
    return Period(*connection.execute(query, (base, last)).fetchone())


def habits(connection: sqlite3.Connection, base: int, last: int) -> list[Habit]:
    """Return how often each field changed, the most restless first."""
    query = (
        "SELECT field, kind, count(*), sum(changes) FROM field_counts "
        "WHERE capture > ? AND capture <= ? GROUP BY field, kind ORDER BY sum(changes) DESC, field"
    )
    return [Habit(*row) for row in connection.execute(query, (base, last))]


def restless(connection: sqlite3.Connection, base: int, last: int) -> Iterator[Restless]:
    """Yield the records with news, those first that had it in most captures."""
    query = (
        "SELECT rows.key, keys.key, count(DISTINCT rows.capture) AS captures "
        "FROM change_rows AS rows JOIN keys ON keys.id = rows.key "
        "WHERE rows.kind = 'updated' AND rows.capture > ? AND rows.capture <= ? "
        "GROUP BY +rows.key ORDER BY captures DESC, keys.key"
    )
    # By the index of keys (hence the +) each row would be looked up elsewhere: thrice the time.
    names = (
        "SELECT DISTINCT field FROM change_rows "
        "WHERE key = ? AND capture > ? AND capture <= ? AND kind = 'updated' ORDER BY field"
    )
    for number, key, captures in connection.execute(query, (base, last)):
        fields = tuple(name for (name,) in connection.execute(names, (number, base, last)))
        yield Restless(key, captures, fields)


def samples(
    connection: sqlite3.Connection, field: str, base: int, last: int, most: int
) -> list[tuple[str, str]]:
    """Return the newest changes of a field, old and new value as JSON; none where it was absent."""
    query = (
        "SELECT old, new FROM change_rows WHERE field = ? AND kind = 'updated' "
        "AND old IS NOT NULL AND new IS NOT NULL AND capture > ? AND capture <= ? "
        "ORDER BY capture DESC LIMIT ?"
    )
    return connection.execute(query, (field, base, last, most)).fetchall()
