"""What flaps is one line where several captures are read; counts and programs see no difference."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.archives import Archive
from support.histories import History

if TYPE_CHECKING:
    from pathlib import Path

    from support.commandline import Archiver

DAYS = ("abcd", "bcd", "abcd", "bcd", "abd", "abd", "abcd", "abc", "abcd")
"""What each day from 2026-03-01 has: `a` flaps twice, `c` is back after three captures, `d` after
one."""
EPISODE = "flapped: gone and back 2 times since 2026-03-02 03:00:00"
SHORT = "flapped: gone and back since 2026-03-08 03:00:00"


@pytest.fixture
def history(repo: Path) -> History:
    found = History(repo)
    found.configure()
    for day, names in enumerate(DAYS, 1):
        models: dict[str, Any] = dict.fromkeys(names, 1)
        found.capture(f"2026-03-{day:02}T03:00:00Z", **models)
    return found


def asked(archiver: Archiver, history: History, command: str, *more: object) -> str:
    done = archiver(*command.split(), "--repo", history.folder, *more)
    assert (done.returncode, done.stderr) == (0, "") or done.stderr.startswith("note: no index")
    return done.stdout


def test_steps_name_an_episode_once_and_a_removal_that_lasted_where_it_was(
    archiver: Archiver, history: History
) -> None:
    text = asked(archiver, history, "changes --steps --since 2026-03-01T12 --damping 1")
    lines = [each for each in text.splitlines() if each[0] in "+-≈"]
    assert lines == [f"≈ d ({SHORT})", "+ c", "- c", f"≈ a ({EPISODE})"]
    assert text.count("; 1 flapping, told in a newer capture") == 4
    assert "hub: -1 removed (3 records); 1 flapping, told in a newer capture\n" in text


def test_a_wider_damping_takes_what_was_gone_longer(archiver: Archiver, history: History) -> None:
    text = asked(archiver, history, "changes --steps --since 2026-03-01T12 --damping 2")
    assert "≈ c (flapped: gone and back since 2026-03-05 03:00:00)" in text
    assert "\n- c\n" not in text


@pytest.mark.parametrize(
    "command",
    [
        "changes --steps --since 2026-03-01 -f jsonl",
        "changes --steps --since 2026-03-01 -f csv",
        "changes --steps --since 2026-03-01 --stat",
        "changes --since 2026-03-04 -f json",
        "changes --by n --since 2026-03-01T12",
        "log -f json",
        "log -f jsonl",
        "log -f csv",
        "log -f markdown",
        "changelog --context",
    ],
)
def test_counts_and_what_programs_read_are_the_same_with_damping(
    archiver: Archiver, history: History, command: str
) -> None:
    plain = asked(archiver, history, command)
    assert plain == asked(archiver, history, command, "--damping", 3)
    assert "flap" not in plain


@pytest.mark.parametrize(
    "command",
    [
        "changes --steps --since 2026-03-01T12",
        "changes --steps --since 2026-03-01T12 -f markdown",
        "changes --steps --since 2026-03-01T12 --name-only",
        "changes --steps --since 2026-03-04",
        "changes --steps --since 2026-03-01 --at 2026-03-04",
        "log",
        "log --limit 3",
        "log --since 2026-03-04",
        "log --at 2026-03-04",
        "changelog",
        "changelog --since 2026-03-04",
    ],
)
def test_the_index_and_git_tell_the_same(
    archiver: Archiver, history: History, command: str
) -> None:
    from_git = asked(archiver, history, command, "--damping", 2)
    asked(archiver, history, "index")
    assert asked(archiver, history, command, "--damping", 2) == from_git
    assert "flapp" in from_git


def test_a_changelog_names_an_episode_once(archiver: Archiver, history: History) -> None:
    text = asked(archiver, history, "changelog --damping 1")
    assert [each for each in text.splitlines() if each.startswith("- ")] == [
        f"- d ({SHORT})",
        *("- c", "- c"),
        f"- a ({EPISODE})",
    ]
    folded = "## 2026-03-02 03:00:00 UTC: -1 removed (3 records); 1 flapping, told in a newer"
    assert f"{folded} capture\n\n## 2026-03-01" in text


def test_what_flaps_counts_with_the_severity_that_it_had(archiver: Archiver, repo: Path) -> None:
    history = History(repo)
    history.configure()
    days: list[dict[str, Any]] = [{"a": 1, "b": 1}, {"b": 1}, {"a": 1, "b": 1}]
    for day, models in enumerate(days, 1):
        history.capture(f"2026-03-0{day}T03:00:00Z", **models)
    template = repo / "mine.md.j2"
    template.write_text(
        "{% for kind in severities %}{{ kind }} {{ severities[kind] }}\n{% endfor %}"
    )
    asking = ("changes", "--steps", "--since", "2026-03-01T12", "--repo", repo)
    for damping in (0, 1):
        done = archiver(*asking, "--damping", damping, "--fail-on", "breaking")
        assert (done.returncode, "flapped" in done.stdout) == (1, bool(damping))
        shown = ("-f", "markdown", "--template", template)
        done = archiver(*asking, "--damping", damping, *shown)
        assert done.stdout.split("\n")[:2] == ["new {'info': 1}", "removed {'breaking': 1}"]


def test_a_removal_that_stands_for_what_flapped_is_not_breaking(
    archiver: Archiver, repo: Path
) -> None:
    history = History(repo)
    history.configure()
    days: list[dict[str, Any]] = [{"a": 1, "z": 1}, {"z": 1}, {"a": 2, "z": 1}, {"a": 2}]
    for day, models in enumerate(days, 1):
        history.capture(f"2026-03-0{day}T03:00:00Z", **models)
    asking = "changes --steps --since 2026-03-01T12 --damping 1 --where n=1"
    lines = [each for each in asked(archiver, history, asking).splitlines() if each[0] in "+-≈"]
    assert lines == ["- z", "≈ a (flapped: gone and back since 2026-03-02 03:00:00)"]


def test_the_log_tells_an_episode_where_it_ends(archiver: Archiver, history: History) -> None:
    lines = asked(archiver, history, "log --damping 1").splitlines()
    places = [at for at, each in enumerate(lines) if "≈" in each]
    assert [lines[at] for at in places] == [f"    ≈ d {SHORT}", f"    ≈ a {EPISODE}"]
    assert [lines[at - 1][:10] for at in places] == ["2026-03-09", "2026-03-05"]
    assert asked(archiver, history, "log").splitlines() == [
        each for each in lines if "≈" not in each
    ]


def test_what_was_later_than_the_end_of_the_question_is_not_known(
    archiver: Archiver, history: History
) -> None:
    text = asked(
        archiver, history, "changes --steps --since 2026-03-03 --at 2026-03-04 --damping 1"
    )
    first = "flapped: gone and back since 2026-03-02 03:00:00"
    assert [each for each in text.splitlines() if each[0] in "+-≈"] == ["- a", f"≈ a ({first})"]


def test_a_condition_that_holds_for_the_removal_alone_tells_the_episode_there(
    archiver: Archiver, repo: Path
) -> None:
    history = History(repo)
    history.configure()
    days: list[dict[str, Any]] = [{"a": 5, "b": 1}, {"b": 1}, {"a": 1, "b": 1}]
    for day, models in enumerate(days, 1):
        history.capture(f"2026-03-0{day}T03:00:00Z", **models)
    command = "changes --steps --since 2026-03-01T12 --damping 1"
    text = asked(archiver, history, command, "--where", "n > 3")
    since = "flapped: gone and back since 2026-03-02 03:00:00"
    assert [each for each in text.splitlines() if each[0] in "+-≈"] == [f"≈ a ({since})"]


def test_a_report_folds_absences_and_keeps_their_number(
    archiver: Archiver, history: History
) -> None:
    text = asked(archiver, history, "report --since 2026-03-01T12 --until 2026-03-09 --damping 1")
    gone = text[text.index("## Gone and back") :].split("\n\n## ")[0]
    assert gone.splitlines() == [
        *("## Gone and back (4)", ""),
        "- a, 2026-03-02 \N{EN DASH} 2026-03-05: flapped, 2 times",
        "- c, 2026-03-05 \N{EN DASH} 2026-03-07",
        "- d, 2026-03-08 \N{EN DASH} 2026-03-09",
    ]
    assert "--damping 1\n" in text


def test_archiver_toml_says_what_flaps_and_the_option_overrides_it(
    archiver: Archiver, history: History
) -> None:
    text = (history.folder / "archiver.toml").read_text()
    (history.folder / "archiver.toml").write_text(f"{text}damping = 1\n")
    assert EPISODE in asked(archiver, history, "log")
    assert "≈" not in asked(archiver, history, "log --damping 0")
    (history.folder / "archiver.toml").write_text(f"{text}damping = -1\n")
    done = archiver("log", "--repo", history.folder)
    words = "archiver.toml: sources.hub.damping: expected a whole number from 0, got -1"
    assert (done.returncode, words in done.stderr) == (2, True)


@pytest.mark.parametrize("given", ["-1", "x", "1.5", ""])
def test_a_damping_that_is_no_number_is_refused(
    archiver: Archiver, history: History, given: str
) -> None:
    done = archiver("log", "--repo", history.folder, "--damping", given)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--damping" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_tells_a_removal_and_then_that_the_record_flaps(
    archiver: Archiver, repo: Path
) -> None:
    archive = Archive(repo)
    archive.configure(damping=2, max_shrink=1)
    archive.captured(a=1, b=1)
    for _ in range(2):
        gone = archive.captured(b=1)
        assert [(each.kind, each.flapping) for each in gone.changes] == [("removed", False)]
        back = archive.captured(a=1, b=1)
        assert [(each.kind, each.flapping) for each in back.changes] == [("returned", True)]
    since = "flapped: gone and back 2 times since 2026-01-31 15:47:33"
    assert back.changes[0].cause == since
    assert back.summary.returned == 1
    changelog = (repo / "data/hub/CHANGELOG.md").read_text()
    assert f"### Returned (1)\n\n- a ({since})\n" in changelog
    assert changelog.count("Removed (1)\n\n- a\n") == 2
    archive.lists(b=1)
    done = archiver("run", "--repo", repo)
    assert "\n- a\n" in done.stdout
    archive.lists(a=1, b=1)
    done = archiver("run", "--repo", repo)
    assert "≈ a (flapped: gone and back 3 times since 2026-01-31 15:47:33)\n" in done.stdout


def test_hostile_keys_that_flap_reach_no_terminal(archiver: Archiver, repo: Path) -> None:
    history = History(repo)
    history.configure()
    key = "\x1b[31m<b>&`|\u202e\nx"
    days: list[dict[str, Any]] = [{key: 1, "b": 1}, {"b": 1}, {key: 1, "b": 1}]
    for day, models in enumerate(days, 1):
        history.capture(f"2026-03-0{day}T03:00:00Z", **models)
    for command in ("log", "changes --steps --since 2026-03-01", "changelog"):
        text = asked(archiver, history, f"{command} --damping 1")
        assert "flapped: gone and back since" in text
        assert not {"\x1b", "\u202e"} & set(text)


def test_messages_and_feeds_of_damped_and_plain_sources_differ_in_words_alone(
    archiver: Archiver, history: History
) -> None:
    plain, damped = (
        json.loads(asked(archiver, history, "feed -f json", "--damping", each)) for each in (0, 1)
    )
    for each in (plain, damped):
        for item in each["items"]:
            del item["content_html"], item["summary"]
    assert plain == damped
    text = asked(archiver, history, "feed -f json --damping 1")
    contents: list[Any] = [each["content_html"] for each in json.loads(text)["items"]]
    assert sum(EPISODE in each for each in contents) == 1
    assert sum("1 flapping, told in a newer capture" in each for each in contents) == 4
