"""The published schemas are valid, and what archiver writes is valid under them."""

from __future__ import annotations

import tomllib
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator, ValidationError  # type: ignore[import-untyped]

from archiver.cli import schemas
from archiver.cli.scaffold import NewSource, config_text
from archiver.records import canonical
from archiver.records.model import (
    ChangeSet,
    End,
    FieldChange,
    Leaf,
    RecordChange,
    RecordUpdate,
    Rename,
    Summary,
)

DETAIL = FieldChange(
    op="replace",
    path="/pricing",
    metric=False,
    old={"prompt": 1},
    new={},
    detail=(Leaf(path="/pricing/prompt", old=1),),
)
CHANGES = ChangeSet(
    source="kev",
    old=End(None, None, 0),
    current=End("a" * 40, "2026-01-29 15:47:33", 3),
    summary=Summary(new=1, updated=1, renamed=1),
    new=({"id": "a"},),
    renamed=(Rename(old="b", new="c"),),
    updated=(RecordUpdate("d", (DETAIL,)),),
    metrics=(RecordUpdate("e", (FieldChange("add", "/likes", True, new=None),)),),
)


def plain(value: object) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def check(value: Any, schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(value)


def test_a_change_set_is_valid() -> None:
    check(plain(CHANGES), schemas.changes())


def test_a_change_set_without_one_of_its_members_is_not() -> None:
    broken = plain(CHANGES)
    del broken["entered"]
    with pytest.raises(ValidationError, match="'entered' is a required property"):
        check(broken, schemas.changes())


@pytest.mark.parametrize(
    "change",
    [
        RecordChange("new", "a", record={"id": "a"}),
        RecordChange("updated", "a", changes=(DETAIL,)),
        RecordChange("renamed", "a", record={"id": "a"}, old_key="b"),
        RecordChange("removed", "a", record={"id": "a"}, cause="confirmed"),
    ],
)
def test_each_line_of_the_stream_is_valid(change: RecordChange) -> None:
    schema = schemas.changes()
    check(plain(change), {"$ref": "#/$defs/RecordChange", "$defs": schema["$defs"]})


def test_the_last_line_of_the_stream_is_valid() -> None:
    schema = schemas.changes()
    last = {name: plain(CHANGES)[name] for name in ("schema", "source", "from", "to", "summary")}
    check(last, {"$ref": "#/$defs/EndOfStream", "$defs": schema["$defs"]})


@pytest.mark.parametrize("records", [[], [{"id": "a", "n": 2**64}, {"id": "b"}]])
def test_a_snapshot_is_valid(records: list[dict[str, Any]]) -> None:
    lines = [canonical.encode(record, ("id",)).data for record in records]
    header = canonical.Header("kev", "2026-01-29 15:47:33", len(lines))
    check(msgspec.json.decode(b"".join(canonical.snapshot(header, lines))), schemas.snapshot())


def test_an_index_of_shards_is_valid() -> None:
    header = canonical.Header("kev", "2026-01-29 15:47:33", 3, {"0": (3, "0" * 64)})
    check(msgspec.json.decode(canonical.head(header)), schemas.snapshot())


@pytest.mark.parametrize("source", [None, NewSource("kev", "kev.json", key=("id",))])
def test_a_new_configuration_is_valid(source: NewSource | None) -> None:
    check(tomllib.loads(config_text(source)), schemas.config())


@pytest.mark.parametrize(
    "text",
    [
        "[archve]",
        "[sources.CON]\ntype = 'json'\nurl = 'x'",
        "[sources.a]\ntype = 'json'",
        "[sources.a]\ntype = 'json'\nurl = 'x'\nmetricz = []",
        "[sources.a]\nurl = 'x'",
        "[archive]\npath = '../x'",
    ],
)
def test_a_wrong_configuration_is_not_valid(text: str) -> None:
    with pytest.raises(ValidationError):
        check(tomllib.loads(text), schemas.config())


def test_a_source_of_ones_own_may_say_what_it_likes() -> None:
    text = "[sources.a]\ntype = 'mine:Mine'\nowner = 'x'\nkey = 'id'"
    check(tomllib.loads(text), schemas.config())
