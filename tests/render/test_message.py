"""Commit messages: a subject that fits, a body that says what it leaves out, our trailers only."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from support.hostile_texts import TEXTS

from archiver.records.model import FieldChange, RecordChange, Summary
from archiver.records.text import width
from archiver.render.commit_message import message, subject

if TYPE_CHECKING:
    from pathlib import Path

TRAILERS = {"Archiver-Source": "modelscope", "Archiver-Total": "2845"}


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        (
            Summary(new=12, updated=34, removed=2, metrics=812),
            "modelscope: +12 new, 34 updated, -2 removed (2,845 records)",
        ),
        (Summary(metrics=812), "modelscope: 812 metrics changed (2,845 records)"),
        (Summary(metrics=1), "modelscope: 1 metric changed (2,845 records)"),
        (Summary(returned=1, left=3), "modelscope: 1 returned, -3 left (2,845 records)"),
        (Summary(unchanged=9), "modelscope: no changes (2,845 records)"),
    ],
)
def test_the_subject_names_what_happened(summary: Summary, expected: str) -> None:
    assert subject("modelscope", summary, 2845) == expected


def test_the_first_snapshot_says_so() -> None:
    written = message(
        source="modelscope", total=2845, summary=Summary(new=2845), trailers=TRAILERS, first=True
    )
    assert written == (
        "modelscope: first snapshot (2,845 records)\n\n"
        "Archiver-Source: modelscope\nArchiver-Total: 2845\n"
    )


@pytest.mark.parametrize("source", ["modelscope", "a-source-with-a-very-long-name", "模型" * 20])
def test_the_subject_never_takes_more_than_72_columns(source: str) -> None:
    kinds = ("new", "updated", "removed", "returned", "renamed", "entered", "left")
    summary = Summary(**dict.fromkeys(kinds, 123_456))
    assert width(subject(source, summary, 10**9)) <= 72


def test_a_long_list_is_capped_and_says_how_many_more() -> None:
    changes = (RecordChange("new", f"m{n}", record={"id": f"m{n}"}) for n in range(100_000))
    written = message(
        source="s", total=100_000, summary=Summary(new=100_000), changes=changes, trailers={}
    )
    assert written.splitlines()[-2:] == ["  + m9", "  … and 99,990 more"]


def test_an_update_shows_old_and_new_but_no_counters() -> None:
    fields = (
        FieldChange("replace", "/downloads", True, 1, 2),
        FieldChange("replace", "/license", False, "mit", "apache-2.0"),
    )
    changes = [RecordChange("updated", "org/m", changes=fields)]
    written = message(source="s", total=1, summary=Summary(updated=1), changes=changes, trailers={})
    assert written == (
        "s: 1 updated (1 record)\n\nBreaking: Updated\n  ~ org/m\n      license: mit → apache-2.0\n"
    )


@pytest.mark.parametrize("hostile", TEXTS.values(), ids=TEXTS.keys())
def test_git_reads_no_trailer_but_ours(hostile: str) -> None:
    field = FieldChange("replace", f"/{hostile}", metric=False, old=hostile, new=f"{hostile}.")
    changes = [
        RecordChange("new", hostile, record={"id": hostile}),
        RecordChange("removed", hostile, record={"id": hostile}, cause=hostile),
        RecordChange("renamed", hostile, old_key=hostile, record={"id": hostile}),
        RecordChange("updated", hostile, changes=(field,)),
    ]
    written = message(
        source="s",
        total=9,
        summary=Summary(new=1, removed=1, renamed=1, updated=1),
        changes=changes,
        trailers=TRAILERS | {"Archiver-Proof": hostile},
    )
    parsed = subprocess.run(
        ["git", "interpret-trailers", "--parse"],
        input=written.encode(),
        capture_output=True,
        check=True,
    ).stdout.decode()
    names = [line.partition(":")[0] for line in parsed.splitlines()]
    assert names == ["Archiver-Source", "Archiver-Total", "Archiver-Proof"]


def test_a_template_of_the_user_cannot_lose_the_trailers(tmp_path: Path) -> None:
    (tmp_path / "commit.txt.j2").write_text("{{ total | count }} things\n")
    written = message(source="s", total=2845, summary=Summary(), trailers=TRAILERS, folder=tmp_path)
    assert written == "2,845 things\n\nArchiver-Source: modelscope\nArchiver-Total: 2845\n"
