"""What feeds say of a capture is what the changelog says, which reads git."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from support.git import new_repository
from support.random_archives import POLICIES, Past

from archiver.errors import ArchiverError
from archiver.history import index as indexes
from archiver.history.changelog import sections
from archiver.history.choice import Choice
from archiver.records.model import KINDS, NEWS
from archiver.render.section import nowhere, section
from archiver.site.news import Captured, captures

if TYPE_CHECKING:
    from pathlib import Path

    from archiver.history.catalogue import Catalogue

LOST = ("new", "removed", "returned", "entered", "left")
MOVING = {"fetched_at", "seen"}
"""Fields of which the index knows only what they were when another field changed."""


def told(captured: Captured, catalogue: Catalogue) -> dict[str, Any]:
    items = [item for kind in KINDS if kind in NEWS for item in captured.first(kind)]
    old, new = captured.ends
    return section(
        source=catalogue.source,
        old=old,
        new=new,
        summary=captured.summary,
        changes=[item.whole(item.change) for item in items],
        snapshots=("", ""),
        link=nowhere,
        noun=catalogue.noun,
        first=captured.before is None,
    )


def steady(context: dict[str, Any]) -> dict[str, Any]:
    """Return what both must say alike: the index does not know that a rename is only possible."""
    changes = context["changes"]
    # The changelog has what became of renamed records last, the index everything by key.
    lists = {
        kind: sorted(([*map(_settled, record.items())] for record in changes[kind]), key=repr)
        for kind in LOST
    }
    updated = [
        (each["key"], [change for change in each["changes"] if not change["metric"]])
        for each in changes["updated"]
    ]
    names = ("source", "timestamp", "total", "first", "headline", "summary", "names", "from", "to")
    said = {name: context[name] for name in names}
    if context["first"]:  # everything is new, or nothing changed: as one likes
        del said["summary"]
    return said | {"lists": lists, "updated": updated, "renamed": changes["renamed"]}


def _settled(member: tuple[str, Any]) -> tuple[str, Any]:
    name, value = member
    if isinstance(value, dict):
        return name, [each for each in value.items() if each[0] not in MOVING]
    return name, None if name in MOVING else value


@pytest.mark.parametrize("seed", range(5))
def test_a_random_history_is_told_as_by_the_changelog(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    policy = POLICIES[seed % len(POLICIES)] | {"label": "license"}
    past = Past(new_repository(tmp_path / "r"), chance, policy)
    for _ in range(25):
        past.step()
    catalogue = Choice(past.folder, {}).one()
    try:
        expected = [steady(each) for each in sections(catalogue)]
    except ArchiverError:
        pytest.skip("no version can be read")
    with indexes.ready(catalogue) as index:
        found = [
            steady(told(each, catalogue))
            for each in captures(catalogue, index)
            if each.summary.news or (each.before is None and each.logged.total)
        ]
    assert found == expected
