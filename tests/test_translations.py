"""Everything that people read exists in every language, and says the same."""

from __future__ import annotations

import ast
import pickle
import re
from string import Formatter
from time import perf_counter
from typing import TYPE_CHECKING

import pytest
import translations
from translations import LOCALES, ROOT

from archiver import errors
from archiver.language import (
    LANGUAGES,
    Sentence,
    joined,
    known,
    plain,
    retold,
    said,
    sentence,
    sentences,
    speak_plainly,
    speaking,
    stored,
)
from archiver.records.text import terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from babel.messages import Catalog

CATALOGUES = sorted(LOCALES.glob("*/LC_MESSAGES/messages.po"))
_PLACEHOLDER = re.compile(r"(?<!\{)\{(?!\{)[^{}]*\}|%\(\w+\)[sd]")
_TAG = re.compile(r"</?\w+[^>]*>")


def ids(catalog: Catalog) -> set[object]:
    return {each.id for each in catalog if each.id}


def texts(catalog: Catalog) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Yield each message with its translation, both in all their forms."""
    for each in catalog:
        if each.id:
            english = (each.id,) if isinstance(each.id, str) else tuple(each.id)
            said_ = each.string or ""
            yield english, (said_,) if isinstance(said_, str) else tuple(said_)


def test_there_is_a_catalogue_for_each_language() -> None:
    assert {"en", *(path.parts[-3] for path in CATALOGUES)} == set(LANGUAGES)


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
class TestCatalogue:
    def test_holds_what_the_program_says_and_nothing_else(self, path: Path) -> None:
        assert ids(translations.catalogue(path)) == ids(translations.messages())

    def test_translates_every_message(self, path: Path) -> None:
        missing = [
            english for english, words in texts(translations.catalogue(path)) if not all(words)
        ]
        assert missing == []

    def test_keeps_the_placeholders(self, path: Path) -> None:
        wrong = []
        for english, forms in texts(translations.catalogue(path)):
            wanted = {name for each in english for name in _PLACEHOLDER.findall(each)}
            for words in forms:
                found = set(_PLACEHOLDER.findall(words))
                if not found <= wanted or set(_PLACEHOLDER.findall(english[-1])) - found:
                    wrong.append((english, words))
        assert wrong == []

    def test_keeps_the_markup(self, path: Path) -> None:
        wrong = [
            (english, forms)
            for english, forms in texts(translations.catalogue(path))
            for words in forms
            if sorted(_TAG.findall(words)) != sorted(_TAG.findall(english[-1]))
        ]
        assert wrong == []

    def test_is_compiled(self, path: Path) -> None:
        expected = translations.compiled(translations.catalogue(path))
        assert path.with_suffix(".mo").read_bytes() == expected, "run: make messages"


ERRORS = {
    *(name for name in vars(errors) if isinstance(getattr(errors, name), type)),
    *("UsageError", "BadParameter", "Misrendered", "Delivered"),
}


def english_only(tree: ast.Module) -> Iterator[ast.expr]:
    """Yield the texts of errors that no catalogue can hold: plain strings with words in them."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        given = [*node.args[:1], *(each.value for each in node.keywords if each.arg == "hint")]
        for text in given if name in ERRORS else ():
            is_text = isinstance(text, ast.Constant) and isinstance(text.value, str)
            if isinstance(text, ast.JoinedStr) or (is_text and " " in str(ast.literal_eval(text))):
                yield text


def test_every_error_can_be_translated() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{text.lineno}": ast.unparse(text)
        for path in sorted((ROOT / "archiver").rglob("*.py"))
        if "fakehub" not in path.parts
        for text in english_only(ast.parse(path.read_text()))
        if not re.match(r"'(archiver|git) [a-z -]+'$", ast.unparse(text))
    }
    assert found == {}


def test_a_sentence_is_english_and_can_be_said() -> None:
    made = sentence('no source is called "{source}"', source="kev")
    assert made == 'no source is called "kev"'
    with speaking("zh"):
        assert said(made) != made
        assert "kev" in said(made)
        assert str(made) == 'no source is called "kev"'


def test_what_stands_in_a_sentence_is_translated_with_it() -> None:
    inner = sentence("not UTF-8")
    outer = joined(": ", ("a.toml", sentence("{place}: {reason}", place="x", reason=inner)))
    with speaking("zh"):
        assert said(inner) in said(outer)


@pytest.mark.parametrize(
    ("number", "english"), [(0, "0 records"), (1, "1 record"), (2, "2 records")]
)
def test_english_has_two_forms_and_chinese_one(number: int, english: str) -> None:
    made = sentences("{number:,} record", "{number:,} records", number)
    assert made == english
    with speaking("zh"):
        assert said(made) == f"{number} 条记录"


def test_what_was_stored_is_recognised() -> None:
    listings = sentences("{number:,} complete listing", "{number:,} complete listings", 2)
    text = stored("removed after {listings} in a row without it", listings=str(listings))
    assert type(text) is str
    with speaking("zh"):
        shown = retold(text)
        assert not re.search("[a-z]{3}", shown)
        assert "2" in shown


def test_sentences_that_were_stored_as_one_are_recognised_each() -> None:
    left = stored("left out, no usable record: {names}", names="line 4 (not UTF-8: byte 0xfc)")
    moved = stored("moved here from {old}", old="a.csv")
    with speaking("zh"):
        shown = retold(f"{left}; {moved}")
    assert re.findall("[A-Za-z]{2,}", shown) == ["UTF", "xfc", "csv"]


def test_a_name_among_sentences_is_never_translated() -> None:
    text = stored("possible rename: {key}", key="failed, new, number")
    with speaking("zh"):
        assert retold(text).endswith("failed, new, number")


def test_a_text_of_many_parts_takes_no_time() -> None:
    text = "a: b; c, d (e f) g, h; i: j k (l, m)" * 50
    with speaking("zh"):
        start = perf_counter()
        assert retold(text) == text
        assert perf_counter() - start < 2


@pytest.mark.parametrize(
    "text", ["", "nothing that the program ever said", "{braces}", "a: b: c", "x" * 100_000, "%s"]
)
def test_what_is_not_recognised_stays_as_it_is(text: str) -> None:
    with speaking("zh"):
        assert retold(text) == text


def test_a_text_that_looks_like_sentences_without_end_is_no_trouble() -> None:
    with speaking("zh"):
        assert retold("30" + " days" * 390).endswith("天")


def test_what_is_written_for_others_is_never_plain() -> None:
    speak_plainly(True)
    try:
        aloud = plain()
        with speaking("en"):
            assert not plain()
    finally:
        speak_plainly(False)
    assert aloud


def test_hostile_values_are_not_filled_in_twice() -> None:
    hostile = "{source.__class__} %(x)s {0}"
    with speaking("zh"):
        assert hostile in said(sentence('no source is called "{source}"', source=hostile))
        assert hostile in retold(stored("{place}: {reason}", place="a", reason=hostile))


def test_a_hostile_value_stays_text_in_every_message() -> None:
    """Also one that looks like a placeholder, markup, an order for a terminal or for a runner."""
    hostile = "\x1b[31m{kind}%(x)s\u202e<script>::error::##[x]\n"
    found = 0
    for english, _ in texts(translations.catalogue(CATALOGUES[0])):
        fields = [each for each in Formatter().parse(english[0]) if each[1] is not None]
        if len(english) > 1 or not all(str(name).isidentifier() for _, name, _, _ in fields):
            continue  # a help text, in which braces mean themselves
        if not fields or any(spec or how for _, _, spec, how in fields):
            continue
        values = {str(name): hostile for _, name, _, _ in fields}
        with speaking("zh"):
            shown = terminal(said(sentence(english[0], **values)))
        assert not re.search("[\x00-\x1f\x7f\u202e]", shown)
        assert r"\x1b[31m{kind}%(x)s\u202e<script>" in shown
        assert "##[" not in shown
        found += 1
    assert found > 200


def test_a_sentence_survives_the_way_to_another_process() -> None:
    made = sentence("{place}: {reason}", place="x", reason=sentence("not UTF-8"))
    again = pickle.loads(pickle.dumps(made))
    assert isinstance(again, Sentence)
    with speaking("zh"):
        assert said(again) == said(made)


@pytest.mark.parametrize(
    ("name", "language"),
    [
        *(("zh", "zh"), ("zh-CN", "zh"), ("zh_CN.UTF-8", "zh"), ("ZH", "zh"), ("en_US", "en")),
        *(("C", None), ("fr", None), ("", None), ("zhx", None)),
    ],
)
def test_a_language_is_known_by_its_usual_names(name: str, language: str | None) -> None:
    assert known(name) == language
