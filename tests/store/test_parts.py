"""A push that a server finds too large is sent in parts, and nothing of them stays."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.git import run_git
from support.git_server import GitServer

from archiver.errors import PushRejected
from archiver.store import parts
from archiver.store.parts import UPLOAD
from archiver.store.remote import Remote
from archiver.store.repository import STATE_REF, Repository

if TYPE_CHECKING:
    from pathlib import Path


LIMIT = 8_000
BRANCH = "refs/heads/main"


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """Return an empty repository that takes packs of at most `LIMIT` bytes."""
    run_git(tmp_path, "init", "--bare", "--quiet", "--initial-branch=main", "origin.git")
    run_git(tmp_path / "origin.git", "config", "receive.maxInputSize", str(LIMIT))
    return tmp_path / "origin.git"


@pytest.fixture
def work(repo: Path, origin: Path) -> Path:
    run_git(repo, "remote", "add", "origin", str(origin))
    return repo


def committed(work: Path, *sizes: int, seed: int) -> str:
    """Commit as many files that nothing compresses, and return the commit."""
    chance = random.Random(seed)
    for number, size in enumerate(sizes):
        (work / f"{number}.json").write_bytes(chance.randbytes(size))
    run_git(work, "add", ".")
    run_git(work, "commit", "--quiet", "-m", f"{seed}")
    run_git(work, "update-ref", STATE_REF, "HEAD")
    return run_git(work, "rev-parse", "HEAD").strip()


def pushed(work: Path) -> None:
    with Repository.open(work) as repository:
        Remote.find(repository, BRANCH, name=None, variables={}).push()


def refs(folder: Path) -> dict[str, str]:
    rows = run_git(folder, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return dict(row.split(" ") for row in rows)


def test_a_plain_push_is_refused_for_its_size_and_the_same_arrives_in_parts(
    work: Path, origin: Path
) -> None:
    for seed in range(6):
        newest = committed(work, 3_000, seed=seed)
    refused = subprocess.run(
        ["git", "-C", work, "push", "origin", BRANCH], capture_output=True, check=False
    )
    assert b"exceeds maximum allowed size" in refused.stderr
    pushed(work)
    assert refs(origin) == {BRANCH: newest, STATE_REF: newest}
    run_git(origin, "fsck", "--full", "--strict")


def test_one_commit_that_is_too_large_arrives_file_by_file(work: Path, origin: Path) -> None:
    committed(work, 100, seed=1)
    pushed(work)
    newest = committed(work, *[3_000] * 12, seed=2)
    pushed(work)
    assert refs(origin) == {BRANCH: newest, STATE_REF: newest}
    run_git(origin, "fsck", "--full", "--strict")
    assert not any(name.startswith(UPLOAD) for name in refs(work))


def test_the_first_commit_of_all_may_be_too_large(work: Path, origin: Path) -> None:
    newest = committed(work, *[3_000] * 12, seed=3)
    pushed(work)
    assert refs(origin) == {BRANCH: newest, STATE_REF: newest}


def test_parts_go_over_http_too(work: Path, origin: Path, tmp_path: Path) -> None:
    run_git(origin, "config", "http.receivepack", "true")
    newest = committed(work, *[3_000] * 6, seed=4)
    with GitServer(tmp_path) as server:
        run_git(work, "remote", "set-url", "origin", server.url)
        pushed(work)
    assert refs(origin) == {BRANCH: newest, STATE_REF: newest}


def test_what_is_known_to_be_too_large_is_never_tried_at_once(
    work: Path, origin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "PART", LIMIT // 2)
    hook = origin / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ncat >> $GIT_DIR/pushes\n")
    hook.chmod(0o755)
    commits = [committed(work, 3_000, seed=seed) for seed in range(4)]
    pushed(work)
    rows = [row.split() for row in (origin / "pushes").read_text().splitlines()]
    moves = [new for _, new, ref in rows if ref == BRANCH]
    assert moves == commits, "each is a state that the branch had here"


def test_a_server_that_takes_no_other_refs_says_so(work: Path, origin: Path) -> None:
    run_git(origin, "config", "receive.hideRefs", "refs/archiver/upload")
    committed(work, *[3_000] * 6, seed=5)
    with pytest.raises(PushRejected, match="exceeds maximum allowed size"):
        pushed(work)
    assert refs(origin) == {}


def test_a_single_file_that_is_too_large_is_refused(work: Path, origin: Path) -> None:
    committed(work, 3 * LIMIT, seed=6)
    with pytest.raises(PushRejected, match="exceeds maximum allowed size"):
        pushed(work)
    assert BRANCH not in refs(origin)


SCRIPT = """
import sys
from pathlib import Path
from archiver.store.remote import Remote
from archiver.store.repository import Repository
with Repository.open(Path(sys.argv[1])) as repository:
    Remote.find(repository, "refs/heads/main", name=None, variables={}).push()
"""


@pytest.mark.parametrize("after", [1, 2, 3, 4, 5])
def test_a_push_that_was_killed_goes_on_and_cleans_up(work: Path, origin: Path, after: int) -> None:
    old = committed(work, 100, seed=7)
    pushed(work)
    newest = committed(work, *[3_000] * 8, seed=8)
    hook = origin / "hooks/post-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        f"#!/bin/sh\necho >> $GIT_DIR/count\n"
        f'[ "$(wc -l < $GIT_DIR/count)" = {after} ] && kill -9 $(cat $GIT_DIR/victim); true\n'
    )
    hook.chmod(0o755)
    child = subprocess.Popen(
        [
            "/bin/sh",
            "-c",
            f'echo $$ > {origin}/victim; exec "$@"',
            "sh",
            *(sys.executable, "-c", SCRIPT),
            str(work),
        ],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert child.wait(60) == -signal.SIGKILL
    assert refs(origin)[BRANCH] in {old, newest}
    run_git(origin, "fsck", "--full", "--strict")
    hook.unlink()
    with Repository.open(work) as repository:
        Remote.find(repository, BRANCH, name=None, variables={}).fetch()  # as each run does
    pushed(work)
    assert refs(origin) == {BRANCH: newest, STATE_REF: newest}
