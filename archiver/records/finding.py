"""Find the key of the records of a document, and with `records.places` where they are.

Nothing is found that is not in the document: a key is a field that every record has and no two
records share. Where several fields are as good, none is chosen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from archiver.errors import ConfigError, UnreadableSnapshot
from archiver.language import sentence
from archiver.records.document import ANY_FIELD, sampled
from archiver.records.key_finding import Keys, keys, stable, text, unique
from archiver.records.path import MEMBERS, RecordsPath, is_members
from archiver.records.places import Place, Places, places

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archiver.records.document import Content, Sample

SAMPLE: Final = 1_000
"""Records that are looked at; the key that is chosen is checked in all of them."""
ROWS: Final = 200_000
"""Records that are read, where they follow one another and a person wants to know of all."""
_LISTED: Final = 6


class Candidate(NamedTuple):
    """A way to read a document.

    Attributes:
        records: Path of the records.
        key: Fields of the key; empty: none was found.
        total: How many records there are.
        reason: Why it may be right.
    """

    records: str
    key: tuple[str, ...]
    total: int
    reason: str

    @property
    def words(self) -> str:
        """What archiver.toml would say."""
        return setting(self.records, self.key)


class Finding(NamedTuple):
    """What a document says of itself.

    Attributes:
        candidates: The ways to read it, the likeliest first.
        sure: Whether only the first one can be meant.
    """

    candidates: tuple[Candidate, ...] = ()
    sure: bool = False

    @property
    def chosen(self) -> Candidate | None:
        """The way to read it; None: it is not clear."""
        return self.candidates[0] if self.sure else None


def setting(records: str, key: tuple[str, ...]) -> str:
    """Return how archiver.toml says where the records are, and what is their key."""
    quoted = [msgspec.json.encode(each).decode() for each in (records, *key)]
    if not key:
        return f"records = {quoted[0]}"
    fields = quoted[1] if len(key) == 1 else f"[{', '.join(quoted[1:])}]"
    return f"records = {quoted[0]}, key = {fields}"


def find(
    contents: Iterable[Content],
    *,
    records: str | None = None,
    key: tuple[str, ...] = (),
    excluded: tuple[str, ...] = (),
    thorough: bool = False,
) -> Finding:
    """Return how a document can be read.

    Args:
        contents: The document, and other versions of it, with which the key must go as well.
        records: Path of the records; None: not known.
        key: Fields of the key; empty: not known.
        excluded: Members of objects on the path that are neither records nor groups of them.
        thorough: Check the key in all records, whatever it is called.
    """
    rows = ROWS if thorough else SAMPLE
    rest = iter(contents)
    empty: tuple[Candidate, ...] = ()
    for content in rest:
        found = _places(content, records)
        samples = [
            (place, sample)
            for place in found.found
            if (sample := _sample(content, place.records, excluded, rows)) is not None
            and sample.seen
        ]
        if samples:
            sure = found.sure and samples[0][0] == found.found[0]
            if key:
                return _given(samples, key, sure=sure)
            others = (
                other
                for each in (rest if sure else ())
                if (other := _sample(each, samples[0][0].records, excluded, rows)) is not None
            )
            return _found(samples, others, sure=sure, thorough=thorough)
        if content == b"[]":
            empty = (Candidate(".", key or (ANY_FIELD,), 0, ""),)
    return Finding(empty, sure=bool(empty))


def _places(content: Content, records: str | None) -> Places:
    if records is not None:
        return Places((Place(records, ""),), sure=True)
    if not isinstance(content, bytes):
        return Places((Place(".", sentence("one record after the other")),), sure=True)
    return places(content)


def _sample(content: Content, records: str, excluded: tuple[str, ...], rows: int) -> Sample | None:
    try:
        return sampled(content, records, excluded, most=SAMPLE, rows=rows)
    except (UnreadableSnapshot, ConfigError):
        return None


def _given(samples: list[tuple[Place, Sample]], key: tuple[str, ...], *, sure: bool) -> Finding:
    """Return where the records may be whose key is known."""
    fits = [each for each in samples if _has(each[1], each[0].records, key)]
    sure = (sure and samples[:1] == fits[:1]) or len(fits) == 1
    found = (Candidate(place.records, key, some.total, place.reason) for place, some in fits)
    return Finding(tuple(found), sure)


def _found(
    samples: list[tuple[Place, Sample]], others: Iterable[Sample], *, sure: bool, thorough: bool
) -> Finding:
    """Return where the records may be, and their keys; only a sure place is looked at closely."""
    candidates: list[Candidate] = []
    for place, sample in samples:
        known = keys(sample, place.records, thorough=thorough)
        if not candidates and (thorough or not known.named):
            for other in others:
                known = stable(known, sample, other)
        if not candidates:
            sure = sure and known.clear
        if known.doubled and not known.clear:
            field, number = known.doubled
            reason = sentence("{field} is doubled {number:,} times", field=field, number=number)
            if number == 1:
                reason = sentence("{field} is doubled once", field=field)
            candidates.append(Candidate(place.records, (field,), sample.total, reason))
        several = len(samples) > 1
        shown = _shown(known, sample, place.records, several=several) or [()]
        candidates += (
            Candidate(place.records, fields, sample.total, place.reason) for fields in shown
        )
        if sure:
            break
    return Finding(tuple(candidates), sure)


def _shown(known: Keys, sample: Sample, records: str, *, several: bool) -> list[tuple[str, ...]]:
    """Return the keys that are shown: where no name says which one it is, all that are unique."""
    found = [each.fields for each in known.found]
    if known.clear or several:
        return found[:1]
    if found and not known.is_likely:
        alone = unique(sample, records)
        found = alone if any(each in alone for each in found) else [*alone, *found]
    return found[:_LISTED]


def _has(sample: Sample, records: str, key: tuple[str, ...]) -> bool:
    """Tell whether the records have a key that is given."""
    path = RecordsPath.read(records)
    if MEMBERS in key and not is_members(path.last):
        return False
    inside = [field for field in key if field != MEMBERS and not field.startswith("^.")]
    return any(
        all(text(each.record, field) is not None for field in inside) for each in sample.seen
    )
