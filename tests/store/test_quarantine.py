from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.store.quarantine import KEPT, keep_evidence
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path


def test_two_refusals_in_one_second_are_both_kept(repo: Path) -> None:
    with Repository.open(repo) as repository:
        first = keep_evidence(repository, "hub", "hub_models_20260129_154733.json", [b"one"])
        second = keep_evidence(repository, "hub", "hub_models_20260129_154733.json", [b"two"])
    assert (first.read_bytes(), second.read_bytes()) == (b"one", b"two")


def test_only_the_newest_evidence_is_kept(repo: Path) -> None:
    with Repository.open(repo) as repository:
        paths = [
            keep_evidence(repository, "hub", f"hub_models_2026012{day}_120000.json", [b"{}"])
            for day in range(KEPT + 2)
        ]
    assert [path.exists() for path in paths] == [False, False] + [True] * KEPT
