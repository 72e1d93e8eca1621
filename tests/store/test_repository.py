from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from archiver.errors import (
    DamagedObject,
    NotADataRepository,
    ShallowHistory,
    StoreError,
    UnknownRevision,
)
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Git = Callable[..., str]


def commit(git: Git, folder: Path, path: str, content: str | None, message: str) -> str:
    """Commit one file as a person would."""
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", f"--message={message}")
    return git(folder, "rev-parse", "HEAD").strip()


def test_a_repository_is_found_from_a_folder_below_it(repo: Path) -> None:
    below = repo / "data" / "ms"
    below.mkdir(parents=True)
    with Repository.open(below) as found:
        expected = (repo, repo / ".git", repo / ".git", "sha1", False)
        facts = (found.root, found.git_dir, found.common_dir, found.object_format, found.shallow)
        assert expected == facts


def test_a_folder_outside_any_repository_is_refused_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(NotADataRepository, match="is not in a git repository") as refused:
        Repository.open(tmp_path)
    assert refused.value.hint == "archiver init"


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotADataRepository, match="there is no folder"):
        Repository.open(tmp_path / "nowhere" / "deep")


def test_the_inside_of_a_git_folder_is_refused(repo: Path) -> None:
    with pytest.raises(NotADataRepository, match="inside of a git folder"):
        Repository.open(repo / ".git")


def test_a_linked_work_tree_shares_the_common_folder(repo: Path, git: Git, tmp_path: Path) -> None:
    commit(git, repo, "a", "1", "one")
    linked = tmp_path / "linked"
    git(repo, "worktree", "add", "--quiet", "-b", "other", str(linked))
    with Repository.open(linked) as found:
        assert (linked, repo / ".git") == (found.root, found.common_dir)
        assert found.git_dir == repo / ".git" / "worktrees" / "linked"
        assert found.branch(None) == "refs/heads/other"


def test_a_bare_repository_has_no_root(tmp_path: Path, git: Git) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "bare")
    with Repository.open(tmp_path / "bare") as found:
        assert found.root is None
        assert found.git_dir == tmp_path / "bare"


def test_init_makes_a_repository_on_an_unborn_main(tmp_path: Path) -> None:
    with Repository.init(tmp_path / "new" / "archive") as made:
        assert made.branch(None) == "refs/heads/main"
        assert made.tip("HEAD") is None
    with pytest.raises(StoreError, match="is a git repository already"):
        Repository.init(tmp_path / "new" / "archive")


def test_variables_of_git_in_the_environment_change_nothing(
    repo: Path, git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = commit(git, repo, "a", "1", "one")
    git(tmp_path, "init", "--quiet", "elsewhere")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere" / ".git"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(tmp_path))
    with Repository.open(repo) as found:
        assert found.tip("HEAD") == first


def test_branch_names_are_plain(repo: Path) -> None:
    with Repository.open(repo) as found:
        assert found.branch("data") == "refs/heads/data"
        for bad in ("@{-1}", "-x", "a..b", "HEAD", "refs/heads/x", "", "a b", "a\0b"):
            with pytest.raises(StoreError, match="no name of a branch"):
                found.branch(bad)


def test_a_detached_head_is_refused_with_a_hint(repo: Path, git: Git) -> None:
    commit(git, repo, "a", "1", "one")
    git(repo, "checkout", "--quiet", "--detach")
    with Repository.open(repo) as found, pytest.raises(StoreError, match="detached") as refused:
        found.branch(None)
    assert "git switch" in refused.value.hint


def test_a_revision_is_named_by_id_prefix_branch_tag_or_ancestry(repo: Path, git: Git) -> None:
    first = commit(git, repo, "a", "1", "one")
    second = commit(git, repo, "a", "2", "two")
    git(repo, "tag", "--annotate", "--message=x", "v1", first)
    with Repository.open(repo) as found:
        names = (first, first[:8], "v1", "HEAD~1", "main^")
        assert [first] * 5 == [found.resolve(name) for name in names]
        assert found.resolve("main") == second


@pytest.mark.parametrize(
    "text", ["", "-h", "--output=F", "^HEAD", "a..b", "HEAD:a", "HEAD\nmain", "a\0", "@{-1}", "no"]
)
def test_what_names_no_single_revision_is_unknown(repo: Path, git: Git, text: str) -> None:
    commit(git, repo, "a", "1", "one")
    with Repository.open(repo) as found, pytest.raises(UnknownRevision):
        found.resolve(text)


def test_a_name_of_both_a_branch_and_a_tag_is_ambiguous(repo: Path, git: Git) -> None:
    commit(git, repo, "a", "1", "one")
    git(repo, "tag", "main")
    with Repository.open(repo) as found, pytest.raises(UnknownRevision, match="ambiguous"):
        found.resolve("main")


def test_history_tells_every_change_of_a_path_newest_first(repo: Path, git: Git) -> None:
    first = commit(git, repo, "d/a", "1", "one\n\nArchiver-Source: ms\nOther: x")
    commit(git, repo, "d/b", "x", "unrelated")
    second = commit(git, repo, "d/a", "2", "two")
    third = commit(git, repo, "d/a", None, "three")
    with Repository.open(repo) as found:
        seen = list(found.history("d/a", tip=third))
        assert [third, second, first] == [one.id for one in seen]
        blobs = [one.blob for one in seen]
        assert [None, found.object_at(second, "d/a"), found.object_at(first, "d/a")] == blobs
        assert [one.subject for one in seen] == ["three", "two", "one"]
        assert seen[2].trailers == {"Archiver-Source": "ms"}
        assert seen[0].authored_at.tzinfo is UTC


def test_history_keeps_to_the_first_parent_of_a_merge(repo: Path, git: Git) -> None:
    first = commit(git, repo, "a", "1", "one")
    git(repo, "checkout", "--quiet", "-b", "side")
    commit(git, repo, "a", "2", "on the side")
    git(repo, "checkout", "--quiet", "main")
    commit(git, repo, "b", "1", "unrelated")
    git(repo, "merge", "--quiet", "--no-ff", "--message=merged", "side")
    with Repository.open(repo) as found:
        merge = found.resolve("HEAD")
        assert [merge, first] == [one.id for one in found.history("a", tip=merge)]


def test_history_takes_a_path_literally(repo: Path, git: Git) -> None:
    commit(git, repo, "a", "1", "one")
    starred = commit(git, repo, "*", "1", "a star")
    with Repository.open(repo) as found:
        assert [starred] == [one.id for one in found.history("*", tip=starred)]


def test_what_stands_in_the_place_of_a_file_is_named_and_never_read(repo: Path, git: Git) -> None:
    first = commit(git, repo, "d/e", "1", "a file")
    (repo / "d/e").unlink()
    (repo / "d/e").symlink_to("/etc/hostname")
    git(repo, "add", "d")
    git(repo, "commit", "--quiet", "-m", "a link")
    (repo / "d/e").unlink()
    folder = commit(git, repo, "d/e/f", "1", "a folder")
    git(repo, "rm", "--quiet", "-r", "d/e")
    git(repo, "update-index", "--add", "--cacheinfo", f"160000,{first},d/e")
    git(repo, "commit", "--quiet", "-m", "a submodule")
    git(repo, "rm", "--quiet", "--cached", "d/e")
    (repo / "d").symlink_to("/etc")
    git(repo, "add", "d")
    git(repo, "commit", "--quiet", "-m", "a linked folder")
    git(repo, "rm", "--quiet", "d")
    gone = commit(git, repo, "other", "1", "gone")
    with Repository.open(repo) as found:
        walked = [*found.history("d/e", tip=gone)]
        assert [each.blob for each in walked][:-1] == [None] * (len(walked) - 1)
        assert [found.obstacle(each.id, "d/e") for each in walked] == [
            *("d is a symbolic link", "it is a submodule", "it is a folder"),
            *("it is a symbolic link", ""),
        ]
        assert found.obstacle(gone, "d/e") == "the file is gone"
        assert found.revision(folder, "d/e").blob is None
        assert found.revision(first, "d/e").blob == walked[-1].blob


def test_dates_are_utc_whatever_the_zone_of_the_commit(
    repo: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_AUTHOR_DATE", "2026-01-29T17:47:33+0200")
    tip = commit(git, repo, "a", "1", "one")
    with Repository.open(repo) as found:
        (only,) = found.history("a", tip=tip)
    assert only.authored_at == datetime(2026, 1, 29, 15, 47, 33, tzinfo=UTC)


def test_a_shallow_clone_yields_what_is_certain_and_then_refuses(
    repo: Path, git: Git, tmp_path: Path
) -> None:
    for number in range(4):
        tip = commit(git, repo, "a", str(number), f"number {number}")
    git(tmp_path, "clone", "--quiet", "--depth=3", f"file://{repo}", "shallow")
    with Repository.open(tmp_path / "shallow") as found:
        assert found.shallow
        walk = found.history("a", tip=tip)
        assert [next(walk).subject, next(walk).subject] == ["number 3", "number 2"]
        with pytest.raises(ShallowHistory) as short:
            next(walk)
        assert found.revision(short.value.commit, "a").subject == "number 1"
        assert "git fetch --deepen" in short.value.hint


def test_a_shallow_clone_without_the_path_is_not_an_empty_history(
    repo: Path, git: Git, tmp_path: Path
) -> None:
    commit(git, repo, "a", "1", "one")
    commit(git, repo, "a", None, "gone")
    tip = commit(git, repo, "b", "1", "other")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{repo}", "shallow")
    with (
        Repository.open(tmp_path / "shallow") as found,
        pytest.raises(ShallowHistory) as short,
    ):
        list(found.history("a", tip=tip))
    assert short.value.commit == tip


def test_a_missing_commit_ends_history_with_its_name(repo: Path, git: Git) -> None:
    first = commit(git, repo, "a", "1", "one")
    tip = commit(git, repo, "a", "2", "two")
    (repo / ".git" / "objects" / first[:2] / first[2:]).unlink()
    with Repository.open(repo) as found, pytest.raises(DamagedObject, match=first):
        list(found.history("a", tip=tip))


def test_a_folder_lists_names_and_ids(repo: Path, git: Git) -> None:
    tip = commit(git, repo, "d/ä\tb", "1", "one")
    with Repository.open(repo) as found:
        assert {"ä\tb": found.object_at(tip, "d/ä\tb")} == found.entries(tip, "d")
        assert {"d": found.object_at(tip, "d")} == found.entries(tip, "")
        assert found.entries(tip, "nowhere") == {}
        assert found.object_at(tip, "nowhere") is None


def test_a_ref_that_cannot_be_read_is_not_taken_for_an_unborn_branch(repo: Path, git: Git) -> None:
    commit(git, repo, "a", "1", "one")
    (repo / ".git" / "refs" / "heads" / "main").write_text("")
    with Repository.open(repo) as found, pytest.raises(StoreError, match="damaged"):
        found.tip("HEAD")


def test_real_histories_are_walked_completely(real: Path, tmp_path: Path) -> None:
    for name, file, versions in (
        ("khavel", "models.json", 38),
        ("cisa-kev", "known_exploited_vulnerabilities.json", 79),
        ("radar-index", "index.json", 13),
    ):
        bundle = str(real / f"{name}-all.bundle")
        subprocess.run(
            ["git", "clone", "--quiet", "--branch=main", bundle, name], cwd=tmp_path, check=True
        )
        with Repository.open(tmp_path / name) as found:
            tip = found.resolve("HEAD")
            assert versions == sum(1 for _ in found.history(file, tip=tip))


def test_what_is_only_here_does_not_depend_on_clocks(repo: Path, git: Git) -> None:
    def commit(words: str, parent: str, seconds: int) -> str:
        parents = f"parent {parent}\n" if parent else ""
        when = f"a <a@example.org> {seconds} +0000\n"
        text = f"tree {tree}\n{parents}author {when}committer {when}\n{words}\n"
        return git(
            repo, "hash-object", "-w", "-t", "commit", "--stdin", stdin=text.encode()
        ).strip()

    tree = git(repo, "hash-object", "-w", "-t", "tree", "--stdin").strip()
    begin = commit("Begin", "", 1_795_000_000)
    theirs = begin
    for number in range(12):
        theirs = commit(f"Theirs {number}", theirs, 1_770_000_000 + number)
    ours = commit("Ours", begin, 1_770_100_000)
    with Repository.open(repo) as found:
        assert found.since(theirs, ours) == [ours]
        assert found.since(begin, theirs)[-1] == theirs
        assert len(found.since(begin, theirs)) == 12
        assert found.since(theirs, theirs) == []
    listed = git(repo, "rev-list", "--first-parent", ours, f"^{theirs}").split()
    assert begin in listed  # what git says of this


def test_a_repository_is_made_where_it_was_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(tmp_path))
    folder = tmp_path / "a $HOME ~"
    with Repository.init(folder) as made:
        assert made.root == folder
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
    assert not (folder / ".git/hooks").exists()
