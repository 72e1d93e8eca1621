from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from support.browser import watched
from support.commandline import run_archiver
from support.exports import REAL, Real, cloned
from support.histories import History, snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

CONFIG = """[sources.hub]
type = "huggingface"
metrics = ["downloads"]
noun = "model"
"""


@pytest.fixture
def archive(repo: Path) -> Path:
    """Return ten days of a hub: a licence changes, a model goes, one comes, downloads rise."""
    history = History(repo)
    history.commit("2026-03-01T02:00:00Z", {"archiver.toml": CONFIG})
    for day in range(1, 11):
        records = [
            {
                "id": f"org/m{n}",
                "license": "apache-2.0" if n == 1 and day > 5 else "mit",
                "category": "text" if n % 2 else "image",
                "downloads": 100 * n + day * n,
            }
            for n in range(12)
            if not (n == 2 and day > 7) and not (n == 3 and day < 4)
        ]
        if day != 6:
            content = snapshot(f"2026-03-{day:02} 02:00:00", *records)
            history.commit(f"2026-03-{day:02}T02:00:00Z", {"data/hub/latest.json": content})
    return repo


def test_a_report_says_what_a_period_brought(archive: Path) -> None:
    done = run_archiver("report", "--since", "2026-03-01T12:00", "--repo", archive)
    assert done.returncode == 0, done.stderr
    page = done.stdout
    assert page.startswith("# hub, 2026-03-01 to 2026-03-10\n")
    assert "8 captures on 8 days, as a rule 24 hours apart." in page
    assert "## Longest gaps\n\n- 2 days: 2026-03-05 02:00 to 2026-03-07 02:00 UTC\n" in page
    assert "| models | 11 | 11 | 1 | 1 | 1 | 8 |" in page
    model = "- [org/m1](https://huggingface.co/org/m1), 2026-03-07\n  - license: mit → apache-2.0\n"
    assert f"## Licence and access (1)\n\n{model}" in page
    assert "## Removed (1)\n\n- [org/m2]" in page
    assert "## New (1)\n\n- [org/m3]" in page
    assert "| [org/m11](https://huggingface.co/org/m11) | 1,111 | 1,210 | +99 | +9% |" in page
    assert "| apache-2.0 | 0 | 1 | +1 |" in page
    assert re.search(r"\| license \| updated \| 1 \| 1 \(12%\) \| \d", page)


def test_the_same_period_gives_the_same_bytes(archive: Path) -> None:
    command = ("report", "--since", "2026-03-01T12:00", "-f", "html", "--repo", archive)
    assert run_archiver(*command).stdout == run_archiver(*command).stdout != ""


@pytest.mark.parametrize("history", REAL[:3], ids=[each.name for each in REAL[:3]])
def test_a_report_counts_what_changes_counts(real: Path, tmp_path: Path, history: Real) -> None:
    folder = cloned(real, history.name, tmp_path / "repo")
    where = ("--since", "10y", "--repo", folder, *history.options)
    asked = run_archiver("changes", "--stat", "-f", "json", *where)
    summary = json.loads(asked.stdout)["summary"]
    page = run_archiver("report", *where).stdout
    for kind, title in (("new", "New"), ("removed", "Removed"), ("updated", "Updated")):
        counted = f"## {title} ({summary[kind]:,})\n"
        assert (counted in page) == (summary[kind] > 0)


@pytest.mark.parametrize("dark", [False, True])
def test_the_page_needs_no_network_and_no_script(
    browser: Browser, archive: Path, tmp_path: Path, *, dark: bool
) -> None:
    page = tmp_path / "report.html"
    command = ("report", "--since", "2026-03-01T12:00", "-f", "html", "-o", page)
    assert run_archiver(*command, "--repo", archive).returncode == 0
    changes = tmp_path / "changes.html"
    command = ("changes", "--since", "2026-03-01T12:00", "-f", "html", "-o", changes)
    assert run_archiver(*command, "--repo", archive).returncode == 0
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    for file in (page, changes):
        for width in (320, 1280):
            with watched(browser, width=width, dark=dark, script=False) as seen:
                seen.page.goto(file.as_uri())
                assert "org/m2" in seen.page.locator("body").inner_text()
                assert (seen.troubles, seen.strangers) == ([], [])
            with watched(browser, width=width, dark=dark, trusting=True) as seen:
                seen.page.goto(file.as_uri())
                found = axe.Axe().run(seen.page)
                assert found.violations_count == 0, found.generate_report()
                wide = seen.page.evaluate("document.documentElement.scrollWidth - innerWidth")
                assert wide <= 0


@pytest.mark.parametrize(
    ("since", "code", "words"),
    [
        ("2026-04-01", 2, "hub: nothing was captured since 2026-03-10 02:00:00 UTC"),
        ("soon", 2, "soon"),
    ],
)
def test_a_period_without_captures_is_refused(
    archive: Path, since: str, code: int, words: str
) -> None:
    done = run_archiver("report", "--since", since, "--repo", archive)
    assert (done.returncode, words in done.stderr) == (code, True), done.stderr


def test_a_template_of_ones_own_replaces_the_built_in_one(archive: Path) -> None:
    (archive / "own").mkdir()
    (archive / "own" / "report.md.j2").write_text(
        "{{ source }}: {{ changes.summary.removed }} gone"
    )
    (archive / "archiver.toml").write_text(f'{CONFIG}\n[templates]\nfolder = "own"\n')
    done = run_archiver("report", "--since", "2026-03-01T12:00", "--repo", archive)
    assert done.stdout == "hub: 1 gone"
