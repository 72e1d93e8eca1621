"""``files = "…"``: the files of a folder are archived, one record each, or several."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.commandline import run_archiver
from support.git import new_repository

if TYPE_CHECKING:
    from support.commandline import Ran


class Place:
    """An archive beside a folder of files."""

    def __init__(self, folder: Path) -> None:
        """Make it in a new folder."""
        self.folder = new_repository(folder)

    def configure(self, files: str = "r/*.json", **settings: Any) -> None:
        lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
        table = ["[sources.hub]", 'type = "json"', f"files = {json.dumps(files)}", *lines]
        (self.folder / "archiver.toml").write_text("\n".join(table))

    def write(self, **files: str | None) -> None:
        """Write files of ``r``, by their names without suffix; None: removed."""
        (self.folder / "r").mkdir(exist_ok=True)
        for name, content in files.items():
            path = self.folder / "r" / f"{name}.json"
            path.unlink() if content is None else path.write_text(content)

    def run(self) -> Ran:
        return run_archiver("run", "--repo", self.folder)

    def listed(self) -> dict[str, Any]:
        done = run_archiver("export", "-f", "jsonl", "--repo", self.folder)
        found = [json.loads(line) for line in done.stdout.splitlines()]
        return {each.pop("@key", None) or each["id"]: each for each in found}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Return an archive with a folder, not configured yet."""
    return Place(tmp_path / "archive")


def test_each_file_is_a_record(place: Place) -> None:
    place.configure()
    fixed = {f"f{number}": "{}" for number in range(9)}
    place.write(a='{"v":1}', b='{"v":1}', **fixed)
    assert place.run().returncode == 0
    place.write(a='{"v":2}', b=None, c='{"v":2}')
    done = place.run()
    assert (done.returncode, done.stderr) == (0, "")
    assert "+1 new, 1 updated, -1 removed" in done.stdout
    assert place.listed() == {"a": {"v": 2}, "c": {"v": 2}, **{key: {} for key in fixed}}


def test_files_that_are_equal_are_two_records(place: Place) -> None:
    place.configure()
    place.write(a="{}", b="{}", c="{}")
    assert place.run().returncode == 0
    assert place.listed() == {"a": {}, "b": {}, "c": {}}


def test_files_may_hold_several_records(place: Place) -> None:
    place.configure(records=".{provider}.models", key=["provider", "id"])
    place.write(openai='{"models":[{"id":"m"},{"id":"n"}]}', mistral='{"models":[{"id":"m"}]}')
    assert place.run().returncode == 0
    assert place.listed().keys() == {"openai/m", "openai/n", "mistral/m"}


def test_a_folder_elsewhere_is_named_by_its_whole_path(place: Place, tmp_path: Path) -> None:
    (tmp_path / "other/x").mkdir(parents=True)
    (tmp_path / "other/x/a.json").write_text('{"v":1}')
    place.configure(f"{tmp_path}/other/**/*.json")
    assert place.run().returncode == 0
    assert place.listed() == {"x/a": {"v": 1}}


def test_one_file_of_many_that_cannot_be_read_keeps_its_record(place: Place) -> None:
    place.configure()
    place.write(**{f"f{number}": '{"v":1}' for number in range(200)})
    place.run()
    place.write(f7='{"v":')
    done = place.run()
    assert done.returncode == 0
    assert "r/f7.json (not JSON" in done.stderr
    assert place.listed()["f7"] == {"v": 1}


def test_many_files_that_cannot_be_read_are_refused(place: Place) -> None:
    place.configure()
    place.write(a='{"v":1}', b='{"v":1}')
    place.run()
    place.write(a="{")
    done = place.run()
    assert done.returncode == 4
    assert "bad records: 1 of 2" in done.stderr
    assert place.listed()["a"] == {"v": 1}


def test_a_damaged_file_of_several_records_is_refused(place: Place) -> None:
    place.configure(records="models", key="id")
    place.write(a='{"models":[{"id":"m"}]}', b='{"error": 429}')
    done = place.run()
    assert done.returncode == 3
    assert 'no "models"' in done.stderr
    assert "b.json" in done.stderr


def test_no_file_is_no_empty_catalogue(place: Place) -> None:
    place.configure()
    place.write(a='{"v":1}')
    place.run()
    place.write(a=None)
    done = place.run()
    assert done.returncode == 3
    assert "no file matches" in done.stderr
    assert "r/*.json" in done.stderr


def test_links_are_left_out_and_named(place: Place, tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text('{"v":"secret"}')
    place.configure()
    place.write(a='{"v":1}')
    (place.folder / "r/b.json").symlink_to(tmp_path / "secret.json")
    done = place.run()
    assert done.returncode == 0
    assert "r/b.json" in done.stderr
    assert place.listed() == {"a": {"v": 1}}


def test_a_path_that_the_system_cannot_open_is_named(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.configure("r/**/*.json")
    place.write(a="{}")
    monkeypatch.chdir(place.folder / "r")
    folder = place.folder / "r"
    while len(str(folder)) < 3850:
        folder /= "d" * 200
        Path(folder.name).mkdir()
        monkeypatch.chdir(folder.name)
    Path("f" * 200 + ".json").write_text("{}")  # its whole path is longer than 4,096 bytes
    done = place.run()
    assert done.returncode == 3
    assert "File name too long" in done.stderr


def test_git_itself_is_not_part_of_a_folder(place: Place) -> None:
    place.configure("**/*.json")
    place.write(a='{"v":1}')
    (place.folder / ".git/x.json").write_text('{"v":1}')
    assert place.run().returncode == 0
    assert place.listed().keys() == {"r/a"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"url": "a.json"}, "either url or files"),
        ({"total": "count"}, "total belongs to url"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    place: Place, settings: dict[str, str], words: str
) -> None:
    place.configure(**settings)
    done = place.run()
    assert done.returncode == 2
    assert words in done.stderr


def test_a_pattern_that_is_none_is_refused(place: Place) -> None:
    place.configure("r/[z-a].json")
    done = place.run()
    assert done.returncode == 2
    assert "r/[z-a].json is no pattern" in done.stderr


def test_the_sources_are_listed_with_their_folders(place: Place) -> None:
    place.configure()
    assert "r/*.json" in run_archiver("sources", "--repo", place.folder).stdout
