"""The data of a site, which scripts read: columns, lives, values, changes.

A file is one call of a function, since a page that was opened as a file may load scripts only.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, unquote

import msgspec

from archiver.changes.compare import split
from archiver.language import retold
from archiver.records.jsontext import parse
from archiver.records.key import label_of
from archiver.records.representation import short
from archiver.records.text import address
from archiver.render.wording import is_quantity
from archiver.site.addresses import power_of_two

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from archiver.database.news import Event
    from archiver.database.pages import Capture, Life
    from archiver.records.model import Json

ERA: Final = 32
"""Number of captures whose values are in the same files."""
_ERAS: Final = 4
"""Number of eras with every value; of what is older there is one value a month."""
OLD: Final = "old"
_IN_RECORDS: Final = 48
"""Number of records in a file of lives, on average; a page of a record loads one."""
_IN_VALUES: Final = 128
_MOST_RECORD_FILES: Final = 2_048
_MOST_VALUE_FILES: Final = 1_024
LONGEST: Final = 300
"""Characters of a cell of the catalogue."""
FACET: Final = 40
"""Most values of a field by which the catalogue can be filtered."""
_SHOWN: Final = 6
"""Number of columns of the catalogue that are shown at first."""
_EXACT: Final = 2**53
"""JavaScript rounds integers from here on (ECMA-262, Number.MAX_SAFE_INTEGER)."""
_LONG_NUMBER: Final = re.compile(r"\d{16}")
_PROTOTYPE: Final = re.compile(r'(?<=[{,])"__proto__":')
"""A member that a script would take for the prototype (ECMA-262, B.3.1), not for a member."""
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d")

encode = msgspec.json.Encoder().encode


def script(name: str, value: Json) -> bytes:
    """Return a data file: a call that stands in a script on its own (ECMA-262, HTML 4.12.1.3)."""
    text = encode(value).decode().replace("<", "\\u003c")
    text = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    text = _PROTOTYPE.sub('["__proto__"]:', text)
    return f'archiver("{name}",{text});\n'.encode()


def raw(json: str | None) -> msgspec.Raw | Json:
    """Return a JSON text as what a script reads exactly: integers beyond 2^53 become texts."""
    if json is None:
        return None
    return exact(parse(json.encode())) if _LONG_NUMBER.search(json) else msgspec.Raw(json.encode())


def exact(value: Json) -> Json:
    """Return a value in which integers beyond 2^53 are texts."""
    if type(value) is int:
        return value if -_EXACT < value < _EXACT else str(value)
    if type(value) is list:
        return [exact(each) for each in value]
    if type(value) is dict:
        return {name: exact(each) for name, each in value.items()}
    return value


class Field(NamedTuple):
    """A column of the catalogue.

    Attributes:
        name: Name of the field.
        kind: ``number``, ``text``, ``json`` or ``mixed``.
        metric: Whether it is a metric.
        facet: Whether it has so few values that one can filter by them.
        shown: Whether it is shown at first.
        quantity: Whether its numbers have separators.
    """

    name: str
    kind: str
    metric: bool
    facet: bool
    shown: bool
    quantity: bool

    def __repr__(self) -> str:
        return short(self)


class Columns:
    """The records of the newest capture as columns, in the order of their keys.

    Attributes:
        keys: Their keys.
        labels: Their labels; empty: they have none.
        fields: What there is of each.
    """

    def __init__(
        self, lines: Iterable[tuple[str, bytes]], metrics: Iterable[str], label: str
    ) -> None:
        """Read keys and canonical lines, in the order of the keys."""
        self.keys: list[str] = []
        self.labels: list[str] = []
        self._cells: dict[str, dict[int, Json]] = {}
        for place, (key, line) in enumerate(lines):
            self.keys.append(key)
            record = parse(line)
            if label:
                self.labels.append(label_of(record, label))
            for name, value in record.items():
                if name != "@key" and value != key:
                    self._cells.setdefault(name, {})[place] = _cell(value)
        self.fields = _described(self._cells, frozenset(metrics), len(self.keys))

    def cell(self, name: str, place: int) -> Json:
        """Return the value of a field of one record, as the catalogue shows it; None: absent."""
        return self._cells[name].get(place)

    def column(self, name: str) -> Json:
        """Return the values of a field as data: a list, or distinct values and their places."""
        values = list(map(self._cells[name].get, range(len(self.keys))))
        texts = {value for value in values if type(value) is str}
        if not texts or 2 * len(texts) > len(values) or _has_others(values):
            return values
        distinct = [*sorted(texts), *([None] if None in values else [])]
        places = {value: place for place, value in enumerate(distinct)}
        return {"d": distinct, "i": [places[value] for value in values]}

    @property
    def sorted_by(self) -> str:
        """The metric by which the records are sorted at first, largest first; empty: by key."""
        metrics = (each.name for each in self.fields if each.metric and each.kind == "number")
        return next(metrics, "")

    def order(self) -> list[int]:
        """Return the places of the records in the order in which they are shown at first."""
        places = range(len(self.keys))
        if not self.sorted_by:
            return list(places)
        cells = self._cells[self.sorted_by]
        there = [place for place in places if cells.get(place) is not None]
        absent = [place for place in places if cells.get(place) is None]
        return [*sorted(there, key=cells.__getitem__, reverse=True), *absent]


def _has_others(values: Sequence[Json]) -> bool:
    return any(type(value) is not str and value is not None for value in values)


def _cell(value: Json) -> Json:
    if type(value) is str:
        return value if len(value) <= LONGEST else value[: LONGEST - 1] + "…"
    value = exact(value)
    if type(value) in (list, dict):
        text = encode(value).decode()
        return value if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    return value


def _described(
    cells: dict[str, dict[int, Json]], metrics: frozenset[str], records: int
) -> list[Field]:
    """Return what each column is, those first that are shown at first."""
    found = []
    for name, column in cells.items():
        kind = _kind(column.values())
        facet = _is_facet(column.values(), kind, records)
        found.append(Field(name, kind, name in metrics, facet, False, is_quantity(name)))
    found.sort(key=lambda field: field.name)
    ranked = sorted(found, key=lambda field: _rank(field, cells[field.name]))
    shown = {field.name for field in ranked[:_SHOWN]}
    first = [field._replace(shown=True) for field in ranked if field.name in shown]
    return [*first, *(field for field in found if field.name not in shown)]


def _kind(values: Iterable[Json]) -> str:
    types = {type(value) for value in values if value is not None}
    if types <= {int, float}:
        return "number"
    if types <= {str, bool}:
        return "text"
    return "json" if types <= {list, dict} else "mixed"


def _is_facet(values: Iterable[Json], kind: str, records: int) -> bool:
    """Return whether a field sorts most records into few groups; dates do not."""
    if kind != "text":
        return False
    counts: Counter[Json] = Counter()
    for value in values:
        counts[value] += 1
        if len(counts) > FACET:
            return False
    del counts[None]
    return sorts(counts, records)


def sorts(counts: Counter[Json], records: int) -> bool:
    """Return whether values that records have so often sort most of them into few groups."""
    absent = records - counts.total()
    dates = any(_MOMENT.match(str(value)) for value in counts)
    return 2 <= len(counts) <= max(records // 2, 2) and 2 * absent <= records and not dates  # noqa: PLR2004


def _rank(field: Field, column: dict[int, Json]) -> tuple[int, str]:
    """Return what puts the columns first that tell records apart: facets, metrics, dates."""
    some = next((value for value in column.values() if value is not None), None)
    if field.facet:
        rank = 0
    elif field.metric and field.kind == "number":
        rank = 1
    elif field.kind == "number":
        rank = 2
    elif field.kind == "text" and _MOMENT.match(str(some)):
        rank = 3
    else:
        rank = 4 if field.kind == "text" else 5
    return rank, field.name


class Hub(NamedTuple):
    """Where the pages of records are on the hub.

    Attributes:
        link: Returns the address of a record's page; empty: it has none.
        before: What stands before the key in every address.
        after: What stands behind it.
        regular: Whether an address is those two with the quoted key between them.
    """

    link: Callable[[str], str]
    before: str
    after: str
    regular: bool

    def __repr__(self) -> str:
        return short(self)

    @classmethod
    def of(cls, link: Callable[[str], str], keys: Iterable[str]) -> Hub:
        """Return what is known of the addresses of some records."""

        def safe(key: str) -> str:
            return address(link(key))

        keys = list(keys)
        before, after = next(filter(None, (_around(safe(key), key) for key in keys)), ("", ""))
        regular = all(_between(safe(key), before, after) == key for key in keys)
        return cls(safe, before, after, regular and bool(before))


def _around(url: str, key: str) -> tuple[str, str] | None:
    """Return what stands before and behind the quoted key in an address; None: it is not there."""
    quoted = quote(key.encode(errors="replace"), safe="/")
    before, found, after = url.partition(quoted)
    return (before, after) if found else None


def _between(url: str, before: str, after: str) -> str | None:
    end = len(url) - len(after)
    if not (url.startswith(before) and url.endswith(after) and end >= len(before)):
        return None
    return unquote(url[len(before) : end], errors="surrogatepass")


class Era(NamedTuple):
    """Captures whose values are in the same files.

    Attributes:
        name: Name of the folder: the number of its first capture, or ``old``.
        first: Number of the first capture.
        last: Number of the last capture.
        buckets: Number of its files.
    """

    name: str
    first: int
    last: int
    buckets: int

    def __repr__(self) -> str:
        return short(self)


def eras(captures: int, records: int) -> list[Era]:
    """Return the eras of a history, oldest first."""
    buckets = value_files(records)
    starts = range(1, captures + 1, ERA)
    recent = [
        Era(str(start), start, min(start + ERA - 1, captures), buckets) for start in starts[-_ERAS:]
    ]
    if recent and recent[0].first > 1:
        return [Era(OLD, 1, recent[0].first - 1, buckets), *recent]
    return recent


def thinned(text: str, months: Sequence[str]) -> str:
    """Return ``capture,value,…`` with only the last value of each month.

    Args:
        text: The captures and values.
        months: The month of each capture.
    """
    flat: list[Any] = msgspec.json.decode(f"[{text}]")
    last = {
        months[capture - 1]: (capture, value)
        for capture, value in zip(*[iter(flat)] * 2, strict=True)
    }
    return encode([each for pair in last.values() for each in pair]).decode()[1:-1]


def value_files(records: int) -> int:
    """Return the number of files of an era for the values of so many records."""
    return power_of_two(records / _IN_VALUES, _MOST_VALUE_FILES)


def record_files(records: int) -> int:
    """Return the number of files for the lives of so many records."""
    return power_of_two(records / _IN_RECORDS, _MOST_RECORD_FILES)


def life(found: Life, label: str, hub: str) -> dict[str, Json]:
    """Return the life of a record as data.

    Args:
        found: The record.
        label: Path of its label; empty: records have none.
        hub: Address of its page on the hub, where that does not follow from its key; empty: none.
    """
    data: dict[str, Json] = {
        "record": raw(found.record),
        "since": found.since,
        "gone": found.gone or None,
        "events": [[each.capture, each.kind, *_tail(each)] for each in found.events],
    }
    if label:
        name = label_of(parse(found.record.encode()), label)
        data |= {"label": name} if name else {}
    return data | ({"hub": hub} if hub else {})


def change(event: Event) -> list[Json]:
    """Return what is news of a record in a capture as data."""
    if event.kind == "renamed":
        return [event.old_key, "renamed", event.key]
    became = [event.new_key] if event.kind == "removed" and event.new_key else []
    return [event.key, event.kind, *_tail(event), *became]


def _tail(event: Event) -> Iterator[Json]:
    if event.kind == "updated":
        yield [[each.field, _wrapped(each.old), _wrapped(each.new)] for each in event.shifts]
    elif event.kind in ("removed", "left"):
        yield retold(event.reason)
    elif event.kind == "renamed":
        yield from ("to", event.new_key) if event.new_key else ("from", event.old_key)
    if event.record is not None:
        yield raw(event.record)


def _wrapped(json: str | None) -> list[Json]:
    return [] if json is None else [raw(json)]


def captures(found: Sequence[Capture], pages: Sequence[str]) -> dict[str, Json]:
    """Return the captures as data: one list for each column."""
    kinds = ("new", "removed", "returned", "renamed", "entered", "left", "updated", "metrics")
    return {
        "timestamp": [each.timestamp for each in found],
        "page": list(pages),
        "revision": [each.revision for each in found],
        "total": [each.total for each in found],
        "status": [each.status for each in found],
        **{kind: [each.counts.get(kind) for each in found] for kind in kinds},  # type: ignore[call-overload]
    }


def members(line: str) -> dict[str, str]:
    """Return the members of a record, each as JSON."""
    return {name: bytes(text).decode() for name, text in split(line.encode()).items()}
