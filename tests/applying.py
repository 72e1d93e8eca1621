"""Apply changes and turn them round, by what they say alone: a witness for the laws."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from archiver.changes.compare import equal
from archiver.records.jsontext import dump

if TYPE_CHECKING:
    from strategies import Catalogue

    from archiver.records.model import FieldChange, Json, Record, RecordChange

OPPOSITE = {"new": "removed", "removed": "new", "add": "remove", "remove": "add"}


def applied(catalogue: Catalogue, changes: list[RecordChange]) -> Catalogue:
    """Apply changes by what they say alone."""
    result = dict(catalogue)
    for change in changes:
        if change.kind == "removed":
            assert equal(result.pop(change.key), change.record)
        elif isinstance(change.record, dict):
            result[change.key] = change.record
        else:
            result[change.key] = edited(result[change.key], change)
    return dict(sorted(result.items()))


def edited(record: Record, change: RecordChange) -> Record:
    result = dict(record)
    for field in fields_of(change):
        if field.op != "add":
            assert equal(result.pop(field.field), field.old)
        if field.op != "remove":
            result[field.field] = field.new
    return result


def inverse(change: RecordChange) -> Json:
    turned = sorted(map(inverse_field, fields_of(change)))
    return OPPOSITE.get(change.kind, change.kind), change.key, spelled(change.record), turned


def forward(change: RecordChange) -> Json:
    plain = sorted((f.path, f.op, spelled(f.old), spelled(f.new)) for f in fields_of(change))
    return change.kind, change.key, spelled(change.record), plain


def inverse_field(field: FieldChange) -> Json:
    return field.path, OPPOSITE.get(field.op, field.op), spelled(field.new), spelled(field.old)


def spelled(value: Json) -> bytes:
    return b"" if value is UNSET else dump(value)


def fields_of(change: RecordChange) -> tuple[FieldChange, ...]:
    return change.changes if isinstance(change.changes, tuple) else ()
