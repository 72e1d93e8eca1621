"""The published schemas are valid, and what archiver writes is valid under them."""

from __future__ import annotations

import io
import json
import tomllib
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator, ValidationError

from archiver.cli import schemas
from archiver.config.scaffold import NewSource, config_text
from archiver.records import canonical
from archiver.records.model import End, FieldChange, Leaf, RecordChange, Summary
from archiver.render.changes import show
from archiver.render.view import ChangeStream, Form, View

DETAIL = FieldChange(
    op="replace",
    path="/pricing",
    metric=False,
    old={"prompt": 1},
    new={},
    detail=(Leaf(path="/pricing/prompt", old=1),),
)
CHANGES = (
    RecordChange("new", "a", record={"id": "a"}),
    RecordChange("renamed", "b", record={"id": "b"}, old_key="z"),
    RecordChange("removed", "c", record={"id": "c"}, cause="confirmed"),
    RecordChange("returned", "c", record={"id": "c"}, cause="flapped", flapping=True),
    RecordChange("updated", "d", changes=(DETAIL,)),
    RecordChange("metrics", "e", changes=(FieldChange("add", "/likes", True, new=None),)),
)


def shown(form: Form, **options: Any) -> str:
    """Return what a command prints for `CHANGES`."""
    stream = ChangeStream(
        source="kev",
        old=End(None, None, 0),
        current=End("a" * 40, "2026-01-29 15:47:33", 4),
        changes=CHANGES,
        summary=lambda: Summary(new=1, renamed=1, removed=1, updated=1, metrics=1),
    )
    out = io.StringIO()
    show(stream, View(form=form, **options), out)
    return out.getvalue()


def check(value: Any, schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(value)


def test_a_change_set_is_valid() -> None:
    check(json.loads(shown("json")), schemas.changes())


@pytest.mark.parametrize("member", ["schema", "source", "from", "summary", "entered"])
def test_a_change_set_without_one_of_its_members_is_not(member: str) -> None:
    broken = json.loads(shown("json"))
    del broken[member]
    with pytest.raises(ValidationError, match=f"'{member}' is a required property"):
        check(broken, schemas.changes())


def test_each_line_of_the_stream_is_valid() -> None:
    parts = schemas.changes()["$defs"]
    *changes, last = map(json.loads, shown("jsonl").splitlines())
    assert len(changes) == len(CHANGES)
    for change in changes:
        check(change, {"$ref": "#/$defs/RecordChange", "$defs": parts})
    check(last, {"$ref": "#/$defs/EndOfStream", "$defs": parts})


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"limit": 2}, "ChangeSet"),
        ({"stat": True}, "EndOfStream"),
        ({"name_only": True}, "Names"),
        ({"name_only": True, "limit": 2}, "Names"),
    ],
)
def test_what_options_leave_of_a_change_set_is_valid(options: dict[str, Any], part: str) -> None:
    whole = schemas.changes()
    parts = whole.pop("$defs") | {"ChangeSet": whole}
    check(json.loads(shown("json", **options)), {"$ref": f"#/$defs/{part}", "$defs": parts})


@pytest.mark.parametrize("records", [[], [{"id": "a", "n": 2**64}, {"id": "b"}]])
def test_a_snapshot_is_valid(records: list[dict[str, Any]]) -> None:
    lines = [canonical.encode(record, ("id",)).data for record in records]
    header = canonical.Header("kev", "2026-01-29 15:47:33", len(lines))
    check(msgspec.json.decode(b"".join(canonical.snapshot(header, lines))), schemas.snapshot())


def test_an_index_of_shards_is_valid() -> None:
    as_of = "2026-01-28 15:47:33"
    header = canonical.Header("kev", "2026-01-29 15:47:33", 3, {"0": (3, "0" * 64)}, metrics=as_of)
    check(msgspec.json.decode(canonical.head(header)), schemas.snapshot())


@pytest.mark.parametrize(
    "source",
    [
        None,
        NewSource("kev", "kev.json", key=("id",)),
        NewSource("hub", type="huggingface", settings={"scope": '"all"'}),
    ],
)
def test_a_new_configuration_is_valid(source: NewSource | None) -> None:
    check(tomllib.loads(config_text(source)), schemas.config())


@pytest.mark.parametrize(
    "text",
    [
        "[archve]",
        "[sources.CON]\ntype = 'json'\nurl = 'x'",
        "[sources.a]\ntype = 'json'",
        "[sources.a]\ntype = 'json'\nurl = 'x'\nfiles = '*.json'",
        "[sources.a]\ntype = 'json'\nurl = 'x'\nmetricz = []",
        "[sources.a]\nurl = 'x'",
        "[sources.a]\ntype = 'json'\nurl = 'x'\nmetrics = { every = 'weekly' }",
        "[sources.a]\ntype = 'json'\nurl = 'x'\nmetrics = { round = 0 }",
        "[sources.a]\ntype = 'json'\nurl = 'x'\npace = { every = '7d' }",
        "[archive]\npath = '../x'",
        "[archive]\nremote = '--mirror'",
        "[notify.team]\ntype = 'webhook'",
        "[notify.team]\ntype = 'stdout'\nurl_env = 'X'",
        "[notify.team]\ntype = 'stdout'\nkinds = ['gone']",
        "[feeds.mine]\nkinds = ['metrics']",
        "[feeds.mine]\nname = 'mine'",
        "[feeds.MINE]",
        "[site]\nbase_url = 'ftp://example.org'",
    ],
)
def test_a_wrong_configuration_is_not_valid(text: str) -> None:
    with pytest.raises(ValidationError):
        check(tomllib.loads(text), schemas.config())


def test_a_channel_is_valid() -> None:
    webhook = "[notify.team]\ntype = 'webhook'\nurl_env = 'X'\nkinds = ['new']\nlimit = 3"
    check(tomllib.loads(webhook), schemas.config())
    check(tomllib.loads(f"{webhook}\npins = 'models.txt'\nfields = ['license']"), schemas.config())
    check(tomllib.loads(f"{webhook}\npins = ['a.txt', 'b.txt']"), schemas.config())
    check(tomllib.loads("[notify.mine]\ntype = 'mine:Mine'\nroom = 5"), schemas.config())


def test_a_feed_and_a_site_are_valid() -> None:
    check(tomllib.loads("[feeds.mine]"), schemas.config())
    feed = (
        "[feeds.mine]\nwhere = ['a > 1']\nkinds = ['removed']\nfields = ['license']\nsources = []"
    )
    check(tomllib.loads(feed), schemas.config())
    check(tomllib.loads("[site]\nbase_url = 'https://example.org/x/'"), schemas.config())


def test_a_source_of_ones_own_may_say_what_it_likes() -> None:
    text = "[sources.a]\ntype = 'mine:Mine'\nowner = 'x'\nkey = 'id'"
    check(tomllib.loads(text), schemas.config())
