"""Each type of channel, against a real HTTP receiver and a real mail server."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from typing import TYPE_CHECKING

import pytest
from apprise.plugins.dingtalk import NotifyDingTalk
from apprise.plugins.discord import NotifyDiscord
from apprise.plugins.feishu import NotifyFeishu
from apprise.plugins.slack import NotifySlack
from support.checkout import CHECKOUT
from support.git import run_git
from support.receivers import MailServer, Receiver

from archiver.channels import Message
from archiver.errors import NotifyError
from archiver.notify import dispatch

if TYPE_CHECKING:
    from pathlib import Path

    from support.receivers import Archive


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
            raise NotifyError("nobody is there")
        place = self.means.folder / f"room{self.settings.number}.txt"
        place.write_text(message.title)
"""


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
    assert received.json["text"].splitlines()[:2] == [
        "Breaking: Removed (1)",
        "- two · 100 downloads",
    ]
    assert "    size: (unset) → 4.5 GB" in received.json["text"]
    assert received.json["changes"]["changes"]["removed"][0]["id"] == "two"


def test_an_answer_that_says_later_is_tried_again_with_the_same_id(
    hook: Archive, receiver: Receiver
) -> None:
    hook.run()
    receiver.statuses = [503, 429]
    hook.lists(one={"downloads": 100})
    hook.run()
    assert len({each.headers["idempotency-key"] for each in receiver.received}) == 1
    assert len(receiver.received) == 3


@pytest.mark.parametrize("status", [200, 203, 208, 299])
def test_every_answer_of_success_is_one(hook: Archive, receiver: Receiver, status: int) -> None:
    receiver.statuses = [status]
    dispatch.send_test(hook.config, now=hook.clock())
    receiver.statuses = [400]
    with pytest.raises(NotifyError) as refused:
        dispatch.send_test(hook.config, now=hook.clock())
    assert refused.value.hint == ""


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
    assert capsys.readouterr().out.startswith(
        "hub: -1 removed (1 record)\nBreaking: Removed (1)\n- two"
    )
    assert json.loads((archive.folder / "told.jsonl").read_text())["event"] == "changes"
    assert (archive.folder / "told.txt").read_text().startswith("hub: -1 removed")


def test_a_step_summary_is_a_channel(archive: Archive, tmp_path: Path) -> None:
    archive.environ = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    archive.channels('[notify.github]\ntype = "github"\n')
    archive.run()
    archive.lists(one={"downloads": 100})
    archive.run()
    summary = (tmp_path / "summary.md").read_text()
    assert summary.startswith(
        "### hub: -1 removed (1 record)\n\n**Breaking: Removed (1)**\n\n- two"
    )


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


CHATS = {
    "slack": (NotifySlack, "webhook_url"),
    "feishu": (NotifyFeishu, "notify_url"),
    "dingtalk": (NotifyDingTalk, "notify_url"),
}


@pytest.mark.parametrize("chat", CHATS)
def test_the_addresses_in_the_docs_reach_their_chats_and_links_stay_whole(
    archive: Archive, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, chat: str
) -> None:
    page = (CHECKOUT / "docs" / "automation.md").read_text("utf-8")
    (address,) = re.findall(rf"\| `({chat}://[^`]+)` \|", page)
    kind, where = CHATS[chat]
    monkeypatch.setattr(kind, where, receiver.url)
    receiver.statuses, receiver.says = [200], b"ok" if chat == "slack" else b'{"errcode": 0}'
    archive.environ = {"CHAT": address.replace("T0000/B0000/KEY", f"T0000/B0000/{'k' * 24}")}
    archive.channels('[notify.chat]\ntype = "apprise"\nurl_env = "CHAT"\n')
    link = "https://hub.example/models/org/a_b-%E5%B1%B1"
    text = f"+ a\n    {link}\n"
    message = Message(
        id="1", event="test", source="hub", title="hub: +1 new", text=text, timestamp=""
    )
    with dispatch.opened(archive.config) as dispatcher:
        dispatcher.send(archive.config.notify["chat"], message)
    (received,) = receiver.received
    assert re.search(rf'\\n    {re.escape(link)}(\\n)?"', received.body.decode())
    assert "hub: +1 new" in received.body.decode()


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
def test_a_channel_that_cannot_work_fails_alone_and_after_the_capture(
    archive: Archive, environ: dict[str, str], table: str, words: str
) -> None:
    archive.environ = environ
    log = '[notify.log]\ntype = "file"\npath = "told.txt"'
    archive.channels(f"[notify.team]\n{table}\n{log}\n")
    with pytest.raises(NotifyError, match=f"^not delivered: team: .*{words}") as refused:
        archive.run()  # the first snapshot: nothing to deliver, but it is known at once
    assert "s3cret" not in str(refused.value)
    archive.lists(one={"downloads": 100})
    with pytest.raises(NotifyError, match=f"^not delivered: team: .*{words}"):
        archive.run()
    assert (archive.folder / "told.txt").read_text().startswith("hub: -1 removed (1 record)")
    assert run_git(archive.folder, "log", "-1", "--format=%s").strip().startswith("hub: -1 removed")


def test_what_a_channel_without_its_secret_missed_is_delivered_later(
    hook: Archive, receiver: Receiver
) -> None:
    secret = hook.environ.pop("HOOK")
    for keys in (("one", "two"), ("one",), ("one", "four")):
        hook.lists(**{key: {"downloads": 1} for key in keys})
        with pytest.raises(NotifyError, match="team: the environment variable HOOK is not set"):
            hook.run()
    hook.environ["HOOK"] = secret
    hook.run()
    assert [each.json["title"] for each in receiver.received] == [
        "hub: +1 new, -1 removed (2 records)"
    ]


@pytest.mark.parametrize("line", ["import no_such_module", "raise ValueError", "def ("])
def test_an_installed_plug_in_that_is_broken_fails_as_a_channel(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "broken_room.py").write_text(f"{line}\n")
    (tmp_path / "broken_room-1.dist-info").mkdir()
    (tmp_path / "broken_room-1.dist-info" / "METADATA").write_text("Name: broken_room\nVersion: 1")
    (tmp_path / "broken_room-1.dist-info" / "entry_points.txt").write_text(
        "[archiver.notifiers]\nbroken = broken_room:Room\n"
    )
    archive.channels('[notify.room]\ntype = "broken"\nnumber = 5\n')
    with pytest.raises(NotifyError, match=r"room: (broken_room|the type broken raised)"):
        archive.run()
    assert (archive.folder / "data" / "hub" / "latest.json").exists()


def test_a_channel_can_be_tried(hook: Archive, receiver: Receiver) -> None:
    dispatch.send_test(hook.config, now=hook.clock())
    assert receiver.received[0].json["event"] == "test"
    receiver.statuses = [404]
    with pytest.raises(NotifyError, match="team: webhook: answered 404"):
        dispatch.send_test(hook.config, now=hook.clock())


def test_a_channel_type_of_the_user_is_a_class(archive: Archive) -> None:
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
    with pytest.raises(NotifyError, match="not delivered: room: nobody is there"):
        archive.run()
    archive.channels(table + 'color = "red"\n')
    with pytest.raises(NotifyError, match=r"^not delivered: room: .*color"):
        archive.run()
    archive.channels(table.replace("Room", "Attic"))
    with pytest.raises(NotifyError, match="not delivered: room: my_rooms:Attic"):
        archive.run()
