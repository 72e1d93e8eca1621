"""The demo tells a story in which every command is real."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

from support.processes import run_process

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from subprocess import CompletedProcess


COMMANDS = [
    *("init", "run", "run", "run", "run", "run", "run"),
    *("log", "compare", "changes", "show", "search", "list", "export", "verify", "site"),
]


def typed(output: str) -> list[str]:
    """Return the names of the commands that the demo typed."""
    start = "$ archiver "
    return [line.split()[2] for line in output.splitlines() if line.startswith(start)]


def test_it_plays_every_scene_and_leaves_an_archive(
    archiver: Callable[..., CompletedProcess[str]], git: Callable[..., str], tmp_path: Path
) -> None:
    stage = tmp_path / "stage"
    done = archiver("demo", stage)
    assert (done.returncode, typed(done.stdout)) == (0, COMMANDS)
    assert len(git(stage, "log", "--format=%h").splitlines()) == 5
    assert "deleted or private" in done.stdout
    assert "(returned)" in done.stdout
    assert git(stage, "fsck", "--full", "--strict") == ""
    assert len(list((stage / "data/hub/snapshots").iterdir())) == 5
    with (stage / "models.csv").open(newline="") as file:
        assert len(list(csv.reader(file))) > 2845


_WORDS = re.compile(r"[a-z]+(?: [a-z]+){2,}")
"""Three English words in a row."""
_NOT_SAID = re.compile(
    r"^\$ .*|^export .*|^  .*|(?<=[:\u2192]) .*|[\w.-]+/[\w./-]+|^id .*|^\S+ {2,}.*", re.MULTILINE
)
"""Commands, values and keys of records, tables."""


def test_in_a_chinese_locale_it_speaks_chinese_from_the_first_line_to_the_last(
    archiver: Callable[..., CompletedProcess[str]], git: Callable[..., str], tmp_path: Path
) -> None:
    stage = tmp_path / "stage"
    done = archiver("demo", stage, LC_ALL="zh_CN.UTF-8")
    assert (done.returncode, typed(done.stdout)) == (0, COMMANDS)
    scenes = [line for line in done.stdout.splitlines() if line.startswith("# ")]
    assert all(re.search("[\u4e00-\u9fff]", line) for line in scenes)
    assert not _WORDS.findall(_NOT_SAID.sub("", done.stdout + done.stderr))
    assert all("模型" in line for line in git(stage, "log", "--format=%s").splitlines())
    assert 'lang = "zh"' in (stage / "archiver.toml").read_text()
    assert (stage / "data/hub/CHANGELOG.md").read_text().startswith("# hub 的更新日志")
    page = (stage / "site/hub/index.html").read_text()
    assert '<html lang="zh-CN">' in page
    assert "最新变化" in page


def test_without_a_folder_it_plays_in_a_temporary_one(tmp_path: Path) -> None:
    done = run_process("demo", TMPDIR=str(tmp_path))
    (stage,) = tmp_path.glob("archiver-demo-*")
    assert (done.returncode, (stage / "models.csv").exists()) == (0, True)


def test_it_refuses_a_folder_that_is_in_use(
    archiver: Callable[..., CompletedProcess[str]], tmp_path: Path
) -> None:
    (tmp_path / "mine").write_text("mine")
    done = archiver("demo", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{tmp_path} is not empty" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_it_leaves_the_archive_of_the_person_alone(
    archiver: Callable[..., CompletedProcess[str]], repo: Path, tmp_path: Path
) -> None:
    (repo / "archiver.toml").write_text("this is no configuration")
    settings = {"ARCHIVER_REPO": str(repo), "ARCHIVER_CONFIG": str(repo / "archiver.toml")}
    proxy = {"http_proxy": "http://127.0.0.1:9"}
    assert archiver("demo", tmp_path / "stage", **settings, **proxy).returncode == 0
