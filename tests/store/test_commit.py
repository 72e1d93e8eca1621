from __future__ import annotations

import multiprocessing
import os
import resource
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from archiver.errors import RepositoryBusy, StoreError, StoreFull
from archiver.store.commit import KEPT_REF, Identity, writing
from archiver.store.repository import STATE_REF, Repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from support.commits import Capture

    Git = Callable[..., str]

LATEST = "data/ms/latest.json"
FIRST = "data/ms/snapshots/1.json"


def test_two_names_of_one_capture_are_one_blob(repo: Path, git: Git, capture: Capture) -> None:
    done = capture(repo, {LATEST: b"{}\n", FIRST: b"{}\n"}, state={"run.json": b"1"})
    assert done.revision == git(repo, "rev-parse", "main").strip()
    assert done.state == git(repo, "rev-parse", STATE_REF).strip()
    with Repository.open(repo) as found:
        tip = found.resolve("main")
        assert found.object_at(tip, LATEST) == found.object_at(tip, FIRST)
        assert found.read_state("run.json") == b"1"
        assert found.read_state("none.json") is None
    assert git(repo, "status", "--porcelain") == ""
    assert git(repo, "fsck", "--full", "--strict") == ""


def test_dates_author_and_message_are_the_callers(repo: Path, git: Git, capture: Capture) -> None:
    capture(repo, {LATEST: b"1"}, message="ms: +1 new (ü)\n\nbody\n\nArchiver-Source: ms\n")
    shown = git(repo, "show", "--no-patch", "--format=%an <%ae>%n%at%n%ct%n%B")
    assert shown.splitlines() == [
        "archiver <a@example.org>",
        "1769701653",
        "1769701653",
        "ms: +1 new (ü)",
        "",
        "body",
        "",
        "Archiver-Source: ms",
        "",
    ]


def test_without_an_author_git_says_who_commits(repo: Path, git: Git, capture: Capture) -> None:
    replace(capture, author=None)(repo, {LATEST: b"1"})
    assert git(repo, "log", "--format=%an <%ae>").strip() == "A Person <person@example.org>"


def test_without_any_identity_the_bot_commits(
    repo: Path, git: Git, capture: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    replace(capture, author=None)(repo, {LATEST: b"1"})
    bot = "archiver <archiver@users.noreply.example>"
    assert git(repo, "log", "--format=%an <%ae>").strip() == bot


@pytest.mark.parametrize("name", ["", " ", "a\nauthor x", "a <b>", "a\0"])
def test_an_author_cannot_forge_a_header(name: str) -> None:
    with pytest.raises(StoreError, match="cannot stand in the author line"):
        Identity(name, "a@example.org")


def test_only_managed_paths_are_written(repo: Path, capture: Capture) -> None:
    for path in ("README", "data/msx/a", "data/ms/../x", "data/ms/.git/x", "data/ms//x"):
        with pytest.raises(StoreError, match="not a"):
            capture(repo, {path: b"1"})
    with Repository.open(repo) as found:
        assert found.tip("HEAD") is None


def test_a_persons_own_work_survives(repo: Path, git: Git, capture: Capture) -> None:
    (repo / "mine").write_text("1\n")
    git(repo, "add", "mine")
    git(repo, "commit", "--quiet", "--message=Mine")
    (repo / "mine").write_text("2\n")
    git(repo, "add", "mine")
    (repo / "mine").write_text("3\n")
    (repo / "new").write_text("new\n")
    capture(repo, {LATEST: b"1", FIRST: b"1"})
    assert git(repo, "status", "--porcelain").splitlines() == ["MM mine", "?? new"]
    assert (repo / "mine").read_text() == "3\n"
    assert git(repo, "show", ":mine") == "2\n"


def test_a_removed_file_goes_with_its_empty_folder(repo: Path, git: Git, capture: Capture) -> None:
    capture(repo, {LATEST: b"1", FIRST: b"1"})
    capture(repo, {FIRST: None})
    assert not (repo / "data/ms/snapshots").exists()
    assert git(repo, "ls-files").split() == [LATEST]
    assert git(repo, "status", "--porcelain") == ""


def test_equal_files_are_no_commit(repo: Path, capture: Capture) -> None:
    capture(repo, {LATEST: b"1"})
    with Repository.open(repo) as found:
        tip = found.tip("HEAD")
        assert capture(repo, {LATEST: b"1"}).revision is None
        assert tip == found.tip("HEAD")


def test_state_moves_alone_and_keeps_its_history(repo: Path, git: Git, capture: Capture) -> None:
    capture(repo, {}, state={"a.json": b"1", "b.json": b"1"})
    done = capture(repo, {}, state={"a.json": b"2", "b.json": None})
    assert done.revision is None
    assert git(repo, "rev-list", "--count", STATE_REF).strip() == "2"
    assert git(repo, "ls-tree", "--name-only", STATE_REF).split() == ["a.json"]
    assert git(repo, "branch", "--list") == ""


def test_what_a_person_changed_in_a_managed_file_is_kept(
    repo: Path, git: Git, capture: Capture
) -> None:
    capture(repo, {LATEST: b"1"})
    (repo / LATEST).write_text("staged by hand")
    git(repo, "add", LATEST)
    (repo / LATEST).write_text("edited by hand")
    done = capture(repo, {LATEST: b"2"})
    assert (repo / LATEST).read_bytes() == b"2"
    assert done.kept == (f"index/{LATEST}", f"worktree/{LATEST}")
    assert git(repo, "show", f"{KEPT_REF}:worktree/{LATEST}") == "edited by hand"
    assert git(repo, "show", f"{KEPT_REF}:index/{LATEST}") == "staged by hand"
    assert git(repo, "status", "--porcelain") == ""


def test_a_symbolic_link_on_the_way_is_refused(
    repo: Path, capture: Capture, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    (repo / "data").symlink_to(tmp_path / "outside")
    with pytest.raises(StoreError, match="is a symbolic link"):
        capture(repo, {LATEST: b"1"})
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_branch_not_checked_out_moves_without_the_work_tree(
    repo: Path, git: Git, capture: Capture
) -> None:
    capture(repo, {LATEST: b"1"})
    index = (repo / ".git/index").read_bytes()
    capture(repo, {LATEST: b"2"}, branch="data")
    assert git(repo, "show", f"data:{LATEST}") == "2"
    assert (repo / LATEST).read_bytes() == b"1"
    assert (repo / ".git/index").read_bytes() == index


def test_a_bare_repository_takes_a_capture(tmp_path: Path, git: Git, capture: Capture) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "bare")
    capture(tmp_path / "bare", {LATEST: b"1"})
    assert git(tmp_path / "bare", "show", f"main:{LATEST}") == "1"


def test_a_linked_work_tree_takes_a_capture(
    repo: Path, git: Git, capture: Capture, tmp_path: Path
) -> None:
    capture(repo, {LATEST: b"1"})
    linked = tmp_path / "linked"
    git(repo, "worktree", "add", "--quiet", "-b", "other", str(linked))
    capture(linked, {LATEST: b"2"})
    assert (linked / LATEST).read_bytes() == b"2"
    assert git(linked, "status", "--porcelain") == git(repo, "status", "--porcelain") == ""
    with pytest.raises(StoreError, match="refs/heads/main is checked out in"):
        capture(linked, {LATEST: b"3"}, branch="main")


def test_a_sha256_repository_works(tmp_path: Path, git: Git, capture: Capture) -> None:
    git(tmp_path, "init", "--quiet", "--object-format=sha256", "--initial-branch=main", "long")
    author = replace(capture, author=None)
    author(tmp_path / "long", {LATEST: b"1"}, state={"a": b"1"})
    done = author(tmp_path / "long", {LATEST: b"2"})
    assert done.revision is not None
    assert len(done.revision) == 64
    assert git(tmp_path / "long", "fsck", "--full", "--strict") == ""
    assert git(tmp_path / "long", "status", "--porcelain") == ""


def test_settings_filters_and_hooks_change_and_run_nothing(
    repo: Path, git: Git, capture: Capture, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    hooks = repo / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("reference-transaction", "post-commit", "pre-commit", "post-index-change"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {ran}\n")
        (hooks / name).chmod(0o755)
    for setting in (
        "core.autocrlf=true",
        "core.eol=crlf",
        "commit.gpgSign=true",
        "gpg.program=false",
        f"filter.mine.clean=touch {ran}; cat",
        "filter.mine.required=true",
        "core.hooksPath=.git/hooks",
    ):
        git(repo, "config", *setting.split("=", 1))
    (repo / ".git" / "info").mkdir(exist_ok=True)
    (repo / ".git" / "info" / "attributes").write_text("*.json filter=mine ident text\n")
    content = b"$Id$\r\n1\n\r\n"
    capture(repo, {LATEST: content, FIRST: content})
    assert not ran.exists()
    stored = subprocess.check_output(["git", "-C", str(repo), "cat-file", "blob", f"HEAD:{LATEST}"])
    assert content == stored == (repo / LATEST).read_bytes()


def test_variables_of_git_do_not_lead_elsewhere(
    repo: Path, git: Git, capture: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "--quiet", "elsewhere")
    for name, value in {
        "GIT_DIR": str(tmp_path / "elsewhere/.git"),
        "GIT_INDEX_FILE": str(tmp_path / "index"),
        "GIT_WORK_TREE": str(tmp_path),
        "GIT_AUTHOR_NAME": "Mallory",
        "GIT_COMMITTER_DATE": "2001-01-01T00:00:00Z",
    }.items():
        monkeypatch.setenv(name, value)
    replace(capture, author=None)(repo, {LATEST: b"1"})
    monkeypatch.undo()
    assert git(repo, "log", "--format=%an %ct").strip() == "A Person 1769701653"
    assert git(repo, "status", "--porcelain") == ""


def test_a_branch_that_moved_is_not_overwritten(repo: Path, git: Git, capture: Capture) -> None:
    capture(repo, {LATEST: b"1"}, state={"a": b"1"})
    with Repository.open(repo) as found, writing(found) as writer:
        change = capture.change(found, writer, {LATEST: b"2"})
        git(repo, "commit", "--quiet", "--allow-empty", "--message=Mine")
        theirs = git(repo, "rev-parse", "main")
        with pytest.raises(StoreError, match="refs/heads/main moved"):
            writer.commit(replace(change, state={"a": b"2"}))
    assert git(repo, "rev-parse", "main") == theirs
    assert git(repo, "show", f"{STATE_REF}:a") == "1"
    assert not (repo / ".git/archiver/journal").exists()


def test_a_second_writer_waits_and_gives_up(repo: Path) -> None:
    with Repository.open(repo) as found, writing(found):
        with pytest.raises(RepositoryBusy) as busy, writing(found, wait=0.1):
            pass
        assert busy.value.exit_code == 75


def many_captures(folder: Path, capture: Capture, name: str) -> None:
    for number in range(5):
        capture(
            folder, {f"data/ms/{name}-{number}.json": name.encode()}, state={name: b"%d" % number}
        )


def test_two_writers_at_once_lose_nothing(repo: Path, git: Git, capture: Capture) -> None:
    spawn = multiprocessing.get_context("fork")
    writers = [
        spawn.Process(target=many_captures, args=(repo, capture, name)) for name in ("a", "b", "c")
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert git(repo, "rev-list", "--count", "main").strip() == "15"
    assert len(git(repo, "ls-files").split()) == 15
    assert git(repo, "status", "--porcelain") == ""


def full_disk(folder: Path, capture: Capture, limit: int, content: bytes) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        capture(folder, {LATEST: content, FIRST: content}, state={"a": b"2"})
    except StoreFull:
        os._exit(5)
    os._exit(0)


@pytest.mark.parametrize("limit", [100, 2_000, 20_000, 60_000])
def test_a_full_disk_leaves_the_old_history_or_the_new_one(
    repo: Path, git: Git, capture: Capture, limit: int
) -> None:
    capture(repo, {LATEST: b"1"}, state={"a": b"1"})
    content = b"".join(b"%d\n" % (number * number) for number in range(10_000))
    child = multiprocessing.get_context("fork").Process(
        target=full_disk, args=(repo, capture, limit, content)
    )
    child.start()
    child.join()
    assert child.exitcode == 5
    assert not (repo / ".git/archiver/scratch/object").exists()
    git(repo, "fsck", "--full", "--strict")
    assert git(repo, "rev-list", "--count", "main").strip() in {"1", "2"}
    capture(repo, {LATEST: b"3"})
    assert (repo / LATEST).read_bytes() == b"3"
    assert git(repo, "status", "--porcelain") == ""


def test_an_announced_length_must_be_right(repo: Path) -> None:
    with (
        Repository.open(repo) as found,
        writing(found) as writer,
        pytest.raises(StoreError, match="was announced"),
    ):
        writer.write_blob([b"123"], 4)


def test_an_index_held_by_somebody_is_left_alone_and_healed_later(
    repo: Path, git: Git, capture: Capture
) -> None:
    capture(repo, {LATEST: b"1"})
    held = repo / ".git" / "index.lock"
    held.touch()
    capture(repo, {LATEST: b"2"})
    assert held.exists()
    held.unlink()
    with Repository.open(repo) as found, writing(found):
        pass
    assert git(repo, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("seconds", "age"),
    [(660, "11 minutes"), (5 * 3600, "5 hours"), (90 * 3600, "3 days")],
)
@pytest.mark.parametrize("name", ["refs/heads/main.lock", "HEAD.lock", "refs/archiver/state.lock"])
def test_a_lock_that_nobody_holds_any_more_is_called_stale(
    repo: Path, capture: Capture, name: str, seconds: int, age: str
) -> None:
    capture(repo, {LATEST: b"1"}, state={"a/state": b"1"})
    lock = repo / ".git" / name
    lock.touch()
    with pytest.raises(RepositoryBusy, match=f"another git holds {lock}"):
        capture(repo, {LATEST: b"2"}, state={"a/state": b"2"})
    old = lock.stat().st_mtime - seconds - 1
    os.utime(lock, (old, old))
    with pytest.raises(StoreError, match=f"{lock} is stale: it was left behind {age} ago") as told:
        capture(repo, {LATEST: b"2"}, state={"a/state": b"2"})
    assert (told.value.exit_code, told.value.hint) == (5, "if no git is at work there, remove it")
    assert lock.exists()


def test_a_stale_lock_of_the_index_is_named_and_the_capture_stands(
    repo: Path, git: Git, capture: Capture, caplog: pytest.LogCaptureFixture
) -> None:
    capture(repo, {LATEST: b"1"})
    held = repo / ".git" / "index.lock"
    held.touch()
    old = held.stat().st_mtime - 7201
    os.utime(held, (old, old))
    capture(repo, {LATEST: b"2"})
    assert git(repo, "show", f"main:{LATEST}") == "2"
    (said,) = [each.getMessage() for each in caplog.records if "index.lock" in each.getMessage()]
    assert said.startswith(f"{held} is stale: it was left behind 2 hours ago")


def test_an_index_held_over_several_transactions_is_healed_too(
    repo: Path, git: Git, capture: Capture
) -> None:
    capture(repo, {LATEST: b"1", "data/ms/second": b"1"})
    (repo / "staged").write_text("of a person")
    git(repo, "add", "staged")
    held = repo / ".git" / "index.lock"
    held.touch()
    capture(repo, {LATEST: b"2", "data/ms/second": None})
    capture(repo, {}, state={"a/state": b"only the state moves"})
    done = capture(repo, {LATEST: b"3", "data/ms/third": b"3"})
    assert done.kept == ()
    held.unlink()
    with Repository.open(repo) as found, writing(found):
        pass
    assert git(repo, "status", "--porcelain") == "A  staged\n"
    assert (repo / LATEST).read_bytes() == b"3"
    assert not (repo / ".git" / "archiver" / "journal").exists()


def held_capture(repo: Path, git: Git, capture: Capture) -> None:
    """Leave a journal that waits for the index, by a capture of two files."""
    capture(repo, {LATEST: b"1", "data/ms/second": b"1"})
    held = repo / ".git" / "index.lock"
    held.touch()
    capture(repo, {LATEST: b"2", "data/ms/second": None}, state={"a/state": b"2"})
    held.unlink()
    assert git(repo, "status", "--porcelain") != ""


def test_a_reset_of_a_person_is_not_undone_by_healing(
    repo: Path, git: Git, capture: Capture
) -> None:
    held_capture(repo, git, capture)
    git(repo, "reset", "--quiet", "--hard", "HEAD~1")
    old = git(repo, "rev-parse", "HEAD")
    capture(repo, {}, state={"a/state": b"3"})
    assert git(repo, "rev-parse", "HEAD") == old
    assert git(repo, "status", "--porcelain") == ""
    assert (repo / LATEST).read_bytes() == b"1"


@pytest.mark.parametrize(
    "gone_on",
    [("switch", "--quiet", "-c", "feature"), ("commit", "--quiet", "-m", "Mine", "--", "mine")],
    ids=["switch", "commit"],
)
def test_entries_are_healed_though_a_person_has_gone_on(
    repo: Path, git: Git, capture: Capture, gone_on: tuple[str, ...]
) -> None:
    (repo / "mine").write_text("1")
    git(repo, "add", "mine")
    git(repo, "commit", "--quiet", "-m", "Mine")
    (repo / "mine").write_text("2")
    held_capture(repo, git, capture)
    git(repo, *gone_on)
    with Repository.open(repo) as found, writing(found):
        pass
    assert git(repo, "status", "--porcelain", "--", "data") == ""
    assert git(repo, "ls-files", "data").split() == [LATEST]


def test_a_transaction_that_fails_forgets_nothing_of_the_one_before(
    repo: Path, git: Git, capture: Capture
) -> None:
    capture(repo, {LATEST: b"1"})
    held = repo / ".git" / "index.lock"
    held.touch()
    capture(repo, {LATEST: b"2"})
    lock = repo / ".git" / "refs" / "heads" / "main.lock"
    lock.write_text("somebody's")
    with pytest.raises(StoreError):
        capture(repo, {LATEST: b"3"})
    lock.unlink()
    held.unlink()
    with Repository.open(repo) as found, writing(found):
        pass
    assert git(repo, "status", "--porcelain") == ""
    assert (repo / LATEST).read_bytes() == b"2"


def test_a_damaged_copy_of_the_same_blob_is_replaced(
    repo: Path, git: Git, capture: Capture
) -> None:
    oid = git(repo, "hash-object", "-w", "--stdin", stdin=b"1").strip()
    loose = repo / ".git" / "objects" / oid[:2] / oid[2:]
    loose.chmod(0o644)
    loose.write_bytes(b"torn")
    capture(repo, {LATEST: b"1"})
    assert git(repo, "show", f"main:{LATEST}") == "1"


def test_a_date_before_1970_is_refused(repo: Path, capture: Capture, now: datetime) -> None:
    with pytest.raises(StoreError, match="before 1970"):
        replace(capture, moment=now.replace(year=1969))(repo, {LATEST: b"1"})
