"""Take the README's pictures of a site: a made-up hub of 60 days, its real pages, a real browser.

``make readme`` writes ``docs/site-overview-light.png`` and the others.
"""

from __future__ import annotations

import subprocess
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from support.browser import started, watched

from archiver.fakehub.catalogue import Catalogue
from archiver.history.choice import Choice
from archiver.records.canonical import Header, decode, encode, snapshot
from archiver.site.build import Settings, build

DOCS = Path(__file__).parents[1] / "docs"
MODELS = 2_845
DAYS = 60
GAPS = frozenset({9, 10, 31, 47})
START = datetime(2026, 9, 20, 2, 17, tzinfo=UTC)
CONFIG = """[sources.hub]
type = "huggingface"
metrics = ["downloads", "likes"]
noun = "model"
"""
SIZE = (1280, 860)


def archived(folder: Path) -> Path:
    """Return an archive of the hub's days; on some of them nobody looked."""
    latest = folder / "data" / "hub" / "latest.json"
    latest.parent.mkdir(parents=True)
    (folder / "archiver.toml").write_text(CONFIG)
    git(folder, "init", "--quiet", "--initial-branch=main")
    catalogue = Catalogue(models=MODELS)
    for day in range(DAYS):
        if day in GAPS:
            continue
        lines = dict(sorted(encode(record, ("id",)) for record in catalogue.day(day)))
        time = START + timedelta(days=day)
        header = Header("hub", time.strftime("%Y-%m-%d %H:%M:%S"), len(lines))
        with latest.open("wb") as file:
            file.writelines(snapshot(header, lines.values()))
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", f"--date={time.isoformat()}", "--message=hub: a capture")
    return folder


def git(folder: Path, *arguments: str) -> None:
    """Run git in a folder."""
    names = ("-c", "user.name=archiver", "-c", "user.email=archiver@example.org")
    subprocess.run(["git", "-C", str(folder), *names, *arguments], check=True)


def popular(folder: Path) -> str:
    """Return the key of the record with most downloads."""
    latest = (folder / "data" / "hub" / "latest.json").read_bytes().splitlines()
    records = [decode(line.rstrip(b",")) for line in latest if line.startswith(b'{"id"')]
    return str(max(records, key=lambda each: each.get("downloads") or 0)["id"])


def main() -> None:
    """Write the pictures."""
    with tempfile.TemporaryDirectory() as folder:
        repo = archived(Path(folder, "repo"))
        site = Path(folder, "site")
        build(Choice(repo, {}).each(), site, Settings(title="A made-up hub"))
        key = quote(popular(repo), safe="")
        pages = {"overview": "hub/index.html", "record": f"hub/record.html#{key}"}
        with started() as browser:
            for mode in ("light", "dark"):
                for name, page in pages.items():
                    with watched(
                        browser, width=SIZE[0], height=SIZE[1], dark=mode == "dark"
                    ) as seen:
                        seen.page.clock.set_fixed_time(START + timedelta(days=DAYS, hours=-21))
                        seen.page.goto(f"{site.as_uri()}/{page}")
                        seen.page.wait_for_timeout(500)
                        seen.page.screenshot(path=DOCS / f"site-{name}-{mode}.png")


if __name__ == "__main__":
    main()
