"""Find the fields that tell the records of a document apart, in a sample of them.

A key is what every record has and no two records share. The name of a field says how likely it is
the key; where several fields are as likely, none is.
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from archiver.records.field_path import names as names_of
from archiver.records.field_path import pasted
from archiver.records.jsontext import UNREADABLE
from archiver.records.key import MAX_KEY, member
from archiver.records.path import EACH, RecordsPath, field_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from archiver.records.document import Sample
    from archiver.records.model import Json, Record

_FIELDS: Final = 200
"""Fields of a record that are looked at."""
_PAIRED: Final = 8
_LONGEST: Final = 200
_SOME: Final = 200
"""Records from which on a few may lack their key, or share it: real catalogues do."""
_FLAWS: Final = 0.01
_ENOUGH: Final = 3
"""Records from which on the only field that differs is taken for the key."""
_SHARED: Final = 0.5
"""Share of the keys of a version that the other version has, too, where they are stable."""

_ALWAYS: Final = (
    *("id", "_id", "@id", "key", "uuid", "guid", "uid", "slug", "identifier"),
    *("objectid", "globalid", "ogc_fid", "fid", "gid"),
    *("编号", "编码", "代码", "标识"),
)
_ENDS: Final = ("id", "key", "uuid", "guid", "slug", "code")
_NAMES: Final = (
    *("symbol", "ticker", "sku", "isbn", "doi", "code", "package", "project", "full_name"),
    *("repository", "repo", "model", "name", "path", "filename", "file", "tag_name", "tag"),
    *("username", "login", "hostname", "host", "domain", "email", "url", "title"),
    *("cycle", "release", "version", "date", "名称", "姓名"),
)
_PARTS_BEFORE: Final = frozenset(
    (
        *("owner", "namespace", "org", "organization", "vendor", "provider", "publisher", "group"),
        *("ecosystem", "registry", "region", "country", "category", "type", "source"),
    )
)
_PARTS_BEHIND: Final = frozenset(
    ("version", "date", "year", "platform", "arch", "os", "lang", "language", "locale", "variant")
)
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[\s-]+")
_NUMERIC: Final = re.compile(r"[-+]?\d[\d.,]*(?:[eE][-+]?\d+)?%?")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d.*", re.DOTALL)
_UNLIKELY: Final = 3
"""Rank of a field whose name does not say that it is a key."""


_NAMED: Final = 2
"""Rank up to which the name of a field says that it is a key."""


class Key(NamedTuple):
    """What can be the key.

    Attributes:
        rank: How likely it is: the less, the likelier.
        fields: The fields.
    """

    rank: tuple[float, float]
    fields: tuple[str, ...]


class Keys(NamedTuple):
    """What can be the key of records.

    Attributes:
        found: The likeliest first.
        clear: Whether only that one can be meant.
        doubled: The field that is called like the key and is not unique, and how many
            records have a value that one before them has; None: there is none.
    """

    found: list[Key]
    clear: bool
    doubled: tuple[str, int] | None = None

    @property
    def is_likely(self) -> bool:
        """Whether the name of the first one says that it may be the key."""
        return bool(self.found) and self.found[0].rank[0] < _UNLIKELY

    @property
    def named(self) -> bool:
        """Whether the name of the first one says that it is the key."""
        return self.clear and self.found[0].rank[0] < 1


def keys(sample: Sample, records: str, *, thorough: bool) -> Keys:
    """Return what can be the key of records.

    Args:
        sample: The records.
        records: Their path.
        thorough: Check each of them in all records; else only one whose name does not say it.
    """
    path = RecordsPath.read(records)
    if path.key:
        return Keys([Key((0, 0), path.key)], clear=True)
    before = _before(sample, path)
    grouped = bool(before)
    found = sorted(_single(sample, records, grouped=grouped), key=lambda each: each.rank)
    if thorough or not found or found[0].rank[0] >= _NAMED:
        found = [each for each in found if _is_unique(sample, each, path, grouped=grouped)]
    clear = _is_first(found)
    doubled = None
    if not found or found[0].rank[0] >= _UNLIKELY:
        doubled = None if grouped else _doubled(sample)
        pairs = sorted(_pairs(sample, grouped=grouped), key=lambda each: each.rank)
        likely = [each for each in pairs if each.rank[0] < _UNLIKELY]
        if _is_first(likely):
            found, clear = [*likely, *found], True
        elif not found:
            found = pairs
        elif len(found) == 1 and sample.total >= _ENOUGH:
            clear = doubled is None
        doubled = None if clear else doubled
    found = [each._replace(fields=(*before, *each.fields)) for each in found]
    return Keys(found, clear, doubled)


def unique(sample: Sample, records: str) -> list[tuple[str, ...]]:
    """Return every field that all records have and no two share, in their order."""
    path = RecordsPath.read(records)
    before = _before(sample, path)
    found = []
    for names in _fields(sample):
        field = pasted(names)
        values = [(each.holder if before else 0, text(each.record, field)) for each in sample.seen]
        some = any(value is None for _, value in values)
        if not some and len({*values}) == len(values):
            found.append((*before, field))
    return found


def _doubled(sample: Sample) -> tuple[str, int] | None:
    """Return the field that is called like the key though a few records share its values."""
    for rank, names in sorted((_rank(names, ""), names) for names in _fields(sample)):
        field = pasted(names)
        values = [text(each.record, field) for each in sample.seen]
        doubled = len(values) - len({*values})
        if rank[0] >= 1 or (None not in values and 0 < doubled * 2 < len(values)):
            return (field, doubled) if rank[0] < 1 else None
    return None


def stable(known: Keys, sample: Sample, other: Sample) -> Keys:
    """Leave out fields whose values another version lacks, though it has those of others."""
    found = known.found
    if len(found) < 2 or not other.seen:  # noqa: PLR2004  nothing to choose from
        return known
    shares = [_share(sample, other, each.fields[-1]) for each in found]
    least = _SHARED * max(shares)
    kept = [each for each, share in zip(found, shares, strict=True) if share >= least]
    if kept[0] == found[0]:
        clear = known.clear or (len(kept) == 1 and known.doubled is None)
        return known._replace(found=kept, clear=clear)
    return Keys(kept, len(kept) == 1 or _is_first(kept))


def _is_first(found: Sequence[Key]) -> bool:
    """Tell whether the first key is likely, and likelier than any other."""
    if not found or found[0].rank[0] >= _UNLIKELY:
        return False
    return len(found) == 1 or found[0].rank < found[1].rank


def _before(sample: Sample, path: RecordsPath) -> tuple[str, ...]:
    """Return the fields around records in groups that tell the groups apart."""
    groups = tuple(field for step in path.steps[:-1] if (field := field_of(step)))
    if groups or EACH not in path.steps[:-1]:
        return groups
    up = len(path.steps) - 1 - [*path.steps[:-1]].index(EACH) - 1
    holders = {
        each.holder: each.around[up - 1] for each in sample.seen if 0 < up <= len(each.around)
    }
    outer = [_scalars(around) for around in holders.values()]
    ranked = sorted((_rank((name,), ""), name) for name in _common(outer))
    for rank, name in ranked:
        values = [text(each, name) for each in outer]
        if rank[0] < _UNLIKELY and len({*values}) == len(values):
            return ("^." * up + name,)
    return ()


def _scalars(around: Mapping[str, msgspec.Raw]) -> Record:
    found = {}
    for name, text in list(around.items())[:_FIELDS]:
        if bytes(text)[:1] not in (b"{", b"["):
            found[name] = msgspec.json.decode(text)
    return found


def _common(records: Sequence[Record]) -> list[str]:
    """Return the names of fields that all records have."""
    if not records:
        return []
    return [name for name in list(records[0])[:_FIELDS] if all(name in each for each in records)]


def _single(sample: Sample, records: str, *, grouped: bool) -> Iterator[Key]:
    """Yield the fields that tell the records of a sample apart."""
    for names in _fields(sample):
        path = pasted(names)
        values = [(each.holder if grouped else 0, text(each.record, path)) for each in sample.seen]
        texts = [text for _, text in values if text is not None]
        rank = _rank(names, records, first=names[0] == next(iter(sample.seen[0].record)))
        if not texts or not _may_be_key(texts, rank[0]):
            continue
        flaws = len(values) - len({each for each in values if each[1] is not None})
        few = rank[0] < 2 and len(values) >= _SOME and flaws <= _FLAWS * len(values)  # noqa: PLR2004
        if flaws == 0 or few:
            yield Key(rank, (path,))


def _pairs(sample: Sample, *, grouped: bool) -> Iterator[Key]:
    """Yield the pairs of fields that tell the records of a sample apart."""
    pool: list[tuple[float, str]] = []
    for names in _fields(sample):
        path = pasted(names)
        texts = [text(each.record, path) for each in sample.seen]
        there = [text for text in texts if text is not None]
        if len(there) < len(texts) or len({*there}) < 2 or max(map(len, there)) > _LONGEST:  # noqa: PLR2004
            continue
        last = _snake(names[-1])
        part = last in _PARTS_BEFORE or last in _PARTS_BEHIND
        rank = _rank(names, "")[0]
        pool.append((2.25 if part and rank >= 2 else rank, path))  # noqa: PLR2004
    pool = sorted(pool, key=lambda each: each[0])[:_PAIRED]
    for (rank, one), (other_rank, other) in combinations(pool, 2):
        if min(rank, other_rank) >= _UNLIKELY:
            continue
        values = [
            (each.holder if grouped else 0, text(each.record, one), text(each.record, other))
            for each in sample.seen
        ]
        if len({*values}) == len(values):
            yield Key((max(rank, other_rank), rank + other_rank), _in_order(one, other))


def _in_order(one: str, other: str) -> tuple[str, str]:
    """Put what a name is part of before the name, and its versions behind it."""
    last = _snake(other.rpartition(".")[2])
    first = _snake(one.rpartition(".")[2])
    swapped = last in _PARTS_BEFORE or (first in _PARTS_BEHIND and last not in _PARTS_BEHIND)
    return (other, one) if swapped and first not in _PARTS_BEFORE else (one, other)


def _fields(sample: Sample) -> list[tuple[str, ...]]:
    """Return the names of the plain fields of most records, also one level below."""
    counts: Counter[tuple[str, ...]] = Counter()
    looked_at = sample.seen[:: max(1, len(sample.seen) // 100)]
    for each in looked_at:
        for name, value in list(each.record.items())[:_FIELDS]:
            if isinstance(value, dict):
                inner = list(value.items())[: _FIELDS // 4]
                counts.update((name, below) for below, held in inner if _is_plain(held))
            elif _is_plain(value):
                counts[name,] += 1
    most = (1 - _FLAWS * 2) * len(looked_at)
    return [names for names, number in counts.items() if number >= most][:_FIELDS]


def _is_plain(value: Json) -> bool:
    return type(value) is str or type(value) is int


def text(record: Record, path: str) -> str | None:
    """Return what a field says in a key; None: it is absent, or can be in none."""
    try:
        value = member(record, path)
    except ValueError:
        return None
    if type(value) is int:
        return str(value)
    return value if type(value) is str and 0 < len(value) <= MAX_KEY else None


def _may_be_key(texts: Sequence[str], rank: float) -> bool:
    """Tell whether values look like those of a key."""
    if any(len(text) > _LONGEST or "\n" in text for text in texts):
        return False
    if rank < _UNLIKELY:
        return True
    if all(map(_NUMERIC.fullmatch, texts)) or all(map(_MOMENT.fullmatch, texts)):
        return False
    return sum(text.count(" ") for text in texts) <= 4 * len(texts)


def _snake(name: str) -> str:
    return _CAMEL.sub("_", name).lower().strip("_@")


def _rank(names: tuple[str, ...], records: str, *, first: bool = False) -> tuple[float, float]:
    """Return how likely a field is the key by its name: the less, the likelier."""
    name, deeper = names[-1], (len(names) - 1) / 2
    last = _snake(name)
    if name.lower() in _ALWAYS:
        return deeper, _ALWAYS.index(name.lower())
    if last in _ALWAYS:
        return deeper, _ALWAYS.index(last)
    stem, _, end = last.rpartition("_")
    if stem and end in _ENDS:
        plural = _snake(re.split(r"[.\[{]", records.rstrip("[]{}"))[-1])
        of_records = stem in (plural, plural.removesuffix("s"), plural.removesuffix("es"))
        return 1 + deeper, 0 if of_records else 1 if first else 2
    if last in _NAMES:
        return 2 + deeper, _NAMES.index(last)
    return _UNLIKELY + deeper, 0


def _is_unique(sample: Sample, key: Key, path: RecordsPath, *, grouped: bool) -> bool:
    """Check in all records what was found in a sample."""
    if sample.total == len(sample.seen) or not path.as_they_are:
        return True
    decode = _decoder(key.fields[0]).decode
    texts: list[tuple[int, Json]] = []
    try:
        for holder, record in sample.texts():
            texts.append((holder if grouped else 0, _reach(decode(record))))
    except (*UNREADABLE, TypeError):
        return True  # reading it will say what is wrong
    distinct = {each for each in texts if isinstance(each[1], (str, int))}
    return len(texts) - len(distinct) <= _FLAWS * len(texts)


def _decoder(path: str) -> msgspec.json.Decoder[Any]:
    """Return what decodes of a record the value at a path, and skips the rest."""
    shape: Any = Any
    for name in reversed(names_of(path)):
        level = msgspec.defstruct("Level", [("value", shape, None)], rename={"value": name})
        shape = level if shape is Any else level | None
    return msgspec.json.Decoder(shape)


def _reach(value: Any) -> Json:
    while isinstance(value, msgspec.Struct):
        value = value.value  # type: ignore[attr-defined]
    return value


def _share(sample: Sample, other: Sample, field: str) -> float:
    """Return the share of the sampled values of a field that are in the other version."""
    there = {text(each.record, field) for each in sample.seen}
    known = {text(each.record, field) for each in other.seen}
    with suppress(*UNREADABLE, TypeError):
        decode = _decoder(field).decode
        known.update(str(_reach(decode(record))) for _, record in other.texts())
    return len(there & known) / len(there)
