"""Comparisons to be shown."""

from __future__ import annotations

import io
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from archiver.records.model import End, Summary
from archiver.records.text import Noun
from archiver.render.changes import show
from archiver.render.view import ChangeStream, View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from archiver.records.model import RecordChange

OLD = End("a" * 40, "2026-01-29 15:47:33", 2840)
CURRENT = End("b" * 40, "2026-01-30 15:47:35", 2845)
MODEL = Noun("model", "models")


@pytest.fixture
def streamed() -> Callable[..., ChangeStream]:
    """Return a function that makes a stream of changes, whose summary is known at its end."""

    def make(
        changes: Iterable[RecordChange], old: End = OLD, current: End = CURRENT
    ) -> ChangeStream:
        counts: Counter[str] = Counter()

        def counted() -> Iterable[RecordChange]:
            for change in changes:
                yield change
                counts[change.kind] += 1

        return ChangeStream(
            source="modelscope",
            noun=MODEL,
            old=old,
            current=current,
            changes=counted(),
            summary=lambda: Summary(**counts),
        )

    return make


@pytest.fixture
def shown(streamed: Callable[..., ChangeStream]) -> Callable[..., str]:
    """Return a function that shows changes in the form and with the options given."""

    def text(changes: Iterable[RecordChange], form: str = "text", **options: Any) -> str:
        out = io.StringIO()
        show(streamed(changes), View(form=form, **options), out)  # type: ignore[arg-type]
        return out.getvalue()

    return text
