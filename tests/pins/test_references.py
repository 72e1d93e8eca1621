"""How keys are found in what people write."""

from __future__ import annotations

import pytest

from archiver.pins.references import Names, inside

KEY = "Qwen/qwen3-8b"
STRANGE = ("-x/.y", "org/q (1) ~#=2")
KEYS = frozenset({KEY, "gpt2", "org/free:1", "org/a", "org/a-b", "a/b/c", *STRANGE})


@pytest.mark.parametrize(
    "line",
    [
        'm = load("Qwen/qwen3-8b")',
        "see Qwen/qwen3-8b.",
        'url = "https://modelscope.cn/models/Qwen/qwen3-8b"',
        "https://modelscope.cn/models/Qwen/qwen3-8b?x=1#top",
        "hf://Qwen/qwen3-8b",
        "pull Qwen/qwen3-8b@main",
        "hf://Qwen/qwen3-8b@main/config.json",
        "Qwen/qwen3-8b/resolve/main/x",
        "Qwen/qwen3-8b:free",
        'f"Qwen/qwen3-8b/{x}"',
        'f"{hub}/Qwen/qwen3-8b/{x}"',
        "git clone git@hub.org:Qwen/qwen3-8b",
        "don't load('Qwen/qwen3-8b')",
    ],
)
def test_a_key_is_found_in_the_ways_that_people_write_it(line: str) -> None:
    assert Names(KEYS).of(line) == [KEY]


@pytest.mark.parametrize("key", STRANGE)
def test_a_key_in_quotes_may_hold_anything(key: str) -> None:
    for quote in "\"'`":
        assert Names(KEYS).of(f"x = {quote}{key}{quote}, 1") == [key]


def test_the_longest_name_is_meant() -> None:
    names = Names(KEYS)
    assert names.of("https://x.org/org/free:1") == ["org/free:1"]
    assert names.of("x/a/b/c/d") == ["a/b/c"]
    assert names.of('("org/a", "org/a-b")') == ["org/a", "org/a-b"]
    assert Names(frozenset({"org/q", "org/q (1)"})).of('"org/q (1)"') == ["org/q (1)"]


@pytest.mark.parametrize(
    "line", ["x/gpt2/y", "hub.org/gpt2", "gpt2-large", "b/c", "rg/a", "gpt2:x"]
)
def test_no_word_is_found_by_accident(line: str) -> None:
    assert Names(KEYS).of(line) == []
    assert Names(KEYS).of(f'"{line}"') == []
    assert Names(KEYS).of("the gpt2.") == ["gpt2"]


@pytest.mark.parametrize(
    "text", [f"https://x.cn/models/{KEY}", f"{KEY}@main", f"{KEY}:free", f"hf://{KEY}/resolve/x"]
)
def test_what_may_be_meant_by_a_name_is_inside_of_it(text: str) -> None:
    assert KEY in inside(text)
    assert text not in inside(text)


def test_plain_names_mean_nothing_else() -> None:
    assert inside(KEY) == inside("gpt2") == inside("") == []
    assert len(inside("/".join("x" * 2_000))) < 1_000
