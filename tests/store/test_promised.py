"""What a partial clone lacks comes from its own promisor, in a batch, and only when it is read."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from support.git import run_git

from archiver.errors import DamagedObject, MissingContent
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path

FILES = 5


@pytest.fixture
def clone(tmp_path: Path, repo: Path) -> Path:
    """Return a clone that has no file of the `FILES` that its origin has."""
    for number in range(FILES):
        (repo / f"{number}").write_text(f"content {number}")
    run_git(repo, "add", ".")
    run_git(repo, "commit", "--quiet", "-m", "All")
    run_git(repo, "config", "uploadpack.allowFilter", "true")
    run_git(tmp_path, "clone", "-q", "-n", "--filter=blob:none", f"file://{repo}", "clone")
    return tmp_path / "clone"


def missing(folder: Path) -> int:
    return run_git(folder, "rev-list", "--objects", "--missing=print", "HEAD").count("?")


def packs(folder: Path) -> int:
    return len([*(folder / ".git/objects/pack").glob("*.pack")])


def files(repository: Repository) -> dict[str, str]:
    return repository.blobs(repository.tip("HEAD") or "")


def test_the_first_that_is_read_brings_all_that_is_expected(clone: Path) -> None:
    with Repository.open(clone) as repository, repository.objects() as reader:
        known = files(repository)
        wanted = {oid: path for path, oid in known.items() if path != "4"}
        repository.expect(wanted)
        assert missing(clone) == FILES, "a plan fetches nothing"
        assert [reader.read(oid) for oid in wanted] == [
            f"content {path}".encode() for path in wanted.values()
        ]
        assert (missing(clone), packs(clone)) == (1, 2)
        assert reader.read(known["4"]) == b"content 4"
        assert (missing(clone), packs(clone)) == (0, 3)


def test_a_whole_clone_expects_nothing_and_a_lost_object_is_damage(repo: Path) -> None:
    (repo / "a").write_text("a")
    run_git(repo, "add", ".")
    run_git(repo, "commit", "--quiet", "-m", "a")
    with Repository.open(repo) as repository:
        assert repository.promised is None
        lost = files(repository)["a"]
        (repo / ".git/objects" / lost[:2] / lost[2:]).unlink()
        with pytest.raises(DamagedObject), repository.objects() as reader:
            reader.read(lost)


def test_offline_nothing_is_fetched_and_what_is_missing_is_named(clone: Path) -> None:
    with Repository.open(clone) as opened:
        repository = opened.offline()
        commit = repository.tip("HEAD") or ""
        with pytest.raises(MissingContent, match="lacks 1 file: 3"):
            repository.read(commit, "3")
        assert repository.sizes(commit, ".") == {}
    assert missing(clone) == FILES


def test_what_the_remote_lost_is_missing_and_not_a_damaged_object(clone: Path, repo: Path) -> None:
    with Repository.open(clone) as repository:
        oid = files(repository)["2"]
        (repo / ".git/objects" / oid[:2] / oid[2:]).unlink()
        with pytest.raises(MissingContent, match="lacks 1 file: 2"):
            repository.read(repository.tip("HEAD") or "", "2")


def test_a_remote_that_never_answers_is_given_up(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.store.transfer.STALLED", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent, Repository.open(clone) as repository:
        port = silent.getsockname()[1]
        run_git(clone, "remote", "set-url", "origin", f"http://127.0.0.1:{port}/x.git")
        with pytest.raises(MissingContent, match="origin cannot be reached"):
            repository.read(repository.tip("HEAD") or "", "1")


def test_of_several_promisors_the_one_that_answers_is_enough(clone: Path, repo: Path) -> None:
    run_git(clone, "remote", "add", "second", f"file://{repo}")
    run_git(clone, "config", "remote.second.promisor", "true")
    run_git(clone, "remote", "set-url", "origin", "file:///nowhere")
    with Repository.open(clone) as repository:
        assert repository.read(repository.tip("HEAD") or "", "1") == b"content 1"


def test_another_remote_is_never_asked(clone: Path, repo: Path) -> None:
    run_git(clone, "remote", "add", "other", f"file://{repo}")
    run_git(clone, "remote", "set-url", "origin", "file:///nowhere")
    with Repository.open(clone) as repository, pytest.raises(MissingContent):
        repository.read(repository.tip("HEAD") or "", "1")
    assert missing(clone) == FILES


def test_a_clone_without_folders_says_how_to_get_them(tmp_path: Path, repo: Path) -> None:
    (repo / "a").write_text("a")
    run_git(repo, "add", ".")
    run_git(repo, "commit", "--quiet", "-m", "a")
    run_git(repo, "config", "uploadpack.allowFilter", "true")
    run_git(tmp_path, "clone", "-q", "-n", "--filter=tree:0", f"file://{repo}", "clone")
    with Repository.open(tmp_path / "clone") as repository:
        with pytest.raises(MissingContent, match="git ls-tree needs more") as refused:
            files(repository)
        assert "--refetch --filter=blob:none" in refused.value.hint
