from __future__ import annotations

import json
import random
import re
from collections import Counter
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from markdown_it import MarkdownIt
from support.browser import watched
from support.commandline import run_archiver
from support.exports import REAL, Real, cloned, logged
from support.git import new_repository
from support.histories import History, snapshot
from support.random_archives import POLICIES, Past

from archiver.changes.severity import FIRST

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
    assert "## Breaking: Removed (1)\n\n- [org/m2]" in page
    assert "## New (1)\n\n- [org/m3]" in page
    assert "| [org/m11](https://huggingface.co/org/m11) | 1,111 | 1,210 | +99 | +9% |" in page
    assert "| apache-2.0 | 0 | 1 | +1 |" in page
    assert re.search(r"\| license \| updated \| 1 \| 1 \(12%\) \| \d", page)


def test_the_same_period_gives_the_same_bytes(archive: Path) -> None:
    command = ("report", "--since", "2026-03-01T12:00", "-f", "html", "--repo", archive)
    assert run_archiver(*command).stdout == run_archiver(*command).stdout != ""


def test_a_period_ends_where_it_is_told_to(archive: Path) -> None:
    where = ("report", "--repo", archive, "--since", "2026-03-01T12:00")
    early = run_archiver(*where, "--until", "2026-03-05")
    assert early.stdout.startswith("# hub, 2026-03-01 to 2026-03-05\n")
    assert "4 captures on 4 days" in early.stdout
    assert "Licence and access" not in early.stdout
    assert run_archiver(*where, "--until", "2026-03-10").stdout == run_archiver(*where).stdout


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_a_report_names_the_command_that_gives_the_same_bytes(archive: Path, form: str) -> None:
    where = ("-f", form, "--repo", archive)
    first = run_archiver("report", "--since", "2026-03-02T12:00", "--until", "2026-03-08", *where)
    named = re.search(r"archiver (report --since \S+ --until \S+ --source hub)\n", first.stdout)
    assert named is not None
    assert run_archiver(*named[1].split(), *where).stdout == first.stdout != ""


@pytest.mark.parametrize("history", REAL, ids=[each.name for each in REAL])
def test_a_report_counts_what_log_and_changes_count(
    real: Path, tmp_path: Path, history: Real
) -> None:
    folder = cloned(real, history.name, tmp_path / "repo")
    where = ("--repo", folder, *history.options)
    asked = run_archiver("changes", "--stat", "-f", "json", "--since", "10y", *where)
    net = json.loads(asked.stdout)
    page = run_archiver("report", "--since", "10y", *where).stdout
    kinds = [kind for kind in FIRST if net["summary"][kind]]
    totals = [net["from"]["total"], net["to"]["total"]]
    numbers = (f"{n:,}" for n in [*totals, *(net["summary"][kind] for kind in kinds)])
    assert f"| records | {' | '.join(numbers)} |\n" in page
    steps: Counter[str] = Counter()
    for _, kind, number in logged(folder, history.options):
        steps[kind] += number
    sums = {
        "new": steps["new"] + steps["returned"],
        "updated": steps["updated"] + steps["renamed"],
        "removed": steps["removed"],
    }
    words = ", ".join(f"{number:,} {kind}" for kind, number in sums.items())
    assert f"Capture by capture: {words} in all." in page


@pytest.mark.parametrize("seed", range(6))
def test_a_random_history_is_counted_as_changes_counts_it(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    past = Past(new_repository(tmp_path / "r"), chance, POLICIES[seed % len(POLICIES)])
    for _ in range(25):
        past.step()
    where = ("--since", "10y", "--repo", past.folder)
    asked = run_archiver("changes", "--stat", "-f", "json", *where)
    done = run_archiver("report", *where)
    assert done.returncode == 0, done.stderr
    net = json.loads(asked.stdout)
    counts = [net["summary"][kind] for kind in FIRST if net["summary"][kind]]
    numbers = (f"{n:,}" for n in [net["from"]["total"], net["to"]["total"], *counts])
    assert f" | {' | '.join(numbers)} |\n" in done.stdout


class Tags(HTMLParser):
    """Reads the tags of a page, and where its links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.targets += [value or "" for name, value in attrs if name in ("href", "src")]


def day(repo: Path, number: int, *records: dict[str, Any]) -> None:
    content = snapshot(f"2026-03-{number:02} 02:00:00", *records)
    History(repo).commit(f"2026-03-{number:02}T02:00:00Z", {"data/hub/latest.json": content})


def test_what_neither_end_shows_is_told(repo: Path) -> None:
    History(repo).commit("2026-03-01T00:00:00Z", {"archiver.toml": CONFIG})
    stays, comes, returns = {"id": "stays"}, {"id": "comes"}, {"id": "returns"}
    day(repo, 1, stays, returns)
    day(repo, 2, stays, comes)
    day(repo, 4, stays)
    day(repo, 6, stays, returns)
    page = run_archiver("report", "--since", "2026-03-01", "--repo", repo).stdout
    assert "| models | 2 | 2 |\n" in page
    came = "- [comes](https://huggingface.co/comes), 2026-03-02 \u2013 2026-03-04\n"
    assert f"## Came and went (1)\n\n{came}" in page
    back = "- [returns](https://huggingface.co/returns), 2026-03-02 \u2013 2026-03-06\n"
    assert f"## Gone and back (1)\n\n{back}" in page


def test_a_licence_that_changed_back_is_told(repo: Path) -> None:
    History(repo).commit("2026-03-01T00:00:00Z", {"archiver.toml": CONFIG})
    for number, licence in enumerate(("mit", "gpl", "mit"), 1):
        day(repo, number, {"id": "m", "license": licence})
    page = run_archiver("report", "--since", "2026-03-01", "--repo", repo).stdout
    link = "[m](https://huggingface.co/m)"
    back = f"- {link}, 2026-03-03\n  - license: gpl → mit\n"
    assert f"## Licence and access (2)\n\n{back}- {link}, 2026-03-02\n" in page


def test_categories_count_truth_and_absence(repo: Path) -> None:
    History(repo).commit("2026-03-01T00:00:00Z", {"archiver.toml": CONFIG})
    for number in (1, 2):
        gated = [{"id": f"m{n}", "gated": n < 2 * number, "pipeline-tag": "a"} for n in range(8)]
        absent: dict[str, Any] = {"id": "absent", "pipeline-tag": "b"}
        odd = [absent, {"id": "null", "gated": None}][: 3 - number]
        day(repo, number, *gated, *odd)
    page = run_archiver("report", "--since", "2026-03-01", "--repo", repo).stdout
    rows = ["| false | 6 | 4 | -2 |", "| true | 2 | 4 | +2 |", "| (none) | 2 | 1 | -1 |"]
    table = "| value | then | now | change |\n| :-- | --: | --: | --: |\n" + "\n".join(rows)
    assert f"## Categories: gated\n\n{table}\n" in page
    assert "## Categories: pipeline-tag\n" in page


@pytest.mark.parametrize("form", ["markdown", "html"])
@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", "a`](javascript:x)", "| x\n\n# y"])
def test_hostile_names_stay_text(repo: Path, form: str, evil: str) -> None:
    History(repo).commit("2026-03-01T00:00:00Z", {"archiver.toml": CONFIG})
    for number in (1, 2, 3):
        records = [
            {"id": f"{evil}{n}", "license": f"{evil}{number}", evil: f"{evil}{n % 2 * number}"}
            | {"downloads": n + number}
            for n in range(8)
            if (n + number) % 4
        ]
        day(repo, number, *records)
    done = run_archiver("report", "--since", "2026-03-01", "-f", form, "--repo", repo)
    assert done.returncode == 0, done.stderr
    page = done.stdout
    if form == "markdown":
        page = MarkdownIt("commonmark").enable("table").render(page)
        assert page.count("<h1>") == 1
    found = Tags()
    found.feed(page)
    assert "script" not in found.tags
    assert all(re.match(r"https://huggingface\.co/|#", each) for each in found.targets)
    assert "alert(1)" in page or "<script" not in evil


def test_a_report_goes_on_where_the_newest_capture_cannot_be_read(archive: Path) -> None:
    History(archive).commit("2026-03-11T02:00:00Z", {"data/hub/latest.json": "no catalogue"})
    done = run_archiver("report", "--since", "2026-03-01T12:00", "--repo", archive)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("# hub, 2026-03-01 to 2026-03-10\n")
    assert re.search(r"\nNote: 2026-03-11 \(\w+\) cannot be read: not JSON", done.stdout)


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
        ("soon", 2, "--since: 'soon' is neither a period nor a date"),
    ],
)
def test_a_period_without_captures_is_refused(
    archive: Path, since: str, code: int, words: str
) -> None:
    done = run_archiver("report", "--since", since, "--repo", archive)
    assert (done.returncode, words in done.stderr) == (code, True), done.stderr


@pytest.mark.parametrize(
    ("until", "words"),
    [
        ("2026-03-02", "--until 2026-03-02 is before --since 2026-03-05"),
        ("soon", "--until: 'soon' is neither a period nor a date"),
        ("2026-03-31", None),
    ],
)
def test_an_end_must_be_later_than_the_beginning(
    archive: Path, until: str, words: str | None
) -> None:
    where = ("--since", "2026-03-05", "--repo", archive)
    done = run_archiver("report", "--until", until, *where)
    assert (done.returncode == 0) == (words is None)
    assert (words or "") in done.stderr


def test_an_end_before_the_history_is_refused(archive: Path) -> None:
    where = ("--since", "2025-03-05", "--until", "2025-04-01", "--repo", archive)
    done = run_archiver("report", *where)
    assert done.returncode == 5
    assert "there is no snapshot at or before 2025-04-01" in done.stderr


def test_a_template_of_ones_own_replaces_the_built_in_one(archive: Path) -> None:
    (archive / "own").mkdir()
    (archive / "own" / "report.md.j2").write_text(
        "{{ source }}: {{ changes.summary.removed }} gone"
    )
    (archive / "archiver.toml").write_text(f'{CONFIG}\n[templates]\nfolder = "own"\n')
    done = run_archiver("report", "--since", "2026-03-01T12:00", "--repo", archive)
    assert done.stdout == "hub: 1 gone"
