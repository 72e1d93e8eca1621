"""With the driver, git's own commands read as changes of records."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from driver.conftest import FIRST, LATEST, SECOND, changed, commit, install, said, snapshot_of
from support.commandline import run_archiver
from support.git import run_git
from support.hostile_texts import TEXTS

from archiver.driver import textconv
from archiver.records.canonical import Header, head, shard_name
from archiver.records.text import visible

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NEWS = [
    '-"timestamp": "2026-01-01 12:00:00",',
    '+"timestamp": "2026-01-02 12:00:00",',
    '- "license":"mit"',
    '+ "license":"other"',
    '- "tags":["x"]},',
    '+ "tags":["x"',
    '+ "z"]},',
    '-record {"id":"c/three"',
    '- "downloads":3',
    '- "license":"mit"},',
    '+record {"id":"d/four"',
    '+ "downloads":4},',
]


@pytest.mark.parametrize(
    "command", [("log", "-p", "-1"), ("show",), ("diff", "--no-ext-diff", "HEAD~")]
)
def test_log_and_show_print_one_line_for_each_value_that_differs(
    archive: Path, command: tuple[str, ...]
) -> None:
    found = changed(run_git(archive, *command))
    assert sorted(found) == sorted(NEWS)


def test_a_hunk_names_its_record(archive: Path) -> None:
    many = [{"id": f"m/{n}", **{f"f{i}": i for i in range(9)}} for n in range(3)]
    commit(archive, LATEST, snapshot_of(many, 3))
    many[1]["f8"] = "new"
    commit(archive, LATEST, snapshot_of(many, 4))
    hunks = [line for line in run_git(archive, "show").splitlines() if line.startswith("@@")]
    assert hunks[1].endswith('@@ record {"id":"m/1"')


def test_diff_prints_what_compare_does(archive: Path) -> None:
    ours = run_archiver(
        "compare", "HEAD~", "HEAD", "--file", LATEST, "--repo", archive
    ).stdout.splitlines()
    theirs = run_git(archive, "diff", "HEAD~").splitlines()
    assert theirs[0] == f"diff --archiver a/{LATEST} b/{LATEST}"
    assert theirs[2:-1] == ours[1:-1]
    assert "- c/three" in theirs
    assert theirs[-1].partition(": ")[2] == ours[-1].partition(": ")[2]


def test_diff_knows_what_archiver_toml_says_of_the_source(archive: Path) -> None:
    (archive / "archiver.toml").write_text(
        '[sources.hub]\ntype = "json"\nurl = "x.json"\nkey = ["id"]\nmetrics = ["downloads"]\n'
    )
    (archive / LATEST).write_bytes(snapshot_of([{**SECOND[0], "downloads": 9}, *SECOND[1:]], 3))
    assert run_git(archive, "diff", "--", LATEST).splitlines()[-1] == (
        "hub: 1 metric changed (3 records)"
    )


def test_stat_and_patches_for_others_stay_as_they_are(plain: Path) -> None:
    asked = (["diff", "--stat", "HEAD~"], ["log", "--stat"], ["format-patch", "--stdout", "-1"])
    before = [run_git(plain, *each) for each in asked]
    install(plain)
    assert [run_git(plain, *each) for each in asked] == before


def test_what_is_staged_and_what_is_not_are_compared(archive: Path) -> None:
    (archive / LATEST).write_bytes(snapshot_of(FIRST, 3))
    assert "+ c/three" in run_git(archive, "diff")
    run_git(archive, "add", "--all")
    assert run_git(archive, "diff") == ""
    assert "+ c/three" in run_git(archive, "diff", "--cached")


def test_new_deleted_and_renamed_files_and_modes_are_named(archive: Path) -> None:
    run_git(archive, "mv", "data/hub", "data/other")
    moved = run_git(archive, "diff", "--cached", "-M").splitlines()
    assert f"rename from {LATEST}" in moved
    run_git(archive, "commit", "--quiet", "--message=move")
    assert "rename to data/other/latest.json" in run_git(archive, "show").splitlines()
    file = archive / "data/other/latest.json"
    file.chmod(0o755)
    assert run_git(archive, "diff").splitlines()[1:3] == ["old mode 100644", "new mode 100755"]
    file.unlink()
    gone = run_git(archive, "diff").splitlines()
    assert gone[1] == "deleted file mode 100644"
    assert {"- a/one", "- b/two", "- d/four"} <= set(gone)
    (archive / LATEST).parent.mkdir()
    (archive / LATEST).write_bytes(snapshot_of(FIRST))
    run_git(archive, "add", LATEST)
    new = run_git(archive, "diff", "--cached", "--no-renames", "--", LATEST).splitlines()
    assert new[1] == "new file mode 100644"
    assert "+ a/one" in new


def test_a_merge_is_shown_by_its_values(archive: Path) -> None:
    run_git(archive, "checkout", "--quiet", "-b", "side", "HEAD~")
    commit(archive, LATEST, snapshot_of([*FIRST, {"id": "z/side"}], 3))
    run_git(archive, "checkout", "--quiet", "main")
    clash = said(archive, "merge", "side")
    assert clash.returncode == 1
    shown = said(archive, "diff")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert said(archive, "diff", "--cached").stdout == f"* Unmerged path {LATEST}\n"
    (archive / LATEST).write_bytes(snapshot_of([*SECOND, {"id": "z/side"}, {"id": "e/vil"}], 4))
    run_git(archive, "commit", "--all", "--quiet", "--message=merge")
    assert '++record {"id":"e/vil"},' in run_git(archive, "show").splitlines()


def test_blame_names_the_commit_of_each_value(archive: Path) -> None:
    lines = run_git(archive, "blame", "--textconv", "--show-name", "-s", LATEST).splitlines()
    first, second = run_git(archive, "log", "--format=%h", "--reverse").split()
    by_text = {line.partition(") ")[2]: line.lstrip("^")[:7] for line in lines}
    assert by_text['record {"id":"a/one"'] == first
    assert by_text[' "license":"other"'] == second


def test_what_is_searched_for_is_found_where_it_is_stored(archive: Path) -> None:
    found = run_git(archive, "log", "--format=%s", "-G", '"license":"other"').splitlines()
    assert found == ["capture"]
    assert len(run_git(archive, "log", "--format=%h", "-S", "a/one").split()) == 1


def test_parts_are_shown_each_for_itself_and_their_index_as_text(repo: Path) -> None:
    install(repo)
    for day, records in enumerate((FIRST, SECOND), 1):
        shards: dict[str, tuple[int, str]] = {f"{n:x}": (0, "0" * 64) for n in range(16)}
        for record in records:
            name = shard_name(str(record["id"]), 16)
            commit(repo, f"data/hub/latest/{name}.json", snapshot_of([record], day))
            shards[name] = (1, "1" * 64)
        header = Header("hub", f"2026-01-0{day} 12:00:00", 3, shards)
        commit(repo, LATEST, head(header))
    shown = run_git(repo, "log", "-p", "--format=")
    assert '+ "license":"other"' in shown
    assert '+"total_models": 3,' in shown
    compared = run_git(repo, "diff", "HEAD~4")
    assert "    license: mit → other" in compared
    assert "shown as text: it names the parts that hold the records" in compared


def test_a_document_of_others_is_read_by_the_settings_of_git_alone(repo: Path) -> None:
    (repo / ".gitattributes").write_text("*.data diff=archiver\n")
    install(repo, "--records", "all.models", "--key", "name")
    for licence in ("mit", 'it\'s "$(touch owned)" `touch owned`'):
        models = [{"name": "b", "license": licence}, {"name": "a"}]
        commit(repo, "my models.data", json.dumps({"all": {"models": models}}, indent=2).encode())
    assert changed(run_git(repo, "show"))[0] == '- "license":"mit"},'
    assert run_git(repo, "diff", "HEAD~").splitlines()[2].startswith("~ b")
    assert not (repo / "owned").exists()


def test_every_hostile_text_stays_text(blob: Callable[[bytes], str]) -> None:
    records = [{"id": f"r{n:03}", "text": text} for n, text in enumerate(TEXTS.values())]
    usable = [each for each in records if str(each["text"]).isascii() or _is_unicode(each["text"])]
    shown = blob(snapshot_of(usable))
    assert len(changed(shown)) > len(usable)
    for line in shown.splitlines():
        assert visible(line) == line
        assert "##[" not in line


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def test_the_fast_look_sees_every_character_that_is_made_visible() -> None:
    unseen = [
        code
        for code in range(0x20, 0x110000)
        if not 0xD800 <= code < 0xE000
        and visible(chr(code)) != chr(code)
        and not textconv.hides(chr(code).encode())
    ]
    assert unseen == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b'{"models": [{"id": "a"', "truncated"),
        (b"<html>502 Bad Gateway\x1b[2J</html>", "not JSON"),
        (b"<<<<<<< HEAD\n{}\n=======\n>>>>>>> x\n", "the file holds conflict markers"),
        (b"\xff\xfe\xfd", "shown as text"),
        (b"[" * 100_000, "shown as text"),
        (b"\0\1\2" * 3000, "binary, 9,000 bytes"),
        (snapshot_of(FIRST)[:-40], "the snapshot ends too early (truncated)"),
        (snapshot_of(FIRST).replace(b"\n{", b"\n<<<<<<< HEAD\n{", 1), "<<<<<<< HEAD"),
    ],
)
def test_what_is_no_snapshot_is_shown_as_text_with_a_line_that_says_why(
    blob: Callable[[bytes], str], content: bytes, reason: str
) -> None:
    shown = blob(content)
    assert reason in shown
    assert "\x1b" not in shown


def test_diff_shows_what_is_no_snapshot_as_text_with_a_line_that_says_why(archive: Path) -> None:
    (archive / LATEST).write_bytes(b'{"error":\x1b "\xe2\x80\xae"')
    done = said(archive, "diff")
    assert (done.returncode, done.stderr) == (0, "")
    assert "archiver: no snapshot, shown as text: not JSON" in done.stdout
    assert r'+{"error":\x1b "\u202e"' in done.stdout
    (archive / LATEST).write_bytes(snapshot_of(FIRST)[:-30])
    assert "shown as text: the snapshot ends too early" in said(archive, "diff").stdout


def test_a_huge_line_and_much_text_that_hides_are_shown(blob: Callable[[bytes], str]) -> None:
    shown = blob(
        snapshot_of([{"id": "a", "text": "x" * 3_000_000}, {"id": "b", "t": "\u202e" * 9}])
    )
    assert "x" * 3_000_000 in shown
    assert r"\u202e" * 9 in shown


@pytest.mark.parametrize(
    "records", [[], [{"id": "a"}], [{"id": 7}], [{"id": 'a,"b', "x": "},\n{,"}]]
)
def test_every_member_of_a_small_catalogue_is_shown(
    blob: Callable[[bytes], str], records: list[dict[str, object]]
) -> None:
    shown = blob(snapshot_of(records))
    for record in records:
        assert json.dumps(record["id"]) in shown
