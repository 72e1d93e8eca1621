"""Public values as a person meets them: in a shell, in a log, in a notebook."""

from __future__ import annotations

import dataclasses
from html.parser import HTMLParser
from importlib import import_module
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from support.hostile_texts import TEXTS

from archiver.capture.report import Report
from archiver.config import Config, parse
from archiver.records.model import (
    ChangeSet,
    End,
    FieldChange,
    RecordChange,
    RecordUpdate,
    Rename,
    Summary,
)
from archiver.records.text import visible
from archiver.sources.lines import LinesInMemory
from archiver.sources.listing import Listing
from archiver.transport import Request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODULES = (
    "capture.imports",
    "capture.report",
    "changes.lifecycle",
    "channels",
    "config",
    "config.tables",
    "history.catalogue",
    "history.comparison",
    "history.log",
    "history.timeline",
    "history.versions",
    "jobs.status",
    "pins.lists",
    "pins.status",
    "records.model",
    "sources.ledger",
    "sources.listing",
    "sources.protocol",
    "store.history",
    "transport.message",
)
"""Where the values are defined that the library hands out, or that it hands to a plugin."""

MODELS = tuple({"id": f"o/{n}", "description": "long " * 99} for n in range(3000))
LARGE = [MODELS, "x" * 100_000, {"x" * 999: MODELS}, [["x" * 999] * 999] * 999, b"x" * 100_000]


def is_value(kind: object) -> bool:
    return isinstance(kind, type) and (
        issubclass(kind, msgspec.Struct)
        or dataclasses.is_dataclass(kind)
        or (issubclass(kind, tuple) and hasattr(kind, "_fields"))
    )


def values() -> Iterator[type]:
    for name in MODULES:
        module = import_module(f"archiver.{name}")
        for kind in vars(module).values():
            own = is_value(kind) and kind.__module__ == module.__name__
            if own and kind.__name__[0] != "_" and kind is not Request:
                yield kind


def filled(kind: type, content: object) -> object:
    """Return a value of this class in which every field is `content`."""
    if not dataclasses.is_dataclass(kind):
        names = getattr(kind, "__struct_fields__", getattr(kind, "_fields", ()))
        return kind(**dict.fromkeys(names, content))
    made: object = object.__new__(kind)
    for field in dataclasses.fields(kind):
        object.__setattr__(made, field.name, content)
    return made


@pytest.mark.parametrize("kind", [*values()], ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_the_repr_of_a_value_is_short_whatever_it_holds(kind: type) -> None:
    for content in LARGE:
        shown = repr(filled(kind, content))
        assert len(shown) <= 200
        assert shown.startswith(f"{kind.__name__}(")
        assert shown.isprintable()


def test_the_repr_of_a_request_is_short() -> None:
    assert len(repr(Request("x" * 100_000, "https://example.org/" + "x" * 100_000))) <= 200


def test_values_that_hold_values_have_a_short_repr() -> None:
    deep: Any = filled(RecordChange, MODELS)
    for kind in values():
        deep = filled(kind, [deep])
        assert len(repr(deep)) <= 200
        assert len(repr(filled(kind, [deep, deep]))) <= 200


def test_a_repr_says_the_most_important_and_leaves_out_what_is_empty() -> None:
    assert repr(report()) == (
        "Report(source='hub', outcome='changed', "
        "summary=Summary(new=3000, removed=1), changes=<3,000>)"
    )
    assert repr(change_set("a")) == (
        "ChangeSet(source='hub', summary=Summary(new=1, updated=1, renamed=1), "
        "old=End(revision='aaaaaaaaaaaaaaaaa...aaaaaaaaaaaaaaaaaa', tim…), "
        "current=End(revision='bbbbbbbbbbbbbbbbb...bbbbbbbbbbbbbbbbbb',…)"
    )
    assert repr(FieldChange("add", "/a", metric=False, new=1)) == (
        "FieldChange(op='add', path='/a', metric=False, new=1)"
    )
    listing = Listing(LinesInMemory(), report().old, duplicates=("a", "b"))  # type: ignore[arg-type]
    assert repr(listing).endswith("duplicates=('a', 'b'))")


def test_the_repr_of_a_configuration_shows_no_secret(tmp_path: Path) -> None:
    environ = {"HF_TOKEN": "secret", "https_proxy": "http://me:secret@proxy", "ARCHIVER_PATH": "d"}
    config = parse(b'[sources.hub]\ntype = "modelscope"\n', tmp_path / "archiver.toml", environ)
    assert isinstance(config, Config)
    assert "secret" not in repr(config) + repr(config.environment)


def report(*keys: str) -> Report:
    changes = tuple(
        RecordChange("new", key, record={"id": key}) for key in keys or map(str, range(3000))
    )
    return Report(
        source="hub",
        outcome="changed",
        old=End(None, None, 1),
        new=End(None, None, len(changes)),
        summary=Summary(new=len(changes), removed=1),
        changes=changes,
    )


def change_set(*keys: str) -> ChangeSet:
    changed = FieldChange("replace", "/size", metric=False, old=1, new=2)
    return ChangeSet(
        source="hub",
        old=End("a" * 40, "2026-01-01 00:00:00", 1),
        current=End("b" * 40, "2026-01-02 00:00:00", len(keys)),
        summary=Summary(new=len(keys), renamed=1, updated=1),
        new=tuple({"id": key} for key in keys),
        renamed=(Rename("old", "new"),),
        updated=(RecordUpdate("u", (changed,)),),
    )


class Page(HTMLParser):
    """Collects the tags and the cells of a table."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes = False
        self.rows: list[list[str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes = self.attributes or bool(attrs)
        if tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1] and data.strip():
            self.rows[-1][-1] += data


def test_a_notebook_shows_a_change_set_as_a_table() -> None:
    page = Page(change_set("a", "b")._repr_html_())
    assert page.rows == [
        ["kind", "key", "what"],
        ["new", "a", ""],
        ["new", "b", ""],
        ["renamed", "new", "was old"],
        ["updated", "u", "size"],
    ]


def test_a_notebook_shows_a_report_as_a_table() -> None:
    shown = report()._repr_html_()
    assert "hub: changed" in shown
    assert len(Page(shown).rows) == 1 + 20 + 1
    assert "… and 2,981 more" in shown
    assert len(shown) < 5_000


@pytest.mark.parametrize("text", [*TEXTS.values()], ids=[*TEXTS])
def test_hostile_words_stay_words_in_a_notebook(text: str) -> None:
    hostile = [f"<script>{text}</script>", f'"><img src=x onerror={text}>', text]
    for shown in (change_set(*hostile)._repr_html_(), report(*hostile)._repr_html_()):
        page = Page(shown)
        assert page.tags <= {"table", "caption", "thead", "tbody", "tr", "th", "td"}
        assert not page.attributes
        assert visible(shown.replace("\n", "")) == shown.replace("\n", "")
