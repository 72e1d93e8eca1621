"""Captures that somebody squashed: told as a squash, read as strictly as any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.archives import Archive
from support.commandline import run_archiver
from support.git import new_repository

from archiver.history.catalogue import configured
from archiver.history.queries import version_at
from archiver.history.squashes import squashes
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SNAPSHOTS = "data/hub/snapshots"
SECOND = f"{SNAPSHOTS}/hub_models_20260131_154733.json"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    found = Archive(new_repository(tmp_path_factory.mktemp("template") / "repo"))
    found.configure("[sources.other]\ntype='json'\nurl='models.json'\nkey=['id']", max_shrink=1)
    found.git("add", "archiver.toml")
    found.git("commit", "--quiet", "--message=configure")
    found.captured(a=1, b=1)
    found.captured(a=2, b=1)
    found.captured(a=3, b=1, c=1)
    return found


@pytest.fixture
def archive(template: Archive, tmp_path: Path) -> Archive:
    """Return an archive with three captures."""
    return template.copied(tmp_path / "repo")


def onto_the_first(archive: Archive) -> None:
    archive.git("reset", "--quiet", "--soft", "HEAD~2")
    archive.git("commit", "--quiet", "--message=squashed")


def with_the_first_message(archive: Archive) -> None:
    message = archive.git("log", "-1", "--format=%B", "HEAD~1")
    archive.git("reset", "--quiet", "--soft", "HEAD~2")
    archive.git("commit", "--quiet", f"--message={message}")


def with_all_messages(archive: Archive) -> None:
    messages = archive.git("log", "-2", "--reverse", "--format=%B")
    archive.git("reset", "--quiet", "--soft", "HEAD~2")
    archive.git("commit", "--quiet", f"--message={messages}")


def by_rebase(archive: Archive) -> None:
    command = ("-c", "sequence.editor=sed -i '2s/^pick/squash/'", "-c", "core.editor=true")
    archive.git(*command, "rebase", "--quiet", "--interactive", "HEAD~2")


def as_an_orphan(archive: Archive) -> None:
    archive.git("checkout", "--quiet", "--orphan", "fresh")
    archive.git("commit", "--quiet", "--message=all of it")


SQUASHED = {
    onto_the_first: 2,
    with_the_first_message: 2,
    with_all_messages: 2,
    by_rebase: 2,
    as_an_orphan: 3,
}
EACH = pytest.mark.parametrize(
    ("squash", "captures"), SQUASHED.items(), ids=[each.__name__ for each in SQUASHED]
)


@EACH
def test_a_squash_is_told_and_is_no_damage(
    archive: Archive, squash: Callable[[Archive], None], captures: int
) -> None:
    squash(archive)
    head = archive.git("rev-parse", "HEAD")[:10]
    told = run_archiver("log", "--repo", archive.folder, "--source", "hub")
    assert told.returncode == 0
    assert f"note: {captures} captures stand in one commit, {head} (squashed" in told.stderr
    read = run_archiver("verify", "--repo", archive.folder, "--source", "hub")
    assert read.returncode == 0, read.stdout
    assert f"hub: {head} {SNAPSHOTS}: {captures} captures stand in this one commit" in read.stdout
    assert "hub: verified 3 snapshots, 7 records" in read.stdout


@EACH
def test_a_squashed_capture_is_read_by_its_stamped_file(
    archive: Archive, squash: Callable[[Archive], None], captures: int
) -> None:
    squash(archive)
    assert captures
    with (
        Repository.open(archive.folder) as repository,
        version_at(
            configured(archive.config, "hub", repository),
            "hub_models_20260131_154733",
            now=archive.time,
        ) as version,
    ):
        assert [*version.lines()] == [b'{"id":"a","n":2}', b'{"id":"b","n":1}']


def reasons(archive: Archive) -> set[tuple[str, str]]:
    return {(problem.file, problem.reason) for problem in archive.problems()[0]}


@EACH
@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"n":2', '"n": 2', "the record 'a' is not in canonical form"),
        ('{"id":"a","n":2},\n', "", "it says total_models 2, but holds 1 records"),
        ('"total_models": 2', '"total_models": 3', "it says total_models 3, but holds 2 records"),
    ],
)
def test_damage_that_was_squashed_too_is_found(  # noqa: PLR0917
    archive: Archive,
    squash: Callable[[Archive], None],
    captures: int,
    old: str,
    new: str,
    reason: str,
) -> None:
    squash(archive)
    assert captures
    file = archive.folder / SECOND
    file.write_text(file.read_text().replace(old, new))
    archive.git("commit", "--quiet", "--amend", "--no-edit", "--", SECOND)
    assert (SECOND, reason) in reasons(archive)


@EACH
def test_a_stamped_file_that_changed_since_the_squash_is_damage(
    archive: Archive, squash: Callable[[Archive], None], captures: int
) -> None:
    squash(archive)
    assert captures
    file = archive.folder / SECOND
    file.write_text(file.read_text().replace('"n":2', '"n":9'))
    archive.git("commit", "--quiet", "--message=mine", "--", SECOND)
    assert reasons(archive) == {(SECOND, "it is not what any sound snapshot holds")}


@pytest.mark.parametrize("squash", [with_all_messages, by_rebase])
def test_other_records_than_the_messages_say_are_damage(
    archive: Archive, squash: Callable[[Archive], None]
) -> None:
    squash(archive)
    file = archive.folder / SECOND
    file.write_text(file.read_text().replace('"n":2', '"n":9'))
    archive.git("commit", "--quiet", "--amend", "--no-edit", "--", SECOND)
    wrong = "its records have another digest than its commit message says"
    assert reasons(archive) == {(SECOND, wrong)}


def test_a_single_capture_with_the_message_of_another_is_damage(archive: Archive) -> None:
    message = archive.git("log", "-1", "--format=%B", "HEAD~1")
    archive.git("commit", "--quiet", "--amend", f"--message={message}")
    wrong = "its records have another digest than its commit message says"
    assert ("data/hub/latest.json", wrong) in reasons(archive)


def test_a_stamped_file_that_came_alone_is_no_squash(archive: Archive) -> None:
    forged = archive.folder / SNAPSHOTS / "hub_models_20260101_000000.json"
    text = (archive.folder / SECOND).read_text()
    forged.write_text(text.replace("2026-01-31 15:47:33", "2026-01-01 00:00:00"))
    archive.git("add", "data")
    archive.git("commit", "--quiet", "--message=mine")
    path = f"{SNAPSHOTS}/{forged.name}"
    assert reasons(archive) == {(path, "it is not what any sound snapshot holds")}


def test_captures_of_two_sources_in_one_commit_are_those_of_each(archive: Archive) -> None:
    other = archive.folder / "data/other/snapshots/other_models_20260301_000000.json"
    text = (archive.folder / SECOND).read_text().replace("2026-01-31 15:47:33", "X")
    text = text.replace('"source": "hub"', '"source": "other"').replace("X", "2026-03-01 00:00:00")
    other.parent.mkdir(parents=True)
    for file in (other, other.parent.parent / "latest.json"):
        file.write_text(text)
    archive.git("add", "data")
    archive.git("commit", "--quiet", "--amend", "--no-edit")  # with the message of hub
    assert archive.problems()[0] == []
    told = run_archiver("verify", "--repo", archive.folder)
    assert told.returncode == 0, told.stdout


def test_sharded_captures_are_squashed_and_read_too(archive: Archive) -> None:
    archive.configure(shards=16, max_shrink=1)
    for day in range(2):
        archive.captured(**{f"m{number}": number * day for number in range(40)})
    onto_the_first(archive)
    problems, audit = archive.problems()
    assert (problems, audit.snapshots) == ([], 5)
    assert [squash.captures for squash in audit.squashes] == [2]
    shard = f"{SNAPSHOTS}/hub_models_20260202_154733/0.json"
    archive.git("rm", "--quiet", shard)
    archive.git("commit", "--quiet", "--message=mine")
    index = f"{SNAPSHOTS}/hub_models_20260202_154733.json"
    assert (index, "its shards are not those of its snapshot") in reasons(archive)


def test_an_ordinary_history_has_no_squash(archive: Archive) -> None:
    with Repository.open(archive.folder) as repository:
        assert [*squashes(configured(archive.config, "hub", repository))] == []
    assert "note" not in run_archiver("log", "--repo", archive.folder, "--source", "hub").stderr
