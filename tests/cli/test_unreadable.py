"""Files that are absent and versions that cannot be read: named once, with what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.archives import Archive
from support.git import new_repository
from support.histories import FILE, LATEST, History, document

if TYPE_CHECKING:
    from pathlib import Path

    from support.commandline import Archiver

SHAPE = ("--key", "id", "--records", "models")
ASKED = "say where the records are and which field is the key: --records PATH --key FIELD"
HINT = f"  hint: {ASKED}"
SUGGESTED = f'  hint: did you mean records = "models"? {ASKED}'
WRONG = ("--key", "id", "--records", "entries")


@pytest.fixture
def past(repo: Path) -> History:
    """Return a history of three versions."""
    history = History(repo)
    for day in (1, 2, 3):
        history.add(f"2026-01-0{day}T00:00:00Z", a=day)
    return history


def committed(past: History, *contents: str) -> list[str]:
    """Commit contents from the fourth day on; return the short ids."""
    days = enumerate(contents, start=4)
    return [past.commit(f"2026-01-0{day}T00:00:00Z", {FILE: text})[:10] for day, text in days]


@pytest.mark.parametrize(
    ("typed", "missing"),
    [
        (("a.json", "b.json"), ["a.json", "b.json"]),
        (("there.json", "b.json.gz"), ["b.json.gz"]),
        (("some/a.json", "HEAD"), ["some/a.json"]),
        (("a.json..there.json",), ["a.json"]),
        (("a.json",), ["a.json"]),
    ],
)
def test_files_that_are_absent_are_named(
    archiver: Archiver,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    typed: tuple[str, ...],
    missing: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.json").write_text(document(a=1))
    for shape in ((), SHAPE):
        done = archiver("compare", *typed, *shape)
        assert (done.returncode, done.stdout) == (5, "")
        lines = [f"archiver: there is no file {name}" for name in missing]
        assert done.stderr.splitlines() == lines


def test_in_a_repository_a_revision_may_be_named_like_a_file(
    archiver: Archiver, past: History
) -> None:
    about = ("--repo", past.folder, "--file", FILE, *SHAPE)
    past.git("branch", "fix.json", "HEAD~1")
    assert archiver("compare", "fix.json", *about).returncode == 0
    done = archiver("compare", "fox.json", *about)
    assert (done.returncode, done.stderr) == (5, "archiver: there is no file fox.json\n")


def test_of_two_plain_files_the_unreadable_one_is_named(archiver: Archiver, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(document(a=1))
    bad.write_text('{"error": 429}')
    done = archiver("compare", good, bad, *SHAPE)
    assert done.returncode == 5
    assert done.stderr.startswith(f'archiver: {bad} cannot be read: no "models" at the top level')
    assert "--records PATH --key FIELD" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("log",),
        ("log", "-f", "jsonl"),
        ("log", "--limit", "1"),
        ("compare",),
        ("changes", "--since", "2026-01-01"),
        ("changes", "--since", "2026-01-01", "--steps"),
        ("show", "a"),
    ],
)
def test_a_problem_of_every_version_is_named_once(
    archiver: Archiver, past: History, command: tuple[str, ...]
) -> None:
    newest, oldest = (past.git("rev-parse", name)[:10] for name in ("HEAD", "HEAD~2"))
    done = archiver(*command, "--repo", past.folder, "--file", FILE, *WRONG)
    assert (done.returncode, done.stdout) == (5, "")
    versions = f"3 versions, 2026-01-01 ({oldest}) to 2026-01-03 ({newest})"
    assert done.stderr.splitlines() == [
        f"archiver: no version of {FILE} can be read",
        f'archiver: {versions}: no "entries" at the top level (found: models)',
        SUGGESTED,
    ]


def test_a_problem_of_versions_in_a_row_is_named_once(archiver: Archiver, past: History) -> None:
    bad = (f'{{"error": {code}}}' for code in (429, 502, 503))
    ids = committed(past, *bad, document(a=1), "{")
    done = archiver("log", "--repo", past.folder, "--file", FILE, *SHAPE)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert [line for line in lines if "unreadable" in line] == [
        f"2026-01-08 00:00:00  {ids[4]}  unreadable",
        f"2026-01-06 00:00:00  {ids[2]}  unreadable",
    ]
    so = f"    so are 2 versions before it, back to 2026-01-04 00:00:00 ({ids[0]})"
    assert [line for line in lines if line.startswith("    so are")] == [so]
    assert done.stderr == "skipped: 4 unreadable versions\n"
    rows = archiver("log", "-f", "csv", "--repo", past.folder, "--file", FILE, *SHAPE)
    assert rows.stdout.count(",unreadable,") == 4


@pytest.mark.parametrize("command", [("list",), ("export",), ("compare", "HEAD~1", "HEAD")])
def test_a_newest_version_that_cannot_be_read_is_named(
    archiver: Archiver, past: History, command: tuple[str, ...]
) -> None:
    (torn,) = committed(past, '{"error": 429}')
    done = archiver(*command, "--repo", past.folder, "--file", FILE, *SHAPE)
    assert (done.returncode, done.stdout) == (5, "")
    reason = 'no "models" at the top level (found: error)'
    assert done.stderr.splitlines() == [
        f"archiver: {FILE} of 2026-01-04 ({torn}) cannot be read: {reason}",
        HINT,
    ]


def test_of_a_source_the_hint_names_its_settings(archiver: Archiver, past: History) -> None:
    past.configure()
    past.commit("2026-01-05T00:00:00Z", {LATEST: '{"error": 429}'})
    done = archiver("list", "--repo", past.folder)
    assert done.returncode == 5
    assert "`records` and `key` in archiver.toml" in done.stderr
    assert "--records" not in done.stderr


def test_without_archiver_toml_a_file_can_be_named(archiver: Archiver, past: History) -> None:
    done = archiver("log", "--repo", past.folder)
    assert done.returncode == 2
    assert "--file PATH --records PATH --key FIELD" in done.stderr


def lost(past: History, name: str, how: str) -> str:
    """Remove an object, or break it; return its id."""
    oid = past.git("rev-parse", name).strip()
    path = past.folder / ".git" / "objects" / oid[:2] / oid[2:]
    path.chmod(0o644)
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(b"" if how == "empty" else b"no zlib")
    return oid


@pytest.mark.parametrize("how", ["gone", "empty", "broken"])
def test_one_lost_object_hides_no_other_version(
    archiver: Archiver, past: History, how: str
) -> None:
    about = ("--repo", past.folder, "--file", FILE, *SHAPE)
    commit = past.git("rev-parse", "HEAD~1").strip()
    oid = lost(past, f"HEAD~1:{FILE}", how)
    log = archiver("log", *about)
    assert (log.returncode, log.stderr) == (0, "skipped: 1 unreadable version\n")
    lines = [line for line in log.stdout.splitlines() if line.startswith("2026")]
    assert [line.split("  ")[2] for line in lines] == [
        "1 updated (1 record)",
        "unreadable",
        "first snapshot (1 record)",
    ]
    assert f"    object {oid} is " in log.stdout
    called = f"2026-01-02 ({commit[:10]}) cannot be read: object {oid} is "
    for command in (
        ("show", "a"),
        ("changelog",),
        ("changes", "--since", "2026-01-01", "--steps"),
        ("changes", "--since", "2026-01-01", "--at", "HEAD~1"),
    ):
        done = archiver(*command, *about)
        assert (done.returncode, called in done.stderr) == (0, True), (command, done.stderr)
    asked = archiver("list", "--at", "HEAD~1", *about)
    assert (asked.returncode, called in asked.stderr) == (5, True)
    assert "--records" not in asked.stderr


@pytest.mark.parametrize("name", ["HEAD~1", "HEAD~1^{tree}"])
def test_a_lost_commit_or_folder_ends_it_in_one_sentence(
    archiver: Archiver, past: History, name: str
) -> None:
    about = ("--repo", past.folder, "--file", FILE, *SHAPE)
    oid = lost(past, name, "gone")
    for command in (("log",), ("show", "a"), ("changelog",), ("changes", "--since", "2026-01-01")):
        done = archiver(*command, *about)
        assert (done.returncode, done.stdout) in [(5, ""), (5, "# Changelog of models.json\n")]
        assert done.stderr.splitlines() == [
            f"archiver: object {oid} is missing or damaged: git log ends at it",
            "  hint: fetch it again from a clone that has it, see `git fsck`",
        ]


def test_lost_tombstones_and_a_lost_size_are_named(archiver: Archiver, past: History) -> None:
    past.configure()
    stones = '{"key":"b","since":"2026-01-05 00:00:00","cause":"listing"}\n'
    past.capture("2026-01-05T00:00:00Z", a=1, b=1)
    past.capture("2026-01-06T00:00:00Z", a=1)
    past.commit("2026-01-06T01:00:00Z", {"data/hub/removed.jsonl": stones})
    past.capture("2026-01-07T00:00:00Z", a=2)
    past.capture("2026-01-08T00:00:00Z", a=3, c=1)
    oid = lost(past, "HEAD:data/hub/removed.jsonl", "gone")
    log = archiver("log", "--repo", past.folder)
    assert log.returncode == 0
    assert f"object {oid} is missing" in log.stdout
    lost(past, f"HEAD:{LATEST}", "gone")
    status = archiver("status", "--repo", past.folder)
    assert status.returncode == 5
    assert "is missing or damaged" in status.stderr


def linked(past: History, kind: str) -> str:
    """Commit something else than a file in the place of the newest; return what it is called."""
    file = past.folder / LATEST
    if kind == "link":
        file.unlink()
        file.symlink_to("/etc/hostname")
        words = "it is a symbolic link"
    elif kind == "folder":
        file.unlink()
        file.mkdir()
        (file / "x").write_text("1")
        words = "it is a folder"
    elif kind == "submodule":
        past.git("rm", "--quiet", "--cached", LATEST)
        tip = past.git("rev-parse", "HEAD").strip()
        past.git("update-index", "--add", "--cacheinfo", f"160000,{tip},{LATEST}")
        words = "it is a submodule"
    else:
        file.parent.rename(past.folder.parent / "elsewhere")
        file.parent.symlink_to("../../elsewhere")
        words = "data/hub is a symbolic link"
    if kind != "submodule":
        past.git("add", "--all", "data")
    past.git("commit", "--quiet", "--date=2026-01-09T00:00:00Z", "-m", "something else")
    return words


@pytest.mark.parametrize("kind", ["link", "folder", "submodule", "linked folder"])
def test_what_is_no_file_is_named_as_what_it_is(
    archiver: Archiver, past: History, kind: str
) -> None:
    past.configure()
    past.capture("2026-01-05T00:00:00Z", a=1)
    past.capture("2026-01-06T00:00:00Z", a=2)
    words = linked(past, kind)
    commit = past.git("rev-parse", "HEAD").strip()[:10]
    about = ("--repo", past.folder)
    log = archiver("log", *about)
    assert (log.returncode, log.stdout.splitlines()[1]) == (0, f"    {words}")
    assert "1 updated (1 record)" in log.stdout
    said = f"2026-01-09 ({commit}) cannot be read: {words}"
    for command in (("list",), ("compare", "HEAD~1", "HEAD"), ("search", "a")):
        done = archiver(*command, *about)
        assert (done.returncode, done.stderr) == (5, f"archiver: {LATEST} of {said}\n")
    for command in (("show", "a"), ("compare",), ("changes", "--since", "2026-01-05")):
        done = archiver(*command, *about)
        assert (done.returncode, said in done.stderr) == (0, True)
    verified = archiver("verify", *about)
    assert verified.returncode == 5
    assert f"{commit} {LATEST}: {words}\n" in verified.stdout + verified.stderr


def test_a_stamped_file_that_is_a_link_is_named(archiver: Archiver, past: History) -> None:
    past.configure()
    past.capture("2026-01-05T00:00:00Z", a=1)
    stamped = past.folder / "data/hub/snapshots/hub_models_20260105_000000.json"
    stamped.unlink()
    stamped.symlink_to("../latest.json")
    past.git("add", "--all")
    past.git("commit", "--quiet", "-m", "a link")
    verified = archiver("verify", "--repo", past.folder)
    assert verified.returncode == 5
    assert f"{stamped.name}: it is a symbolic link" in verified.stdout + verified.stderr


def test_where_a_foreign_file_is_a_link_the_other_versions_follow(
    archiver: Archiver, past: History
) -> None:
    file = past.folder / FILE
    file.rename(past.folder / "moved.json")
    file.symlink_to("moved.json")
    past.git("add", "--all")
    past.git("commit", "--quiet", "--date=2026-01-04T00:00:00Z", "-m", "a link")
    file.unlink()
    past.add("2026-01-05T00:00:00Z", a=5)
    log = archiver("log", "--repo", past.folder, "--file", FILE, *SHAPE)
    assert log.returncode == 0
    assert log.stdout.count("it is a symbolic link") == 1
    assert log.stdout.count("1 updated (1 record)") == 3


@pytest.mark.parametrize("place", [LATEST, "data/hub", "data", "data/hub/CHANGELOG.md"])
def test_a_run_writes_through_no_link(archiver: Archiver, tmp_path: Path, place: str) -> None:
    archive = Archive(new_repository(tmp_path / "repo"))
    archive.configure()
    archive.captured(a=1)
    outside = tmp_path / "outside"
    moved = archive.folder / place
    moved.rename(outside)
    moved.symlink_to(outside)
    before = {path: path.read_bytes() for path in (outside, *outside.rglob("*")) if path.is_file()}
    tip = archive.git("rev-parse", "HEAD")
    archive.lists(a=2, b=1)
    done = archiver("run", "--repo", archive.folder)
    assert done.returncode == 5
    assert f"{moved} is a symbolic link\n  hint: move it out of the way\n" in done.stderr
    after = {path: path.read_bytes() for path in (outside, *outside.rglob("*")) if path.is_file()}
    assert (after, archive.git("rev-parse", "HEAD")) == (before, tip)
