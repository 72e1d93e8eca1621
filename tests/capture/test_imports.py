"""Import old snapshot folders and other repositories' histories."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from support.archives import Archive
from support.commandline import run_archiver
from support.histories import FILE, History

from archiver.capture.imports import Imported, import_all
from archiver.capture.origins import from_files, from_history
from archiver.errors import ConfigError, NotADataRepository, RenderError, StoreError
from archiver.history.log import log
from archiver.records.model import Summary

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from archiver.capture.origins import Origin


NOW = datetime(2026, 1, 3, tzinfo=UTC)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Return an archive that is still empty."""
    return fresh(tmp_path / "archive")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Return a folder of snapshots as the original design wrote them."""
    folder = tmp_path / "old"
    (folder / "2026").mkdir(parents=True)
    write(folder / "hub_models_20260101_000000.json", a=1)
    write(folder / "2026/hub_models_20260103_000000.json.gz", a=2, b=1)
    write(folder / "hub_models_20260102_000000.json", a=1, b=1)
    return folder


@pytest.fixture
def past(tmp_path: Path) -> History:
    """Return somebody's repository, with versions that bring nothing or cannot be read."""
    folder = tmp_path / "past"
    folder.mkdir()
    history = History(folder)
    history.git("init", "--quiet", "--initial-branch=main")
    history.add("2026-01-01T00:00:00Z", a=1)
    history.add("2026-01-02T00:00:00Z", a=1, b=1)
    history.commit("2026-01-03T00:00:00Z", {FILE: '{"error": 429}'})
    history.commit(
        "2026-01-04T00:00:00Z", {FILE: '{"models": [{"n":1,"id":"b"},{"n":1,"id":"a"}]}'}
    )
    history.commit("2026-01-05T00:00:00Z", {FILE: None})
    history.add("2026-01-06T00:00:00Z", b=2)
    return history


def fresh(folder: Path) -> Archive:
    folder.mkdir()
    archive = Archive(folder)
    archive.git("init", "--quiet", "--initial-branch=main")
    archive.configure()
    return archive


def write(file: Path, *, indent: int = 4, **models: int) -> None:
    """Write a snapshot of the original design."""
    listed = [{"id": key, "n": n, "size": "4.5 GB"} for key, n in models.items()]
    head = {"timestamp": "2020-02-02 02:02:02", "total_models": len(listed)}
    text = json.dumps({**head, "models": listed}, indent=indent).encode()
    file.write_bytes(gzip.compress(text) if file.suffix == ".gz" else text)


def take(archive: Archive, origins: Iterable[Origin]) -> Imported:
    return import_all(archive.target(), origins, now=NOW)


def files(archive: Archive, *paths: Path) -> list[Origin]:
    return from_files(paths, archive.target().source, records=None, key=())


def import_history(archive: Archive, past: History) -> Imported:
    source = archive.target().source
    with from_history(past.folder, FILE, source, records=None, key=()) as origins:
        return take(archive, origins)


def history_of(archive: Archive) -> list[tuple[str, int | None, Summary | None]]:
    """Return capture time, total and changes, oldest first."""
    entries = [*log(archive.target().catalogue)]
    return [(entry.timestamp, entry.total, entry.summary) for entry in reversed(entries)]


def counted(done: Imported) -> dict[str, Any]:
    return {
        "committed": done.committed,
        "present": done.present,
        "identical": done.identical,
        "skipped": len(done.skipped),
    }


def test_a_folder_of_old_files_becomes_commits_at_their_capture_times(
    archive: Archive, old: Path
) -> None:
    done = take(archive, files(archive, old))
    assert (counted(done), done.total) == (
        {"committed": 3, "present": 0, "identical": 0, "skipped": 0},
        2,
    )
    assert history_of(archive) == [
        ("2026-01-01 00:00:00", 1, None),
        ("2026-01-02 00:00:00", 2, Summary(new=1, unchanged=1)),
        ("2026-01-03 00:00:00", 2, Summary(updated=1, unchanged=1)),
    ]
    assert archive.git("log", "--reverse", "--format=%aI %cI %an <%ae>").splitlines() == [
        f"2026-01-0{day}T00:00:00+00:00 2026-01-0{day}T00:00:00+00:00 "
        "archiver <archiver@users.noreply.example>"
        for day in (1, 2, 3)
    ]
    assert archive.listed()["models"][0] == {"id": "a", "n": 2, "size": "4.5 GB"}
    assert archive.problems()[0] == []
    assert archive.git("status", "--porcelain", "data") == ""


def test_the_message_says_what_changed_and_not_which_program_wrote_it(
    archive: Archive, old: Path
) -> None:
    take(archive, files(archive, old))
    message = archive.git("log", "-1", "--format=%B")
    assert message.startswith("hub: 1 updated (2 records)\n")
    trailers = archive.git("log", "-1", "--format=%(trailers:keyonly)").split()
    assert trailers == [
        f"Archiver-{name}"
        for name in (
            *("Source", "Format", "Total", "New", "Updated", "Removed", "Metrics"),
            "Records-Digest",
        )
    ]


def test_a_history_becomes_commits_and_what_cannot_be_read_is_named(
    archive: Archive, past: History
) -> None:
    done = import_history(archive, past)
    assert counted(done) == {"committed": 3, "present": 0, "identical": 1, "skipped": 2}
    gone, error = (past.git("rev-parse", f"HEAD~{n}").strip() for n in (1, 3))
    assert [line.split(": ")[0] for line in done.skipped] == [error, gone]
    assert history_of(archive) == [
        ("2026-01-01 00:00:00", 1, None),
        ("2026-01-02 00:00:00", 2, Summary(new=1, unchanged=1)),
        ("2026-01-06 00:00:00", 1, Summary(updated=1, removed=1)),
    ]


def test_two_fresh_repositories_get_equal_commits(tmp_path: Path, past: History) -> None:
    heads = set()
    for name in ("one", "two"):
        archive = fresh(tmp_path / name)
        archive.git("config", "user.name", name)
        import_history(archive, past)
        heads.add(archive.git("rev-parse", "HEAD"))
    assert len(heads) == 1


def test_importing_the_same_again_changes_nothing(archive: Archive, old: Path) -> None:
    take(archive, files(archive, old))
    before = archive.footprint()
    done = take(archive, files(archive, old))
    assert counted(done) == {"committed": 0, "present": 3, "identical": 0, "skipped": 0}
    assert archive.footprint() == before


def test_captures_taken_since_do_not_hinder_importing_again(archive: Archive, old: Path) -> None:
    take(archive, files(archive, old))
    archive.captured(a=9, b=9)
    assert counted(take(archive, files(archive, old)))["committed"] == 0
    assert archive.commits == 4


def test_an_import_that_was_killed_goes_on_where_it_stopped(
    tmp_path: Path, archive: Archive, old: Path
) -> None:
    take(archive, files(archive, old)[:2])
    assert counted(take(archive, files(archive, old)))["committed"] == 1
    other = fresh(tmp_path / "other")
    take(other, files(other, old))
    assert archive.git("rev-parse", "HEAD") == other.git("rev-parse", "HEAD")


def test_a_source_that_holds_something_else_is_refused(archive: Archive, old: Path) -> None:
    archive.captured(z=1)
    before = archive.footprint()
    with pytest.raises(StoreError, match="the source hub is not empty"):
        take(archive, files(archive, old))
    assert archive.footprint() == before


def test_an_empty_listing_and_a_shrunk_one_are_history_too(archive: Archive, old: Path) -> None:
    write(old / "hub_models_20260104_000000.json")
    take(archive, files(archive, old))
    assert history_of(archive)[-1] == ("2026-01-04 00:00:00", 0, Summary(removed=2))


def test_versions_of_one_second_get_the_next_free_one(archive: Archive, past: History) -> None:
    past.add("2026-01-06T00:00:00Z", b=3)
    past.add("2026-01-06T00:00:00Z", b=4)
    import_history(archive, past)
    assert [time for time, _, _ in history_of(archive)][-3:] == [
        f"2026-01-06 00:00:0{second}" for second in range(3)
    ]
    assert counted(import_history(archive, past))["committed"] == 0


def test_a_file_without_a_stamped_name_says_its_time_itself(
    archive: Archive, tmp_path: Path
) -> None:
    write(tmp_path / "kept.json", a=1)
    take(archive, files(archive, tmp_path / "kept.json"))
    assert [time for time, _, _ in history_of(archive)] == ["2020-02-02 02:02:02"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"models": [{"id": "a"}]}', "nothing says when it was taken"),
        (b'{"timestamp": "yesterday", "models": []}', "nothing says when it was taken"),
        (b'{"timestamp": "2026-01-01 00:00:00", "models": [{"id"', "nothing says when"),
        (b'{"timestamp": "2026-01-01 00:00:00"}', "models"),
        (gzip.compress(b"[]" * 999, mtime=0)[:20], "nothing says when"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_reason(
    archive: Archive, tmp_path: Path, content: bytes, words: str
) -> None:
    file = tmp_path / "kept.json"
    file.write_bytes(content)
    (left_out,) = take(archive, files(archive, file)).skipped
    assert left_out.startswith(f"{file}: ")
    assert words in left_out


def test_a_damaged_file_with_a_stamped_name_is_named(archive: Archive, old: Path) -> None:
    zipped = old / "2026/hub_models_20260103_000000.json.gz"
    content = zipped.read_bytes()
    zipped.write_bytes(content[:30] + b"\xff\xff\xff\xff" + content[34:])
    (left_out,) = take(archive, files(archive, old)).skipped
    assert left_out.startswith(f"{zipped}: ")
    assert archive.commits == 2


def test_records_that_are_left_out_are_told(archive: Archive, tmp_path: Path) -> None:
    file = tmp_path / "hub_models_20260101_000000.json"
    file.write_text('{"models": [{"id": "a"}, {"name": "b"}]}')
    (note,) = take(archive, files(archive, file)).notes
    assert note.startswith(f"{file}: left out, no usable record: ")


def test_files_that_pandas_or_excel_wrote_are_imported(archive: Archive, tmp_path: Path) -> None:
    file = tmp_path / "marked.json"
    text = '{"timestamp": "2026-01-01T00:00:00Z", "models": [{"id": "a", "v": NaN}]}'
    file.write_bytes(text.encode("utf-8-sig"))
    done = take(archive, files(archive, file))
    assert (done.committed, done.skipped) == (1, ())
    assert done.notes == (f"{file}: 1 value that is not finite was read as null",)


def test_a_folder_with_files_of_other_sources_gives_those_of_this_one(
    archive: Archive, old: Path
) -> None:
    write(old / "other_models_20260101_000000.json", z=1)
    assert len(files(archive, old)) == 3
    write(old / "third_models_20260101_000000.json", z=1)
    for file in old.rglob("hub_*"):
        file.unlink()
    with pytest.raises(ConfigError, match="several sources: other, third"):
        files(archive, old)


def test_a_folder_with_files_of_one_other_source_gives_these(archive: Archive, old: Path) -> None:
    for file in [*old.rglob("hub_*")]:
        file.rename(file.with_name(file.name.replace("hub_", "modelscope_")))
    assert len(files(archive, old)) == 3


def test_a_folder_without_snapshots_is_refused(archive: Archive, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no file NAME_models"):
        files(archive, tmp_path)


def test_snapshots_of_an_archive_are_imported_as_they_are(archive: Archive, tmp_path: Path) -> None:
    other = fresh(tmp_path / "other")
    for shards in (1, 16):
        other.configure(shards=shards)
        other.captured(a=shards, b=1)
    take(archive, files(archive, other.folder / "data"))
    assert [archive.listed(rev)["timestamp"] for rev in ("HEAD~1", "HEAD")] == [
        "2026-01-30 15:47:33",
        "2026-01-31 15:47:33",
    ]
    assert archive.listed()["models"] == [{"id": "a", "n": 16}, {"id": "b", "n": 1}]


def test_shards_that_stayed_keep_their_blobs(archive: Archive, old: Path) -> None:
    archive.configure(shards=16)
    take(archive, files(archive, old))
    changed = archive.git("diff", "--name-only", "HEAD~1", "HEAD", "--", "data/hub/latest")
    assert len(changed.splitlines()) == 1
    assert archive.problems()[0] == []


def test_retention_holds_as_if_each_version_had_been_captured_then(
    archive: Archive, old: Path
) -> None:
    archive.configure("[retention]\nkeep_days = 1")
    take(archive, files(archive, old))
    assert len([*(archive.folder / "data/hub/snapshots").iterdir()]) == 2
    assert archive.commits == 3


def test_what_retention_does_not_keep_today_does_not_stay(archive: Archive, old: Path) -> None:
    archive.configure("[retention]\nkeep_days = 1")
    origins = files(archive, old)
    done = import_all(archive.target(), origins, now=NOW + timedelta(days=365))
    assert done.notes == ("1 stamped file pruned, as [retention] says; history keeps them",)
    stamped = [path.name for path in (archive.folder / "data/hub/snapshots").iterdir()]
    assert stamped == ["hub_models_20260103_000000.json"]
    assert archive.commits == 4
    assert len(history_of(archive)) == 3
    assert archive.git("status", "--porcelain", "data") == ""
    assert archive.problems()[0] == []
    assert counted(take(archive, origins))["present"] == 3
    assert archive.commits == 4


def test_an_import_writes_the_changelog_as_runs_do(archive: Archive, old: Path) -> None:
    take(archive, files(archive, old))
    text = (archive.folder / "data/hub/CHANGELOG.md").read_text("utf-8")
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert [line[3:13] for line in headings] == ["2026-01-03", "2026-01-02", "2026-01-01"]
    archive.captured(a=9, b=9)
    after = (archive.folder / "data/hub/CHANGELOG.md").read_text("utf-8")
    assert after.count("\n## ") == 4
    assert after.endswith(text[text.index("## ") :])


def test_a_broken_template_is_told_when_everything_is_committed(
    archive: Archive, old: Path
) -> None:
    archive.configure('[templates]\nfolder = "mine"')
    (archive.folder / "mine").mkdir()
    (archive.folder / "mine/commit.txt.j2").write_text("{{ nonsense }}")
    with pytest.raises(RenderError, match="nonsense"):
        take(archive, files(archive, old))
    assert archive.commits == 3


def test_a_key_may_be_guessed_as_the_original_design_keyed(archive: Archive, old: Path) -> None:
    archive.configure(key=[])
    take(archive, files(archive, old))
    assert [record["id"] for record in archive.listed()["models"]] == ["a", "b"]


def test_progress_is_told_version_by_version(archive: Archive, old: Path) -> None:
    told: list[int] = []
    import_all(archive.target(), files(archive, old), now=NOW, progress=told.append)
    assert told == [1, 2, 3]


def test_a_real_history_keeps_its_numbers(archive: Archive, real: Path, tmp_path: Path) -> None:
    bundle, clone = real / "khavel-all.bundle", tmp_path / "khavel"
    archive.git("clone", "--quiet", "--branch=main", str(bundle), str(clone))
    source = archive.target().source
    with from_history(clone, FILE, source, records="models", key=("id",)) as origins:
        done = take(archive, origins)
    with (real / "khavel-all.expected.tsv").open() as file:
        rows = [*csv.DictReader(file, delimiter="\t")][1:]
    expected = [
        (int(row["records"]), *(int(row[kind] or 0) for kind in ("new", "updated", "removed")))
        for row in rows
        if {row["new"], row["updated"], row["removed"]} != {"0"}
    ]
    assert expected == [
        (total, summary.new, summary.updated, summary.removed)
        for _, total, summary in history_of(archive)
        if summary is not None
    ]
    assert done.identical == len(rows) - len(expected)
    assert archive.problems()[0] == []


def test_a_file_that_no_commit_holds_is_refused(archive: Archive, past: History) -> None:
    source = archive.target().source
    opened = from_history(past.folder, "nowhere.json", source, records=None, key=())
    with pytest.raises(NotADataRepository, match="no commit holds nowhere"), opened:
        pass


@pytest.mark.parametrize(
    ("names", "days"),
    [
        (("2026-11-01.json", "2026-11-02.json.gz", "2026-11-03.json"), ("01", "02", "03")),
        (("list_20261101.json", "list_20261102.json", "list_20261103.json"), ("01", "02", "03")),
        (("a.2026_11_01T0317.json", "a.2026_11_02T0317.json"), ("01 03:17", "02 03:17")),
    ],
)
def test_one_file_a_day_is_dated_by_its_name(
    tmp_path: Path, names: tuple[str, ...], days: tuple[str, ...]
) -> None:
    folder, repo = tmp_path / "days", tmp_path / "archive"
    folder.mkdir()
    for number, name in enumerate(names):
        content = json.dumps({"data": {"items": [{"id": "a", "n": number}]}}).encode()
        (folder / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    (folder / "notes.json").write_text("[]")
    source = ("--source", "s", "--url", "x.json", "--records", "data.items", "--key", "id")
    assert run_archiver("init", repo, *source).returncode == 0
    done = run_archiver("import", folder, "--repo", repo)
    assert (done.returncode, done.stderr.count("left out")) == (0, 0), done.stderr
    shown = run_archiver("log", "--repo", repo, "-f", "jsonl").stdout.splitlines()
    times = [json.loads(line)["timestamp"] for line in reversed(shown)]
    assert [time[8 : 8 + len(days[0])] for time in times] == list(days)


def test_an_array_in_a_file_is_read_without_being_told_where(tmp_path: Path) -> None:
    folder, repo = tmp_path / "days", tmp_path / "archive"
    folder.mkdir()
    (folder / "2026-11-01.json").write_text(' [{"id": "a"}]')
    source = ("--source", "s", "--url", "x.json", "--key", "id")
    assert run_archiver("init", repo, *source).returncode == 0
    assert run_archiver("import", folder, "--repo", repo).returncode == 0
    (folder / "2026-11-01.json").rename(folder / "other.json")
    refused = run_archiver("import", folder, "--repo", repo)
    assert refused.returncode == 2
    assert "none with a date" in refused.stderr
