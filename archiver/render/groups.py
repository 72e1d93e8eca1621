"""Changes in groups, as changelogs and messages show them: what is breaking comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from archiver.changes.severity import FIRST, severity_of
from archiver.language import sentence
from archiver.records.model import RecordChange
from archiver.records.representation import short
from archiver.render.wording import TITLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archiver.records.model import Kind

_BREAKING: Final = "breaking"
_WEIGHED_APART: Final = frozenset({"updated", "metrics"})
"""Kinds whose changes differ in severity."""


class Group(NamedTuple):
    """Some changes of one kind.

    Attributes:
        kind: The kind.
        id: A word for it that no other group of the page has.
        title: Its heading.
        number: How many changes there are.
        changes: The ones that are named, in their public form.
        more: How many are not named.
        severity: ``breaking``; empty: not all of them are.
    """

    kind: Kind
    id: str
    title: str
    number: int
    changes: list[Any]
    more: int
    severity: str = ""

    def __repr__(self) -> str:
        return short(self)


def groups(
    changes: Mapping[str, Any],
    summary: Mapping[str, int],
    more: Mapping[str, int],
    severities: Mapping[str, Mapping[str, int]],
    told: int = 0,
) -> list[Group]:
    """Return the groups that are not empty: the breaking ones, then the others; both by kind.

    Args:
        changes: Kind to the changes that are named, in their public form.
        summary: Kind to the number of all changes.
        more: Kind to the number of changes that are not named.
        severities: Kind to severity to number of changes; empty: only what is named is known.
        told: How many updated records are not named because they are said once, elsewhere.
    """
    left = {**more, "updated": more["updated"] - told}
    found = [
        each
        for kind in FIRST
        if changes[kind] or left[kind]
        for each in _of_kind(
            kind, changes[kind], summary[kind], left[kind], severities.get(kind, {})
        )
    ]
    return sorted(found, key=lambda each: not each.severity)


def _of_kind(
    kind: Kind, named: list[Any], number: int, more: int, severities: Mapping[str, int]
) -> Iterator[Group]:
    if kind not in _WEIGHED_APART:
        breaking = severity_of(RecordChange(kind, "")) == _BREAKING
        title = sentence("Breaking: {title}", title=TITLES[kind]) if breaking else TITLES[kind]
        yield Group(kind, kind, title, number, named, more, _BREAKING if breaking else "")
        return
    worst = [each for each in named if each.get("severity") == _BREAKING]
    others = [each for each in named if each.get("severity") != _BREAKING]
    most = max(severities.get(_BREAKING, 0), len(worst)) if more else len(worst)
    left = most - len(worst)
    rest = bool(others or more > left)
    if most:
        title, id_ = (
            sentence("Breaking: {title}", title=TITLES[kind]),
            f"breaking-{kind}" if rest else kind,
        )
        yield Group(kind, id_, title, most, worst, left, _BREAKING)
    if rest:
        yield Group(kind, kind, TITLES[kind], number - most, others, more - left)
