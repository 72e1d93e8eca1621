from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import pytest

from archiver.errors import DamagedObject
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Git = Callable[..., str]

CONTENT = b"0123456789" * 100_000


@pytest.fixture
def blob(repo: Path, git: Git) -> str:
    return git(repo, "hash-object", "-w", "--stdin", stdin=CONTENT).strip()


def loose(repo: Path, oid: str) -> Path:
    path = repo / ".git" / "objects" / oid[:2] / oid[2:]
    path.chmod(0o644)
    return path


def test_an_object_is_read_whole_and_in_pieces(repo: Path, blob: str) -> None:
    with Repository.open(repo).objects() as reader:
        assert reader.size(blob) == len(CONTENT)
        assert reader.read(blob) == CONTENT
        pieces = list(reader.stream(blob, chunk=4096))
        assert b"".join(pieces) == CONTENT
        assert max(map(len, pieces)) == 4096


def test_a_stream_left_early_does_not_disturb_the_next_read(repo: Path, blob: str) -> None:
    with Repository.open(repo).objects() as reader:
        stream = reader.stream(blob, chunk=10)
        assert next(stream) == b"0123456789"
        stream.close()  # type: ignore[attr-defined]
        assert reader.read(blob) == CONTENT


def test_two_readers_stream_side_by_side(repo: Path, blob: str) -> None:
    opened = Repository.open(repo)
    with opened.objects() as one, opened.objects() as other:
        pairs = zip(one.stream(blob), other.stream(blob), strict=True)
        assert all(left == right for left, right in pairs)


def test_a_second_stream_of_one_reader_is_refused(repo: Path, blob: str) -> None:
    with Repository.open(repo).objects() as reader:
        first = reader.stream(blob, chunk=10)
        next(first)
        with pytest.raises(RuntimeError):
            reader.read(blob)
        first.close()  # type: ignore[attr-defined]


def test_a_missing_object_is_named(repo: Path) -> None:
    with (
        Repository.open(repo).objects() as reader,
        pytest.raises(DamagedObject, match=r"1{40} is missing"),
    ):
        reader.read("1" * 40)


@pytest.mark.parametrize("place", [0, 20, 500, -1])
def test_a_flipped_byte_is_never_read(repo: Path, blob: str, place: int) -> None:
    path = loose(repo, blob)
    content = bytearray(path.read_bytes())
    content[place] ^= 0x10
    path.write_bytes(content)
    with Repository.open(repo).objects() as reader, pytest.raises(DamagedObject, match=blob):
        reader.read(blob)


def test_content_under_another_id_is_never_read(repo: Path, blob: str) -> None:
    forged = b"x" * len(CONTENT)
    loose(repo, blob).write_bytes(zlib.compress(b"blob %d\0" % len(forged) + forged))
    with Repository.open(repo).objects() as reader, pytest.raises(DamagedObject, match=blob):
        list(reader.stream(blob))


def test_replace_refs_do_not_replace(repo: Path, git: Git, blob: str) -> None:
    other = git(repo, "hash-object", "-w", "--stdin", stdin=b"other").strip()
    git(repo, "replace", blob, other)
    with Repository.open(repo).objects() as reader:
        assert reader.read(blob) == CONTENT
