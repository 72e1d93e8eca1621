from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from support.browser import watched
from support.commandline import run_archiver
from support.exports import REAL, Real, cloned
from support.git import new_repository
from support.random_archives import POLICIES, Past

from archiver.errors import ArchiverError
from archiver.history.choice import Choice
from archiver.site.build import Settings, build

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from playwright.sync_api import Browser, Page

SAME = {"entered": "new", "left": "removed"}
"""What a page does not tell apart: it does not know whether an end shows only a part of all."""
KINDS = ("new", "removed", "returned", "renamed", "updated", "entered", "left")
ASK = """async ([from, to]) => {
    const index = await loadIndex();
    return await between(index, from, to);
}"""


def exact(value: Any) -> Any:
    """Return what a script can hold: integers beyond 2^53 are texts there."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        return [exact(each) for each in value]
    if isinstance(value, dict):
        return {name: exact(each) for name, each in value.items()}
    return (
        str(int(value))
        if abs(value) >= 2**53 and float(value).is_integer() and isinstance(value, int)
        else value
    )


def compared(folder: Path, options: Iterable[str], old: str, new: str) -> dict[str, Any]:
    """Return what `archiver compare` says, by kind: keys; of updates the fields that are news."""
    done = run_archiver(
        "compare", old, new, "-f", "jsonl", "--no-index", "--repo", folder, *options
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = {kind: {} for kind in KINDS}
    for line in done.stdout.split("\n")[:-1]:
        change = json.loads(line)
        kind = SAME.get(change.get("kind"), change.get("kind"))
        if kind not in KINDS:
            continue
        if kind == "updated":
            fields = {
                each["path"]: (exact(each.get("old")), exact(each.get("new")))
                for each in change["changes"]
                if not each["metric"]
            }
            found[kind][change["key"]] = fields
        else:
            found[kind][change["key"]] = change.get("old_key", "")
    return found


def drawn(page: Page, old: int, new: int) -> dict[str, Any]:
    """Return what the page says."""
    found: dict[str, Any] = {kind: {} for kind in KINDS}
    for change in page.evaluate(ASK, [old, new]):
        if change["kind"] == "updated":
            fields = {
                "/" + name.replace("~", "~0").replace("/", "~1"): (
                    *(was or [None]),
                    *(now or [None]),
                )
                for name, was, now in change["shifts"]
            }
            found["updated"][change["key"]] = fields
        else:
            kind = SAME.get(change["kind"], change["kind"])
            found[kind][change["key"]] = change.get("old", "")
    return found


def presence(found: dict[str, Any]) -> dict[str, Any]:
    """Return which keys came, went and were updated, whatever the tombstones say of it.

    Those of random archives rename records to keys that are there, and are reverted: whether the
    new end has the tombstone of a rename cannot be told from the changes of each capture.
    """
    came = {*found["new"], *found["returned"], *found["renamed"]}
    went = {*found["removed"], *found["renamed"].values()}
    return {"came": came, "went": went, "updated": found["updated"]}


def pairs(chance: random.Random, readable: list[int], most: int) -> list[tuple[int, int]]:
    found = {tuple(sorted(chance.sample(readable, 2))) for _ in range(most)}
    return sorted(found)  # type: ignore[arg-type]


def opened(page: Page, site: Path) -> dict[str, Any]:
    """Open the page that compares, and return the captures."""
    (address,) = site.glob("*/compare.html")
    page.goto(address.as_uri())
    found: dict[str, Any] = page.evaluate("async () => (await loadIndex()).captures")
    return found


@pytest.mark.parametrize("history", REAL[:3], ids=[each.name for each in REAL[:3]])
def test_real_histories_compare_as_on_the_command_line(
    browser: Browser, real: Path, tmp_path: Path, history: Real
) -> None:
    folder = cloned(real, history.name, tmp_path / "repo")
    done = run_archiver("site", "-o", tmp_path / "site", "--repo", folder, *history.options)
    assert done.returncode == 0, done.stderr
    with watched(browser) as seen:
        captures = opened(seen.page, tmp_path / "site")
        readable = [n for n, total in enumerate(captures["total"], 1) if total is not None]
        for old, new in pairs(random.Random(1), readable, 5):
            ends = (captures["revision"][each - 1] for each in (old, new))
            assert drawn(seen.page, old, new) == compared(folder, history.options, *ends)
        assert seen.troubles == []


@pytest.mark.parametrize("seed", range(5))
def test_random_archives_compare_as_on_the_command_line(
    browser: Browser, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    policy = POLICIES[seed % 2]
    past = Past(new_repository(tmp_path / "repo"), chance, policy)
    for _ in range(22):
        past.step()
    catalogues = Choice(past.folder, {}).each()
    try:
        build(catalogues, tmp_path / "site", Settings())
    except ArchiverError:
        pytest.skip("nothing of this archive can be read")
    with watched(browser) as seen:
        captures = opened(seen.page, tmp_path / "site")
        readable = [n for n, total in enumerate(captures["total"], 1) if total is not None]
        for old, new in pairs(chance, readable, 12):
            ends = (captures["revision"][each - 1] for each in (old, new))
            said = presence(drawn(seen.page, old, new))
            assert said == presence(compared(past.folder, (), *ends)), (old, new)
        assert seen.troubles == []
