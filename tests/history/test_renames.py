"""A renamed source: one commit moved its folder, and its history goes on under the new name."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from support.archives import Archive
from support.commandline import run_archiver
from support.git import new_repository

from archiver import config as configuration
from archiver.capture import capture, prune, revert, runlog
from archiver.capture.target import open_target
from archiver.capture.verify import Audit
from archiver.changes.retention import Retention
from archiver.history import queries, timeline
from archiver.history.catalogue import Catalogue, configured
from archiver.history.changelog import sections
from archiver.history.log import log
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path

DAY_ONE = "2026-01-30 15:47:33"


class Renamed(Archive):
    """An archive whose one source is called `name` today."""

    name = "hub"
    place = "data"

    def rename(self, name: str, *, message: str = "rename", place: str = "") -> str:
        """Move the folder of the source and its table, in one commit; return its id."""
        place = place or self.place
        (self.folder / place).mkdir(exist_ok=True)
        self.git("mv", f"{self.place}/{self.name}", f"{place}/{name}")
        self.table(name, place)
        self.git("commit", "--quiet", "--all", f"--message={message}")
        return self.git("rev-parse", "HEAD")

    def table(self, name: str, place: str = "data") -> None:
        """Let archiver.toml have the source `name` alone."""
        self.name, self.place = name, place
        self.configure(f'[archive]\npath = "{place}"\n', max_shrink=1, confirmations=3)
        file = self.folder / "archiver.toml"
        file.write_text(file.read_text().replace("[sources.hub]", f"[sources.{name}]"))

    @property
    def catalogue(self) -> Catalogue:
        config = configuration.discover(self.folder, {})
        return configured(config, self.name, Repository.open(self.folder))

    def capture(self, **models: int) -> None:
        self.lists(**models)
        self.time += self.time.replace(day=2) - self.time.replace(day=1)
        capture.run(self.config, self.name, clock=lambda: self.time)

    def totals(self) -> list[int | None]:
        return [entry.total for entry in log(self.catalogue)]

    def wrong(self) -> list[str]:
        return [each.reason for each in Audit(self.catalogue).problems()]

    def cli(self, *words: str) -> str:
        done = run_archiver(words[0], "--repo", self.folder, *words[1:])
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Renamed:
    found = Renamed(new_repository(tmp_path_factory.mktemp("template") / "repo"))
    found.table("hub")
    found.git("add", "archiver.toml")
    found.git("commit", "--quiet", "--message=configure")
    found.capture(a=1)
    found.capture(a=2, b=1)
    return found


@pytest.fixture
def archive(template: Renamed, tmp_path: Path) -> Renamed:
    """Return an archive with two captures of the source hub."""
    shutil.copytree(template.folder, tmp_path / "repo")
    return Renamed(tmp_path / "repo", template.time)


@pytest.mark.parametrize("more", [False, True], ids=["just renamed", "captured since"])
def test_every_reading_goes_on_under_the_former_name(archive: Renamed, *, more: bool) -> None:
    archive.rename("shop")
    if more:
        archive.capture(a=3, b=1)
    assert archive.totals() == [2, 2, 1][not more :]
    assert archive.wrong() == []
    found = archive.catalogue
    assert [each.kind for each in timeline.timeline(found, "a").events][-1] == "new"
    assert timeline.timeline(found, "a").first_seen.timestamp == DAY_ONE
    assert len([*sections(found)]) == 2 + more
    with queries.version_at(found, "2026-01-30", now=archive.time) as version:
        assert (version.end.timestamp, version.end.total) == (DAY_ONE, 1)
    with queries.compare(found, "2026-01-30", None, now=archive.time) as compared:
        assert len([*compared.changes()]) == 2
    since = archive.time.replace(month=1, day=30)
    assert len([*queries.steps(found, since)]) == 1 + more
    for words in (("log",), ("verify",), ("changelog",), ("search", "a", "--at", "2026-01-30")):
        assert "note" not in archive.cli(*words)


def test_a_commit_before_the_rename_can_be_named(archive: Renamed) -> None:
    old = archive.git("rev-parse", "HEAD~1")
    archive.rename("shop")
    archive.capture(a=3)
    for name in (old, "HEAD~3", "hub_models_20260130_154733", "shop_models_20260130_154733"):
        with queries.version_at(archive.catalogue, name, now=archive.time) as version:
            assert version.end.timestamp == DAY_ONE
    assert [entry.total for entry in log(archive.catalogue, tip=old)] == [1]
    assert "2026-01-31" not in archive.cli("log", "--at", "2026-01-30")


def test_a_stamped_file_that_was_pruned_before_the_rename_is_found(archive: Renamed) -> None:
    with Repository.open(archive.folder) as repository:
        target = open_target(archive.config, "hub", repository)
        prune.prune(target, Retention(keep_last=1), clock=lambda: archive.time, dry_run=False)
    archive.rename("shop")
    for name in ("hub_models_20260130_154733", "shop_models_20260130_154733"):
        with queries.version_at(archive.catalogue, name, now=archive.time) as version:
            assert version.end.timestamp == DAY_ONE
    assert archive.wrong() == []


def test_shards_and_tombstones_are_read_where_they_were(archive: Renamed) -> None:
    many = {f"m{number}": number for number in range(40)}
    archive.table("hub")
    file = archive.folder / "archiver.toml"
    file.write_text(file.read_text().replace("confirmations = 3", "confirmations = 1\nshards = 16"))
    archive.capture(**many, gone=1)
    archive.capture(**many)
    text = file.read_text()
    archive.rename("shop")
    file.write_text(text.replace("[sources.hub]", "[sources.shop]"))
    archive.capture(**many, more=1)
    assert archive.totals() == [41, 40, 41, 2, 1]
    assert archive.wrong() == []
    with queries.compare(archive.catalogue, "HEAD~2", None, now=archive.time) as compared:
        assert compared.old.tombstones().keys() >= {"gone"}
        assert [change.key for change in compared.changes()] == ["more"]


def test_what_runs_remember_moves_along(archive: Renamed) -> None:
    archive.capture(a=2)  # b is missing now
    archive.rename("shop")
    assert archive.catalogue.missing().keys() == {"b"}
    assert len(runlog.load(archive.catalogue)) == 3
    archive.capture(a=2)
    assert archive.catalogue.missing()["b"].listings == 2
    assert len(runlog.load(archive.catalogue)) == 4
    state = archive.git("ls-tree", "-r", "--name-only", "refs/archiver/state").splitlines()
    assert {path.partition("/")[0] for path in state} == {"shop"}
    archive.capture(a=2, b=1)
    assert archive.catalogue.missing() == {}


def test_a_failed_run_moves_what_runs_remember_too(archive: Renamed) -> None:
    archive.capture(a=2)
    archive.rename("shop")
    runlog.record_failure(
        archive.config, "shop", ValueError("no"), began=archive.time, now=archive.time
    )
    assert archive.catalogue.missing().keys() == {"b"}
    assert [run.outcome for run in runlog.load(archive.catalogue)][-1] == "failed"


def test_a_capture_before_the_rename_is_reverted(archive: Renamed) -> None:
    archive.rename("shop")
    with Repository.open(archive.folder) as repository:
        target = open_target(archive.config, "shop", repository)
        revert.revert(target, "HEAD~1", clock=lambda: archive.time)
    assert archive.totals() == [1, 1]
    assert archive.wrong() == []


def test_renamed_again_and_back(archive: Renamed) -> None:
    for number, name in enumerate(("shop", "store", "hub", "shop"), 3):
        archive.rename(name)
        archive.capture(a=number, b=1)
        assert archive.totals() == [2] * (number - 1) + [1]
        assert archive.wrong() == []
    assert archive.catalogue.names() == ("shop", "hub", "store")
    assert "note" not in archive.cli("log")


def test_another_folder_for_all_data_is_followed(archive: Renamed) -> None:
    archive.rename("hub", place="archive")
    archive.capture(a=3, b=1)
    assert archive.totals() == [2, 2, 1]
    assert archive.wrong() == []


def test_a_copy_is_no_rename(archive: Renamed) -> None:
    shutil.copytree(archive.folder / "data/hub", archive.folder / "data/shop")
    archive.table("shop")
    archive.git("add", "--all", "data")
    archive.git("commit", "--quiet", "--all", "--message=copy")
    assert archive.totals() == [2]
    assert archive.wrong() == []
    assert "2 captures stand in one commit" in archive.cli("log")
    archive.table("hub")
    assert archive.totals() == [2, 1]


def other_source(archive: Renamed) -> None:
    """Let data/shop be another source's, with one capture."""
    archive.table("shop")
    archive.capture(x=1, y=1, z=1)
    archive.table("hub")


def test_the_name_of_a_source_that_is_gone(archive: Renamed) -> None:
    other_source(archive)
    theirs = archive.git("rev-parse", "HEAD")
    archive.git("rm", "-r", "--quiet", "data/shop")
    archive.git("commit", "--quiet", "--message=gone")
    archive.capture(a=3, b=1)
    archive.rename("shop")
    assert archive.totals() == [2, 2, 1]
    assert [entry.total for entry in log(archive.catalogue, tip=theirs)] == [2, 1]
    assert archive.wrong() == []
    told = archive.cli("log")
    assert "another source was at data/shop/latest.json: archiver log --file data/shop" in told
    assert "(3 records)" in archive.cli(
        "log", "--file", "data/shop/latest.json", "--at", theirs[:10]
    )


def test_a_move_over_another_source_is_told(archive: Renamed) -> None:
    other_source(archive)
    archive.git("rm", "-r", "--quiet", "data/shop")
    archive.rename("shop")
    assert archive.totals() == [2, 3]
    assert archive.wrong() == []
    assert "2 captures stand in one commit" in archive.cli("log")


def test_a_move_that_changed_the_snapshot_is_told(archive: Renamed) -> None:
    archive.git("mv", "data/hub", "data/shop")
    archive.table("shop")
    file = archive.folder / "data/shop/latest.json"
    file.write_text(file.read_text().replace('"n":2', '"n":5'))
    archive.git("commit", "--quiet", "--all", "--message=rename and edit")
    assert archive.totals() == [2]
    assert "was moved here from data/hub/latest.json" in archive.cli("log")
    assert "it is not what any sound snapshot holds" in archive.wrong()


@pytest.mark.parametrize("strategy", ["ort", "recursive"])
def test_a_rename_that_was_merged(archive: Renamed, strategy: str) -> None:
    archive.git("checkout", "--quiet", "-b", "side")
    archive.rename("shop")
    archive.git("checkout", "--quiet", "main")
    archive.table("hub")
    archive.capture(a=3, b=1)
    archive.capture(a=3, b=1, c=1)
    archive.git("checkout", "--quiet", "--", "archiver.toml")
    merge = ("-c", "merge.directoryRenames=true", "merge", "--quiet", "--no-edit")
    archive.git(*merge, f"--strategy={strategy}", "side")
    archive.table("shop")
    assert archive.totals() == [3, 2, 2, 1]
    archive.capture(a=4, b=1, c=1)
    assert archive.totals() == [3, 3, 2, 2, 1]
    assert archive.wrong() == []


def test_captures_on_the_side_of_the_rename(archive: Renamed) -> None:
    archive.git("checkout", "--quiet", "-b", "side")
    archive.rename("shop")
    archive.capture(a=3, b=1)
    archive.git("checkout", "--quiet", "main")
    archive.git("commit", "--quiet", "--allow-empty", "--message=note")
    archive.git("merge", "--quiet", "--no-edit", "--no-ff", "side")
    assert archive.totals() == [2, 2, 1]
    assert archive.wrong() == []


def test_a_merge_that_renames(archive: Renamed) -> None:
    archive.git("checkout", "--quiet", "-b", "side")
    archive.capture(a=3, b=1)
    archive.git("checkout", "--quiet", "main")
    archive.git("commit", "--quiet", "--allow-empty", "--message=note")
    archive.git("merge", "--quiet", "--no-commit", "--no-ff", "side")
    archive.rename("shop", message="merge and rename")
    assert archive.totals() == [2, 2, 1]
    assert archive.wrong() == []


def test_a_source_that_took_the_former_name_is_another(archive: Renamed) -> None:
    archive.rename("shop")
    archive.table("hub")
    archive.capture(x=1)
    assert archive.totals() == [1]
    archive.table("shop")
    assert archive.totals() == [2, 1]


def test_a_source_whose_table_was_not_renamed_says_what_to_do(archive: Renamed) -> None:
    archive.git("mv", "data/hub", "data/shop")
    archive.git("commit", "--quiet", "--message=move")
    told = run_archiver("log", "--repo", archive.folder)
    assert told.returncode == 5
    assert "data/hub/latest.json was moved to data/shop/latest.json" in told.stderr
    assert "rename [sources.hub] in archiver.toml to [sources.shop], too" in told.stderr


def test_a_shallow_clone_reads_back_to_its_end(archive: Renamed, tmp_path: Path) -> None:
    archive.rename("shop")
    archive.capture(a=3, b=1)
    for depth, totals in ((1, [2]), (2, [2, 2]), (3, [2, 2])):
        folder = tmp_path / f"clone{depth}"
        archive.git("clone", "--quiet", f"--depth={depth}", archive.folder.as_uri(), str(folder))
        clone = Renamed(folder, archive.time)
        clone.table("shop")
        entries = [*log(clone.catalogue)]
        assert ([entry.total for entry in entries], entries[-1].status) == (totals, "edge")
