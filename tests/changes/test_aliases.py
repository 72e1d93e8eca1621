"""Rules, pairs and names: which keys of several sources mean the same record."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.changes.aliases import Aliases, Claim, Rule, folded, loose, named, pair
from archiver.errors import ConfigError

SOURCES = ("a", "b", "c")


def claims(rules: list[str], source: str, key: str) -> list[tuple[str, str]]:
    aliases = Aliases([Rule.read(text, SOURCES) for text in rules])
    return [(each.source, each.key) for each in aliases.of(source, key)]


def test_a_rule_replaces_what_stands_around_its_star_in_both_directions() -> None:
    rules = ["a:Mirror/* = b:owner/*"]
    assert claims(rules, "a", "Mirror/x") == [("b", "owner/x")]
    assert claims(rules, "b", "owner/x") == [("a", "mirror/x")]
    assert claims(rules, "a", "other/x") == []
    assert claims(rules, "c", "Mirror/x") == []


def test_a_rule_may_have_a_suffix_and_more_than_two_sides() -> None:
    rules = ["a:*:free = b:* = c:x/*/y"]
    assert claims(rules, "a", "Qwen/q:free") == [("b", "qwen/q"), ("c", "x/qwen/q/y")]


def test_prefix_and_suffix_of_a_rule_never_share_characters() -> None:
    assert claims(["a:aba*ba = b:*"], "a", "aba") == []
    assert claims(["a:aba*ba = b:*"], "a", "ababa") == [("b", "")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a:x/*", "two sources or more"),
        ("a:x/* = a:y/*", "two sources or more, each once"),
        ("a:x = b:y/*", "one * on each side"),
        ("a:*/* = b:y/*", "one * on each side"),
        ("x/* = b:y/*", "expected source:key"),
        ("aa:x/* = b:y/*", 'no source is called "aa"'),
        ("a: = b:y/*", "expected source:key"),
        ("", "expected source:key"),
    ],
)
def test_a_wrong_rule_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Rule.read(text, SOURCES)
    assert words in str(caught.value)


def test_keys_of_pairs_may_have_colons_and_stars() -> None:
    assert named("a:x:free*", SOURCES) == ("a", "x:free*")
    aliases = Aliases(pairs=[pair(("a:x*", "b:y:1"), SOURCES)])
    assert list(aliases.of("a", "x*")) == [Claim("b", "y:1", "pair", 0)]
    assert list(aliases.of("a", "xy")) == []


def test_a_name_is_loose_in_its_separators_and_not_in_its_owner_or_dots() -> None:
    assert loose("o/a-b_c d") == "o/abcd"
    assert loose("o-p/a") != loose("op/a")
    assert loose("o/1.1") != loose("o/11")
    assert loose("o/--") == "o/--"


@given(st.text(), st.text(), st.text(), st.text(), st.text())
def test_what_a_rule_says_of_one_source_it_says_of_the_other(
    one: str, middle: str, end: str, other: str, rest: str
) -> None:
    for text in (one, end, other, rest):
        if "*" in text or " = " in text or text != text.strip():
            return
    try:
        rule = Rule.read(f"a:{one}*{end} = b:{other}*{rest}", SOURCES)
    except ConfigError:
        return
    aliases = Aliases([rule])
    for claim in aliases.of("a", f"{one}{middle}{end}"):
        assert (
            folded(f"{one}{middle}{end}") in {back.key for back in aliases.of("b", claim.key)}
            or folded(claim.key) != claim.key
        )


def test_a_thousand_rules_and_long_keys_are_not_slow() -> None:
    rules = [Rule.read(f"a:{'x' * (n % 50)}{n}/* = b:o{n}/*", SOURCES) for n in range(1000)]
    aliases = Aliases(rules)
    key = "x" * 4096
    began = process_time()
    for _ in range(1000):
        assert not list(aliases.of("a", key))
    assert process_time() - began < 1
