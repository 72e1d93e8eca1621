"""Every hostile word through everything that people and machines read of a capture."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import pytest
from markdown_it import MarkdownIt
from support.hostile_texts import TEXTS

from archiver.channels import Message
from archiver.channels.local import plain, summary
from archiver.errors import RenderError
from archiver.jobs import github
from archiver.pins.lists import Pin
from archiver.pins.status import Finding
from archiver.records.model import End, FieldChange, RecordChange, Summary
from archiver.records.text import chat_link
from archiver.render import changelog, findings
from archiver.render.section import section
from archiver.render.templates import render

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from markdown_it.token import Token

OLD, NEW = End(None, "2026-02-01 03:00:00", 3), End(None, "2026-02-02 03:00:00", 4)
SNAPSHOTS = ("hub_models_20260201_030000.json", "hub_models_20260202_030000.json")
HIDDEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069]")
LINKS = "https://hub.example/models/"
MARKS = (r"(?<!\\)(\\\\)*[*`]", r"(?<!\\)(\\\\)*((?<![^\W_])_|_(?![^\W_]))")
encodable = {name: text for name, text in TEXTS.items() if "\ud83d" not in text or text.isascii()}
"""Lone surrogates never get into a record: the reader refuses them."""
each_text = pytest.mark.parametrize("hostile", encodable.values(), ids=encodable.keys())


def context(hostile: str, **options: Any) -> dict[str, Any]:
    """Return what templates receive of a capture in which every word is hostile."""
    field = FieldChange("replace", "/note", metric=False, old=hostile, new=f"{hostile}!")
    record = {"id": hostile, "category": hostile, "license": hostile, "size": 4_500_000_000}
    changes = [
        RecordChange("new", hostile, record=record),
        RecordChange("removed", hostile, record={"id": hostile}, cause=hostile),
        RecordChange("returned", hostile, record=record),
        RecordChange("renamed", hostile, old_key=hostile, record={"id": hostile}),
        RecordChange("updated", hostile, changes=(field,)),
    ]
    return section(
        source="hub",
        old=OLD,
        new=NEW,
        summary=Summary(new=7, removed=1, returned=1, renamed=1, updated=1),
        changes=changes,
        snapshots=SNAPSHOTS,
        link=lambda key: LINKS + key,
        **options,
    )


def message(hostile: str) -> Message:
    found = context(hostile)
    text = render("notification.txt.j2", found)
    return Message(
        id="1",
        event="changes",
        source="hub",
        title=f"hub: {found['headline']}",
        text=text,
        timestamp="",
        changes=found,
    )


def tokens(page: str) -> Iterator[Token]:
    parser = MarkdownIt("commonmark", {"linkify": False}).enable(["table", "strikethrough"])
    for token in parser.parse(page):
        yield token
        yield from token.children or []


def check_markdown(page: str) -> None:
    """Insist that there is no markup but ours, and no link but to the hub."""
    allowed = {"inline", "text", "softbreak", "code_inline", "strong_open", "strong_close"}
    for block in ("heading", "paragraph", "bullet_list", "list_item", "link"):
        allowed |= {f"{block}_open", f"{block}_close"}
    for token in tokens(page):
        assert token.type in allowed, (token.type, token.content)
        if token.type == "link_open":
            assert str(token.attrs["href"]).startswith(LINKS)
        if token.type == "code_inline":
            assert token.content == f"archiver compare {' '.join(SNAPSHOTS)}"
    assert HIDDEN.search(page) is None
    assert re.search(r"(?<!\\)\$\{\{", page) is None


@each_text
def test_a_changelog_has_our_markup_and_links_only(hostile: str) -> None:
    page = changelog.rendered(context(hostile), folder=None)
    check_markdown(page)
    assert page.count("\n## ") == 0
    assert page.count("\n### ") == 5
    assert f"… and 6 more (`archiver compare {' '.join(SNAPSHOTS)}`)" in page


@each_text
def test_a_step_summary_has_our_markup_and_links_only(hostile: str) -> None:
    page, _ = summary(message(hostile), None)
    check_markdown(page)
    assert sum(token.type == "strong_open" for token in tokens(page)) == 5


@each_text
def test_a_message_is_plain_text_that_no_chat_reads_as_an_order(hostile: str) -> None:
    page = plain(message(hostile))
    assert HIDDEN.search(page) is None
    words = page.replace(f"archiver compare {' '.join(SNAPSHOTS)}", "")  # ours
    lines = words.splitlines()
    links = [line for line in lines if line.startswith(f"    {LINKS}")]
    for order in (
        r"@\w",
        r"<[!@#a-z]",
        r"\]\(\w",
        r"://",
        r"(^|\n)\s*::",
        r"#\d",
        r"\[skip",
        *MARKS,
        r"~~|\|\||www\.",
        r":[\w+-]*[^\W\d_][\w+-]*:|:([+-]1|100|1234):",
    ):
        rest = "\n".join(line for line in lines if line not in links)
        assert re.search(order, rest, re.IGNORECASE) is None, order
    for link in links:
        path = link.removeprefix(f"    {LINKS}")
        assert re.fullmatch(r"[A-Za-z0-9\-._/?#$&+,;=%]*", path)
        assert all(re.search(mark, path) is None for mark in MARKS)


@each_text
def test_an_output_of_a_step_stays_one_output(hostile: str, tmp_path: Path) -> None:
    file = tmp_path / "output"
    github.write_outputs({"summary": hostile, "changed": "true"}, {"GITHUB_OUTPUT": str(file)})
    values, lines = {}, iter(file.read_text("utf-8").split("\n")[:-1])
    for line in lines:  # as GitHub's runner reads the file
        name, _, mark = line.partition("<<")
        value = []
        while (each := next(lines)) != mark:
            value.append(each)
        values[name] = "\n".join(value)
    assert values == {"summary": hostile.replace("\r\n", "\n"), "changed": "true"} or (
        "\r" in hostile and values["changed"] == "true"
    )


def test_a_link_goes_nowhere_but_to_the_web() -> None:
    found = context("a") | {"links": {"a": "javascript:alert(1)"}}
    assert "javascript" not in changelog.rendered(found, folder=None)


def test_a_message_links_each_record_to_its_page_on_a_line_of_its_own() -> None:
    lines = message("org/a_b").text.splitlines()
    first = lines.index("New (7)")
    told = ["+ org/a_b · org/a_b · 4.5 GB · org/a_b", f"    {LINKS}org/a_b"]
    assert lines[0].startswith("Breaking: Removed")
    assert lines[first + 1 : first + 3] == told
    assert lines.count(f"    {LINKS}org/a_b") == 5
    assert f"    {LINKS}%5Fa%7E%40%3Ab" in message("_a~@:b").text.splitlines()


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("http://127.0.0.1:80/a:b?c=d#e", "http://127.0.0.1:80/a%3Ab?c=d#e"),
        ("https://ada:s3cret@hub.example/a", ""),
        ("javascript:alert(1)//x", ""),
        ("", ""),
        (f"https://hub.example/{'a' * 300}", ""),
    ],
)
def test_a_link_in_a_chat_is_short_and_holds_no_secret(url: str, link: str) -> None:
    assert chat_link(url) == link


def test_the_newest_section_comes_first_and_what_people_wrote_stays() -> None:
    file = changelog.prepended(None, "## one\n", source="hub")
    assert file == b"# Changelog of hub\n\n## one\n"
    edited = file.replace(b"hub\n", b"hub\n\nRead this first.\n")
    file = changelog.prepended(edited, "## two\n", source="hub")
    assert file == b"# Changelog of hub\n\nRead this first.\n\n## two\n\n## one\n"


def test_a_changelog_that_is_too_large_to_be_shown_loses_its_oldest_sections() -> None:
    file: bytes | None = None
    for number in range(60):
        section_ = f"## {number}\n\n" + "- x\n" * 2500
        file = changelog.prepended(file, section_, source="hub")
        assert file.startswith(f"# Changelog of hub\n\n## {number}\n".encode())
    assert file is not None
    assert 350_000 < len(file) < 401_000
    assert file.endswith(b"\nOlder entries: `archiver changelog`\n")
    assert file.count(b"Older entries") == 1
    huge = changelog.prepended(file, "## huge\n" + "- y\n" * 200_000, source="hub")
    assert huge.count(b"\n## ") == 1


def test_templates_of_a_data_repository_run_in_a_sandbox(tmp_path: Path) -> None:
    template = tmp_path / "changelog.md.j2"
    for text, words in {
        "{{ ''.__class__.__mro__ }}": "changelog.md.j2:1",
        "line\n{{ nothing.here }}": "changelog.md.j2:2: 'nothing' is undefined",
        "{% if %}": "changelog.md.j2:1",
        "{{ now() }}": "'now' is undefined",
        "{% include '../secret' %}": "changelog.md.j2",
        "{% include 'changelog.md.j2' %}": "changelog.md.j2:1: maximum recursion depth",
        "\n{{ total | markdown }}": "changelog.md.j2:2",
        "{{ {} | key }}": "changelog.md.j2:1: a record without members has no key",
    }.items():
        template.write_text(text)
        with pytest.raises(RenderError) as refused:
            changelog.rendered(context("a"), folder=tmp_path)
        assert words in str(refused.value) or "../secret" in str(refused.value)


def test_a_template_that_leads_out_of_its_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("of this machine")
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "changelog.md.j2").symlink_to("../secret")
    with pytest.raises(RenderError, match="leads out of its folder"):
        changelog.rendered(context("a"), folder=mine)
    (mine / "changelog.md.j2").unlink()
    (mine / "changelog.md.j2").write_bytes(b"\xff")
    with pytest.raises(RenderError, match="cannot be read as UTF-8"):
        changelog.rendered(context("a"), folder=mine)


@each_text
def test_an_annotation_is_one_line_that_says_one_thing(hostile: str) -> None:
    pin = Pin(hostile, hostile, 1)
    finding = Finding(
        key=hostile, verdict="removed", severity="breaking", detail=hostile, pins=(pin,)
    )
    for form in ("github", "text"):
        out = io.StringIO()
        findings.show([finding], form, out, source="hub", least="breaking", allowed=frozenset())
        lines = out.getvalue().split("\n")[:-1]
        assert len(lines) == (1 if form == "github" else 2)
        assert HIDDEN.search(out.getvalue()) is None
        start = "::error file=" if hostile else "::error title="  # no file names it
        assert all(line.startswith(start) for line in lines if form == "github")
        assert not any(line.lstrip().startswith("::") for line in lines if form == "text")


def large(key: str, records: int = 50) -> dict[str, Any]:
    """Return a section in which so many records have a long key and a link."""
    keys = [f"{number:02}{key * 4000}" for number in range(records)]
    new = [RecordChange("new", each, record={"id": each}) for each in keys]
    gone = [RecordChange("removed", each, record={"id": each}, cause=each) for each in keys]
    return section(
        source="hub",
        old=OLD,
        new=NEW,
        summary=Summary(new=records + 3, removed=records),
        changes=[*new, *gone],
        snapshots=SNAPSHOTS,
        link=lambda key: LINKS + key,
        cap=records,
    )


def test_long_keys_and_links_are_cut() -> None:
    found = large("<")
    assert found["links"] == {}  # a link that is cut leads nowhere
    page = changelog.rendered(found, folder=None)
    assert len(page.encode()) < 100_000
    assert page.count("…") > 100
    assert len(summary_of(found, 0).encode()) < 100_000


def summary_of(changes: dict[str, Any], written: int) -> str:
    told = Message(
        id="1", event="changes", source="hub", title="hub", text="", timestamp="", changes=changes
    )
    return summary(told, None, written=written)[0]


def test_a_section_that_is_too_large_only_counts() -> None:
    page = changelog.rendered(large("k", 1000), folder=None)
    assert "kkk" not in page
    command = f"(`archiver compare {' '.join(SNAPSHOTS)}`)"
    assert f"### New (1,003)\n\n- … and 1,003 more {command}\n" in page
    assert f"### Breaking: Removed (1,000)\n\n- … and 1,000 more {command}\n" in page


def test_a_step_summary_stays_below_what_github_shows() -> None:
    assert "kkk" in summary_of(large("k"), 0)
    counted = summary_of(large("k", 4000), 0)
    assert "kkk" not in counted
    assert "**New (4,003)**\n\n- … and 4,003 more" in counted
    assert "kkk" not in summary_of(large("k"), 890_000)
    assert summary_of(large("k"), 899_999) == "### hub\n\n"
