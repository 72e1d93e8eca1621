"""Files that are absent and versions that cannot be read: named once, with what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.histories import FILE, LATEST, History, document

if TYPE_CHECKING:
    from pathlib import Path

    from support.commandline import Archiver

SHAPE = ("--key", "id", "--records", "models")
HINT = "  hint: where are its records, and what is their key? --records PATH --key FIELD"
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
    assert done.stderr.startswith(f'archiver: {bad} cannot be read: no "models" at the top')
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
        f'archiver: {versions}: no "entries" at the top (there: models)',
        HINT,
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
    reason = 'no "models" at the top (there: error)'
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
