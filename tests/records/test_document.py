from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from archiver.errors import ConfigError, UnreadableSnapshot
from archiver.records.document import Reader, read
from archiver.records.model import Bad, Line
from archiver.records.path import RecordsPath

if TYPE_CHECKING:
    from pathlib import Path

    from archiver.records.model import Json


def body(value: Json) -> bytes:
    return json.dumps(value, indent=4).encode()


def found(text: bytes, records: str, *key: str) -> list[Line | Bad]:
    return list(read(text, records, key))


MODELS = [{"id": "b", "v": 1.0}, {"id": "a"}]
LINES = [Line("b", b'{"id":"b","v":1}'), Line("a", b'{"id":"a"}')]


@pytest.mark.parametrize(
    ("value", "records"),
    [
        (MODELS, "."),
        (MODELS, ".[]"),
        ({"models": MODELS}, "models"),
        ({"models": MODELS}, ".models"),
        ({"data": {"models": MODELS}}, "data.models"),
        ([{"models": MODELS[:1]}, {"models": MODELS[1:]}], ".[].models"),
        ({"data": [MODELS[:1], MODELS[1:]]}, "data[][]"),
        ({"data": {"x": MODELS[:1], "y": MODELS[1:]}}, "data{}[]"),
        ({"data": {"x": MODELS[0], "y": MODELS[1]}}, "data{}"),
    ],
)
def test_records_are_found_wherever_the_path_says(value: Json, records: str) -> None:
    assert found(body(value), records, "id") == LINES


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (".", ("[]",)),
        ("a.b", ("a", "b", "[]")),
        ("a.b{}", ("a", "b", "{}")),
        (".[].models", ("[]", "models", "[]")),
        ("a[]{}", ("a", "[]", "{}")),
        (".{provider}[]", ("{provider}", "[]")),
        (".[]=id", ("[]",)),
        ("a.b=id, size", ("a", "b", "[]")),
        ("data=^.columns", ("data", "[]")),
        ("a{x y}{z}", ("a", "{x y}", "{z}")),
    ],
)
def test_a_path_is_split_into_steps(path: str, expected: tuple[str, ...]) -> None:
    assert RecordsPath.read(path).steps == expected


@pytest.mark.parametrize(
    "path",
    [
        "",
        "a..b",
        "a[",
        "a[0]",
        "a{}b",
        "a.",
        "[}",
        "{a.b}",
        "{a}{a}[]",
        "{a",
        "{{a}}",
        "=",
        "a=",
        "a=b{}",
        "a=b=c",
        "{a}=a",
    ],
)
def test_a_path_that_cannot_be_understood_is_refused_with_examples(path: str) -> None:
    with pytest.raises(ConfigError, match="cannot be understood") as refused:
        RecordsPath.read(path)
    assert "data.models" in refused.value.hint


def test_member_names_are_the_keys_of_records_in_an_object() -> None:
    text = body({"m": {"x": {"v": 1}, 'q"\\\n': {}}})
    expected = [Line("x", b'{"@key":"x","v":1}'), Line('q"\\\n', b'{"@key":"q\\"\\\\\\n"}')]
    assert found(text, "m{}") == expected
    assert found(text, "m{}", "{}") == expected


def test_fields_of_enclosing_objects_make_keys() -> None:
    text = body({"id": 7, "hubs": [{"id": "h", "models": [{"id": "m"}]}]})
    assert found(text, "hubs[].models", "^.id", "id") == [Line("h/m", b'{"@key":"h/m","id":"m"}')]
    assert found(text, "hubs[].models", "^.^.id", "^.id", "id") == [
        Line("7/h/m", b'{"@key":"7/h/m","id":"m"}')
    ]


GROUPS = {"openai": {"gpt": {"v": 1}, "o1": {"v": 2}}, "mistral": {"gpt": {"v": 1}}}
GROUPED = [
    Line("openai/gpt", b'{"@key":"openai/gpt","provider":"openai","v":1}'),
    Line("openai/o1", b'{"@key":"openai/o1","provider":"openai","v":2}'),
    Line("mistral/gpt", b'{"@key":"mistral/gpt","provider":"mistral","v":1}'),
]


def test_the_name_of_a_group_is_a_field_and_part_of_the_key() -> None:
    assert found(body(GROUPS), ".{provider}{}") == GROUPED
    assert found(body({"data": GROUPS}), "data{provider}{}", "provider", "{}") == GROUPED
    lists = {name: [{"id": id_, **each} for id_, each in GROUPS[name].items()] for name in GROUPS}
    named = found(body(lists), ".{provider}[]", "provider", "id")
    assert named[0] == Line(
        "openai/gpt", b'{"@key":"openai/gpt","id":"gpt","provider":"openai","v":1}'
    )
    assert [line.key for line in named if isinstance(line, Line)] == [line.key for line in GROUPED]


def test_member_names_become_a_field_that_is_the_key() -> None:
    assert found(b'{"a":{"v":1},"b":{}}', ".{id}") == [
        Line("a", b'{"id":"a","v":1}'),
        Line("b", b'{"id":"b"}'),
    ]
    assert found(b'{"x":{"models":{"a":{}}}}', ".{hub}.models{id}") == [
        Line("x/a", b'{"@key":"x/a","hub":"x","id":"a"}')
    ]


def test_a_list_of_names_is_read_by_the_field_that_holds_them() -> None:
    text = b'["org/a","\\u0061\\n",7,null,{},["x"],""]'
    kinds = ("null", "an object", "a list")
    bad = [
        Bad(f"/{index}", f"the key is {kind}, not a string or a number")
        for index, kind in enumerate(kinds, 3)
    ]
    for path in (".[]=id", ".=id"):
        assert found(text, path) == [
            Line("org/a", b'{"id":"org/a"}'),
            Line("a\n", b'{"id":"a\\n"}'),
            Line("7", b'{"@key":"7","id":7}'),
            *bad,
            Bad("/6", "the key is empty"),
        ]


def test_plain_values_in_an_object_are_read_by_the_field_that_holds_them() -> None:
    text = body({"a": "1.0", 'q"\\': 2.0, "n": None, "o": {"x": "1"}, "l": ["1"]})
    assert found(text, ".{}=version") == [
        Line("a", b'{"@key":"a","version":"1.0"}'),
        Line('q"\\', b'{"@key":"q\\"\\\\","version":2}'),
        Line("n", b'{"@key":"n","version":null}'),
        Line("o", b'{"@key":"o","version":{"x":"1"}}'),
        Line("l", b'{"@key":"l","version":["1"]}'),
    ]
    assert found(b'{"x":{"a":1}}', ".{hub}{name}=price") == [
        Line("x/a", b'{"@key":"x/a","hub":"x","name":"a","price":1}')
    ]


ROWS = [["a", 1, None], ["b", 2.0, {"x": ["y"]}]]
ROW_LINES = [
    Line("a", b'{"id":"a","size":1,"x\\"y":null}'),
    Line("b", b'{"id":"b","size":2,"x\\"y":{"x":["y"]}}'),
]
NAMES = ["id", "size", 'x"y']


@pytest.mark.parametrize(
    ("value", "records"),
    [
        (ROWS, '.[]=id,size,x"y'),
        (ROWS, '.=id, size, x"y'),
        ([NAMES, *ROWS], ".[]=[0]"),
        ({"columns": NAMES, "index": [0, 1], "data": ROWS}, "data[]=^.columns"),
        ({"columns": NAMES, "data": ROWS}, "data=^.columns[]"),
        (
            {"result": {"fields": [{"id": name, "type": "t"} for name in NAMES], "records": ROWS}},
            "result.records=^.fields[].id",
        ),
        (
            {"meta": {"view": {"columns": [{"fieldName": name} for name in NAMES]}}, "data": ROWS},
            "data=^.meta.view.columns[].fieldName",
        ),
        ({"names": NAMES, "page": {"rows": ROWS}}, "page.rows=^.^.names"),
    ],
)
def test_rows_are_read_by_their_header(value: Json, records: str) -> None:
    assert found(body(value), records, "id") == ROW_LINES


def test_rows_in_an_object_have_its_member_names_as_keys() -> None:
    assert found(b'{"a":[1,2],"b":[1],"c":3}', ".{}=x,y") == [
        Line("a", b'{"@key":"a","x":1,"y":2}'),
        Bad("/b", "it has 1 cell instead of 2", "b"),
        Bad("/c", "a plain value beside the records", "c", True),
    ]


def test_each_group_of_rows_has_its_own_header() -> None:
    text = b'{"x":[["id","v"],["a",1]],"y":[["w","id"],[2,"a"]]}'
    assert found(text, ".{hub}[]=[0]", "hub", "id") == [
        Line("x/a", b'{"@key":"x/a","hub":"x","id":"a","v":1}'),
        Line("y/a", b'{"@key":"y/a","hub":"y","id":"a","w":2}'),
    ]


def test_rows_that_do_not_fit_the_header_are_bad_and_their_keys_are_unknown() -> None:
    text = b'[["id","v"],["a"],["b",1,2],{"id":"c"},7,[],["d",{"x":1,"x":2}],[true,1],["e",1]]'
    assert found(text, ".[]=[0]", "id") == [
        Bad("/1", "it has 1 cell instead of 2"),
        Bad("/2", "it has 3 cells instead of 2"),
        Bad("/3", "it is no row"),
        Bad("/4", "it is no row"),
        Bad("/5", "it has 0 cells instead of 2"),
        Bad("/6", "a member stands twice in one object", "d"),
        Bad("/7", "the key is a boolean, not a string or a number"),
        Line("e", b'{"id":"e","v":1}'),
    ]


@pytest.mark.parametrize(
    ("text", "records", "reason"),
    [
        (b"[]", ".[]=[0]", "the document has no header [0]: it is empty"),
        (b'{"x":[]}', "x=[0]", "/x has no header [0]: it is empty"),
        (b'["id","v"]', ".[]=[0]", "the document/0 is no header: it is not an array"),
        (b'[["id","id"]]', ".[]=[0]", 'the header [0] names "id" twice'),
        (b'[["id",null]]', ".[]=[0]", "name 2 of the header [0] is not a string"),
        (b'[["id","\xff"]]', ".[]=[0]", "the header [0] cannot be read: not UTF-8"),
        (b'{"d":[]}', "d=^.c", "/d has no header ^.c around it"),
        (b"[]", ".=^.c", "the document has no header ^.c around it"),
        (b'{"d":[],"c":{"id":1}}', "d=^.c", "name 1 of the header ^.c is not a string"),
        (b'{"d":[],"c":["a","b","a"]}', "d=^.c", 'the header ^.c names "a" twice'),
        (b'{"d":[],"c":["a"]}', "d=^.c[].id", "^.c[].id: /c/0 is not an object"),
    ],
)
def test_a_header_that_names_no_fields_is_refused(text: bytes, records: str, reason: str) -> None:
    with pytest.raises(UnreadableSnapshot) as refused:
        found(text, records, "id")
    assert str(refused.value) == reason


def test_an_empty_table_has_no_records() -> None:
    assert found(b'[["id"]]', ".[]=[0]", "id") == []
    assert found(b'{"columns":[],"data":[]}', "data=^.columns", "id") == []
    assert found(b"[]", ".[]=id,v", "id") == []


def test_known_rows_follow_their_header() -> None:
    reader = Reader(".[]=[0]", ("id",))
    for names in (["id", "v"], ["v", "id"], ["id", "v"]):
        line = Line("a", b'{"id":"a","v":"a"}')
        assert list(reader.read(body([names, ["a", "a"]]))) == [line]
    assert list(reader.read(body([["id", "w"], ["a", "a"]]))) == [Line("a", b'{"id":"a","w":"a"}')]


def test_a_value_that_is_no_json_value_is_bad_under_its_name() -> None:
    text = b'{"a":{"x":1,"x":2},"b":1e999,"c":' + b"[" * 70 + b"]" * 70 + b"}"
    assert found(text, ".{}=v") == [
        Bad("/a", "a member stands twice in one object", "a"),
        Bad("/b", "a number is not finite", "b"),
        Bad("/c", "nested deeper than 64", "c"),
    ]


def test_a_member_that_says_something_else_than_its_group_is_bad() -> None:
    text = b'{"x":[{"id":"a","hub":"y"},{"id":"b","hub":"x"},{"id":"c","hub":1}]}'
    reason = 'the record has a member "hub" of its own'
    assert found(text, ".{hub}[]", "hub", "id") == [
        Bad("/x/0", reason),
        Line("x/b", b'{"@key":"x/b","hub":"x","id":"b"}'),
        Bad("/x/2", reason),
    ]


def test_excluded_members_are_neither_records_nor_groups() -> None:
    text = b'{"meta":{"v":1},"x":{"a":{},"meta":{}},"$schema":"s"}'
    reader = Reader(".{hub}{}", excluded=("meta", "$schema", "absent"))
    expected = [Line("x/a", b'{"@key":"x/a","hub":"x"}')]
    assert list(reader.read(text)) == list(reader.once(text)) == expected


def test_nothing_is_excluded_where_the_path_goes_through_no_object() -> None:
    with pytest.raises(ConfigError, match='nothing can be excluded from "a'):
        Reader("a.b", ("id",), excluded=("x",))


def test_what_cannot_be_used_in_a_group_is_named_with_its_key() -> None:
    text = b'{"x":{"a":{"v":1,"v":2},"b":7,"c":[]}}'
    assert found(text, ".{hub}{}") == [
        Bad("/x/a", "a member stands twice in one object", "x/a"),
        Bad("/x/b", "a plain value beside the records", "x/b", True),
        Bad("/x/c", "it is not an object", "x/c"),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"x":[],"y":{"id":"a"}}', "/y is not an array"),
        (b'{"x":[],"y":null}', "/y is not an array"),
        (b'{"x":[{"id":"a"}],"x":[]}', "a member stands twice in the document"),
        (b"[[]]", "the document is not an object"),
    ],
)
def test_a_group_that_is_not_a_list_or_stands_twice_is_refused(text: bytes, reason: str) -> None:
    with pytest.raises(UnreadableSnapshot) as refused:
        found(text, ".{hub}[]", "hub", "id")
    assert str(refused.value) == reason


def test_each_record_below_an_absent_enclosing_field_is_counted() -> None:
    text = body([{"models": [{"id": "a"}, {"id": "b"}]}, {"id": "h", "models": [{"id": "c"}]}])
    assert found(text, ".[].models", "^.id", "id") == [
        Bad("/0/models/0", "no key: ^.id is absent"),
        Bad("/0/models/1", "no key: ^.id is absent"),
        Line("h/c", b'{"@key":"h/c","id":"c"}'),
    ]


def test_numbers_become_keys_and_booleans_do_not() -> None:
    assert found(b'[{"id":1.0},{"id":true},{"id":"1"}]', ".", "id") == [
        Line("1", b'{"@key":"1","id":1}'),
        Bad("/1", "the key is a boolean, not a string or a number"),
        Line("1", b'{"id":"1"}'),
    ]


def test_what_is_no_record_is_named_and_the_rest_is_read() -> None:
    assert found(b'[null, 1, [], {"id":"a"}, {}]', ".", "id") == [
        Bad("/0", "it is not an object"),
        Bad("/1", "it is not an object"),
        Bad("/2", "it is not an object"),
        Line("a", b'{"id":"a"}'),
        Bad("/4", "no key: id is absent"),
    ]


@pytest.mark.parametrize(
    ("record", "key"),
    [
        (b'{"id":"a","v":1,"v":2}', "a"),
        (b'{"id":"a","v":{"x":1,"x":1}}', "a"),
        (b'{"id":"a","v":[{"x":1,"x":1}]}', "a"),
        (b'{"id":"a","\\u0069d":"a"}', "a"),
        (b'{"id":"a\\n","v":1,"v":1}', "a\n"),
        (b'{"id":5,"v":1,"v":1}', "5"),
        (b'{"id":"a","@key":"a","@key":"a"}', "a"),
    ],
)
def test_a_record_in_which_a_member_stands_twice_is_bad(record: bytes, key: str) -> None:
    assert found(b"[" + record + b"]", ".", "id") == [
        Bad("/0", "a member stands twice in one object", key)
    ]


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (b'{"id":"a","v":[{"x":1},{"x":1}]}', b'{"id":"a","v":[{"x":1},{"x":1}]}'),
        (b'{"id":"a\\"","v":"\\""}', b'{"id":"a\\"","v":"\\""}'),
        (b'{"id":"a","@key":"a"}', b'{"id":"a"}'),
        (b'{"id":5,"@key":"5"}', b'{"@key":"5","id":5}'),
        (b'{"id":"\\u0061"}', b'{"id":"a"}'),
        (b'{ "id" : "a" , "v" : "\\/" }', b'{"id":"a","v":"/"}'),
    ],
)
def test_a_record_without_twins_is_read(record: bytes, line: bytes) -> None:
    (read_line,) = found(b"[" + record + b"]", ".", "id")
    assert isinstance(read_line, Line)
    assert read_line.data == line


def test_a_name_that_stands_twice_among_records_gives_two_lines() -> None:
    assert found(b'{"m":{"a":{"v":1},"a":{"v":2}}}', "m{}") == [
        Line("a", b'{"@key":"a","v":1}'),
        Line("a", b'{"@key":"a","v":2}'),
    ]


def test_a_name_that_stands_twice_around_the_records_is_refused() -> None:
    with pytest.raises(UnreadableSnapshot, match=r"^a member stands twice in the document$"):
        found(b'{"m":[{"id":"a"}],"m":[]}', "m", "id")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "the file is empty"),
        (b" \n\t", "the file is empty"),
        (b"<html>", "not JSON: it is a page for people (HTML)"),
        (b"<<<<<<< HEAD\n[]\n", "the file holds conflict markers"),
        (b'[\n<<<<<<< HEAD\n{"id":"a"}\n=======\n>>>>>>> x\n]', "the file holds conflict markers"),
        (b'{"m":[{"id":"a"},{"id":', "not JSON: it ends too early (truncated)"),
        (b'{"m":[]} x', "not JSON: trailing characters (byte 10)"),
        (b'{"m\xff":[]}', "not JSON: not UTF-8"),
        (b'{"error":"x","code":1}', 'no "m" at the top level (found: error, code)'),
        (b"{}", 'no "m" at the top level (found: nothing)'),
        (b'{"m":null}', "/m is not an array"),
        (b"[]", "the document is not an object"),
        pytest.param(b'{"m":' + b"[" * 100_000, "not JSON: nested deeper than 64", id="deep"),
    ],
)
def test_a_document_without_a_catalogue_says_why(text: bytes, reason: str) -> None:
    with pytest.raises(UnreadableSnapshot) as refused:
        found(text, "m", "id")
    assert str(refused.value) == reason


def test_a_reader_without_key_is_refused() -> None:
    with pytest.raises(ConfigError, match="no key is given"):
        Reader("models")


def test_member_names_are_no_keys_of_records_in_an_array() -> None:
    with pytest.raises(ConfigError, match="needs records that are members of an object"):
        Reader("m{}.models", ("{}", "id"))


def test_a_reader_gives_for_each_version_what_a_new_one_gives() -> None:
    versions = [
        [{"id": "h", "models": [{"id": "a", "v": 1}, {"id": "b"}]}],
        [{"id": "g", "models": [{"id": "a", "v": 1}, {"id": "b"}]}],
        [{"id": None, "models": [{"id": "a", "v": 1}, {"id": "b"}, 5]}],
        [{"id": "h", "models": [{"id": "a", "v": 2}, {"id": "b"}]}],
    ]
    reader = Reader(".[].models", ("^.id", "id"))
    for version in map(body, versions):
        assert list(reader.read(version)) == found(version, ".[].models", "^.id", "id")


def test_known_records_follow_the_group_in_which_they_stand() -> None:
    reader = Reader(".{hub}[]", ("hub", "id"))
    for hub in ("x", "y", "x"):
        assert list(reader.read(body({hub: [{"id": "a"}]}))) == [
            Line(f"{hub}/a", b'{"@key":"%b/a","hub":"%b","id":"a"}' % (hub.encode(), hub.encode()))
        ]


def test_known_records_follow_the_name_under_which_they_stand() -> None:
    reader = Reader("{}")
    for names in ("ab", "ba", "bc"):
        text = body({name: {"v": 1} for name in names})
        assert [line.key for line in reader.read(text) if isinstance(line, Line)] == list(names)


EXACT = {
    "json-body/float-int-flip": b'{"name":"a","size":1}',
    "json-body/int-2^53+1": b'{"name":"a","size":9007199254740993}',
    "json-body/int-2^64": b'{"name":"a","size":18446744073709551616}',
    "json-body/name-is-number": b'{"@key":"123","name":123}',
    "json-body/proto": b'{"name":"a","__class__":"y","__proto__":{"x":1}}',
}
BAD = {
    "json-body/duplicate-key",
    "json-body/invalid-utf8",
    "json-body/item-is-null",
    "json-body/name-is-bool-1-true",
    "json-body/overflow-float",
    "json-body/overlong-utf8",
}
REFUSED = {
    "json-body/bom",
    "json-body/empty-body",
    "json-body/error-200",
    "json-body/infinity",
    "json-body/lone-low-surrogate",
    "json-body/lone-surrogate",
    "json-body/nan",
    "json-body/truncated-ndjson",
    "json-body/utf16",
}
TWO_LINES = "json-body/same-id-twice"
ANNOUNCED = {"json-body/shrunk", "json-body/total-is-string"}  # a matter of the guard


def bodies(hostile: Path) -> dict[str, bytes]:
    cases = json.loads((hostile / "corpus.json").read_text("ascii"))["cases"]
    return {case["id"]: base64.b64decode(case["b64"]) for case in cases if case["kind"] == "body"}


def test_every_hostile_body_is_exact_bad_or_refused(hostile: Path) -> None:
    verdicts = {name: verdict(text) for name, text in bodies(hostile).items()}
    for name in ANNOUNCED:
        verdicts.pop(name)
    assert verdicts.pop(TWO_LINES) == b'{"name":"a","v":1}{"name":"a","v":2}'
    expected = EXACT | dict.fromkeys(BAD, "bad") | dict.fromkeys(REFUSED, "refused")
    assert verdicts == expected


def verdict(text: bytes) -> bytes | str:
    try:
        results = found(text, "models", "name")
    except UnreadableSnapshot:
        return "refused"
    if any(isinstance(result, Bad) for result in results):
        return "bad"
    return b"".join(result.data for result in results if isinstance(result, Line))


def test_hostile_sizes_are_bad_records() -> None:
    deep = b'{"name":"a","v":' + b'{"a":' * 300 + b"1" + b"}" * 301
    long = body({"name": "k" * 70_000})
    text = b'{"models":[' + deep + b"," + long + b"]}"
    assert found(text, "models", "name") == [
        Bad("/models/0", "nested deeper than 64", "a"),
        Bad("/models/1", "the key is longer than 4096 bytes"),
    ]
