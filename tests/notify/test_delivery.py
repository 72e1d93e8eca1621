"""Notification through a real HTTP receiver: every message arrives, and none is repeated."""

from __future__ import annotations

import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace
from support.copies import AT_ONCE, TABLE
from support.git import run_git
from support.receivers import Archive, Receiver

from archiver import Watcher
from archiver.capture import revert
from archiver.capture.target import open_target
from archiver.config import ChannelConfig
from archiver.errors import (
    NotifyError,
    PushRejected,
    RenderError,
    SnapshotRejected,
    SourceError,
)
from archiver.jobs.job import Job
from archiver.notify import dispatch
from archiver.notify.filters import pinned, selected
from archiver.records.model import RecordChange
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path


def test_the_same_change_set_is_never_sent_twice(hook: Archive, receiver: Receiver) -> None:
    hook.run()
    hook.lists(one={"downloads": 100})
    hook.run()
    hook.run()
    hook.lists(one={"downloads": 101})
    hook.run()
    assert [each.json["title"] for each in receiver.received] == ["hub: -1 removed (1 record)"]


def test_a_failing_channel_undoes_nothing_and_receives_both_next_time(
    hook: Archive, receiver: Receiver
) -> None:
    hook.run()
    receiver.statuses = [400]
    hook.lists(one={"downloads": 100})
    with pytest.raises(NotifyError, match="not delivered: team: webhook: answered 400") as refused:
        hook.run()
    assert refused.value.exit_code == 7
    assert "T0-secret-path" not in str(refused.value) + refused.value.hint
    assert run_git(hook.folder, "log", "-1", "--format=%s").strip() == "hub: -1 removed (1 record)"
    hook.lists(one={"downloads": 100}, four={"downloads": 1})
    hook.run()
    assert receiver.received[-1].json["title"] == "hub: +1 new, -1 removed (2 records)"


@pytest.mark.parametrize("depth", ["1", "9"])
def test_a_shallow_clone_notifies_of_changes_and_deepens_where_it_must(
    hook: Archive, receiver: Receiver, tmp_path: Path, depth: str
) -> None:
    hook.run()
    run_git(hook.folder, "add", ".")
    run_git(hook.folder, "commit", "--quiet", "-m", "Configure")
    run_git(tmp_path, "init", "--bare", "--quiet", "--initial-branch=main", "origin.git")
    run_git(hook.folder, "remote", "add", "origin", str(tmp_path / "origin.git"))
    receiver.statuses = [400] if depth == "9" else []
    hook.lists(one={"downloads": 100})
    with suppress(NotifyError):
        hook.run(Job(push=True))
    url = (tmp_path / "origin.git").as_uri()
    run_git(tmp_path, "clone", "--quiet", "--depth=1", url, "clone")
    clone = Archive(tmp_path / "clone", hook.environ, hook.time)
    clone.lists(one={"downloads": 100}, three={"downloads": 1})
    clone.run(Job(push=True))
    title = receiver.received[-1].json["title"]
    assert title.startswith("hub: +1 new")
    assert ("-1 removed" in title) == (depth == "9")
    shallow = run_git(clone.folder, "rev-parse", "--is-shallow-repository").strip()
    assert shallow == ("true" if depth == "1" else "false")


def test_an_outage_is_one_message_and_its_end_another(hook: Archive, receiver: Receiver) -> None:
    hook.run()
    (hook.folder / "hub.json").unlink()
    for _ in range(3):
        with pytest.raises(SourceError):
            hook.run()
    hook.lists(one={"downloads": 100}, two={"downloads": 100})
    hook.run()
    hook.run()
    told = [(each.json["event"], each.json["title"]) for each in receiver.received]
    assert told == [
        ("outage", "hub: listings have failed since 2026-02-03 03:00:00 UTC"),
        ("recovery", "hub: captured again"),
    ]
    assert receiver.received[1].json["text"] == "Runs had failed since 2026-02-03 03:00:00 UTC."


def test_a_recovery_that_was_not_delivered_is_sent_by_the_next_good_run(
    hook: Archive, receiver: Receiver
) -> None:
    hook.run()
    (hook.folder / "hub.json").unlink()
    with pytest.raises(SourceError):
        hook.run()
    hook.lists(one={"downloads": 100}, two={"downloads": 100})
    receiver.statuses = [400]
    with pytest.raises(NotifyError, match="not delivered: team: webhook: answered 400"):
        hook.run()
    hook.run()
    hook.run()
    events = [each.json["event"] for each in receiver.received]
    assert events == ["outage", "recovery", "recovery"]
    assert receiver.received[1].json["id"] == receiver.received[2].json["id"]


def test_a_recovery_is_sent_after_a_push_that_failed(
    hook: Archive, receiver: Receiver, tmp_path: Path
) -> None:
    hook.run()
    run_git(hook.folder, "add", ".")
    run_git(hook.folder, "commit", "--quiet", "-m", "Configure")
    run_git(tmp_path, "init", "--bare", "--quiet", "--initial-branch=main", "origin.git")
    run_git(hook.folder, "remote", "add", "origin", str(tmp_path / "origin.git"))
    (hook.folder / "hub.json").unlink()
    with pytest.raises(SourceError):
        hook.run(Job(push=True))
    hook.lists(one={"downloads": 100}, two={"downloads": 100})
    (tmp_path / "origin.git").rename(tmp_path / "away")
    with pytest.raises(PushRejected):
        hook.run(Job(push=True))
    (tmp_path / "away").rename(tmp_path / "origin.git")
    hook.run(Job(push=True))
    assert [each.json["event"] for each in receiver.received] == ["outage", "recovery"]


def test_a_listing_that_is_refused_is_said_to_be(hook: Archive, receiver: Receiver) -> None:
    table = (hook.folder / "archiver.toml").read_text().replace("max_shrink = 1", "max_shrink = 0")
    (hook.folder / "archiver.toml").write_text(table)
    hook.lists(**{f"m{number}": {"downloads": 1} for number in range(50)})
    hook.run()
    hook.lists(m1={"downloads": 1})
    with pytest.raises(SnapshotRejected):
        hook.run()
    (received,) = receiver.received
    assert received.json["title"].startswith("hub: listings have been refused since 2026-02-03")


LOUD = """\
import msgspec

from archiver.channels import Notifier


class Room(Notifier):
    class Settings(msgspec.Struct, forbid_unknown_fields=True):
        sad: bool = False

    def __init__(self, settings, means):
        if settings.sad:
            raise ValueError("https://user:s3cret@example.org")

    def send(self, message):
        raise KeyError("https://user:s3cret@example.org")
"""


def test_a_channel_that_breaks_stops_no_other_and_reveals_no_secret(
    archive: Archive, receiver: Receiver
) -> None:
    (archive.folder / "loud_rooms.py").write_text(LOUD)
    archive.environ = {"HOOK": receiver.url}
    room = '[notify.room]\ntype = "loud_rooms:Room"\n'
    archive.channels(f'{room}[notify.team]\ntype = "webhook"\nurl_env = "HOOK"\n')
    archive.run()
    archive.lists(one={"downloads": 100})
    with pytest.raises(NotifyError) as refused:
        archive.run()
    assert str(refused.value) == "not delivered: room: it raised KeyError"
    assert "s3cret" not in "".join(traceback.format_exception(refused.value))
    assert len(receiver.received) == 1
    with pytest.raises(NotifyError, match=r"^not delivered: room: it raised KeyError$"):
        dispatch.send_test(archive.config, now=archive.clock())
    assert len(receiver.received) == 2
    archive.channels(f"{room}sad = true\n")
    with pytest.raises(NotifyError) as sad:
        archive.run()
    assert str(sad.value) == "not delivered: room: the type loud_rooms:Room raised ValueError"


def test_a_wrong_template_of_messages_stops_no_channel(
    archive: Archive, receiver: Receiver
) -> None:
    (archive.folder / "mine").mkdir()
    (archive.folder / "mine" / "notification.txt.j2").write_text("x\n{{ nope }}")
    archive.environ = {"HOOK": receiver.url}
    archive.channels(
        '[templates]\nfolder = "mine"\n[notify.team]\ntype = "webhook"\nurl_env = "HOOK"\n'
        '[notify.log]\ntype = "file"\npath = "told.txt"\n'
    )
    archive.run()
    archive.lists(one={"downloads": 100})
    with pytest.raises(RenderError, match=r"^notification.txt.j2:2: 'nope' is undefined$") as wrong:
        archive.run()
    assert wrong.value.hint == "all channels were notified, with the built-in template"
    assert "- two" in receiver.received[0].json["text"]
    assert "- two" in (archive.folder / "told.txt").read_text()
    archive.lists(two={"downloads": 100})
    receiver.statuses = [400]
    with pytest.raises(NotifyError) as both:
        archive.run()
    assert str(both.value).splitlines() == [
        "not delivered: team: webhook: answered 400",
        "notification.txt.j2:2: 'nope' is undefined",
    ]


def test_a_wrong_template_of_summaries_hides_nothing(
    archive: Archive, receiver: Receiver, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (archive.folder / "mine").mkdir()
    (archive.folder / "mine" / "summary.md.j2").write_text("{{ nope }}")
    archive.environ = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"), "HOOK": receiver.url}
    archive.channels(
        '[templates]\nfolder = "mine"\n[notify.github]\ntype = "github"\n'
        '[notify.team]\ntype = "webhook"\nurl_env = "HOOK"\n'
    )
    archive.run()
    (archive.folder / "hub.json").unlink()
    with pytest.raises(SourceError):
        archive.run()
    words = "github: summary.md.j2:1: 'nope' is undefined; the built-in template was used"
    assert words in caplog.text
    assert (tmp_path / "summary.md").read_text().startswith("### hub: listings have failed")
    assert receiver.received[0].json["event"] == "outage"
    archive.lists(one={"downloads": 100})
    with pytest.raises(NotifyError) as flawed:
        archive.run()
    assert str(flawed.value) == words  # both of it: the end of the outage, and what changed


def test_a_failing_channel_does_not_hide_a_wrong_template(
    hook: Archive, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    hook.run()
    (hook.folder / "mine").mkdir()
    (hook.folder / "mine" / "commit.txt.j2").write_text("{{ nope }}")
    table = (hook.folder / "archiver.toml").read_text()
    (hook.folder / "archiver.toml").write_text(f'{table}[templates]\nfolder = "mine"\n')
    hook.lists(one={"downloads": 100})
    receiver.statuses = [400]
    with pytest.raises(NotifyError, match="answered 400"):
        hook.run()
    assert "commit.txt.j2:1: 'nope' is undefined" in caplog.text


def test_a_file_that_cannot_be_is_trouble_of_its_channel(archive: Archive) -> None:
    archive.channels('[notify.log]\ntype = "file"\npath = "a\\u0000b"\n')
    archive.run()
    archive.lists(one={"downloads": 100})
    with pytest.raises(
        NotifyError, match=r"not delivered: log: cannot write .*: embedded null byte"
    ):
        archive.run()


def test_a_channel_receives_the_kinds_records_and_shares_that_it_asks_for(
    archive: Archive, receiver: Receiver
) -> None:
    archive.environ = {"HOOK": receiver.url}
    archive.channels(
        '[notify.team]\ntype = "webhook"\nurl_env = "HOOK"\nkinds = ["new"]\n'
        'where = ["downloads > 10"]\nthreshold = "downloads > 10 %"\nlimit = 2\n'
    )
    archive.lists(one={"downloads": 100}, two={"downloads": 100}, low={"downloads": 1})
    archive.run()
    archive.lists(
        one={"downloads": 109},
        two={"downloads": 111},
        low={"downloads": 9},
        **{f"new{number}": {"downloads": 10 + number} for number in range(4)},
    )
    archive.run()
    (received,) = receiver.received
    assert received.json["title"] == "hub: +3 new, 1 metric changed (7 records)"
    assert received.json["text"].splitlines()[:4] == [
        "New (3)",
        "+ new1 · 11 downloads",
        "+ new2 · 12 downloads",
        "… and 1 more",
    ]
    archive.lists(one={"downloads": 109}, low={"downloads": 9})
    archive.run()
    assert len(receiver.received) == 1  # removals are nothing that it asked for


@pytest.mark.parametrize("pins", ['"models.txt"', '["models.txt", "none.pins"]'])
def test_a_channel_receives_only_what_its_pins_and_fields_name(archive: Archive, pins: str) -> None:
    rules = f'pins = {pins}\nfields = ["license"]\n'
    archive.channels(f'[notify.log]\ntype = "file"\npath = "told.txt"\n{rules}')
    (archive.folder / "models.txt").write_text('one license=mit  # why\n"gone"\n')
    (archive.folder / "none.pins").write_text("")
    before = {"license": "mit", "size": 1}
    archive.lists(one=before, two=before, gone=before, other=before)
    archive.run()
    archive.lists(one={"license": "mit", "size": 2}, two={"license": "gpl"}, gone=before)
    archive.run()
    assert not (archive.folder / "told.txt").exists()
    archive.lists(one={"license": "gpl", "size": 3}, two={"license": "mit"})
    archive.run()
    told = filter(None, (archive.folder / "told.txt").read_text().splitlines())
    assert [*told][:-1] == [
        "hub: 1 updated, -1 removed (2 records)",
        "Breaking: Removed (1)",
        "- gone · 1 B · mit",
        "Breaking: Updated (1)",
        "~ one",
        "    license: mit → gpl",
    ]


def test_a_pin_that_was_renamed_is_news(repo: Path) -> None:
    log = ChannelConfig(name="log", type="stdout", pins=("models.txt",))
    (repo / "models.txt").write_text("old\n")
    renamed = RecordChange("renamed", "new", record={"id": "new"}, old_key="old")
    assert selected([renamed], log, pinned(log, repo)).named == [
        replace(renamed, severity="breaking")
    ]


@pytest.mark.parametrize(
    ("pins", "words"),
    [("models.txt", "log: cannot read .*models.txt"), ("a.py", "log: pins: a.py is no list")],
)
def test_pins_that_cannot_be_read_are_trouble_of_their_channel(
    archive: Archive, pins: str, words: str
) -> None:
    table = '[notify.log]\ntype = "file"\npath = "told.txt"\n'
    archive.channels(f'{table}pins = "{pins}"\n')
    with pytest.raises(NotifyError, match=words):
        archive.run()
    archive.lists(one={"downloads": 100})
    with pytest.raises(NotifyError, match=words):
        archive.run()
    (archive.folder / "models.txt").write_text("two\n")
    archive.channels(f'{table}pins = "models.txt"\n')
    archive.run()
    assert (archive.folder / "told.txt").read_text().startswith("hub: -1 removed")


def test_the_outbox_is_on_the_state_ref_without_any_secret(hook: Archive) -> None:
    hook.run()
    hook.lists(one={"downloads": 100})
    hook.run()
    state = run_git(hook.folder, "log", "-p", "refs/archiver/state")
    assert "sent.jsonl" in state
    assert "T0-secret-path" not in state
    assert "k3y" not in state


def test_a_change_set_of_the_caller_is_sent_once(
    hook: Archive, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook.run()
    hook.lists(one={"downloads": 1}, three={"downloads": 3})
    for name, value in hook.environ.items():
        monkeypatch.setenv(name, value)
    watcher = Watcher(repo=hook.folder)
    changes = watcher.detect_changes()
    watcher.notify_updates(changes)
    watcher.notify_updates(changes)
    (received,) = receiver.received
    assert received.json["title"] == "hub: +1 new, -1 removed (2 records)"
    assert received.json["changes"]["changes"]["new"] == [{"id": "three", "downloads": 3}]


def test_what_is_sent_before_the_commit_is_not_sent_after_it(
    hook: Archive, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in hook.environ.items():
        monkeypatch.setenv(name, value)
    table = (hook.folder / "archiver.toml").read_text()
    (hook.folder / "archiver.toml").write_text(f'{table}threshold = "downloads > 10 %"\n')
    hook.lists(one={"downloads": 100}, two={"downloads": 100}, old={"n": 1}, gone={"n": 1})
    hook.run()
    hook.lists(one={"downloads": 200, "license": "x"}, two={"downloads": 900}, three={}, old={})
    watcher = Watcher(repo=hook.folder)
    watcher.notify_updates(watcher.detect_changes())
    hook.run()
    assert [each.json["title"] for each in receiver.received] == [
        "hub: +1 new, 2 updated, -1 removed, 1 metric changed (4 records)"
    ]
    assert (
        "    downloads: 100 → 200 (+100)\n    license: (unset) → x"
        in (receiver.received[0].json["text"])
    )


def test_a_record_that_vanishes_twice_is_news_twice(hook: Archive, receiver: Receiver) -> None:
    without: dict[str, Any] = {"one": {"a": 1}}
    with_two = {**without, "two": {"a": 1}}
    for rows in (with_two, without, with_two, without):
        hook.lists(**rows)
        hook.run()
    titles = [each.json["title"].split()[1:3] for each in receiver.received]
    assert titles == [["-1", "removed"], ["1", "returned"], ["-1", "removed"]]
    assert len({each.json["id"] for each in receiver.received}) == 3


def test_a_change_that_was_reverted_and_recurs_is_sent_again(
    hook: Archive, receiver: Receiver
) -> None:
    hook.run()
    run_git(hook.folder, "add", ".")
    run_git(hook.folder, "commit", "--quiet", "-m", "Configure")
    hook.lists(one={"downloads": 100})
    hook.run()
    with Repository.open(hook.folder) as repository:
        revert.revert(open_target(hook.config, "hub", repository), "HEAD", clock=hook.clock)
    hook.lists(one={"downloads": 100}, two={"downloads": 100})
    hook.run()
    hook.lists(one={"downloads": 100})
    hook.run()
    titles = [each.json["title"] for each in receiver.received]
    assert titles[0] == titles[-1] == "hub: -1 removed (1 record)"
    assert len(titles) >= 2


def test_a_channel_receives_only_its_sources(hook: Archive, receiver: Receiver) -> None:
    text = (hook.folder / "archiver.toml").read_text()
    other = TABLE.format(name="other", url="hub.json", rules=AT_ONCE)
    (hook.folder / "archiver.toml").write_text(f'{other}\n{text}sources = ["other"]\n')
    hook.run()
    hook.lists(one={"downloads": 100})
    hook.run()
    assert receiver.received == []


def test_a_thousand_changes_are_a_digest(hook: Archive, receiver: Receiver) -> None:
    hook.run()
    hook.lists(**{f"m{number:04}": {"downloads": 1} for number in range(1000)})
    hook.run()
    text = receiver.received[0].json["text"]
    assert "New (1,000)" in text
    assert "… and 982 more" in text
    assert "Removed (2)\n- one · 100 downloads\n- two · 100 downloads\n" in text
    assert (
        "archiver compare hub_models_20260202_030000.json hub_models_20260203_030000.json" in text
    )


def test_a_removal_is_told_at_once_and_a_return_within_the_damping_as_flapping(
    hook: Archive, receiver: Receiver
) -> None:
    file = hook.folder / "archiver.toml"
    text = file.read_text()
    file.write_text(text.replace("[sources.hub]", "[sources.hub]\ndamping = 1", 1))
    one, two = {"downloads": 100}, {"downloads": 100}
    hook.run()
    for _ in range(2):
        hook.lists(one=one)
        hook.run()
        hook.lists(one=one, two=two)
        hook.run()
    told = [each.json["text"] for each in receiver.received]
    assert ["flapped" in each for each in told] == [False, True, False, True]
    assert "two · 100 downloads (flapped: gone and back 2 times since 2026-02-0" in told[-1]
    assert [each.json["title"] for each in receiver.received] == [
        *("hub: -1 removed (1 record)", "hub: 1 returned (2 records)"),
        *("hub: -1 removed (1 record)", "hub: 1 returned (2 records)"),
    ]


def test_a_message_about_several_captures_tells_what_is_gone_and_what_flapped(
    hook: Archive, receiver: Receiver
) -> None:
    file = hook.folder / "archiver.toml"
    text = file.read_text()
    file.write_text(text.replace("[sources.hub]", "[sources.hub]\ndamping = 1", 1))
    one, two = {"downloads": 100}, {"downloads": 100}
    hook.run()
    hook.lists(one=one)
    hook.run()
    receiver.statuses = [400]
    hook.lists(one=one, two=two)
    with pytest.raises(NotifyError):
        hook.run()
    hook.lists(two=two)
    hook.run()
    title, words = (receiver.received[-1].json[name] for name in ("title", "text"))
    assert title == "hub: -1 removed, 1 returned (1 record)"
    assert "- one · 100 downloads\n" in words
    assert "two · 100 downloads (flapped: gone and back since 2026-02-0" in words
