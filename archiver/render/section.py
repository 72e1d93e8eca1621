"""What one capture changed, as the templates receive it: changelog, summary, notification."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta

from archiver.errors import ConfigError, reason
from archiver.language import sentence
from archiver.records.model import KINDS, RecordUpdate, Rename
from archiver.records.text import RECORD
from archiver.render import wording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from archiver.records.model import (
        End,
        FieldSummary,
        Kind,
        RecordChange,
        Severities,
        Summary,
    )
    from archiver.records.text import Noun

CAP: Final = 50
"""How many records of each kind a section names."""
_LONGEST_LINK: Final = 1_000
SCHEMA: Final = "archiver/changelog/1"
"""Name of the document of `changelog --context`."""


def section(
    *,
    source: str,
    old: End,
    new: End,
    summary: Summary,
    changes: Iterable[RecordChange],
    snapshots: tuple[str, str],
    link: Callable[[str], str],
    first: bool = False,
    cap: int = CAP,
    metrics: bool = False,
    noun: Noun = RECORD,
    severities: Severities | None = None,
    fields: Iterable[FieldSummary] = (),
    told: int = 0,
) -> dict[str, Any]:
    """Return what a template may name.

    Args:
        source: Name of the source.
        old: The end that was compared with.
        new: The capture.
        summary: How many changes there are of each kind.
        changes: At least the first `cap` changes of each kind, with their severities.
        snapshots: Names of the two stamped files; empty where there is none.
        link: Returns the address of a record's page for people; empty: it has none.
        first: Whether this is the first snapshot: everything is new, so nothing is named.
        cap: How many changes of each kind are named; the others are counted.
        metrics: Whether records of which only metrics changed are named too.
        noun: What the records are called.
        severities: How many changes there are of each kind and severity; None: only those of
            the named ones are known.
        fields: What happened to most records; it is left out of `changes`.
        told: How many updated records `fields` tells alone.

    Returns:
        ``source``, ``timestamp`` (UTC), ``total``, ``first``, ``headline``, ``summary`` (kind to
        number), ``severities`` (kind to severity to number), ``fields`` (what is said once),
        ``told`` (how many updated records that tells alone), ``changes`` (kind to changes in
        their public form), ``more`` (kind to number of changes that are not named), ``links``
        (key to address, of at most 1,000 characters), ``names`` (key to label and key, of records
        that have a label), ``compare`` (the command that shows all of them; empty: there is
        none), ``from`` and ``to`` (the two ends).
    """
    named = {} if first else first_of_each(changes, cap)
    shown = [change for group in named.values() for change in group]
    return {
        "source": source,
        "timestamp": new.timestamp or "",
        "total": new.total,
        "first": first,
        "headline": wording.headline(wording.news(summary), new.total, first=first, noun=noun),
        "summary": msgspec.to_builtins(summary),
        "severities": {} if first else severities or {},
        "fields": msgspec.to_builtins(tuple(fields)),
        "told": told,
        "changes": public(named),
        "more": {
            kind: 0
            if first or (kind == "metrics" and not metrics)
            else getattr(summary, kind) - len(named.get(kind, ()))
            for kind in KINDS
        },
        "links": addresses((change.key for change in shown), link),
        "names": names(shown),
        "compare": f"archiver compare {' '.join(snapshots)}" if all(snapshots) else "",
        "from": msgspec.to_builtins(old),
        "to": msgspec.to_builtins(new),
    }


def nowhere(_: str) -> str:
    """Return no address: records have no pages."""
    return ""


def addresses(keys: Iterable[str], link: Callable[[str], str]) -> dict[str, str]:
    """Return the addresses of the pages of records that have one of a sensible length, by key."""
    found = ((key, link(key)) for key in keys)
    return {key: address for key, address in found if 0 < len(address) <= _LONGEST_LINK}


def names(changes: Iterable[RecordChange]) -> dict[str, str]:
    """Return what people read of the records that have a label, by key."""
    return {each.key: wording.shown(each) for each in changes if each.label is not UNSET}


def unnamed(section: Mapping[str, Any]) -> dict[str, Any]:
    """Return a section that only counts: for a place in which its names have no room."""
    more = {kind: section["more"][kind] + len(section["changes"][kind]) for kind in KINDS}
    return {
        **section,
        "changes": {kind: [] for kind in KINDS},
        "more": more,
        "links": {},
        "names": {},
    }


def folded(context: dict[str, Any], told: Mapping[Kind, int]) -> dict[str, Any]:
    """Return what a template may name where changes that flap are told elsewhere.

    The headline says how many. A kind of which all others are told there is not shown at all.

    Args:
        context: What it may name; ``more`` counts them.
        told: How many changes of each kind are told elsewhere.
    """
    more = {
        kind: number if context["changes"][kind] or number > told.get(kind, 0) else 0
        for kind, number in context["more"].items()
    }
    headline = wording.folded(context["headline"], sum(told.values()))
    return {**context, "more": more, "headline": headline}


def public(named: Mapping[Kind, Iterable[RecordChange]]) -> dict[str, list[Any]]:
    """Return changes in their public form, every kind included."""
    return {
        kind: [msgspec.to_builtins(wording.public(each)) for each in named.get(kind, ())]
        for kind in KINDS
    }


def first_of_each(changes: Iterable[RecordChange], cap: int) -> dict[Kind, list[RecordChange]]:
    """Return at most `cap` changes of each kind; all are read."""
    named: dict[Kind, list[RecordChange]] = {}
    for change in changes:
        group = named.setdefault(change.kind, [])
        if len(group) < cap:
            group.append(change)
    return named


_Records: TypeAlias = list[Annotated[dict[str, Any], Meta(min_length=1)]]


_Counts = msgspec.defstruct("_Counts", [(kind, int) for kind in KINDS])


class _Changes(msgspec.Struct):
    new: _Records
    removed: _Records
    returned: _Records
    entered: _Records
    left: _Records
    renamed: list[Rename]
    updated: list[RecordUpdate]
    metrics: list[RecordUpdate]


class _Section(msgspec.Struct):
    source: str
    timestamp: str
    total: int
    first: bool
    headline: str
    summary: _Counts  # type: ignore[valid-type]
    changes: _Changes
    more: _Counts  # type: ignore[valid-type]
    links: dict[str, str]
    compare: str


class _Document(msgspec.Struct):
    schema: Literal["archiver/changelog/1"]
    source: str
    sections: list[_Section]


def read_document(content: bytes) -> dict[str, Any]:
    """Return the document as it is, with whatever else a user's template names.

    Raises:
        ConfigError: It is no JSON, or lacks what the built-in templates name.
    """
    try:
        document: dict[str, Any] = json.loads(content)
        msgspec.convert(document, _Document)
    except msgspec.ValidationError as error:
        hint = sentence("write it with: archiver changelog --context")
        raise ConfigError(
            sentence("--from-context: no {schema}: {error}", schema=SCHEMA, error=reason(error)),
            hint=hint,
        ) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(
            sentence("--from-context: this is no JSON: {error}", error=reason(error))
        ) from error
    return document
