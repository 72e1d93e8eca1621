"""What changes are called: the words that every form of a change set shares."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from archiver.changes.detail import is_reordered
from archiver.changes.severity import severity_of
from archiver.language import Sentence, forms, listed, plain, sentence, sentences, tr, trn
from archiver.records import text
from archiver.records.field_path import spelled
from archiver.records.model import RecordUpdate, Rename, steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archiver.records.model import (
        End,
        FieldChange,
        FieldSummary,
        Json,
        Kind,
        Record,
        RecordChange,
        Summary,
    )
    from archiver.records.text import Noun

TITLES: Final[Mapping[Kind, str]] = {
    "new": sentence("New"),
    "removed": sentence("Removed"),
    "returned": sentence("Returned"),
    "renamed": sentence("Renamed"),
    "entered": sentence("Entered"),
    "left": sentence("Left"),
    "updated": sentence("Updated"),
    "metrics": sentence("Metrics"),
}
"""The heading of each kind, in the order in which they are shown."""

MARKS: Final[Mapping[Kind, str]] = {
    "new": "+",
    "removed": "-",
    "returned": "+",
    "renamed": "=",
    "entered": "+",
    "left": "-",
    "updated": "~",
    "metrics": "~",
}

FLAPPING: Final = "≈"
"""The mark of a record that flaps."""

WORDS: Final[Mapping[str, str]] = {
    "new": sentence("new"),
    "removed": sentence("removed"),
    "returned": sentence("returned"),
    "renamed": sentence("renamed"),
    "entered": sentence("entered"),
    "left": sentence("left"),
    "updated": sentence("updated"),
    "metrics": sentence("metrics"),
    "present": sentence("present"),
    "missing": sentence("missing"),
}
"""What each kind of change, and each state of a record, is called inside of a sentence."""

SEVERITIES: Final[Mapping[str, str]] = {
    "breaking": sentence("breaking"),
    "notable": sentence("notable"),
    "info": sentence("info"),
    "noise": sentence("noise"),
}
"""What each severity is called."""

VERDICTS: Final[Mapping[str, str]] = {
    "missing": sentence("missing"),
    "removed": sentence("removed"),
    "renamed": sentence("renamed"),
    "gated": sentence("gated"),
    "license": sentence("license"),
    "unconfirmed": sentence("unconfirmed"),
    "changed": sentence("changed"),
    "respelled": sentence("respelled"),
    "left": sentence("left"),
    "ok": sentence("ok"),
}
"""What `archiver check` finds of a record, in a word."""

NOTES: Final[Mapping[Kind, str]] = {
    "returned": sentence("returned"),
    "entered": sentence("entered the window"),
    "left": sentence("left the window"),
}
"""What the mark alone does not say."""

_COUNTED: Final[Mapping[Kind, tuple[str, str]]] = {
    "new": forms("+{number:,} new", "+{number:,} new"),
    "updated": forms("{number:,} updated", "{number:,} updated"),
    "removed": forms("-{number:,} removed", "-{number:,} removed"),
    "returned": forms("{number:,} returned", "{number:,} returned"),
    "renamed": forms("{number:,} renamed", "{number:,} renamed"),
    "entered": forms("+{number:,} entered", "+{number:,} entered"),
    "left": forms("-{number:,} left", "-{number:,} left"),
    "metrics": forms("{number:,} metric changed", "{number:,} metrics changed"),
}
_UNSIGNED: Final[Mapping[Kind, tuple[str, str]]] = {
    "new": forms("{number:,} new", "{number:,} new"),
    "removed": forms("{number:,} removed", "{number:,} removed"),
    "entered": forms("{number:,} entered", "{number:,} entered"),
    "left": forms("{number:,} left", "{number:,} left"),
}


class Shift(NamedTuple):
    """One value that changed, in words that are not yet safe for any sink.

    Attributes:
        field: Its field, with dots where it is nested.
        old: The value before.
        new: The value after.
        words: What happened to it, where that says more than both values; else empty.
    """

    field: str
    old: str
    new: str
    words: str = ""


def counts(summary: Summary) -> list[str]:
    """Name every kind that happened: ``["+12 new", "34 updated"]``; empty if nothing did."""
    numbers = ((kind, getattr(summary, kind)) for kind in _COUNTED)
    if plain():
        return [number(kind, each) for kind, each in numbers if each]
    return [sentences(*_COUNTED[kind], each) for kind, each in numbers if each]


def number(kind: Kind, number: int) -> Sentence:
    """Say how many changes of one kind there are, without a sign: ``12 new``."""
    return sentences(*_UNSIGNED.get(kind, _COUNTED[kind]), number)


def headline(summary: Summary, total: int, *, first: bool = False, noun: Noun = text.RECORD) -> str:
    """Sum a change set up in one line: ``+12 new, -2 removed (2,845 models)``.

    Args:
        summary: What happened.
        total: Number of records now.
        first: Whether there was nothing to compare with.
        noun: What the records are called.
    """
    parts = [sentence("first snapshot")] if first else counts(summary) or [sentence("no changes")]
    return tr("{counts} ({records})", counts=listed(parts), records=noun.counted(total))


def news(summary: Summary) -> Summary:
    """Leave the metrics out where there is news."""
    return msgspec.structs.replace(summary, metrics=0) if summary.news else summary


def end(end: End) -> str:
    """Name one end of a comparison by capture time and short revision, not yet safe for a sink."""
    revision = f"({short(end.revision)})" if end.revision and end.timestamp else end.revision
    parts = [part for part in (end.timestamp, revision) if part]
    return " ".join(parts) or end.file or tr("nothing")


def committed(timestamp: str, revision: str) -> str:
    """Name a capture by its time and its commit, to be read aloud."""
    return tr("{time}, commit {commit}", time=timestamp, commit=short(revision))


def spanned(first: str, last: str, least: str, most: str) -> str:
    """Say how a number moved."""
    return tr(
        "from {first} to {last}; at least {least}, at most {most}",
        first=first,
        last=last,
        least=least,
        most=most,
    )


def short(revision: str) -> str:
    """Return the first digits of a commit id, enough for people and for git."""
    return revision[:_DIGITS]


_DIGITS: Final = 10
_COLUMN_GAP: Final = re.compile(r"(?<=\S) {2,}(?=\S)")
_BEFORE: Final = 12  # characters that are shown before a difference
_WIDEST: Final = 200
_SEPARATED: Final = 1_000
_NAME_WORDS: Final = re.compile("[A-Z]?[a-z]+|[A-Z]+")
_NO_QUANTITIES: Final = frozenset({"id", "year"})


def public(change: RecordChange) -> Record | Rename | RecordUpdate:
    """Return what stands for `change` in the public form, ``archiver/changes/2``."""
    if change.changes is not UNSET:
        return RecordUpdate(change.key, change.changes, severity_of(change))
    if change.old_key is not UNSET:
        return Rename(change.old_key, change.key)
    record: Record = {} if change.record is UNSET else change.record
    is_keyed = next(iter(record.values()), None) == change.key
    shown = record if is_keyed else {"@key": change.key, **record}
    return shown if change.cause is UNSET else {**shown, "@cause": change.cause}


def shown(change: RecordChange) -> str:
    """Return what people read of the record: label and key, else the key; not yet safe."""
    return change.key if change.label is UNSET else text.named(change.key, change.label)


def mark(change: RecordChange) -> str:
    """Return the mark of a change."""
    return FLAPPING if change.flapping else MARKS[change.kind]


def folded(headline: str, number: int) -> str:
    """Add to a headline how many of the changes that it counts flap, and are told elsewhere."""
    if not number:
        return headline
    return trn(
        "{headline}; {number:,} flapping, told in a newer capture",
        "{headline}; {number:,} flapping, told in a newer capture",
        number,
        headline=headline,
    )


def key(record: Record) -> str:
    """Return the key of a record in its public form: its first member.

    Raises:
        ValueError: It has none.
    """
    for first in record.values():
        return str(first)
    raise ValueError(sentence("a record without members has no key"))


def facts(record: Record) -> list[str]:
    """Return what people ask first about a new record, as far as it says.

    ``["text-generation", "4.5 GB", "125,000 downloads", "apache-2.0"]``; not yet safe for a sink.
    """
    category, size = record.get("category"), record.get("size")
    downloads, licence = record.get("downloads"), record.get("license")
    return [
        *((category,) if isinstance(category, str) and category else ()),
        *((text.bytes_(size),) if type(size) is int and size > 0 else ()),
        *((text.count(downloads, "download"),) if type(downloads) is int and downloads > 0 else ()),
        *((licence,) if isinstance(licence, str) and licence else ()),
    ]


def shifts(change: FieldChange) -> Iterator[Shift]:
    """Yield the values that differ: the leaves where they are known, else the whole field."""
    if change.detail is UNSET or not change.detail:
        yield _shift(change.field, change.old, change.new, metric=change.metric)
        return
    for leaf in change.detail:
        yield _shift(dotted(leaf.path), leaf.old, leaf.new, metric=change.metric)


def _shift(field: str, old: Json | UnsetType, new: Json | UnsetType, *, metric: bool) -> Shift:
    if type(old) is int and type(new) is int and metric:
        return Shift(field, text.count(old), f"{text.count(new)} ({new - old:+,})")
    if isinstance(old, str) and isinstance(new, str):
        old, new = _around_difference(old, new)
    if is_reordered(old, new):
        return Shift(field, words(field, old), words(field, new), tr("order changed"))
    was, now = words(field, old), words(field, new)
    if was == now and type(old) is int and type(new) is int:
        was, now = text.count(old), text.count(new)  # a size that rounds to the same
    return Shift(field, was, now)


def _around_difference(old: str, new: str) -> tuple[str, str]:
    """Leave out what two long texts share at their start, so that the difference is seen."""
    pairs = enumerate(zip(old, new, strict=False))
    shared = next((at for at, (a, b) in pairs if a != b), min(len(old), len(new)))
    start = shared - _BEFORE
    return (old, new) if start < _BEFORE else (f"…{old[start:]}", f"…{new[start:]}")


def said_once(summary: FieldSummary) -> str:
    """Say what happened to a field in most records; not yet safe for a sink."""
    line = _of_keys(summary) if summary.prefix is not UNSET else _of_field(summary)
    if summary.severity == "breaking":
        return tr("{line} ({severity})", line=line, severity=SEVERITIES["breaking"])
    return line


def _of_keys(summary: FieldSummary) -> str:
    number, prefix = text.count(summary.records), json.dumps(summary.prefix, ensure_ascii=False)
    if summary.what == "prefixed":
        return tr("{number} keys gained the prefix {prefix}", number=number, prefix=prefix)
    return tr("{number} keys lost the prefix {prefix}", number=number, prefix=prefix)


def _of_field(summary: FieldSummary) -> str:
    words = {
        "field": dotted(summary.path),
        "number": text.count(summary.records),
        "total": text.count(summary.total),
    }
    match summary.what:
        case "added":
            line = tr("{field}: added to {number} of {total}", **words)
        case "removed":
            line = tr("{field}: removed from {number} of {total}", **words)
        case "retyped":
            line = _of_type(summary, words)
        case "reordered":
            words["name"] = json.dumps(summary.field, ensure_ascii=False)
            line = tr(
                "{field}: order changed in {number} of {total}; sets = [{name}] would ignore it",
                **words,
            )
        case "recased":
            line = tr("{field}: only letter case changed in {number} of {total}", **words)
        case "scaled":
            words["factor"] = _factor(summary.factor)
            line = tr("{field}: multiplied by {factor} in {number} of {total}", **words)
        case _:
            line = tr("{field}: changed in {number} of {total}", **words)
    return line


def _of_type(summary: FieldSummary, words: Mapping[str, str]) -> str:
    if summary.old_type is UNSET or summary.new_type is UNSET:
        return tr("{field}: of another type in {number} of {total}", **words)
    old, new = _TYPES[summary.old_type], _TYPES[summary.new_type]
    return tr(
        "{field}: changed from {old} to {new} in {number} of {total}", old=old, new=new, **words
    )


def _factor(factor: float | UnsetType) -> str:
    """Write a factor as a person would: 1,000 and 0.001, not what floats make of them."""
    return f"{float(f'{factor:.9g}'):,.9g}"


_TYPES: Final[Mapping[str, str]] = {
    "boolean": sentence("boolean"),
    "number": sentence("number"),
    "string": sentence("string"),
    "array": sentence("array"),
    "object": sentence("object"),
}
"""What the types of JSON are called inside of a sentence."""


def labelled(line: str) -> str:
    """Return a line whose label and values stand in columns; read aloud, with a colon instead."""
    if not plain():
        return line
    label, *values = _COLUMN_GAP.split(line)
    return f"{label}: {', '.join(values)}" if values else line


def shifted(field: str, old: str, new: str, words: str = "") -> str:
    """Say how a value changed, given its field, both values and words, which are safe already."""
    if words:
        return tr("{field}: {words}", field=field, words=words)
    if plain():
        return tr("{field}: was {old}, is {new}", field=field, old=old, new=new)
    return f"{field}: {old} → {new}"


def words(field: str, value: Json | UnsetType) -> str:
    """Write the value of a field exactly, at most 200 columns; not yet safe for a sink.

    Args:
        field: Its name, or its path with dots.
        value: The value; unset where there is none.
    """
    if value is UNSET:
        return tr("(unset)")
    if type(value) is int or type(value) is float:
        return _number(field.rpartition(".")[2], value)
    return text.value(value)


def cell(field: str, value: Json) -> str:
    """Write the value of a field for a table: texts as they are; not yet safe for a sink."""
    if value is None:
        return ""
    return value if isinstance(value, str) else words(field, value)


def is_quantity(name: str) -> bool:
    """Return whether a number in the field `name` has separators: a year or an id is a name."""
    return not _NO_QUANTITIES & {word.lower() for word in _NAME_WORDS.findall(name)}


def _number(name: str, number: float) -> str:
    """Write a number for people, with separators: ``8,915``; a size is bytes and has a unit."""
    if name == "size" and type(number) is int:
        return text.bytes_(number)
    if type(number) is float:  # with a fraction; the largest are 1e+21 and more
        return f"{number:,}" if abs(number) >= _SEPARATED else text.value(number)
    return text.clip(f"{number:,}" if is_quantity(name) else str(number), _WIDEST)


def dotted(pointer: str) -> str:
    """Write an RFC 6901 pointer as people read it: ``pricing.prompt``, ``"a.b".c``."""
    return spelled(tuple(steps(pointer)))
