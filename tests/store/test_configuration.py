"""git's configuration changes no answer and no commit, whatever a person has set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.archives import Archive
from support.commandline import run_archiver
from support.git import run_git

if TYPE_CHECKING:
    from pathlib import Path

UNUSUAL = {
    "log.abbrevCommit": "true",
    "log.date": "relative",
    "log.decorate": "full",
    "log.diffMerges": "off",
    "log.excludeDecoration": "*",
    "log.follow": "true",
    "log.initialDecorationSet": "all",
    "log.mailmap": "true",
    "log.showRoot": "false",
    "log.showSignature": "true",
    "diff.algorithm": "patience",
    "diff.autoRefreshIndex": "false",
    "diff.colorMoved": "zebra",
    "diff.context": "0",
    "diff.dirstat": "lines",
    "diff.external": "false",
    "diff.ignoreSubmodules": "all",
    "diff.indentHeuristic": "false",
    "diff.interHunkContext": "9",
    "diff.mnemonicPrefix": "true",
    "diff.noprefix": "true",
    "diff.orderFile": "order",
    "diff.relative": "true",
    "diff.renameLimit": "1",
    "diff.renames": "copies",
    "diff.statGraphWidth": "1",
    "diff.submodule": "log",
    "diff.suppressBlankEmpty": "true",
    "diff.wordRegex": ".",
    "diff.wsErrorHighlight": "all",
    "core.abbrev": "4",
    "core.attributesFile": "attributes",
    "core.autocrlf": "true",
    "core.bigFileThreshold": "1",
    "core.checkStat": "minimal",
    "core.commentChar": "A",
    "core.commitGraph": "false",
    "core.compression": "0",
    "core.eol": "crlf",
    "core.excludesFile": "excludes",
    "core.fileMode": "false",
    "core.fsmonitor": "false",
    "core.ignoreStat": "true",
    "core.logAllRefUpdates": "always",
    "core.looseCompression": "0",
    "core.multiPackIndex": "false",
    "core.notesRef": "refs/notes/other",
    "core.pager": "false",
    "core.preloadIndex": "false",
    "core.quotePath": "false",
    "core.safecrlf": "true",
    "core.splitIndex": "true",
    "core.symlinks": "false",
    "core.trustctime": "false",
    "core.untrackedCache": "true",
    "core.useReplaceRefs": "true",
    "core.warnAmbiguousRefs": "false",
    "core.whitespace": "cr-at-eol",
    "color.advice": "always",
    "color.branch": "always",
    "color.diff": "always",
    "color.diff.meta": "red",
    "color.status": "always",
    "color.ui": "always",
    "i18n.commitEncoding": "ISO-8859-1",
    "i18n.logOutputEncoding": "UTF-16",
    "column.branch": "always",
    "column.status": "always",
    "column.tag": "always",
    "column.ui": "always",
    "status.aheadBehind": "false",
    "status.branch": "true",
    "status.displayCommentPrefix": "true",
    "status.relativePaths": "false",
    "status.renames": "copies",
    "status.short": "true",
    "status.showStash": "true",
    "status.showUntrackedFiles": "no",
    "status.submoduleSummary": "true",
    "commit.cleanup": "verbatim",
    "commit.gpgSign": "true",
    "format.notes": "true",
    "format.pretty": "oneline",
    "index.recordEndOfIndexEntries": "true",
    "notes.displayRef": "refs/notes/*",
    "trailer.separators": "=",
    "trailer.Archiver-Source.key": "Other",
}
QUESTIONS = (
    ("log", "-f", "jsonl"),
    ("compare", "-f", "jsonl"),
    ("compare", "HEAD~2", "HEAD", "--stat"),
    ("changes", "--since", "2000-01-01", "--steps", "-f", "jsonl"),
    ("changelog",),
    ("list", "-f", "csv"),
    ("show", "b", "-f", "json"),
    ("show", "c"),
    ("search", "a"),
    ("verify",),
)


def answers(folder: Path) -> list[tuple[int, str, str]]:
    found = [run_archiver(name, "--repo", folder, *rest) for name, *rest in QUESTIONS]
    assert all(each.returncode == 0 for each in found)
    return [(each.returncode, each.stdout, each.stderr) for each in found]


@pytest.fixture
def archive(repo: Path) -> Archive:
    found = Archive(repo)
    found.configure(confirmations=1, max_shrink=1)
    found.captured(a=1, b=1, c=1)
    found.captured(a=2, b=1)
    found.captured(a=2, b=2, d=1)
    return found


SECTIONS = sorted({name.partition(".")[0] for name in UNUSUAL})


@pytest.mark.parametrize("section", [*SECTIONS, ""])
def test_no_setting_changes_an_answer_or_a_commit(
    archive: Archive, tmp_path: Path, section: str
) -> None:
    other = archive.copied(tmp_path / "other" / archive.folder.name)
    for name, value in UNUSUAL.items():
        if name.startswith(section):
            run_git(other.folder, "config", name, value)
    assert answers(other.folder) == answers(archive.folder)
    for one in (archive, other):
        one.lists(a=3, d=1)
        assert one.run().outcome == "changed"
    assert answers(other.folder) == answers(archive.folder)
    assert other.git("rev-parse", "HEAD") == archive.git("rev-parse", "HEAD")
