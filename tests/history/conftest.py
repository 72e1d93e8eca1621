"""A history of a catalogue in somebody's repository, and one of our own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.histories import FILE, History

from archiver.history.catalogue import Catalogue, anywhere
from archiver.history.choice import Choice
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def past(repo: Path) -> History:
    """Return an empty history."""
    return History(repo)


@pytest.fixture
def foreign(past: History) -> Callable[[], Catalogue]:
    """Return what opens ``models.json`` of the history."""
    return lambda: anywhere(Repository.open(past.folder), FILE, records="models", key=("id",))


@pytest.fixture
def own(past: History) -> Callable[[], Catalogue]:
    """Return what opens the source ``hub`` of the history."""
    return lambda: Choice(past.folder, {}).one()
