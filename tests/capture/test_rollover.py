"""Going on in a new repository: what it begins with, and that questions reach into the old ones."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from support.archives import DAY, Archive
from support.commandline import run_archiver
from support.git import new_repository
from support.git_server import GitServer

from archiver.capture.rollover import fetch, roll_over
from archiver.errors import ConfigError, PreviousNotHere, StoreError
from archiver.history import revisions
from archiver.history.catalogue import configured
from archiver.store.repository import STATE_REF, Repository

if TYPE_CHECKING:
    from pathlib import Path

ID = re.compile(r"\b[0-9a-f]{7,40}\b")
QUESTIONS = (
    ("log", "-f", "json"),
    ("log",),
    ("changes", "--since", "2026-01-01"),
    ("changes", "--since", "2026-01-01", "--steps", "-f", "jsonl"),
    ("compare", "2026-01-30", "2026-02-04", "-f", "json"),
    ("compare", "hub_models_20260131_154733", "2026-02-02"),
    ("compare", "HEAD~1"),
    ("compare",),
    ("show", "one", "-f", "json"),
    ("show", "three"),
    ("list", "--at", "2026-01-31"),
    ("changelog",),
    ("churn",),
    ("verify",),
)


class Years(NamedTuple):
    """The same captures: in three repositories that follow each other, and in one."""

    first: Archive
    second: Archive
    third: Archive
    alone: Archive


def captured(*archives: Archive, **models: int) -> None:
    for each in archives:
        each.captured(**models)


def gone_on(archive: Archive, folder: Path, **options: Any) -> Archive:
    """Go on in `folder`, which gets the catalogue's file, too."""
    roll_over(archive.config, folder, clock=lambda: archive.time, **options)
    found = Archive(folder, archive.time)
    (folder / "models.json").write_bytes((archive.folder / "models.json").read_bytes())
    return found


def begun(folder: Path) -> Archive:
    found = Archive(new_repository(folder))
    found.configure(max_shrink=1, confirmations=2, renames="exact")
    found.git("add", "archiver.toml")
    found.git("commit", "--quiet", "--message", "Configure", "--date", "2026-01-01T00:00:00Z")
    return found


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Years:
    folder = tmp_path_factory.mktemp("years")
    alone, first = begun(folder / "alone"), begun(folder / "2026")
    captured(first, alone, one=1, two=2)
    captured(first, alone, one=2, two=2)
    captured(first, alone, one=2, three=3)  # two is missing once, and waits for confirmation
    second = gone_on(first, folder / "2027")
    captured(second, alone, one=2, three=4)  # two is gone
    captured(second, alone, one=2, three=4, two=1)
    third = gone_on(second, folder / "2028")
    captured(third, alone, three=5, two=1)
    captured(third, alone, three=5, two=1)
    return Years(first, second, third, alone)


@pytest.fixture
def years(built: Years, tmp_path: Path) -> Years:
    """Copy the repositories, which stay beside each other."""
    return Years(*(each.copied(tmp_path / each.folder.name) for each in built))


def answers(archive: Archive) -> dict[str, str]:
    """Return what every question is answered, without ids of commits."""
    found = {}
    for question in QUESTIONS:
        ran = run_archiver(*question, "--repo", archive.folder)
        assert ran.returncode == 0, (question, ran.stderr)
        found[" ".join(question)] = ID.sub("ID", ran.stdout)
    return found


def test_what_was_fetched_answers_every_question_as_one_repository_does(years: Years) -> None:
    fetched = [*fetch(years.third.config)]
    assert [each.address for each in fetched] == ["../2027", "../2026"]
    assert answers(years.third) == answers(years.alone)


def test_an_index_answers_as_one_of_a_single_repository(years: Years) -> None:
    for each in (years.third, years.alone):
        assert run_archiver("index", "--repo", each.folder).returncode == 0
    fewer = run_archiver("log", "--repo", years.third.folder).stdout
    assert len(fewer.splitlines()) < len(
        run_archiver("log", "--repo", years.alone.folder).stdout.splitlines()
    )
    [*fetch(years.third.config)]
    for each in (years.third, years.alone):
        assert run_archiver("index", "--repo", each.folder).returncode == 0
    assert answers(years.third) == answers(years.alone)


def test_the_new_repository_begins_with_the_same_bytes_and_one_stamped_file(years: Years) -> None:
    first, second = years.first, years.second
    start = second.git("rev-list", "--max-parents=0", "HEAD")
    here = second.git("ls-tree", "-r", start).splitlines()
    there = first.git("ls-tree", "-r", "HEAD").splitlines()
    stamped = "data/hub/snapshots/hub_models_20260201_154733.json"
    assert [each for each in there if "/snapshots/" not in each or stamped in each] == [
        each for each in here if "previous.json" not in each
    ]
    recorded = json.loads(second.git("show", f"{start}:previous.json"))
    assert recorded == {
        "format": 1,
        "repository": "../2026",
        "commit": first.git("rev-parse", "HEAD"),
        "captured_at": "2026-02-01 15:47:33",
    }
    assert second.git("log", "-1", "--format=%aI", start) == "2026-02-01T15:47:33+00:00"


def test_what_runs_remember_comes_along(years: Years, tmp_path: Path) -> None:
    new = gone_on(years.first, tmp_path / "new")
    assert new.git("rev-parse", f"{STATE_REF}^{{tree}}") == years.first.git(
        "rev-parse", f"{STATE_REF}^{{tree}}"
    )
    report = new.captured(one=2, three=3)
    assert report.summary.removed == 1, "the second listing that lacks it confirms it"


def test_a_new_repository_is_whole_and_clean_and_the_old_one_untouched(
    years: Years, tmp_path: Path
) -> None:
    before = years.first.footprint()
    new = gone_on(years.first, tmp_path / "new")
    assert years.first.footprint() == before
    new.git("fsck", "--full", "--strict")
    assert new.git("status", "--short") == "?? models.json"
    assert new.problems()[0] == []
    assert not [*tmp_path.glob(".new.*")]


def test_a_file_keeps_its_bytes_mode_and_links_whatever_attributes_say(tmp_path: Path) -> None:
    old = begun(tmp_path / "old")
    (old.folder / "tool.sh").write_bytes(b"#!/bin/sh\n")
    (old.folder / "tool.sh").chmod(0o755)
    (old.folder / "link").symlink_to("tool.sh")
    (old.folder / ".gitattributes").write_text("*.json text eol=crlf\n*.sh ident\n")
    old.git("add", "tool.sh", "link", ".gitattributes")
    old.git("commit", "--quiet", "--message", "Add tools")
    old.captured(one=1)
    new = gone_on(old, tmp_path / "new")
    latest = "data/hub/latest.json"
    assert (new.folder / latest).read_bytes() == (old.folder / latest).read_bytes()
    assert (new.folder / "tool.sh").stat().st_mode & 0o111
    assert (new.folder / "link").readlink().name == "tool.sh"


def test_without_the_previous_one_a_question_about_before_is_refused(years: Years) -> None:
    for question in (
        ("compare", "2026-01-30"),
        ("list", "--at", "2026-01-31"),
        ("show", "gone-long-ago"),
    ):
        ran = run_archiver(*question, "--repo", years.third.folder)
        assert ran.returncode == 5, question
        assert "archiver rollover --fetch" in ran.stderr


def test_without_the_previous_one_a_shorter_answer_says_so(years: Years) -> None:
    for question in (
        ("log",),
        ("show", "three"),
        ("changes", "--since", "2026-01-01"),
        ("changes", "--since", "2026-01-01", "--steps"),
    ):
        ran = run_archiver(*question, "--repo", years.third.folder)
        assert ran.returncode == 0, question
        assert "in the previous repository, which is not here" in ran.stdout + ran.stderr
    assert "first snapshot" not in run_archiver("log", "--repo", years.third.folder).stdout


def test_the_beginning_is_no_news(years: Years, tmp_path: Path) -> None:
    new = gone_on(years.first, tmp_path / "new")
    ran = run_archiver("compare", "--repo", new.folder)
    assert (ran.returncode, ran.stdout) == (5, ""), "the change that led here is elsewhere"


def test_a_new_source_of_the_second_year_has_no_earlier_history(
    years: Years, tmp_path: Path
) -> None:
    new = gone_on(years.first, tmp_path / "new")
    text = (new.folder / "archiver.toml").read_text()
    (new.folder / "archiver.toml").write_text(text + text.replace("hub", "other"))
    new.time += DAY
    assert run_archiver("run", "other", "--repo", new.folder).returncode == 0
    with Repository.open(new.folder) as repository:
        catalogue = configured(new.config, "other", repository)
        newest = revisions.newest(catalogue)
        assert newest is not None
        assert catalogue.beginning(newest) is None


def test_a_finished_archive_refuses_to_run(years: Years, tmp_path: Path) -> None:
    new = gone_on(years.first, tmp_path / "new", finish=True)
    years.first.lists(one=9, three=3)
    with pytest.raises(StoreError, match=r"this archive is finished; it goes on in .*new"):
        years.first.run()
    assert not (new.folder / "next.json").exists()
    new.captured(one=9, three=3)
    [*fetch(new.config)]
    assert new.problems()[0] == []


def test_a_first_commit_with_other_records_than_the_previous_one_is_damage(
    years: Years, tmp_path: Path
) -> None:
    new = gone_on(years.first, tmp_path / "new")
    message = new.git("log", "-1", "--format=%B")
    latest = new.folder / "data/hub/latest.json"
    latest.write_text(latest.read_text().replace('"n":3', '"n":4'))
    new.git("add", "data")
    tree = new.git("write-tree")
    forged = new.git("commit-tree", tree, "-m", message)
    new.git("update-ref", "refs/heads/main", forged)
    [*fetch(new.config)]
    problems, _ = new.problems()
    assert ("data/hub/latest.json", "it is not what the previous repository held") in [
        (each.file, each.reason) for each in problems if each.revision == forged
    ]


def test_what_is_pushed_and_cloned_is_the_new_repository_alone(
    years: Years, tmp_path: Path
) -> None:
    third = years.third
    [*fetch(third.config)]
    third.git("init", "--quiet", "--bare", str(tmp_path / "hub.git"))
    third.git("remote", "add", "origin", str(tmp_path / "hub.git"))
    third.lists(three=6, two=1)
    assert run_archiver("run", "--push", "--repo", third.folder).returncode == 0
    hub = Archive(tmp_path / "hub.git")
    assert hub.commits == 4
    assert hub.git("for-each-ref", "--format=%(refname)").splitlines() == [
        STATE_REF,
        "refs/heads/main",
    ]
    third.git("fsck", "--full", "--strict")


def test_nothing_is_asked_of_an_address_by_reading(years: Years) -> None:
    third = years.third
    with GitServer(years.second.folder) as server:
        record = json.loads((third.folder / "previous.json").read_text())
        changed = record | {"repository": server.url}
        (third.folder / "previous.json").write_text(json.dumps(changed))
        third.git("commit", "--quiet", "--all", "--message", "It moved")
        for question in QUESTIONS:
            run_archiver(*question, "--repo", third.folder)
        assert not server.asked


@pytest.mark.parametrize(
    "address", ["ext::sh -c touch% /tmp/x", "--upload-pack=touch x", "ftp://a/b", "fd::7"]
)
def test_an_address_that_would_run_a_program_is_refused(years: Years, address: str) -> None:
    third = years.third
    record = json.loads((third.folder / "previous.json").read_text())
    (third.folder / "previous.json").write_text(json.dumps(record | {"repository": address}))
    third.git("commit", "--quiet", "--all", "--message", "It moved")
    with pytest.raises((ConfigError, StoreError)):
        [*fetch(third.config)]


def test_another_repository_at_the_address_is_not_taken_for_the_previous_one(
    years: Years, tmp_path: Path
) -> None:
    other = begun(tmp_path / "other")
    other.captured(one=1)
    with pytest.raises(StoreError, match="cannot be fetched"):
        [*fetch(years.second.config, address=str(other.folder))]
    with Repository.open(years.second.folder) as repository:
        assert repository.joined == ()


def test_the_address_can_be_said_where_the_previous_one_moved(years: Years, tmp_path: Path) -> None:
    moved = years.first.folder.rename(tmp_path / "moved")
    with pytest.raises(StoreError, match="cannot be fetched"):
        [*fetch(years.second.config)]
    assert len([*fetch(years.second.config, address=str(moved))]) == 1


def test_a_password_in_the_address_is_not_recorded(years: Years, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="password"):
        gone_on(years.first, tmp_path / "new", address="https://me:secret@host.example/a.git")
    years.first.git("remote", "add", "origin", "https://me:secret@host.example/a.git")
    new = gone_on(years.first, tmp_path / "new")
    assert "secret" not in (new.folder / "previous.json").read_text()


def test_a_folder_that_is_taken_stays_as_it_is(years: Years, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()
    with pytest.raises(ConfigError, match="is there already"):
        roll_over(years.first.config, tmp_path / "taken", clock=lambda: years.first.time)
    assert [each.name for each in (tmp_path / "taken").iterdir()] == ["file"]


def test_a_plain_git_sees_the_new_repository_alone(years: Years) -> None:
    [*fetch(years.third.config)]
    command = ["git", "-C", str(years.third.folder), "rev-list", "--count", "HEAD"]
    done = subprocess.run(command, capture_output=True, encoding="ascii", check=True)
    assert int(done.stdout) == 3


def test_a_question_about_before_says_which_repository_would_know(years: Years) -> None:
    with Repository.open(years.third.folder) as repository:
        catalogue = configured(years.third.config, "hub", repository)
        assert isinstance(catalogue.not_here(), PreviousNotHere)
        [*fetch(years.third.config)]
    with Repository.open(years.third.folder) as repository:
        assert configured(years.third.config, "hub", repository).not_here() is None


def test_a_copy_that_read_on_pushes_and_loses_races_as_any_other(
    years: Years, tmp_path: Path
) -> None:
    second = years.second
    second.git("init", "--quiet", "--bare", str(tmp_path / "hub.git"))
    second.git("remote", "add", "origin", str(tmp_path / "hub.git"))
    second.git("push", "--quiet", "origin", "main", STATE_REF)
    second.git("clone", "--quiet", str(tmp_path / "hub.git"), str(tmp_path / "other"))
    other = Archive(tmp_path / "other")
    [*fetch(second.config)]
    for each, number in ((other, 1), (second, 2)):
        each.lists(three=number, two=number)
        ran = run_archiver("run", "--push", "--repo", each.folder)
        assert ran.returncode == 0, ran.stderr
    second.git("fsck", "--full", "--strict")
    assert second.git("rev-parse", "HEAD") == second.git("rev-parse", "origin/main")
    assert second.commits == 5
    assert len(run_archiver("log", "--repo", second.folder).stdout.splitlines()) == 7


def test_a_mirror_brings_no_joined_history_along(years: Years, tmp_path: Path) -> None:
    [*fetch(years.third.config)]
    years.third.git("clone", "--quiet", "--mirror", ".", str(tmp_path / "mirror"))
    with Repository.open(tmp_path / "mirror") as mirror:
        assert mirror.tip(f"refs/archiver/joined/{mirror.first(mirror.resolve('HEAD'))}")
        assert mirror.joined == ()
        assert len([*mirror.history("data/hub/latest.json", tip=mirror.resolve("HEAD"))]) == 3


def test_no_setting_of_git_hides_what_was_fetched(years: Years) -> None:
    [*fetch(years.third.config)]
    log = run_archiver("log", "--repo", years.third.folder).stdout
    years.third.git("config", "core.useReplaceRefs", "false")
    assert run_archiver("log", "--repo", years.third.folder).stdout == log


def test_what_was_fetched_does_not_count_as_size(years: Years) -> None:
    def size() -> int:
        found = json.loads(run_archiver("status", "-f", "json", "--repo", third.folder).stdout)
        return int(found["git"])

    third = years.third
    before = size()
    [*fetch(third.config)]
    assert size() <= before


def test_a_fetch_reaches_a_url_and_what_is_said_there(years: Years, tmp_path: Path) -> None:
    served = tmp_path / "served"
    for each in (years.first, years.second):
        each.git("clone", "--quiet", "--bare", ".", str(served / each.folder.name))
    with GitServer(served) as server:
        url = server.url.removesuffix("origin.git") + "2027"
        found = [*fetch(years.third.config, address=url)]
    assert [each.address for each in found] == [url, url.replace("2027", "2026")]
    assert answers(years.third) == answers(years.alone)


def test_a_run_that_finds_the_same_records_commits_nothing(years: Years, tmp_path: Path) -> None:
    new = gone_on(years.second, tmp_path / "new")
    report = new.captured(one=2, three=4, two=1)
    assert (report.outcome, new.commits) == ("unchanged", 1)
    assert run_archiver("status", "--repo", new.folder).stdout.startswith("hub:")


def test_channels_receive_what_is_new_and_nothing_again(years: Years, tmp_path: Path) -> None:
    def told(archive: Archive, number: int) -> int:
        archive.lists(one=number, three=3)
        assert run_archiver("run", "--repo", archive.folder).returncode == 0
        return len(messages.read_text().splitlines()) if messages.exists() else 0

    toml, messages = years.first.folder / "archiver.toml", tmp_path / "messages.jsonl"
    table = f'[notify.log]\ntype = "file"\npath = "{messages}"\n'
    toml.write_text(f"{toml.read_text()}\n{table}")
    years.first.git("commit", "--quiet", "--all", "--message", "Tell")
    assert [told(years.first, number) for number in (3, 4)] == [1, 2]
    new = gone_on(years.first, tmp_path / "new")
    assert [told(new, number) for number in (4, 5)] == [2, 3]
