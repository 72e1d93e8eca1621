"""Templates: escaped, strict, sandboxed, and errors that say where."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from support.hostile_texts import TEXTS

from archiver.errors import RenderError
from archiver.records.text import visible
from archiver.render.templates import render

if TYPE_CHECKING:
    from pathlib import Path


class Texts(HTMLParser):
    """Collects the elements and the text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [tag, *(value or "" for _, value in attrs)]

    def handle_data(self, data: str) -> None:
        self.found.append(data)


@pytest.mark.parametrize(
    "hostile",
    [text for text in TEXTS.values() if text],
    ids=[name for name in TEXTS if TEXTS[name]],
)
def test_html_holds_any_text_as_text(hostile: str, tmp_path: Path) -> None:
    (tmp_path / "own.html.j2").write_text('<p title="{{ word }}">{{ word }}')
    page = Texts()
    page.feed(render("own.html.j2", {"word": hostile}, folder=tmp_path))
    page.close()
    tag, title, *texts = page.found
    assert (tag, title, "".join(texts)) == ("p", visible(hostile), visible(hostile))


@pytest.mark.parametrize("name", ["a.html.j2", "a.xml.j2", "a.j2", "a.html"])
def test_everything_but_plain_text_and_markdown_is_escaped(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("{{ word }}")
    assert render(name, {"word": "<b>"}, folder=tmp_path) == "&lt;b&gt;"


@pytest.mark.parametrize("name", ["a.md.j2", "a.txt.j2"])
def test_plain_text_and_markdown_have_their_own_filters(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("{{ word }} {{ word | markdown }} {{ 4500000000 | size }}")
    assert render(name, {"word": "<b>"}, folder=tmp_path) == "<b> \\<b> 4.5 GB"


@pytest.mark.parametrize("hostile", TEXTS.values(), ids=TEXTS.keys())
def test_no_word_of_a_record_is_a_template(hostile: str, tmp_path: Path) -> None:
    (tmp_path / "own.txt.j2").write_text("{{ word }}")
    assert render("own.txt.j2", {"word": hostile}, folder=tmp_path) == visible(hostile)


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        ("\n{{ nobody }}", "own.md.j2:2: 'nobody' is undefined"),
        ("{{ word.nothing }}", "own.md.j2:1: 'str object' has no attribute 'nothing'"),
        ("\n\n{% for %}", "own.md.j2:3: Expected an expression, got 'end of statement block'"),
        ("{{ word | lipsum }}", "own.md.j2:1: No filter named 'lipsum'."),
        ("{{ 1 / 0 }}", "own.md.j2:1: division by zero"),
        ("{{ word + 1 }}", 'own.md.j2:1: can only concatenate str (not "int") to str'),
        ("{% include 'other.j2' %}", "there is no template other.j2"),
        ("{% include '../own.md.j2' %}", "there is no template ../own.md.j2"),
    ],
)
def test_an_error_names_the_template_the_line_and_the_word(
    template: str, complaint: str, tmp_path: Path
) -> None:
    (tmp_path / "own.md.j2").write_text(template)
    with pytest.raises(RenderError) as error:
        render("own.md.j2", {"word": "x"}, folder=tmp_path)
    assert str(error.value) == complaint


@pytest.mark.parametrize(
    "template",
    [
        "{{ ().__class__.__base__.__subclasses__() }}",
        "{{ word.__class__.__mro__ }}",
        "{{ list.append(1) }}",
        "{{ lipsum() }}",
        "{{ list | random }}",
        "{{ environment }}",
    ],
)
def test_a_template_reaches_nothing_outside(template: str, tmp_path: Path) -> None:
    (tmp_path / "own.txt.j2").write_text(template)
    with pytest.raises(RenderError):
        render("own.txt.j2", {"word": "x", "list": [1]}, folder=tmp_path)


def test_a_template_of_the_user_comes_before_the_built_in_one(tmp_path: Path) -> None:
    (tmp_path / "commit.txt.j2").write_text("mine: {{ subject }}\n")
    assert render("commit.txt.j2", {"subject": "s"}, folder=tmp_path) == "mine: s\n"


def test_a_missing_template_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match=r"there is no template nowhere\.j2") as error:
        render("nowhere.j2", {}, folder=tmp_path)
    assert error.value.hint == f"look into {tmp_path}"
