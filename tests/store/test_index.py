from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archiver.store.index import stamped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Git = Callable[..., str]


@pytest.mark.parametrize("version", ["2", "3", "4"])
def test_a_stamped_index_is_the_one_that_git_would_write(
    repo: Path, git: Git, version: str
) -> None:
    for name in ("a", "dir/b", "a-much-longer-name"):
        (repo / name).parent.mkdir(exist_ok=True)
        (repo / name).write_text(name)
    git(repo, "add", "--all")
    if version == "3":
        (repo / "later").touch()
        git(repo, "add", "--intent-to-add", "later")
    git(repo, "update-index", "--index-version", version if version == "4" else "2")
    index = repo / ".git" / "index"
    before = index.read_bytes()
    seen = {name.encode(): (repo / name).lstat() for name in ("a", "dir/b")}
    assert stamped(before, seen, "sha1") == before
