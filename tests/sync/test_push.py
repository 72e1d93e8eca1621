"""Two copies and a bare repository: every capture arrives, nothing is forced, nothing is lost."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from support.copies import Hub
from support.git import run_git

from archiver.errors import PushRejected, SourceError, StoreError
from archiver.jobs.job import Job
from archiver.store.remote import Remote
from archiver.store.repository import Repository
from archiver.sync import push

if TYPE_CHECKING:
    from pathlib import Path

    from support.copies import Copy

EMPTY_COMMIT = ("commit-tree", "-p", "main", "-m", "Other", "main^{tree}")


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub(tmp_path)


def test_branch_and_reports_arrive_together(hub: Hub) -> None:
    copy = hub.first()
    report = copy.run("a")
    assert hub.git("rev-parse", "main").strip() == report.revision
    assert hub.runs("a") == ["first"]
    assert copy.is_clean()


def test_a_run_without_changes_commits_nothing_and_its_report_is_pushed(hub: Hub) -> None:
    copy = hub.first()
    copy.run("a")
    tip = hub.git("rev-parse", "main")
    assert copy.run("a").outcome == "unchanged"
    assert hub.git("rev-parse", "main") == tip
    assert hub.runs("a") == ["first", "unchanged"]


def test_a_hub_that_is_down_leaves_the_branch_and_pushes_the_report(hub: Hub) -> None:
    copy = hub.first()
    copy.run("a")
    tip = hub.git("rev-parse", "main")
    (hub.folder / "a.json").unlink()
    with pytest.raises(SourceError):
        copy.run("a")
    assert hub.git("rev-parse", "main") == tip
    assert hub.runs("a") == ["first", "failed"]


def test_a_fresh_clone_knows_the_reports_of_others(hub: Hub) -> None:
    hub.first().run("a")
    clone = hub.clone("second", "--depth", "1")
    clone.run("a")
    assert hub.runs("a") == ["first", "unchanged"]


def test_other_sources_pushed_meanwhile_stay_and_ours_follows(hub: Hub) -> None:
    first = hub.first()
    second = hub.clone("second")
    theirs = first.run("b")
    ours = second.stale_run("a")
    assert hub.subjects() == [
        "a: first snapshot (2 records)",
        "b: first snapshot (1 record)",
        "Begin",
    ]
    assert hub.git("rev-parse", "main", "main~1").split() == [ours.revision, theirs.revision]
    assert hub.runs("a") == ["first"]
    assert hub.runs("b") == ["first"]
    assert second.is_clean()
    assert (second.folder / "data/b/latest.json").is_file()


def test_a_capture_is_compared_with_what_was_pushed_meanwhile(hub: Hub) -> None:
    first = hub.first()
    second = hub.second(first, one=1, two=2)
    hub.race(
        first,
        second,
        theirs={"one": 1, "two": 2, "three": 3},
        ours={"one": 1, "two": 2, "three": 3, "four": 4},
    )
    assert hub.subjects()[:2] == ["a: +1 new (4 records)", "a: +1 new (3 records)"]
    assert hub.records("a") == {"one": 1, "two": 2, "three": 3, "four": 4}
    changelog = hub.git("show", "main:data/a/CHANGELOG.md")
    assert changelog.count("\n## ") == 3
    assert changelog.index("four") < changelog.index("three")
    assert second.is_clean()


def test_one_listing_that_lacks_what_another_copy_listed_removes_nothing(hub: Hub) -> None:
    first = hub.first()
    second = hub.second(first, one=1, two=2)
    hub.race(first, second, theirs={"one": 1, "two": 2, "three": 3}, ours={"one": 1, "two": 5})
    assert hub.records("a") == {"one": 1, "two": 5, "three": 3}
    assert hub.subjects()[0] == "a: 1 updated (3 records)"


def test_what_a_copy_had_settled_as_removed_stays_removed(hub: Hub) -> None:
    first = hub.first()
    second = hub.second(first, one=1, two=2)
    hub.lists("a", one=3, two=2)
    first.run("a")
    hub.lists("a", two=2, four=4, five=5, six=6)
    (second.folder / "archiver.toml").write_text(
        (second.folder / "archiver.toml")
        .read_text()
        .replace("confirm", "max_shrink = 1\nconfirm", 1)
    )
    second.stale_run("a")
    assert hub.subjects()[0] == "a: +3 new, -1 removed (4 records)"
    assert "one" not in hub.records("a")


def test_an_older_capture_than_the_pushed_one_is_dropped_and_said(hub: Hub) -> None:
    first = hub.first()
    second = hub.clone("second")
    second.run("a", job=Job())
    hub.lists("a", one=1, two=2, three=3)
    first.run("a")
    synced = push.push(second.config, clock=second.clock, sleep=lambda _: None)
    assert [each.revision for each in synced.rebuilt.values()] == [""]
    assert "a newer one was pushed" in synced.notes[0]
    assert hub.records("a") == {"one": 1, "two": 2, "three": 3}
    assert second.git("rev-parse", "HEAD") == first.git("rev-parse", "HEAD")
    assert second.is_clean()


@pytest.mark.parametrize(("theirs", "ours"), [(1000, 0), (0, -1000)])
def test_a_wrong_clock_drops_no_capture(hub: Hub, theirs: int, ours: int) -> None:
    """Either theirs ran ahead, or ours was behind the commits that it stands on."""
    first = hub.first()
    second = hub.second(first, one=1)
    hub.time += timedelta(days=theirs)
    hub.lists("a", one=1, two=2)
    first.run("a")
    hub.time += timedelta(days=ours - theirs)
    hub.lists("a", one=1, three=3)
    second.run("a", job=Job())
    hub.time -= timedelta(days=ours)
    push.push(second.config, clock=second.clock, sleep=lambda _: None)
    assert hub.records("a") == {"one": 1, "two": 2, "three": 3}


def test_a_capture_is_not_dropped_for_the_one_that_it_stands_on(hub: Hub) -> None:
    first = hub.first()
    second = hub.second(first, one=1)
    hub.lists("a", one=1, two=2)
    first.run("a")
    hub.time += timedelta(days=1000)
    hub.lists("a", one=3)
    second.run("a", job=Job())
    hub.time -= timedelta(days=1000)
    hub.lists("a", one=4)
    second.run("a", job=Job())
    push.push(second.config, clock=second.clock, sleep=lambda _: None)
    assert hub.records("a") == {"one": 4, "two": 2}
    assert len(hub.subjects()) == 5


def test_captures_that_could_not_be_pushed_all_follow_later(hub: Hub) -> None:
    first = hub.first()
    second = hub.clone("second")
    second.run("a", job=Job())
    hub.lists("a", one=1, two=2, three=3)
    second.run("a", job=Job())
    first.run("b")
    second.run("b")
    assert hub.subjects() == [
        "a: +1 new (3 records)",
        "a: first snapshot (2 records)",
        "b: first snapshot (1 record)",
        "Begin",
    ]
    assert hub.runs("a") == ["first", "changed"]


def test_a_person_and_a_job_may_push_to_the_same_branch(hub: Hub) -> None:
    first = hub.first()
    second = hub.clone("second")
    first.publish("Say hello", {"README.md": "hello\n"})
    second.stale_run("a")
    assert hub.subjects()[:2] == ["a: first snapshot (2 records)", "Say hello"]
    assert (second.folder / "README.md").read_text() == "hello\n"
    assert second.is_clean()


def test_programs_of_others_arrive_as_programs(hub: Hub) -> None:
    first = hub.first()
    second = hub.clone("second")
    program = first.folder / "tools" / "tidy.sh"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    first.publish("Tidy")
    second.run("a")
    assert (second.folder / "tools/tidy.sh").stat().st_mode & 0o111
    assert second.git("ls-files", "--stage", "tools").startswith("100755 ")
    assert second.is_clean()


def test_a_file_that_becomes_a_program_is_one_here_too(hub: Hub) -> None:
    first = hub.first()
    script = first.folder / "s.sh"
    script.write_text("#!/bin/sh\n")
    first.publish("Script")
    second = hub.clone("second")
    script.chmod(0o755)
    first.publish("Program")
    second.run("a")
    assert (second.folder / "s.sh").stat().st_mode & 0o111
    assert second.is_clean()


def test_line_ends_that_git_converts_are_no_change_of_a_person(hub: Hub) -> None:
    first = hub.first()
    (first.folder / ".gitattributes").write_text("*.txt text eol=crlf\n")
    first.publish("Lines", {"n.txt": "one\n"})
    second = hub.clone("second")
    assert (second.folder / "n.txt").read_bytes() == b"one\r\n"
    (first.folder / "n.txt").write_bytes(b"two\r\n")
    first.publish("Other lines")
    second.run("a")
    assert second.is_clean()
    assert hub.subjects()[0] == "a: first snapshot (2 records)"


def test_a_file_that_becomes_a_folder_and_back_arrives(hub: Hub) -> None:
    first = hub.first()
    (first.folder / "docs").write_text("one file\n")
    (first.folder / "lib").mkdir()
    (first.folder / "lib" / "deep.py").write_text("pass\n")
    first.publish("Before")
    second = hub.clone("second")
    (first.folder / "docs").unlink()
    (first.folder / "docs").mkdir()
    (first.folder / "docs" / "page.md").write_text("a page\n")
    (first.folder / "lib" / "deep.py").unlink()
    (first.folder / "lib").rmdir()
    first.publish("After", {"lib": "a file\n"})
    second.run("a")
    assert second.is_clean()
    assert (second.folder / "docs" / "page.md").is_file()
    assert (second.folder / "lib").read_text() == "a file\n"


def behind_a_folder_that_is_a_file(hub: Hub) -> Copy:
    """Return a copy that has the folder ``lib``, which was pushed as a file meanwhile."""
    first = hub.first()
    (first.folder / "lib").mkdir()
    (first.folder / "lib" / "deep.py").write_text("pass\n")
    first.publish("Before")
    second = hub.clone("second")
    (first.folder / "lib" / "deep.py").unlink()
    (first.folder / "lib").rmdir()
    first.publish("After", {"lib": "a file\n"})
    return second


def test_a_folder_with_a_persons_file_makes_no_room(hub: Hub) -> None:
    second = behind_a_folder_that_is_a_file(hub)
    (second.folder / "lib" / "mine").write_text("mine\n")
    with pytest.raises(StoreError, match="is not a plain file"):
        second.run("a")
    assert (second.folder / "lib" / "mine").read_text() == "mine\n"


def test_an_empty_folder_of_a_person_makes_no_room(hub: Hub) -> None:
    second = behind_a_folder_that_is_a_file(hub)
    (second.folder / "lib" / "empty").mkdir()
    for _ in range(2):
        with pytest.raises(StoreError, match="is not a plain file"):
            second.run("a")
    (second.folder / "lib" / "empty").rmdir()
    second.run("a")
    assert second.is_clean()


def test_a_name_as_long_as_names_may_be_arrives(hub: Hub) -> None:
    first = hub.first()
    second = hub.clone("second")
    (first.folder / ("n" * 255)).write_text("long\n")
    first.publish("Long")
    second.run("a")
    assert second.is_clean()


def test_a_file_that_a_person_calls_unchanged_is_not_overwritten(hub: Hub) -> None:
    first = hub.first()
    first.publish("Settings", {"cfg": "one\n"})
    second = hub.clone("second")
    first.publish("Other settings", {"cfg": "two\n"})
    second.git("update-index", "--assume-unchanged", "cfg")
    (second.folder / "cfg").write_text("mine\n")
    with pytest.raises(StoreError, match="cfg is changed here and elsewhere"):
        second.run("a")
    assert (second.folder / "cfg").read_text() == "mine\n"


def test_a_lock_of_a_moment_after_a_race_keeps_the_reports(hub: Hub) -> None:
    hub.first()
    second = hub.clone("second")
    third = hub.clone("third")
    lock = hub.origin / "refs" / "heads" / "main.lock"
    third.run("b")

    def sleep(seconds: float) -> None:
        if seconds < 0.6:
            lock.touch()  # somebody's git, just after the race
        else:
            lock.unlink(missing_ok=True)

    second.stale_run_without_push("a")
    synced = push.push(second.config, clock=second.clock, sleep=sleep, chance=lambda: 0.5)
    assert synced.notes == ()
    assert hub.runs("a") == ["first"]


def test_what_a_person_took_out_of_the_index_stays_out(hub: Hub) -> None:
    first = hub.first()
    first.publish("Notes", {"notes": "one\n"})
    second = hub.clone("second")
    first.publish("More notes", {"notes": "two\n"})
    second.git("rm", "--quiet", "--cached", "notes")
    with pytest.raises(StoreError, match="notes is changed here and elsewhere"):
        second.run("a")
    assert second.git("status", "--porcelain", "--", "notes").startswith("D  notes")


def test_a_repository_that_was_only_just_made_gets_every_file(hub: Hub) -> None:
    first = hub.first()
    first.publish("Say hello", {"README.md": "hello\n"})
    second = hub.made("second")
    (second.folder / "archiver.toml").write_bytes((first.folder / "archiver.toml").read_bytes())
    second.run("b")
    assert second.is_clean()
    assert (second.folder / "README.md").is_file()
    assert hub.subjects() == ["b: first snapshot (1 record)", "Say hello", "Begin"]


def test_a_link_of_others_is_left_to_git(hub: Hub) -> None:
    first = hub.first()
    second = hub.clone("second")
    (first.folder / "link").symlink_to("archiver.toml")
    first.publish("Link")
    with pytest.raises(StoreError, match="link is no plain file") as refused:
        second.run("a")
    assert "git pull" in refused.value.hint
    assert second.is_clean()


def test_a_branch_that_is_not_checked_out_is_pushed_and_fetched(hub: Hub) -> None:
    first = hub.first()
    toml = first.folder / "archiver.toml"
    toml.write_text('[archive]\nbranch = "data"\n' + toml.read_text())
    first.publish("Another branch")
    second = hub.second(first, one=1, two=2)
    hub.lists("a", one=1, two=2, three=3)
    second.run("a")
    assert hub.git("log", "--format=%s", "data").splitlines() == [
        "a: +1 new (3 records)",
        "a: first snapshot (2 records)",
    ]
    assert second.is_clean()
    assert not (second.folder / "data").exists()


def test_a_file_that_is_changed_here_and_there_is_not_overwritten(hub: Hub) -> None:
    first = hub.first()
    second = hub.clone("second")
    first.publish("Say hello", {"README.md": "hello\n"})
    (second.folder / "README.md").write_text("mine\n")
    with pytest.raises(StoreError, match=r"README\.md is changed here and elsewhere"):
        second.stale_run("a")
    assert (second.folder / "README.md").read_text() == "mine\n"
    assert second.git("log", "--format=%s", "-1").strip() == "a: first snapshot (2 records)"


def test_a_persons_unpushed_commit_is_left_to_the_person(hub: Hub) -> None:
    first = hub.first()
    second = hub.clone("second")
    first.run("b")
    (second.folder / "notes.txt").write_text("mine\n")
    second.git("add", "notes.txt")
    second.git("commit", "--quiet", "-m", "Mine")
    with pytest.raises(PushRejected, match="no capture") as refused:
        second.stale_run("a")
    assert "git pull --rebase" in refused.value.hint
    assert second.git("log", "--format=%s", "-2").splitlines() == [
        "a: first snapshot (2 records)",
        "Mine",
    ]


@pytest.mark.parametrize("options", [(), ("--depth", "1")])
def test_a_race_from_a_shallow_clone_is_won_too(hub: Hub, options: tuple[str, ...]) -> None:
    first = hub.first()
    second = hub.second(first, *options, one=1, two=2)
    hub.lists("a", one=1, two=2, three=3)
    first.run("a")
    first.run("b")
    hub.lists("a", one=9, two=2, three=3)
    second.stale_run("a")
    assert hub.subjects()[0] == "a: 1 updated (3 records)"
    assert hub.git("fsck", "--full", "--strict") == ""


def test_many_copies_at_once_lose_nothing(hub: Hub) -> None:
    hub.first()
    names = [f"copy{number}" for number in range(4)]
    copies = [hub.clone(name) for name in names]
    failures: list[Exception] = []

    def work(number: int) -> None:
        source = "ab"[number % 2]
        try:
            Job(push=True).run(copies[number].config, source, clock=copies[number].clock)
        except PushRejected as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(copies))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert sorted(hub.subjects()) == [
        "Begin",
        "a: first snapshot (2 records)",
        "b: first snapshot (1 record)",
    ]


def test_a_refusal_keeps_the_commit_and_says_what_to_do(hub: Hub) -> None:
    copy = hub.first()
    hook = hub.refuses("echo 'protected: ask Ada' >&2; exit 1")
    words = r"does not take the push: .*pre-receive.*: protected: ask Ada"
    with pytest.raises(PushRejected, match=words) as refused:
        copy.run("a")
    assert "archiver run --push" in refused.value.hint
    assert copy.git("log", "--format=%s", "-1").strip() == "a: first snapshot (2 records)"
    hook.unlink()
    copy.run("a")
    assert hub.subjects()[0] == "a: first snapshot (2 records)"


def test_a_remote_that_takes_no_side_refs_gets_the_branch(hub: Hub) -> None:
    run_git(hub.origin, "config", "receive.hideRefs", "refs/archiver")
    copy = hub.first()
    report = copy.run("a")
    assert hub.git("rev-parse", "main").strip() == report.revision
    assert report.notes == ("origin takes no refs/archiver/state: the reports stay here",)


def test_a_hook_that_refuses_side_refs_gets_the_branch(hub: Hub) -> None:
    hub.refuses("while read old new ref; do case $ref in refs/archiver/*) exit 1;; esac; done")
    copy = hub.first()
    report = copy.run("a")
    assert hub.git("rev-parse", "main").strip() == report.revision
    assert "takes no refs/archiver/state" in report.notes[0]


def test_a_lock_on_the_remote_is_not_called_a_race(hub: Hub) -> None:
    copy = hub.first()
    (hub.origin / "refs" / "heads" / "main.lock").touch()
    with pytest.raises(PushRejected, match="does not take the push: ") as refused:
        copy.run("a")
    assert "faster" not in str(refused.value)


def test_a_state_that_cannot_be_written_there_does_not_hold_the_branch_back(hub: Hub) -> None:
    copy = hub.first()
    (hub.origin / "refs" / "archiver").write_text(hub.git("rev-parse", "main"))
    report = copy.run("a")
    assert hub.git("rev-parse", "main").strip() == report.revision


def test_an_address_that_only_pushes_elsewhere_is_not_called_a_race(hub: Hub) -> None:
    copy = hub.first()
    other = hub.folder / "other.git"
    run_git(hub.folder, "clone", "--quiet", "--bare", str(hub.origin), str(other))
    copy.git("remote", "set-url", "--push", "origin", str(other))
    run_git(other, "update-ref", "refs/heads/main", run_git(other, *EMPTY_COMMIT).strip())
    with pytest.raises(PushRejected, match=r"fetch first|non-fast-forward"):
        copy.run("a")


def test_a_mirror_gets_the_branch_and_the_reports(hub: Hub) -> None:
    copy = hub.first()
    copy.git("config", "remote.origin.mirror", "true")
    copy.run("a")
    assert hub.subjects()[0] == "a: first snapshot (2 records)"
    assert hub.runs("a") == ["first"]


def test_without_anything_to_push_nothing_else_is_pushed(hub: Hub) -> None:
    copy = hub.first()
    copy.git("config", "push.default", "current")
    (copy.folder / "notes.txt").write_text("private\n")
    copy.git("add", "notes.txt")
    copy.git("commit", "--quiet", "-m", "Private")
    with Repository.open(copy.folder) as repository:
        Remote(repository, "origin", "refs/heads/data").push()
    assert hub.subjects() == ["Begin"]


def test_a_remote_that_is_away_does_not_keep_a_hub_from_being_captured(hub: Hub) -> None:
    copy = hub.first()
    hub.origin.rename(hub.folder / "away.git")
    with pytest.raises(PushRejected, match=r"origin cannot be reached|does not take"):
        copy.run("a")
    assert "not fetched: origin cannot be reached" in copy.notes[0]
    assert copy.git("log", "--format=%s", "-1").strip() == "a: first snapshot (2 records)"


def test_a_password_in_the_address_is_never_said(hub: Hub) -> None:
    copy = hub.first()
    for address in ("http://ada:hunter2/x@127.0.0.1:9/x.git", "http://127.0.0.1:9/x?t=hunter2"):
        copy.git("remote", "set-url", "origin", address)
        with pytest.raises(PushRejected) as refused:
            copy.run("a")
        assert "hunter2" not in str(refused.value) + refused.value.hint + str(copy.notes)


def test_a_detached_head_says_what_to_do_before_anything_is_fetched(hub: Hub) -> None:
    copy = hub.first()
    copy.git("checkout", "--quiet", "--detach")
    with pytest.raises(StoreError, match="HEAD is detached") as refused:
        copy.run("a")
    assert "git switch" in refused.value.hint


def test_without_a_remote_there_is_a_hint(hub: Hub) -> None:
    copy = hub.first()
    copy.git("remote", "remove", "origin")
    with pytest.raises(PushRejected, match="there is no remote to push to") as refused:
        copy.run("a")
    assert "git remote add origin" in refused.value.hint


def test_nothing_is_ever_forced(hub: Hub) -> None:
    copy = hub.first()
    copy.run("a")
    run_git(hub.origin, "config", "receive.denyNonFastForwards", "true")
    second = hub.clone("second")
    hub.lists("a", one=1)
    copy.run("b")
    second.stale_run("b")
    pushed = hub.git("rev-list", "--count", "main").strip()
    assert pushed == "3"


@pytest.mark.parametrize("how", ["back", "rewritten"])
@pytest.mark.parametrize("looked", [False, True], ids=["unseen", "fetched by a person"])
def test_a_branch_that_was_force_pushed_is_named_and_left(
    hub: Hub, how: str, *, looked: bool
) -> None:
    copy = hub.first()
    copy.run("a")
    hub.lists("a", one=2, two=2)
    lost = copy.run("a").revision
    assert lost is not None
    commit = ("commit-tree", "-p", "main~1", "-m", "Other", "main~1^{tree}")
    new = hub.git(*commit).strip() if how == "rewritten" else hub.git("rev-parse", "main~1").strip()
    hub.git("update-ref", "refs/heads/main", new)
    words = f"origin/main was force-pushed: it no longer contains {lost[:10]}"
    hub.lists("a", one=3, two=2)
    for turn in range(2):
        with pytest.raises(PushRejected, match=words) as told:
            copy.run("a")
        assert f"git reset --keep {new[:10]}" in told.value.hint
        assert copy.notes == (f"not fetched: {words}",)
        assert hub.git("rev-parse", "main").strip() == new
        run_git(copy.folder, "merge-base", "--is-ancestor", lost, "main")
        if looked and not turn:
            run_git(copy.folder, "fetch", "--quiet", "origin")
    run_git(copy.folder, "reset", "--quiet", "--keep", new)
    report = copy.run("a")
    assert hub.git("rev-parse", "main").strip() == report.revision
    assert hub.git("rev-parse", "main~1").strip() == new


def test_what_was_force_pushed_can_be_put_back(hub: Hub) -> None:
    copy = hub.first()
    copy.run("a")
    new = hub.git("rev-parse", "main~1").strip()
    hub.git("update-ref", "refs/heads/main", new)
    hub.lists("a", one=3, two=2)
    with pytest.raises(PushRejected, match="was force-pushed") as told:
        copy.run("a")
    command = told.value.hint.partition("put yours back: git ")[2].partition(";")[0]
    run_git(copy.folder, *command.split())
    copy.run("a")
    assert hub.records("a") == {"one": 3, "two": 2}


def test_two_that_a_person_joined_after_a_force_push_are_pushed(hub: Hub) -> None:
    copy = hub.first()
    copy.run("a")
    commit = ("commit-tree", "-p", "main~1", "-m", "Other", "main~1^{tree}")
    hub.git("update-ref", "refs/heads/main", hub.git(*commit).strip())
    with pytest.raises(PushRejected, match="was force-pushed"):
        copy.run("a")
    run_git(copy.folder, "pull", "--quiet", "--no-rebase", "--no-edit", "origin", "main")
    copy.run("a")
    run_git(copy.folder, "fetch", "--quiet", "origin")
    assert run_git(copy.folder, "rev-parse", "main") == hub.git("rev-parse", "main")
