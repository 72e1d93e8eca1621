"""Where a source has a label, people read it beside the key, in every output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.archives import Archive
from support.commandline import run_archiver

if TYPE_CHECKING:
    from pathlib import Path

ID = "0d1b3f6e-7c0e-4f7d-9d5e-0a4b8f1c2d3e"
HOSTILE = "<b>*x*\x1b[31m\n# y</b>"
QUESTIONS = (
    ("compare",),
    ("compare", "-f", "markdown"),
    ("compare", "-f", "html"),
    ("changes", "--since", "2020-01-01", "--steps"),
    ("changelog",),
    ("list",),
    ("search", "tool"),
    ("show", ID),
    ("show", ID, "-f", "html"),
)


@pytest.fixture
def archive(repo: Path) -> Archive:
    found = Archive(repo)
    found.configure(label="about.name", metrics=["n"])
    return found


def lists(archive: Archive, name: str, **more: int) -> None:
    rows: list[dict[str, Any]] = [
        {"id": ID, "about": {"name": name}, **more},
        {"id": "plain", "about": {"name": None}},
    ]
    archive.lists(rows)


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_people_read_the_label_and_the_key(archive: Archive, question: tuple[str, ...]) -> None:
    lists(archive, "A tool", v=1)
    archive.run()
    lists(archive, "A tool", v=2)
    archive.run()
    name, *rest = question
    shown = run_archiver(name, "--repo", archive.folder, *rest)
    assert shown.returncode == 0, shown.stderr
    assert "A tool" in shown.stdout
    assert ID in shown.stdout
    assert f"  ~ A tool ({ID})" in archive.git("log", "-1", "--format=%B")
    assert f"A tool ({ID})" in (archive.folder / "data/hub/CHANGELOG.md").read_text()


def test_a_removed_record_has_its_last_label(archive: Archive) -> None:
    archive.configure(label="about.name", confirmations=1, max_shrink=1)
    lists(archive, "A tool")
    archive.run()
    archive.captured(plain=1)
    assert f"- A tool ({ID})" in archive.git("log", "-1", "--format=%B")
    assert f"- A tool ({ID})\n" in run_archiver("compare", "--repo", archive.folder).stdout


def test_the_note_of_missing_records_names_the_label(archive: Archive) -> None:
    archive.configure(label="about.name", confirmations=2, max_shrink=1)
    lists(archive, "A tool")
    archive.run()
    archive.lists([{"id": "plain"}])
    (note,) = [each for each in archive.run().notes if each.startswith("missing: ")]
    assert note.endswith(f": A tool ({ID})")


def test_a_label_in_place_of_a_key_is_answered_with_the_key(archive: Archive) -> None:
    lists(archive, "A tool")
    archive.run()
    asked = run_archiver("show", "a TOOL", "--repo", archive.folder)
    assert asked.returncode == 5
    assert f"did you mean A tool ({ID})?" in asked.stderr


def test_a_check_names_the_label_too(archive: Archive) -> None:
    archive.configure(label="about.name", confirmations=1, max_shrink=1)
    lists(archive, "A tool")
    archive.run()
    archive.captured(plain=1)
    (archive.folder / "pins.txt").write_text(f"{ID}\n")
    found = run_archiver("check", archive.folder / "pins.txt", "--repo", archive.folder)
    assert found.returncode == 1
    assert f"removed  A tool ({ID})  " in found.stdout


def test_programs_read_the_key_and_the_label(archive: Archive) -> None:
    lists(archive, "A tool")
    archive.run()
    lists(archive, "Another tool")
    archive.run()
    out = run_archiver("compare", "-f", "jsonl", "--repo", archive.folder).stdout
    assert f'"key":"{ID}"' in out
    assert '"label":"Another tool"' in out


def test_a_hostile_label_is_text(archive: Archive) -> None:
    lists(archive, HOSTILE, v=1)
    archive.run()
    lists(archive, HOSTILE, v=2)
    archive.run()
    page = run_archiver("compare", "-f", "html", "--repo", archive.folder).stdout
    assert "<b>*x*" not in page
    text = run_archiver("compare", "--repo", archive.folder).stdout
    assert "\x1b" not in text
    assert len([line for line in text.splitlines() if line.startswith("~")]) == 1
    assert "\n# y" not in archive.git("log", "-1", "--format=%B")
    markdown = run_archiver("compare", "-f", "markdown", "--repo", archive.folder).stdout
    assert "\n# y" not in markdown
    assert " <b>" not in markdown
