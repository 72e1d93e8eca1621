"""Hostile words for every sink: a few of our own, and the shared corpus where it is present."""

from __future__ import annotations

import json

from support.checkout import SHARED

CORPUS = SHARED / "hostile" / "corpus.json"

OWN = {
    "own/plain": "org/model-name_v1.0",
    "own/chinese": "中文模型\uff5e",
    "own/emoji": "🚀 👩\u200d💻 ❤\ufe0f",
    "own/empty": "",
    "own/spaces": "    code ",
    "own/escape": "\x1b[2J\x1b]52;c;eA==\x07",
    "own/c1": "a\x9bb\x85c",
    "own/bidi": "model-\u202egnp.exe\u2066\u2069",
    "own/variation": "a\ufe0fb\U000e0101c",
    "own/surrogate": "\ud83d",
    "own/runner": "  ::set-env name=PATH::/evil ##[error]x",
    "own/list": "1. first",
    "own/long-list": "1234) first",
    "own/heading": "### a",
    "own/quote": "> a",
    "own/table": "a|b\n|-|-|",
    "own/entity": "&lt;b&gt; &#64;x",
    "own/strong": "**a** __b__ _c_ a_b ~~d~~",
    "own/chat": r"*a* \*b\* `c` _d_ ||e|| :smile: :+1: :100: a:b:c: www.evil.example",
    "own/reference": "[a]: https://evil.example 'x'",
    "own/mail": "root@example.org www.evil.example",
    "own/formula": "=HYPERLINK(1)",
    "own/wide-formula": "\uff1d1+1",
    "own/quoted-formula": '"=1',
    "own/trailer": "Signed-off-by: root <root@example>",
    "own/skip": "a [no ci] [Skip CI] skip-checks: true [ci skip]",
    "own/close": "fixes GH-1, closes https://github.com/a/b/issues/1, closes a/b#2",
    "own/mbox": "From 0000 Mon Sep 17 00:00:00 2001",
    "own/divider": "---\ndiff --git a/x b/x",
    "own/script": "</script><script>alert(1)</script>\u2028",
    "own/template": "{{ 7 * 7 }}{% for x in y %}{{< raw >}}",
}


def _texts() -> dict[str, str]:
    if not CORPUS.exists():
        return OWN
    cases = json.loads(CORPUS.read_text("ascii"))["cases"]
    return OWN | {case["id"]: case["value"] for case in cases if case["kind"] == "text"}


TEXTS = _texts()
"""Name of the case to its text."""
