"""Channels, told by a real HTTP receiver and a real mail server: everything once, nothing twice."""

from __future__ import annotations

import hashlib
import hmac
import json
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from apprise.plugins.discord import NotifyDiscord
from conftest import run_git
from copies import TABLE
from receivers import MailServer, Receiver

from archiver import Watcher
from archiver import config as configuration
from archiver.capture import revert
from archiver.capture.target import open_target
from archiver.errors import (
    ConfigError,
    NotifyError,
    PushRejected,
    RenderError,
    SnapshotRejected,
    SourceError,
)
from archiver.jobs.job import Job
from archiver.notify import dispatch
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

from datetime import timedelta

from copies import START


@dataclass
class Archive:
    """One source that is a file, and channels."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    time: datetime = START

    def lists(self, **values: Any) -> None:
        rows = [{"id": key, **value} for key, value in values.items()]
        (self.folder / "hub.json").write_text(json.dumps(rows))

    def channels(self, text: str) -> None:
        table = (
            TABLE.format(name="hub", url="hub.json") + 'metrics = ["downloads"]\nmax_shrink = 1\n'
        )
        (self.folder / "archiver.toml").write_text(f"{table}\n{text}")

    @property
    def config(self) -> configuration.Config:
        return configuration.discover(self.folder, self.environ)

    def run(self, job: Job = Job()) -> None:  # noqa: B008  a frozen value
        self.time += timedelta(days=1)
        job.prepare(self.config, ("hub",), clock=self.clock)
        job.run(self.config, "hub", clock=self.clock)

    def clock(self) -> datetime:
        return self.time


@pytest.fixture
def archive(repo: Path) -> Archive:
    archive = Archive(repo)
    archive.lists(one={"downloads": 100}, two={"downloads": 100})
    return archive


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def hook(archive: Archive, receiver: Receiver) -> Archive:
    """Return an archive with a webhook that is told everything."""
    archive.environ = {"HOOK": receiver.url, "KEY": "k3y"}
    archive.channels('[notify.team]\ntype = "webhook"\nurl_env = "HOOK"\nsecret_env = "KEY"\n')
    return archive


def test_a_webhook_gets_a_signed_document_with_the_changes(
    hook: Archive, receiver: Receiver
) -> None:
    hook.run()
    assert receiver.received == []  # the first snapshot is where it begins
    hook.lists(one={"downloads": 100, "size": 4_500_000_000}, three={"downloads": 5})
    hook.run()
    (received,) = receiver.received
    digest = hmac.new(b"k3y", received.body, hashlib.sha256).hexdigest()
    assert received.headers["x-archiver-signature-256"] == f"sha256={digest}"
    assert received.headers["idempotency-key"] == received.json["id"]
    assert received.json["schema"] == "archiver/notification/1"
    assert received.json["title"] == "hub: +1 new, 1 updated, -1 removed (2 records)"
    assert received.json["text"].splitlines()[:2] == ["New (1)", "+ three · 5 downloads"]
    assert "    size: (unset) → 4.5 GB" in received.json["text"]
    assert received.json["changes"]["changes"]["removed"][0]["id"] == "two"


def test_the_same_change_set_is_never_sent_twice(hook: Archive, receiver: Receiver) -> None:
    hook.run()
    hook.lists(one={"downloads": 100})
    hook.run()
    hook.run()
    hook.lists(one={"downloads": 101})
    hook.run()
    assert [each.json["title"] for each in receiver.received] == ["hub: -1 removed (1 record)"]


def test_an_answer_that_says_later_is_tried_again_with_the_same_id(
    hook: Archive, receiver: Receiver
) -> None:
    hook.run()
    receiver.statuses = [503, 429]
    hook.lists(one={"downloads": 100})
    hook.run()
    assert len({each.headers["idempotency-key"] for each in receiver.received}) == 1
    assert len(receiver.received) == 3


def test_a_failing_channel_undoes_nothing_and_is_told_both_next_time(
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
def test_a_shallow_clone_tells_what_changed_and_deepens_where_it_must(
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


def test_an_outage_is_told_once_and_its_end_once(hook: Archive, receiver: Receiver) -> None:
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


def test_an_end_that_could_not_be_told_is_told_by_the_next_good_run(
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


def test_an_end_is_told_after_a_push_that_failed(
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


def test_a_channel_that_breaks_silences_no_other_and_tells_no_secret(
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
    with pytest.raises(ConfigError) as sad:
        archive.run()
    assert str(sad.value) == "notify.room: the type loud_rooms:Room raised ValueError"


def test_a_wrong_template_of_messages_silences_nobody(archive: Archive, receiver: Receiver) -> None:
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


@pytest.mark.parametrize("status", [200, 203, 208, 299])
def test_every_answer_of_success_is_one(hook: Archive, receiver: Receiver, status: int) -> None:
    receiver.statuses = [status]
    assert dispatch.send_test(hook.config, now=hook.clock()) == ("team",)
    receiver.statuses = [400]
    with pytest.raises(NotifyError) as refused:
        dispatch.send_test(hook.config, now=hook.clock())
    assert refused.value.hint == ""


def test_a_channel_hears_of_the_kinds_records_and_shares_that_it_asks_for(
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


def test_files_and_standard_output_are_channels(
    archive: Archive, capsys: pytest.CaptureFixture[str]
) -> None:
    archive.channels(
        '[notify.say]\ntype = "stdout"\n[notify.log]\ntype = "file"\npath = "told.jsonl"\n'
        '[notify.text]\ntype = "file"\npath = "told.txt"\n'
    )
    archive.run()
    archive.lists(one={"downloads": 100})
    archive.run()
    assert capsys.readouterr().out.startswith("hub: -1 removed (1 record)\nRemoved (1)\n- two")
    assert json.loads((archive.folder / "told.jsonl").read_text())["event"] == "changes"
    assert (archive.folder / "told.txt").read_text().startswith("hub: -1 removed")


def test_a_step_summary_is_a_channel(archive: Archive, tmp_path: Path) -> None:
    archive.environ = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    archive.channels('[notify.github]\ntype = "github"\n')
    archive.run()
    archive.lists(one={"downloads": 100})
    archive.run()
    summary = (tmp_path / "summary.md").read_text()
    assert summary.startswith("### hub: -1 removed (1 record)\n\n**Removed (1)**\n\n- two")


def test_mail_goes_through_apprise_to_a_real_server(archive: Archive) -> None:
    with MailServer() as server:
        to = "from=archiver@example.org&to=ada@example.org&mode=insecure"
        archive.environ = {"MAIL": f"mailto://127.0.0.1:{server.port}?{to}"}
        archive.channels('[notify.mail]\ntype = "apprise"\nurl_env = ["MAIL"]\n')
        archive.run()
        archive.lists(one={"downloads": 100})
        archive.run()
    (mail,) = server.mails
    assert str(mail["Subject"]) == "hub: -1 removed (1 record)"
    body = mail.get_body(("plain",))
    assert body is not None
    assert "- two" in body.get_content()


def test_json_goes_through_apprise_too(archive: Archive, receiver: Receiver) -> None:
    archive.environ = {"CHAT": f"json://127.0.0.1:{receiver.port}/x"}
    archive.channels('[notify.chat]\ntype = "apprise"\nurl_env = "CHAT"\n')
    archive.run()
    archive.lists(one={"downloads": 100})
    archive.run()
    assert receiver.received[0].json["title"] == "hub: -1 removed (1 record)"


def test_an_address_that_takes_no_message_takes_none_from_the_others(
    archive: Archive, receiver: Receiver
) -> None:
    with Receiver() as other:
        addresses = (f"json://127.0.0.1:{each.port}/x" for each in (other, receiver))
        archive.environ = {"CHATS": " ".join(addresses)}
        archive.channels('[notify.chats]\ntype = "apprise"\nurl_env = "CHATS"\n')
        archive.run()
        archive.lists(one={"downloads": 100})
        receiver.statuses = [500]
        with pytest.raises(NotifyError) as flawed:
            archive.run()
        assert str(flawed.value) == "chats: address 2 of 2 did not accept the message"
        archive.run()
        assert len(receiver.received) == len(other.received) == 1
        archive.lists(two={"downloads": 100})
        other.statuses, receiver.statuses = [500], [500]
        with pytest.raises(
            NotifyError, match="not delivered: chats: no address accepted the message"
        ):
            archive.run()
        archive.run()
        assert len(receiver.received) == len(other.received) == 3


@pytest.mark.parametrize(("query", "parts"), [("", 3), ("?overflow=upstream", 1)])
def test_a_message_too_long_for_a_chat_comes_in_parts(
    archive: Archive,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    query: str,
    parts: int,
) -> None:
    monkeypatch.setattr(NotifyDiscord, "notify_url", receiver.url)
    archive.environ = {"CHAT": f"discord://{'1' * 18}/{'a' * 68}{query}"}
    archive.channels('[notify.chat]\ntype = "apprise"\nurl_env = "CHAT"\n')
    archive.run()
    keys = {f"{number:02}{'k' * 4000}": {"downloads": 1} for number in range(20)}
    archive.lists(one={"downloads": 100}, two={"downloads": 100}, **keys)
    archive.run()
    texts = [each.json["content"] for each in receiver.received]
    assert len(texts) == parts
    assert "".join(texts).count("kkkk…") == 20
    assert (max(map(len, texts)) <= 2000) == (parts > 1)


@pytest.mark.parametrize(
    ("environ", "table", "words"),
    [
        ({}, 'type = "webhook"\nurl_env = "HOOK"', "environment variable HOOK is not set"),
        ({"HOOK": "ftp://x"}, 'type = "webhook"\nurl_env = "HOOK"', "holds no address"),
        (
            {"HOOK": "nope://s3cret"},
            'type = "apprise"\nurl_env = "HOOK"',
            "does not know address 1",
        ),
        ({"HOOK": " , "}, 'type = "apprise"\nurl_env = "HOOK"', "does not know address 1"),
        ({"HOOK": "  "}, 'type = "apprise"\nurl_env = "HOOK"', "HOOK is not set"),
        ({}, 'type = "apprise"\nurl_env = []', "url_env holds no address"),
    ],
)
def test_a_channel_that_cannot_work_is_refused_before_anything_is_fetched(
    archive: Archive, environ: dict[str, str], table: str, words: str
) -> None:
    archive.environ = environ
    archive.channels(f"[notify.team]\n{table}\n")
    with pytest.raises(ConfigError, match=words) as refused:
        archive.run()
    assert "s3cret" not in str(refused.value)
    assert not (archive.folder / "data").exists()


def test_a_channel_can_be_tried(hook: Archive, receiver: Receiver) -> None:
    assert dispatch.send_test(hook.config, now=hook.clock()) == ("team",)
    assert receiver.received[0].json["event"] == "test"
    receiver.statuses = [403]
    with pytest.raises(NotifyError, match="team: webhook: answered 403"):
        dispatch.send_test(hook.config, now=hook.clock())


def test_what_was_told_is_on_the_state_ref_without_any_secret(hook: Archive) -> None:
    hook.run()
    hook.lists(one={"downloads": 100})
    hook.run()
    state = run_git(hook.folder, "log", "-p", "refs/archiver/state")
    assert "sent.jsonl" in state
    assert "T0-secret-path" not in state
    assert "k3y" not in state


def test_a_change_set_of_ones_own_is_told_once(
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


def test_what_is_told_before_the_commit_is_not_told_after_it(
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


def test_a_record_that_vanishes_a_second_time_is_told_a_second_time(
    hook: Archive, receiver: Receiver
) -> None:
    without: dict[str, Any] = {"one": {"a": 1}}
    with_two = {**without, "two": {"a": 1}}
    for rows in (with_two, without, with_two, without):
        hook.lists(**rows)
        hook.run()
    titles = [each.json["title"].split()[1:3] for each in receiver.received]
    assert titles == [["-1", "removed"], ["1", "returned"], ["-1", "removed"]]
    assert len({each.json["id"] for each in receiver.received}) == 3


def test_what_was_taken_back_and_happens_again_is_told_again(
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


MINE = """\
from pathlib import Path

import msgspec

from archiver.errors import NotifyError
from archiver.channels import Notifier


class Room(Notifier):
    class Settings(msgspec.Struct, forbid_unknown_fields=True):
        number: int
        door_env: str

    def send(self, message):
        (door,) = self.means.secrets["door_env"]
        if door != "open":
            raise NotifyError("the door is shut")
        place = self.means.folder / f"room{self.settings.number}.txt"
        place.write_text(message.title)
"""


def test_a_channel_of_ones_own_is_a_class(archive: Archive) -> None:
    (archive.folder / "my_rooms.py").write_text(MINE)
    table = '[notify.room]\ntype = "my_rooms:Room"\nnumber = 5\ndoor_env = "DOOR"\n'
    archive.channels(table)
    archive.environ = {"DOOR": "open"}
    archive.run()
    archive.lists(one={"downloads": 100})
    archive.run()
    assert (archive.folder / "room5.txt").read_text() == "hub: -1 removed (1 record)"
    archive.environ = {"DOOR": "shut"}
    archive.lists(two={"downloads": 100})
    with pytest.raises(NotifyError, match="not delivered: room: the door is shut"):
        archive.run()
    archive.channels(table + 'color = "red"\n')
    with pytest.raises(ConfigError, match=r"notify\.room: .*color"):
        archive.run()
    archive.channels(table.replace("Room", "Attic"))
    with pytest.raises(ConfigError, match="my_rooms:Attic"):
        archive.run()


def test_a_channel_hears_only_of_its_sources(hook: Archive, receiver: Receiver) -> None:
    text = (hook.folder / "archiver.toml").read_text()
    other = TABLE.format(name="other", url="hub.json")
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
