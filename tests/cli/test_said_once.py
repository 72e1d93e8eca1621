"""Catalogue-wide changes, possible renames and null, typed as people type them."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from support.archives import Archive
from support.hostile_texts import TEXTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.commandline import Archiver

    Records = list[dict[str, Any]]

FORMS_FOR_PEOPLE = ("text", "markdown", "html")


def region_and_tags(number: int = 300) -> tuple[Records, Records]:
    """Return case 7: all records gain ``region``, and their ``tags`` are reversed."""
    old: Records = [{"id": f"m{n:03}", "v": n, "tags": ["a", f"t{n}"]} for n in range(number)]
    new: Records = [{**each, "tags": each["tags"][::-1], "region": "eu"} for each in old]
    return old, new


@pytest.fixture
def compare(archiver: Archiver, tmp_path: Path) -> Callable[..., str]:
    """Return what compares two arrays of records and returns what was said."""

    def compared(old: Records, new: Records, *more: str) -> str:
        for name, some in (("old", old), ("new", new)):
            (tmp_path / f"{name}.json").write_text(json.dumps(some))
        files = (tmp_path / "old.json", tmp_path / "new.json")
        done = archiver("compare", *files, "--records", ".", "--key", "id", *more)
        assert done.stderr == "" or "--field" in more
        assert done.returncode in (0, 1)
        return str(done.stdout)

    return compared


def test_three_hundred_records_that_change_alike_are_two_lines(
    compare: Callable[..., str], tmp_path: Path
) -> None:
    old, new = region_and_tags()
    assert compare(old, new).splitlines() == [
        f"new.json: {tmp_path}/old.json → {tmp_path}/new.json",
        "* region: added to 300 of 300",
        '* tags: order changed in 300 of 300; sets = ["tags"] would ignore it',
        "  (--all lists each record)",
        "new.json: 300 updated (300 records)",
    ]


def test_all_lists_every_record_and_says_that_an_order_changed(
    compare: Callable[..., str],
) -> None:
    old, new = region_and_tags()
    lines = compare(old, new, "--all").splitlines()
    assert lines[1:4] == ["~ m000", "    region: (unset) → eu", "    tags: order changed"]
    assert len(lines) == 2 + 3 * 300
    assert compare(old[:1], new[:1]).splitlines()[1:4] == lines[1:4]


@pytest.mark.parametrize("form", FORMS_FOR_PEOPLE)
def test_every_form_for_people_folds_and_every_form_for_programs_has_all(
    compare: Callable[..., str], form: str
) -> None:
    old, new = region_and_tags()
    new[7]["v"] = -1
    page = compare(old, new, "-f", form)
    assert "region: added to 300 of 300" in page
    assert [*dict.fromkeys(re.findall(r"m\d\d\d", page))] == ["m007"]
    assert len(set(re.findall(r"m\d\d\d", compare(old, new, "-f", form, "--all")))) == 300
    assert len(set(re.findall(r"m\d\d\d", compare(old, new, "-f", form, "--name-only")))) == 300
    whole = json.loads(compare(old, new, "-f", "json"))
    assert len(whole["updated"]) == whole["summary"]["updated"] == 300
    *lines, end = map(json.loads, compare(old, new, "-f", "jsonl").splitlines())
    assert (len(lines), end["fields"]) == (300, whole["fields"])
    rows = [*csv.DictReader(io.StringIO(compare(old, new, "-f", "csv")))]
    assert len({row["key"] for row in rows}) == 300


def test_the_public_form_says_what_happened_to_fields_and_fulfils_its_schema(
    compare: Callable[..., str], archiver: Archiver
) -> None:
    schema = json.loads(archiver("schema", "changes").stdout)
    old, new = region_and_tags()
    gone = {"id": "Org/Model-A", "v": 1}
    found = json.loads(compare([*old, gone], [*new, {**gone, "id": "org/model-a"}], "-f", "json"))
    jsonschema.validate(found, schema)
    assert found["schema"] == "archiver/changes/2"
    assert found["fields"] == [
        {"path": "/region", "what": "added", "records": 300, "total": 300, "severity": "info"},
        {"path": "/tags", "what": "reordered", "records": 300, "total": 300, "severity": "info"},
    ]
    assert found["possible_renames"] == [{"from": "Org/Model-A", "to": "org/model-a"}]
    for more, part in (("--stat", "EndOfStream"), ("--name-only", "Names")):
        head = json.loads(compare(old, new, "-f", "json", more))
        jsonschema.validate(head, {"$ref": f"#/$defs/{part}", "$defs": schema["$defs"]})


def test_folding_changes_no_count_and_no_exit_code(
    compare: Callable[..., str], archiver: Archiver, tmp_path: Path
) -> None:
    old: Records = [{"id": f"m{n}", "license": "mit", "v": n} for n in range(40)]
    new: Records = [
        {**each, "license": "gpl-3.0", "v": each["v"] + (each["id"] == "m3")} for each in old
    ]
    lines = compare(old, new).splitlines()
    assert lines[1:] == [
        "* license: changed in 40 of 40 (breaking)",
        "  (--all lists each record)",
        "~ m3",
        "    v: 3 → 4",
        "new.json: 40 updated (40 records)",
    ]
    files = (tmp_path / "old.json", tmp_path / "new.json", "--records", ".", "--key", "id")
    told = [
        archiver("compare", *files, "--fail-on", "breaking", *more)
        for more in ((), ("--all",), ("-f", "json"))
    ]
    assert [(each.returncode, each.stderr) for each in told] == [(1, told[0].stderr)] * 3
    assert "40" in told[0].stderr


def test_a_limit_is_spent_on_what_is_left(compare: Callable[..., str]) -> None:
    old, new = region_and_tags()
    for place in (250, 270, 290):
        new[place]["v"] = -1
    lines = compare(old, new, "--limit", "2").splitlines()
    assert [line for line in lines if line.startswith("~")] == ["~ m250", "~ m270"]
    assert "… and 1 more" in lines


def test_who_asks_for_a_field_or_for_some_records_is_told_of_each(
    compare: Callable[..., str],
) -> None:
    old, new = region_and_tags(30)
    assert compare(old, new, "--field", "region").count("(unset) → eu") == 30
    assert compare(old, new, "--where", "v >= 0").count("(unset) → eu") == 30


@pytest.mark.parametrize("form", FORMS_FOR_PEOPLE)
def test_hostile_names_of_fields_do_no_harm_in_the_lines_that_say_it_once(
    compare: Callable[..., str], form: str
) -> None:
    names = [each for each in TEXTS.values() if each != "id" and "\ud83d" not in each][:40]
    old = [{"id": f"m{n}"} for n in range(30)]
    new = [{**each, **dict.fromkeys(names, 1)} for each in old]
    page = compare(old, new, "-f", form)
    assert page.count("30 of 30") == len(set(names))
    assert not set("\x1b\x07\x9b\u202e\u2066") & set(page)
    assert "<script" not in page.partition("<body")[2] or form != "html"


def test_a_key_of_another_case_is_a_hint_beside_what_is_gone_and_new(
    compare: Callable[..., str],
) -> None:
    record = {"v": 1, "text": "same"}
    old, new = [{"id": "Org/Model-A", **record}], [{"id": "org/model-a", **record}]
    assert compare(old, new).splitlines()[1:] == [
        "- Org/Model-A (possible rename: org/model-a)",
        "+ org/model-a (possible rename: Org/Model-A)",
        "new.json: +1 new, -1 removed (1 record)",
    ]
    assert compare(old, new, "--renames", "exact").splitlines()[1:] == [
        "= Org/Model-A → org/model-a",
        "new.json: 1 renamed (1 record)",
    ]
    assert "+1 new, -1 removed" in compare(old, new, "--stat")
    assert "1 renamed" in compare(old, new, "--stat", "--renames", "exact")


def test_null_is_a_value_unless_it_is_said_to_be_absent(compare: Callable[..., str]) -> None:
    old: Records = [{"id": "1"}, {"id": "2", "a": {"b": 1}}, {"id": "3", "n": None}]
    new: Records = [{"id": "1", "n": None}, {"id": "2", "a": {"b": 1, "c": None}}, {"id": "3"}]
    new.append({"id": "4", "n": None})
    assert "n: (unset) → null" in compare(old, new)
    assert "3 updated" in compare(old, new, "--stat")
    for form in ("text", "jsonl"):
        page = compare(old, new, "--null", "absent", "-f", form)
        assert ("+1 new (4 records)" in page) or '"updated":0' in page
    assert "+1 new (4 records)" in compare(old, new, "--null", "absent", "--stat")
    one: Records = [{"id": "1", "n": 5}]
    assert "n: 5 → (unset)" in compare(one, [{"id": "1", "n": None}], "--null", "absent")
    elements = [{"id": "1", "n": [1]}], [{"id": "1", "n": [1, None]}]
    assert "1 updated" in compare(*elements, "--null", "absent"), "an element is no member"


@pytest.fixture
def archive(repo: Path) -> Archive:
    """Return an archive of case 7, captured twice, that tells a file."""
    found = Archive(repo)
    found.configure('[notify.log]\ntype = "file"\npath = "told.txt"\n')
    with (repo / "archiver.toml").open("a") as file:
        file.write("\n")
    return found


def test_a_capture_says_it_once_in_its_commit_its_changelog_and_its_message(
    archive: Archive, archiver: Archiver
) -> None:
    old, new = region_and_tags(60)
    new[50]["v"] = -1
    archive.lists(old)
    archive.run()
    archive.lists(new)
    report = archive.run()
    assert (report.summary.updated, report.told) == (60, 59)
    message = archive.git("log", "-1", "--format=%B")
    section = archiver("changelog", "--repo", archive.folder, "--limit", "1").stdout
    for page in (message, section):
        assert page.count("region: added to 60 of 60") == 1
        assert "m050" in page
        assert "m000" not in page
    archiver("run", "--repo", archive.folder)
    steps = archiver("changes", "--steps", "--repo", archive.folder, "--since", "2026-01-01").stdout
    assert steps.count("added to 60 of 60") == 1


def test_the_index_and_git_agree_where_null_is_absent_and_renames_are_exact(
    repo: Path, archiver: Archiver
) -> None:
    archive = Archive(repo)
    archive.configure(null="absent", renames="exact", confirmations=1, max_shrink=1.0)
    same = {"v": 7, "tags": ["x"]}
    versions: list[Records] = [
        [{"id": "a", **same}, {"id": "b", "n": 1}, {"id": "c"}],
        [{"id": "z", **same}, {"id": "b", "n": None}, {"id": "c", "n": None}],
        [{"id": "z", **same}, {"id": "b"}, {"id": "c"}, {"id": "d", "n": None}],
        [{"id": "z", **same, "n": {"a": None}}, {"id": "b"}, {"id": "c"}],
    ]
    for records in versions:
        archive.lists(records)
        archive.run(accept=True)
    plain = archiver("log", "--repo", repo, "-f", "json", "--no-index").stdout
    archiver("index", "--repo", repo)
    assert json.loads(archiver("log", "--repo", repo, "-f", "json").stdout) == json.loads(plain)
    sums = [each["summary"] for each in json.loads(plain) if each["summary"]]
    counts = [{kind: number for kind, number in each.items() if number} for each in sums]
    assert counts[:3] == [
        {"updated": 1, "removed": 1, "unchanged": 2},
        {"new": 1, "unchanged": 3},
        {"renamed": 1, "updated": 1, "unchanged": 1},
    ]
