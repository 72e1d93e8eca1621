"""Safe text: what holds for every hostile word, sink by sink."""

from __future__ import annotations

import csv
import html
import io
import re
import subprocess
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from support.hostile_texts import TEXTS

from archiver.records import text

EMOJI_JOINER = re.compile(r"(?<=[\U0001f000-\U0001faff\ufe0f])\u200d(?=[\u2190-\U0001faff])")
REFUSED = {"Cc", "Cs", "Zl", "Zp"}
BLANK = frozenset(
    "\xa0\xad\u061c\u200b\u200c\u200d\u200e\u200f\u202a\u202e\u2060\u2066\u2069\ufeff\U000e0041"
)
each_text = pytest.mark.parametrize("hostile", TEXTS.values(), ids=TEXTS.keys())
any_text = st.text(st.characters())
any_markup = st.text(st.sampled_from("\\`*_{}[]<>()#+-=.!|~&$:;@/^%\"' \t\nab1w"), max_size=12)


def hidden(shown: str) -> set[str]:
    """Return the invisible characters of `shown` that stand outside of an emoji."""
    bare = EMOJI_JOINER.sub("", shown)
    return {char for char in bare if unicodedata.category(char) in REFUSED or char in BLANK}


@each_text
def test_terminal_output_has_no_hidden_character_and_no_command(hostile: str) -> None:
    shown = text.terminal(hostile)
    assert hidden(shown) == set()
    assert not shown.lstrip().startswith("::")
    assert "##[" not in shown


@given(any_text)
def test_any_text_is_safe_in_a_terminal(anything: str) -> None:
    assert hidden(text.terminal(anything)) == set()


@pytest.mark.parametrize(
    "ordinary",
    [
        "org/model-name_v1.0",
        "中文模型\uff5e",
        "🚀 v2 👩\u200d💻 ❤\ufe0f 1\ufe0f\u20e3",
        "café, naïve; (ok) [x] #tag",
    ],
)
def test_a_terminal_shows_ordinary_text_as_it_is(ordinary: str) -> None:
    assert text.terminal(ordinary) == ordinary


def test_hidden_characters_are_shown_as_python_writes_them() -> None:
    hostile = "a\x1b[2J\n\u202eb\u200bc\U000e0041"
    assert text.visible(hostile) == "a\\x1b[2J\\n\\u202eb\\u200bc\\U000e0041"


BULLET = {
    "bullet_list_open",
    "list_item_open",
    "paragraph_open",
    "inline",
    "paragraph_close",
    "list_item_close",
    "bullet_list_close",
}


def rendered(markdown: str) -> list[str]:
    """Render one bullet of Markdown and return the text nodes; anything else fails."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    kinds = [token.type for token in parser.parse(f"- {markdown}\n")]
    assert [kind for kind in kinds if kind not in BULLET] == []
    inline = next(token for token in parser.parse(f"- {markdown}\n") if token.type == "inline")
    children = inline.children or []
    assert {child.type for child in children} <= {"text"}
    return [child.content for child in children]


@pytest.mark.parametrize(
    "hostile",
    [case for case in TEXTS.values() if case],
    ids=[name for name in TEXTS if TEXTS[name]],
)
def test_markdown_is_one_text_node_that_reads_like_the_text(hostile: str) -> None:
    (node,) = rendered(text.markdown(hostile))
    assert node.replace("\u200b", "") == text.visible(hostile)


@given((any_text | any_markup).filter(bool))
def test_any_text_is_one_text_node_in_markdown(anything: str) -> None:
    (node,) = rendered(text.markdown(anything))
    assert node.replace("\u200b", "") == text.visible(anything)


@each_text
def test_markdown_mentions_nobody_and_has_no_template_tag(hostile: str) -> None:
    shown = html.unescape(text.markdown(hostile))
    assert re.findall(r"@\w|#\d|\{\{|\{%|%\}|://|www\.", shown) == []


def test_markdown_leaves_ordinary_names_readable() -> None:
    assert text.markdown("org/model-name_v1.0") == "org/model-name_v1.0"
    assert text.markdown("中文 (v2), C++ & more!") == "中文 (v2), C++ & more!"


@each_text
def test_a_csv_cell_is_one_cell_and_no_formula(hostile: str) -> None:
    file = io.StringIO(f"{text.csv_cell(hostile)},end\n", newline="")
    ((cell, end),) = csv.reader(file)
    assert end == "end"
    assert cell.lstrip()[:1] not in set("=+-@\t\r\uff1d\uff0b\uff0d\uff20")


@given(any_text)
def test_any_csv_cell_reads_back_as_one_cell(anything: str) -> None:
    file = io.StringIO(f"a,{text.csv_cell(anything)},z\n", newline="")
    (row,) = csv.reader(file)
    assert (row[0], len(row), row[2]) == ("a", 3, "z")


@pytest.mark.parametrize("name", ["@org/pkg", "=1+1", "-a", "+b", "\t=c", '"=d', "-5"])
def test_a_raw_csv_row_holds_names_as_they_are(name: str) -> None:
    file = io.StringIO(text.raw_csv_row([name, None]), newline="")
    assert [*csv.reader(file)] == [[name, ""]]


def test_a_plain_negative_number_stays_a_number_in_csv() -> None:
    assert text.csv_cell("-5.25e3") == "-5.25e3"
    assert text.csv_cell("-1+1") == "'-1+1"
    assert text.csv_cell('a";=1') == '"a"";=1"'


@each_text
def test_a_commit_message_gets_no_trailer_from_a_record(hostile: str) -> None:
    message = f"subject\n\n{text.commit(hostile)}\n{text.commit(hostile)}\n"
    command = ["git", "interpret-trailers", "--parse"]
    data = message.encode("utf-8")
    found = subprocess.run(command, input=data, capture_output=True, check=True).stdout
    assert found == b""


def test_a_time_inside_a_line_stays_readable() -> None:
    assert text.commit("2026-01-03T00:00:19Z", start=False) == "2026-01-03T00:00:19Z"
    assert text.chat("2026-01-03T00:00:19Z") == "2026-01-03T00:00:19Z"


MARKUP = (
    r"(?<!\\)(?:\\\\)*[*`]",
    r"(?<!\\)(?:\\\\)*(?:(?<![^\W_])_|_(?![^\W_]))",
    r"~~|\|\||www\.|://",
    r":(?=[\w+-]*[^\W\d_][\w+-]*:)|:(?:[+-]1|100|1234):",
)
"""What Discord, Telegram or Slack read as bold, code, struck, hidden, a link or an emoji."""


@given(any_text | st.text(st.sampled_from("\\`*_~|:+-1w./@#<a é"), max_size=12))
def test_no_text_has_markup_for_a_chat(anything: str) -> None:
    shown = text.chat(anything)
    for markup in MARKUP:
        assert re.search(markup, shown, re.IGNORECASE) is None, markup


def test_a_chat_leaves_names_and_times_readable() -> None:
    for ordinary in ("2026-01-03T00:00:19Z", "org/model_name-v1.0", "10:100 a|b ~5", "a/b:free"):
        assert text.chat(ordinary) == ordinary
    assert text.chat("*a* `b` _c_ ~~d~~ ||e|| :+1: www.x.y") == (
        "\\*a\\* \\`b\\` \\_c\\_ ~\\~d~\\~ |\\|e|\\| :\\+1: www\\.x.y"
    )
    assert text.chat(r"\*a\*") == r"\\\*a\\\*"  # a backslash of the text protects nothing


@pytest.mark.parametrize("emoji", [":smile:", ":+1:", ":-1:", ":100:", ":1234:"])
def test_no_page_shows_an_emoji_for_its_name(emoji: str) -> None:
    assert text.markdown(emoji) == f":&#8203;{emoji[1:]}"


@each_text
@pytest.mark.parametrize("start", [True, False])
def test_a_commit_line_orders_nothing(hostile: str, *, start: bool) -> None:
    line = ("" if start else "license: ") + text.commit(hostile, start=start)
    orders = r"@\w|#\d|\bGH-\d|\[[^\\\]]*skip|\[no ci|NO_CI|::|/issues/\d|skip-checks:|^From |^---"
    assert re.findall(orders, line, re.IGNORECASE) == []
    assert hidden(line) == set()


def test_a_commit_line_leaves_ordinary_names_readable() -> None:
    assert text.commit("deepseek/deepseek-chat_v3.1:free") == "deepseek/deepseek-chat_v3.1:free"
    assert text.commit("model [skip ci] by @me, fixes a/b#1") == (
        "model [\\skip ci] by @\\me, fixes a/b#\\1"
    )


def test_clipped_text_fits_and_says_so() -> None:
    assert text.clip("model", 5) == "model"
    assert text.clip("models", 5) == "mode…"
    assert text.clip("中文模型", 5) == "中文…"


@given(any_text, st.integers(min_value=1, max_value=40))
def test_clipped_text_never_takes_more_columns(anything: str, columns: int) -> None:
    assert text.width(text.clip(anything, columns)) <= columns


@pytest.mark.parametrize(
    ("json", "shown"),
    [
        (None, "null"),
        (True, "true"),
        (1.5, "1.5"),
        (2**70, "1180591620717411303424"),
        ("mit", "mit"),
        ("null", '"null"'),
        ("1e5", '"1e5"'),
        ("", '""'),
        (" a", '" a"'),
        ({"a": [1, "b"]}, '{"a":[1,"b"]}'),
        ("x" * 300, "x" * 199 + "…"),
    ],
)
def test_a_value_is_short_and_cannot_be_taken_for_another(json: object, shown: str) -> None:
    assert text.value(json) == shown


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (999_960, "1 MB"),
        (4_500_000_000, "4.5 GB"),
        (10**30, f"{10**30:,} B"),
        ("4.5GB", "4.5GB"),
    ],
)
def test_sizes_have_decimal_units(size: int | str, shown: str) -> None:
    assert text.bytes_(size) == shown


def test_counts_have_separators() -> None:
    assert text.count(125_000) == "125,000"
