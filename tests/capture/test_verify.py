"""verify: everything that is not as it was written is named, with revision and file."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from support.archives import Archive
from support.git import new_repository

from archiver.capture import revert
from archiver.errors import ShallowHistory

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MANY = {f"m{number}": number for number in range(40)}
STAMPED = "data/hub/snapshots/hub_models_20260131_154733.json"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    found = Archive(new_repository(tmp_path_factory.mktemp("template") / "repo"))
    found.configure()
    found.captured(a=1, b=1)
    found.captured(a=2, b=1)
    return found


@pytest.fixture
def archive(template: Archive, tmp_path: Path) -> Archive:
    """Return an archive with two captures."""
    return template.copied(tmp_path / "repo")


def tamper(archive: Archive, path: str, change: Callable[[str], str]) -> str:
    """Commit another content of a managed file, as a person would; return the commit."""
    file = archive.folder / path
    file.write_text(change(file.read_text()))
    archive.git("commit", "--quiet", "--message=mine", "--", path)
    return archive.git("rev-parse", "HEAD")


def found_in(archive: Archive) -> list[tuple[str, str, str]]:
    return [(problem.revision, problem.file, problem.reason) for problem in archive.problems()[0]]


def test_a_sound_archive_is_counted(archive: Archive) -> None:
    problems, audit = archive.problems()
    assert (problems, audit.snapshots, audit.records) == ([], 2, 4)


def test_nothing_is_sound_too(repo: Path) -> None:
    archive = Archive(repo)
    archive.configure()
    problems, audit = archive.problems()
    assert (problems, audit.snapshots, audit.records) == ([], 0, 0)
    archive.git("commit", "--allow-empty", "--message=mine")
    assert archive.problems()[0] == []


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"n":2', '"n": 2', "the record 'a' is not in canonical form"),
        ('"n":2', '"n":2.0', "the record 'a' is not in canonical form"),
        ('"n":2', '"n":2,"n":2', "the record 'a' is not in canonical form"),
        ('"n":2', '"n":', "a line is no record"),
        ('{"id":"a","n":2}', '{"n":2,"id":"a"}', "a line does not begin with a key"),
        ('{"id":"a","n":2}', '{"id":"c","n":2}', "'b' stands after 'c'"),
        ('{"id":"a","n":2}', '{"id":"b","n":2}', "'b' stands after 'b'"),
        ('{"id":"a","n":2},\n', "", "it says total_models 2, but holds 1 records"),
        ('"total_models": 2', '"total_models": 3', "it says total_models 3, but holds 2 records"),
        ('"total_models": 2', '"total_models":2', "what stands around its records"),
        ("]\n}\n", "]\n", "the snapshot ends too early (truncated)"),
        ('{\n"format"', '{ "format"', "it is no canonical snapshot"),
        ('"format": 1', '"format": 9', "it is no canonical snapshot"),
    ],
)
def test_a_snapshot_that_was_edited_is_named_with_what_is_wrong(
    archive: Archive, old: str, new: str, reason: str
) -> None:
    commit = tamper(archive, "data/hub/latest.json", lambda text: text.replace(old, new))
    first = found_in(archive)[0]
    assert first[:2] == (commit, "data/hub/latest.json")
    assert reason in first[2]


def test_other_records_than_the_commit_message_says_are_named(archive: Archive) -> None:
    file = archive.folder / "data/hub/latest.json"
    file.write_text(file.read_text().replace('"n":2', '"n":3'))
    archive.git("commit", "--quiet", "--amend", "--no-edit", "--", "data/hub/latest.json")
    head = archive.git("rev-parse", "HEAD")
    assert found_in(archive)[0] == (
        head,
        "data/hub/latest.json",
        "its records have another digest than its commit message says",
    )


def test_a_digest_is_accepted_under_any_settings_there_were(archive: Archive) -> None:
    archive.configure(volatile=["seen"])
    archive.lists([{"id": "a", "n": 1, "seen": 1}])
    archive.run(accept=True)
    for volatile in ([], ["n"], []):
        archive.git("add", "archiver.toml")
        archive.git("commit", "--quiet", "--allow-empty", "--message=configure")
        archive.configure(volatile=volatile)
    assert archive.problems()[0] == []


def test_a_damaged_object_is_named_and_the_rest_is_read(archive: Archive) -> None:
    blob = archive.git("rev-parse", "HEAD~1:data/hub/latest.json")
    file = archive.folder / ".git/objects" / blob[:2] / blob[2:]
    file.chmod(0o644)
    content = bytearray(file.read_bytes())
    content[-12] ^= 1
    file.write_bytes(content)
    problems, audit = archive.problems()
    first = problems[0]
    assert first[:2] == (archive.git("rev-parse", "HEAD~1"), "data/hub/latest.json")
    assert blob in first.reason
    assert audit.snapshots == 1


def test_a_stamped_file_that_no_capture_wrote_is_named(archive: Archive) -> None:
    commit = tamper(archive, STAMPED, lambda text: text.replace('"n":2', '"n":9'))
    assert found_in(archive) == [
        (commit, STAMPED, "it is not what any sound snapshot holds"),
        (commit, "data/hub/latest.json", "no stamped file holds the same bytes"),
    ]


def test_a_latest_file_that_is_gone_is_named(archive: Archive) -> None:
    archive.git("rm", "--quiet", "data/hub/latest.json")
    archive.git("commit", "--quiet", "--message=mine")
    head = archive.git("rev-parse", "HEAD")
    assert found_in(archive) == [(head, "data/hub/latest.json", "it is gone")]


def test_a_stamped_file_under_another_time_is_named(archive: Archive) -> None:
    other = STAMPED.replace("154733", "154734")
    archive.git("mv", STAMPED, other)
    archive.git("commit", "--quiet", "--message=mine")
    assert found_in(archive)[0][1:] == (other, "its header says 2026-01-31 15:47:33")


def test_files_that_are_not_stamped_are_nobody_s_business(archive: Archive) -> None:
    for name in ("README.md", "hub_models_20269999_999999.json"):
        (archive.folder / "data/hub/snapshots" / name).write_text("mine")
    archive.git("add", "data")
    archive.git("commit", "--quiet", "--message=mine")
    assert archive.problems()[0] == []


def sharded(archive: Archive) -> Archive:
    archive.configure(shards=16, max_shrink=1)
    archive.captured(**MANY)
    return archive


def test_shards_are_read_too(archive: Archive) -> None:
    problems, audit = sharded(archive).problems()
    assert (problems, audit.snapshots, audit.records) == ([], 3, 44)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text.replace('"n":', '"m":'), "is not the one that the index names"),
        (lambda text: text.replace('"n":', '"n": '), "is not in canonical form"),
        (lambda text: text[:-3], "truncated"),
    ],
)
def test_a_shard_that_was_edited_is_named(
    archive: Archive, change: Callable[[str], str], reason: str
) -> None:
    sharded(archive)
    tamper(archive, "data/hub/latest/0.json", change)
    index = archive.folder / "data/hub/latest.json"
    index.write_text(index.read_text().replace("2026-02-01", "2026-02-02"))
    archive.git("commit", "--quiet", "--all", "--message=mine")
    assert reason in archive.problems()[0][0].reason


def test_a_shard_that_was_edited_since_its_snapshot_is_named(archive: Archive) -> None:
    sharded(archive)
    commit = tamper(archive, "data/hub/latest/0.json", lambda text: text.replace('"n":', '"m":'))
    wrong = (commit, "data/hub/latest.json", "its shards are not those of its snapshot")
    assert found_in(archive) == [wrong]


def test_a_missing_shard_is_named(archive: Archive) -> None:
    sharded(archive)
    archive.git("rm", "--quiet", "data/hub/latest/0.json")
    archive.git("commit", "--quiet", "--amend", "--no-edit")
    assert "data/hub/latest holds other shards than the index names" in found_in(archive)[0][2]


def test_stamped_shards_are_those_of_their_snapshot(archive: Archive) -> None:
    sharded(archive)
    stamped = "data/hub/snapshots/hub_models_20260201_154733"
    archive.git("rm", "--quiet", f"{stamped}/0.json")
    archive.git("commit", "--quiet", "--message=mine")
    assert found_in(archive)[0][1:] == (
        f"{stamped}.json",
        "its shards are not those of its snapshot",
    )


def test_what_was_reverted_is_read_too(archive: Archive) -> None:
    revert.revert(archive.target(), "HEAD", clock=lambda: archive.time)
    problems, audit = archive.problems()
    assert (problems, audit.snapshots, audit.records) == ([], 2, 4)
    tamper(archive, "data/hub/latest.json", lambda _: "mine")
    assert [problem.reason for problem in archive.problems()[0]][:1] == [
        "it is no canonical snapshot"
    ]


def test_a_shallow_clone_is_never_called_whole(archive: Archive, tmp_path: Path) -> None:
    url = archive.folder.as_uri()
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", "--depth=1", url, clone], check=True)
    shallow = Archive(clone)
    shallow.configure()
    with pytest.raises(ShallowHistory):
        shallow.problems()


def test_a_record_in_a_shard_where_it_does_not_belong_is_named(archive: Archive) -> None:
    sharded(archive)
    folder, index = archive.folder / "data/hub/latest", archive.folder / "data/hub/latest.json"
    shards = {file.stem: file.read_bytes() for file in folder.iterdir()}
    text = index.read_text()
    for name, other in (("0", "1"), ("1", "0")):
        (folder / f"{name}.json").write_bytes(shards[other])
        found = json.loads(text)["shards"]
        old, new = (json.dumps({"records": 0} | found[each]) for each in (name, other))
        index.write_text(index.read_text().replace(f'"{name}": {old}', f'"{name}": {new}'))
    archive.git("commit", "--quiet", "--all", "--message=mine")
    assert "does not belong in shard 0" in found_in(archive)[0][2]
