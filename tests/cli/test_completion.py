"""What a shell completes from an archive."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import pytest
from support.histories import History, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from subprocess import CompletedProcess

Archiver: TypeAlias = "Callable[..., CompletedProcess[str]]"


@pytest.fixture
def complete(archiver: Archiver, repo: Path) -> Callable[..., list[str]]:
    """Return what completes the last of some words, typed in the repository."""

    def completed(*words: str) -> list[str]:
        done = archiver(
            _ARCHIVER_COMPLETE="bash_complete",
            COMP_WORDS=" ".join(("archiver", words[0], f"--repo={repo}", *words[1:])),
            COMP_CWORD=str(len(words) + 1),
        )
        assert done.stderr == ""
        return [line.partition(",")[2] for line in done.stdout.splitlines() if line]

    return completed


def fill(repo: Path, *keys: str, source: str = "hub") -> None:
    content = snapshot("2026-01-02 00:00:00", *({"id": key} for key in keys))
    folder = repo / "data" / source
    folder.mkdir(parents=True)
    (folder / "latest.json").write_bytes(content)


def test_sources_revisions_and_dates(repo: Path, complete: Callable[..., list[str]]) -> None:
    past = History(repo)
    past.configure()
    first = past.capture("2026-01-02T00:00:00Z", a=1)
    second = past.capture("2026-02-03T00:00:00Z", a=2)
    past.git("tag", "v1")
    assert complete("log", "--source", "") == ["hub"]
    assert complete("run", "x") == []
    assert complete("log", "--at", "") == [
        *("HEAD", "main", "v1", second[:10], first[:10], "2026-02-03", "2026-01-02")
    ]
    assert complete("compare", "2026-0") == ["2026-02-03", "2026-01-02"]
    assert complete("compare", "somefile.js") == ["somefile.js"]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("", ['a"b', "acme/one", "acme/two", "zoo", "Ünï/x"]),
        ("acme/", ["acme/one", "acme/two"]),
        ("acme/t", ["acme/two"]),
        ("Ü", ["Ünï/x"]),
        ("zoo", ["zoo"]),
        ("zz", []),
        ("~", []),
        ("0", []),
    ],
)
def test_keys(
    repo: Path, complete: Callable[..., list[str]], typed: str, expected: list[str]
) -> None:
    History(repo).configure()
    fill(repo, *('a"b', "acme/one", "acme/two", "zoo", "Ünï/x"))
    assert complete("show", typed) == expected


def test_of_too_many_keys_only_the_next_character_is_offered(
    repo: Path, complete: Callable[..., list[str]]
) -> None:
    History(repo).configure()
    fill(repo, *(f"org/{start}{number}" for start in "ab" for number in range(300)), "x")
    assert complete("show", "") == ["o", "x"]
    assert complete("show", "o") == ["org/a", "org/b"]
    assert len(complete("show", "org/a12")) == 11


def test_without_an_answer_nothing_is_completed(
    repo: Path, complete: Callable[..., list[str]]
) -> None:
    assert complete("show", "a") == complete("log", "--source", "a") == []
    History(repo).configure()
    assert complete("show", "a") == []
    fill(repo)
    assert complete("show", "") == []
    (repo / "archiver.toml").write_text("[sources")
    assert complete("show", "a") == []
