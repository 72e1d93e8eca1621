"""What a listing said stands beside its snapshot: the proof, and the keys it did not name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.archives import Archive

from archiver.capture import revert
from archiver.capture.report import read_proof, write_proof
from archiver.errors import StoreError
from archiver.sources import Kind, Proof
from archiver.sources.listing import listed

if TYPE_CHECKING:
    from pathlib import Path

COUNT = st.integers(0, 10**9)


@pytest.fixture
def archive(repo: Path) -> Archive:
    """Return an archive that removes a record only when two listings lacked it."""
    found = Archive(repo)
    found.configure(confirmations=2, max_shrink=1)
    return found


def unlisted(archive: Archive, revision: str = "HEAD") -> tuple[str, list[str]]:
    """Return the number of unlisted records that a commit names, and their keys."""
    trailer = "--format=%(trailers:key=Archiver-Unlisted,valueonly)"
    count = archive.git("log", "-1", trailer, revision).strip()
    path = "data/hub/unlisted.jsonl"
    if not archive.git("ls-tree", "--name-only", revision, path):
        return count, []
    rows = archive.git("show", f"{revision}:{path}").splitlines()
    return count, [json.loads(row)["key"] for row in rows]


def test_a_capture_names_the_records_that_its_listing_did_not(archive: Archive) -> None:
    archive.captured(a=1, b=1, c=1)
    assert unlisted(archive) == ("0", [])
    archive.captured(a=2)
    assert unlisted(archive) == ("2", ["b", "c"])
    archive.captured(a=3, b=1)
    assert unlisted(archive) == ("0", [])
    assert not (archive.folder / "data/hub/unlisted.jsonl").exists()


def test_a_record_that_became_unusable_is_unlisted(archive: Archive) -> None:
    records: list[dict[str, Any]] = [{"id": f"m{number}"} for number in range(200)]
    archive.run(given=listed(records, key=("id",), end="all"))
    records[199]["name"] = "\ud800"
    archive.run(given=listed([*records, {"id": "new"}], key=("id",), end="all"))
    assert unlisted(archive) == ("1", ["m199"])


def test_a_revert_restores_the_unlisted_keys_of_the_snapshot_before(archive: Archive) -> None:
    archive.captured(a=1, b=1)
    archive.captured(a=2)
    archive.captured(a=3, b=2)
    revert.revert(archive.target(), "HEAD", clock=lambda: archive.time)
    assert unlisted(archive)[1] == ["b"]
    revert.revert(archive.target(), "HEAD~2", clock=lambda: archive.time)
    assert unlisted(archive)[1] == []
    assert archive.git("status", "--porcelain", "data") == ""


@given(
    st.builds(
        Proof,
        kind=st.sampled_from(get_args(Kind)),
        pages=COUNT,
        announced=st.none() | COUNT,
        received=COUNT,
        duplicates=COUNT,
        bad=COUNT,
        end=st.text(st.characters(exclude_categories=["C", "Z"])) | st.just("x; end=1; bad=2"),
    )
)
def test_a_proof_is_read_as_it_was_written(proof: Proof) -> None:
    assert read_proof(write_proof(proof)) == proof


@pytest.mark.parametrize("text", ["", "whole; pages=1; end=x", "complete; pages=x; end=y"])
def test_a_proof_that_nobody_wrote_is_refused(text: str) -> None:
    with pytest.raises(StoreError, match="Archiver-Proof cannot be read"):
        read_proof(text)
