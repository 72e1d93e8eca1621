"""Random walks of three copies: what is pushed is what was listed, and every answer is right.

A walk is a list of steps, which its seed alone decides: captures (some by a wrong clock), fetches
and pushes, and what people do with git. After each step the program is asked about the copy, and
`support.answers` judges what it says. A walk that fails names its steps; fewer of them are tried by
``ARCHIVER_WALK="[('rules', …), …]" pytest tests/faults/test_walks.py -k by_hand``. Other seeds, a
few seconds each: ``ARCHIVER_WALKS=1000:1200 pytest tests/faults/test_walks.py -k sweep -n 2``.
"""

from __future__ import annotations

import ast
import json
import os
import random
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from support import answers, facts
from support.commandline import run_archiver
from support.copies import Hub
from support.processes import run_process

from archiver.capture import prune, revert
from archiver.capture.target import open_target
from archiver.changes.retention import Retention
from archiver.errors import PushRejected, UnknownRevision
from archiver.jobs.job import Job
from archiver.store.repository import Repository
from archiver.sync import push

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from subprocess import CompletedProcess

    from support.copies import Copy
    from support.facts import Commit

    from archiver.sync.push import Synced

    Step = tuple[Any, ...]

SQUASHES = True
"""Whether people squash captures by ``git reset --soft``."""
RENAMES = True
"""Whether people rename the source."""

SEEDS = (0, 1, 2, 6)
"""Walks that take every kind of step between them."""
STEPS = 22
KEYS = [f"k{number}" for number in range(6)]
YEARS = [timedelta(days=365 * years) for years in (-12, -3, 3, 12)]
TABLE = '[sources.{name}]\ntype = "json"\nurl = "../a.json"\nkey = "id"\n{rules}\n'
PLACES = ("data/a", "data/shop")
MANUAL = os.environ.get("ARCHIVER_WALK", "")
SWEEP = os.environ.get("ARCHIVER_WALKS", "")


class Said(NamedTuple):
    """What one capture said: what it listed, which keys it confirmed to be gone, and when."""

    listed: dict[str, int]
    gone: frozenset[str]
    real_time: float


def steps(seed: int) -> list[Step]:
    """Return a walk; its steps name copies and versions by numbers, and depend on no outcome."""
    chance = random.Random(seed)
    world = dict.fromkeys(KEYS[:4], 1)
    rules = (chance.choice([1, 2]), chance.choice([1, 1, 16]))
    kinds = {"capture": 12, "fetch": 3, "push": 4, "note": 2, "pull": 4, "octopus": 1, "reset": 1}
    kinds |= {"revert": 1, "prune": 1, "squash": int(SQUASHES), "rename": int(RENAMES)}
    found: list[Step] = [("rules", *rules), ("capture", 0, 60, 0, dict(world)), ("push", 0)]
    for kind in chance.choices([*kinds], [*kinds.values()], k=STEPS):
        copy, number = chance.randrange(3), chance.randrange(100)
        if kind == "capture":
            skew = chance.choice([0, 0, 0, 0, 0, chance.choice(YEARS).days])
            listing = listed(chance, world)
            found.append((kind, copy, chance.choice([1, 60, 3600]), skew, listing))
        else:
            found.append((kind, copy, number))
    return found


def listed(chance: random.Random, world: dict[str, int]) -> dict[str, int]:
    """Let the catalogue change a little, and list it with gaps, as hubs do."""
    for _ in range(chance.randint(0, 2)):
        key = chance.choice(KEYS)
        if chance.random() < 0.35:
            world.pop(key, None)
        else:
            world[key] = world.get(key, 0) + 1
    return {key: n for key, n in world.items() if chance.random() < 0.7} or {"k0": 1}


class Walk:
    """Three copies that take steps, what their listings said, and what their commits hold."""

    def __init__(self, folder: Path) -> None:
        self.hub = Hub(folder)
        self.copies: list[Copy] = []
        self.source = "a"
        self.said: dict[str, Said] = {}
        self.commits: dict[str, Commit] = {}

    def take(self, kind: str, *arguments: Any) -> None:
        """Take one step, and judge what the program says of the copy that took it."""
        self.hub.time += timedelta(minutes=1)
        if kind == "rules":
            self.rules(*arguments)
            return
        copy = self.copies[arguments[0]]
        getattr(self, kind)(copy, *arguments[1:])
        self.judge(copy)

    def rules(self, confirmations: int, shards: int) -> None:
        """Make the copies."""
        first = self.hub.made("first")
        rules = f"max_shrink = 1\nconfirmations = {confirmations}\nshards = {shards}"
        (first.folder / "archiver.toml").write_text(TABLE.format(name="a", rules=rules))
        self.git(first, "add", "--all")
        self.git(first, "commit", "--quiet", "--message=Begin")
        self.git(first, "push", "--quiet", "origin", "HEAD:main")
        self.copies = [first, self.hub.clone("second"), self.hub.clone("third")]

    # ---- what the program does

    def capture(self, copy: Copy, seconds: int, skew: int, listing: dict[str, int]) -> None:
        """Run; the clock is `skew` days ahead."""
        self.hub.time += timedelta(seconds=seconds)
        self.hub.lists("a", **listing)
        before = self.newest(copy)
        source = self.source_of(copy)
        clock = self.hub.time + timedelta(days=skew)
        report = Job(accept=True).run(copy.config, source, clock=lambda: clock)
        if report.revision is not None:
            after = self.newest(copy)
            gone = after.removed - before.removed
            assert not gone & listing.keys()
            self.said[str(report.new.timestamp)] = Said(listing, gone, self.hub.time.timestamp())

    def fetch(self, copy: Copy, _: int = 0) -> None:
        """Join what is only here to what was pushed, without pushing it."""
        self.synced(copy, partial(push.fetched, copy.config, clock=copy.clock))

    def push(self, copy: Copy, _: int = 0) -> bool:
        work = partial(push.push, copy.config, clock=copy.clock, sleep=lambda _: None)
        return self.synced(copy, work)

    def synced(self, copy: Copy, work: Callable[[], Synced]) -> bool:
        """Fetch or push; where that is refused, nothing moves, and a person's commit is why."""
        ours, theirs = self.newest(copy), self.pushed(copy)
        try:
            work()
        except PushRejected:
            assert self.newest(copy) == ours
            alone = [self.commits[each] for each in self.reached(ours) - self.reached(theirs)]
            assert any(not each.trailers for each in alone)
            return False
        self.nothing_is_lost(ours, theirs, self.newest(copy))
        return True

    def revert(self, copy: Copy, number: int) -> None:
        with Repository.open(copy.folder) as repository:
            target = open_target(copy.config, self.source_of(copy), repository)
            for chosen in self.versions(copy)[-1 - number % 3 :][:1]:
                with suppress(UnknownRevision):  # the first one, or one that restored another
                    revert.revert(target, chosen.id, clock=copy.clock)

    def prune(self, copy: Copy, number: int) -> None:
        with Repository.open(copy.folder) as repository:
            target = open_target(copy.config, self.source_of(copy), repository)
            rules = Retention(keep_last=1 + number % 4)
            prune.prune(target, rules, clock=copy.clock, dry_run=False)

    # ---- what people do

    def git(self, copy: Copy, *arguments: str) -> str:
        """Run git, whose clock is right."""
        with pytest.MonkeyPatch.context() as environment:
            for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
                environment.setenv(name, self.hub.time.isoformat())
            return copy.git(*arguments)

    def note(self, copy: Copy, number: int) -> None:
        with (copy.folder / f"{copy.folder.name}.md").open("a") as file:
            file.write(f"{number}\n")
        self.git(copy, "add", "--all")
        self.git(copy, "commit", "--quiet", f"--message=note {number}")

    def pull(self, copy: Copy, number: int) -> None:
        """Pull, with a note of one's own or without; then push, or keep it."""
        how = number % 5
        if how in (1, 2):
            self.note(copy, number)
        self.git(copy, "fetch", "--quiet", "origin")
        if how == 2 and self.newest(copy).snapshot is not None:
            self.git(copy, "merge", "--quiet", "--no-edit", "--strategy=ours", "origin/main")
        else:
            self.merge(copy, ["origin/main"], mine=bool(number // 5 % 2))
        if number // 10 % 2:
            self.git(copy, "push", "--quiet", "origin", "main")

    def octopus(self, copy: Copy, number: int) -> None:
        """Merge what the two other copies have, each with a note."""
        if self.newest(copy).snapshot is None:
            self.pull(copy, number)
            return
        self.note(copy, number)
        heads = []
        for other in self.copies:
            if other is not copy:
                self.note(other, number)
                self.git(copy, "fetch", "--quiet", str(other.folder), "main")
                heads.append(self.git(copy, "rev-parse", "FETCH_HEAD").strip())
        here = self.git(copy, "rev-parse", "HEAD").strip()
        try:
            self.git(copy, "merge", "--quiet", "--no-edit", *heads)
        except AssertionError:  # they need a person
            self.git(copy, "reset", "--hard", "--quiet", here)
            self.git(copy, "merge", "--quiet", "--no-edit", "--strategy=ours", *heads)

    def merge(self, copy: Copy, heads: list[str], *, mine: bool) -> None:
        """Merge; where both sides changed the catalogue, take that of one side as a whole."""
        try:
            self.git(copy, "merge", "--quiet", "--no-edit", *heads)
        except AssertionError:
            side = "HEAD" if mine else "MERGE_HEAD"
            place = f"data/{self.source_of(copy)}"
            theirs = self.git(copy, "ls-tree", "-r", "--name-only", side, place).split()
            self.git(copy, "checkout", side, "--", place)
            for path in {*self.git(copy, "ls-files", place).split()}:
                if path not in theirs and "/snapshots/" not in path:
                    self.git(copy, "rm", "--quiet", "--force", path)
            self.git(copy, "add", "--all")
            self.git(copy, "commit", "--quiet", "--no-edit")

    def reset(self, copy: Copy, number: int) -> None:
        """Go back to one of the last captures, under the name of today."""
        place = self.newest(copy).place
        history = [each for each in self.versions(copy) if each.place == place]
        for chosen in history[-1 - number % 4 :][:1]:
            self.git(copy, "reset", "--hard", "--quiet", chosen.id)

    def squash(self, copy: Copy, number: int) -> None:
        """Make one commit of those that are only here; the log tells if it holds more captures."""
        base = self.git(copy, "merge-base", "HEAD", "origin/main").strip()
        if base != self.newest(copy).id and self.newest(copy).place:
            self.git(copy, "reset", "--soft", base)
            self.git(copy, "commit", "--quiet", "--allow-empty", f"--message=squash {number}")
            made = self.newest(copy)
            added = ("diff-tree", "--diff-filter=A", base, made.id, f"{made.place}/snapshots/")
            blobs = {
                row.split()[3] for row in self.git(copy, *added).splitlines() if ".json" in row
            }
            if made.snapshot and made.snapshot.id in blobs and len(blobs) > 1:
                asked = Asked(copy, self.source_of(copy), run_archiver)
                told = f"{len(blobs)} captures stand in one commit, {made.id[:10]}"
                assert told in asked.ran("log").stderr

    def rename(self, copy: Copy, _: int) -> None:
        """Rename the source where nothing is only in one copy, and tell the others."""
        if self.source == "shop":
            return
        self.settle()
        text = (copy.folder / "archiver.toml").read_text()
        (copy.folder / "archiver.toml").write_text(text.replace("[sources.a]", "[sources.shop]"))
        self.git(copy, "mv", "data/a", "data/shop")
        self.git(copy, "add", "--all")
        self.git(copy, "commit", "--quiet", "--message=rename")
        self.git(copy, "push", "--quiet", "origin", "main")
        self.source = "shop"
        for each in self.copies:
            self.git(each, "pull", "--quiet", "--ff-only", "origin", "main")

    def settle(self) -> None:
        """Let every copy push what it has, and fetch what the others pushed."""
        for copy in self.copies * 2:
            if not self.push(copy):
                self.pull(copy, 10)
                assert self.push(copy)
            self.fetch(copy)

    def end(self) -> None:
        """Insist that in the end all copies have the same, and nothing is left lying about."""
        self.settle()
        tips = [copy.git("rev-parse", "main", "refs/archiver/state") for copy in self.copies]
        assert len({*tips, self.hub.git("rev-parse", "main", "refs/archiver/state")}) == 1
        for copy in self.copies:
            left = [*copy.folder.glob(".git/**/*.lock"), *copy.folder.glob(".git/**/journal")]
            assert left == []
        self.judge(self.copies[0], run_process)

    # ---- what is right

    def source_of(self, copy: Copy) -> str:
        return next(iter(copy.config.sources))

    def known(self, copy: Copy, name: str) -> Commit:
        tip = copy.git("rev-parse", name).strip()
        if tip not in self.commits:
            fresh = set(self.commits)
            facts.read(copy.folder, tip, PLACES, self.commits)
            for each in self.commits.keys() - fresh:
                self.says_what_it_listed(self.commits[each])
        return self.commits[tip]

    def newest(self, copy: Copy) -> Commit:
        return self.known(copy, "HEAD")

    def pushed(self, copy: Copy) -> Commit:
        """Return what the bare repository has."""
        copy.git("fetch", "--quiet", "origin", "main:refs/walk/main")
        return self.known(copy, "refs/walk/main")

    def versions(self, copy: Copy) -> list[Commit]:
        return answers.versions(self.commits, self.newest(copy).id)

    def says_what_it_listed(self, commit: Commit) -> None:
        """Insist that a capture says what its listing said, and counts it right."""
        if "Archiver-Records-Digest" not in commit.trailers or commit.snapshot is None:
            return
        (parent,) = (self.commits[each] for each in commit.parents)
        said = self.said.get(commit.snapshot.taken)
        if said is not None:  # else it was made a moment ago
            assert commit.snapshot.records == replayed(answers.records(parent), said)
        for kind, keys in answers.difference(parent, commit).items():
            if kind != "returned":
                assert commit.trailers[f"Archiver-{kind.title()}"] == str(len(keys)), kind

    def nothing_is_lost(self, ours: Commit, theirs: Commit, joined: Commit) -> None:
        """Insist that a capture is only dropped where a later listing was pushed, or the same."""
        there, here = self.reached(theirs), self.reached(ours)
        after = {each.snapshot.taken for each in self.captures(self.reached(joined))}
        later = [self.said[each.snapshot.taken].real_time for each in self.captures(there - here)]
        state = answers.records(theirs)
        for capture in self.captures(here - there):
            said = self.said[capture.snapshot.taken]
            new = replayed(state, said)
            if capture.snapshot.taken in after:
                state = new
            else:
                assert new == state or max(later, default=0) > said.real_time, capture

    def reached(self, commit: Commit) -> set[str]:
        return answers.reached(self.commits, commit.id)

    def captures(self, ids: Iterable[str]) -> list[Any]:
        """Return the captures among commits, in the order in which they were really made."""
        found = [self.commits[each] for each in ids]
        found = [each for each in found if "Archiver-Records-Digest" in each.trailers]
        return sorted(found, key=lambda each: self.said[each.snapshot.taken].real_time)

    def judge(self, copy: Copy, archiver: Callable[..., Any] = run_archiver) -> None:
        """Insist that every answer of the program is the right one."""
        history = self.versions(copy)
        if not history:
            return
        asked = Asked(copy, self.source_of(copy), archiver)
        assert asked.log() == answers.log(history)
        turn = len(self.commits)
        time = history[turn % len(history)].time - turn % 2
        then = answers.at(history, time)
        assert asked.at(time) == (then and answers.records(then)), answers.stamp(time)
        assert asked.since(time) == answers.since(history, time), answers.stamp(time)
        keys = [*KEYS, "never"]
        missing = facts.missing(copy.folder, asked.source, "a")
        assert asked.check(keys) == answers.check(history, keys, missing)
        if life := answers.life(history, KEYS[turn % len(KEYS)]):
            assert asked.show(KEYS[turn % len(KEYS)]) == life
        asked.verify()
        assert copy.is_clean()


def replayed(before: dict[str, int], said: Said) -> dict[str, int]:
    """Return the records after a listing: what it lacks stays, unless it is gone."""
    return {key: n for key, n in before.items() if key not in said.gone} | said.listed


class Asked(NamedTuple):
    """The program, asked about one copy by its command line."""

    copy: Copy
    source: str
    archiver: Callable[..., CompletedProcess[str]]

    def ran(self, *words: str) -> CompletedProcess[str]:
        return self.archiver(*words, "--repo", self.copy.folder, "--source", self.source)

    def answer(self, *words: str, codes: tuple[int, ...] = (0,)) -> Any:
        ran = self.ran(*words)
        assert ran.returncode in codes, (words, ran.returncode, ran.stdout, ran.stderr)
        return json.loads(ran.stdout) if "json" in words and ran.stdout else None

    def log(self) -> list[dict[str, Any]]:
        rows = self.answer("log", "-f", "json")
        kinds = ("new", "returned", "removed", "updated")
        names = ("revision", "timestamp", "total", "status")
        return [
            {name: row[name] for name in names}
            | {"summary": row["summary"] and {kind: row["summary"][kind] for kind in kinds}}
            for row in rows
        ]

    def at(self, time: int) -> dict[str, int] | None:
        rows = self.answer("list", "-f", "json", "--at", answers.stamp(time), codes=(0, 2, 5))
        return None if rows is None else {row["id"]: row["value"] for row in rows}

    def since(self, time: int) -> tuple[str, str, dict[str, list[str]]]:
        found = self.answer("changes", "-f", "json", "--since", answers.stamp(time))
        changed = {kind: sorted(each["id"] for each in found[kind]) for kind in ("new", "returned")}
        changed["removed"] = sorted(each["id"] for each in found["removed"])
        changed["updated"] = sorted(each["key"] for each in found["updated"])
        return found["from"]["revision"], found["to"]["revision"], changed

    def check(self, keys: list[str]) -> dict[str, str]:
        pins = self.copy.hub.folder / "pins.txt"
        pins.write_text("".join(f"{key}\n" for key in keys))
        found = self.answer("check", str(pins), "--offline", "-f", "json", codes=(0, 1))
        return {each["key"]: each["verdict"] for each in found["findings"]}

    def show(self, key: str) -> list[tuple[str, str]]:
        (found,) = [self.answer("show", key, "-f", "json")]
        return [(each["at"]["revision"], each["kind"]) for each in found["events"]]

    def verify(self) -> None:
        self.answer("verify")


def walked(folder: Path, way: list[Step]) -> None:
    walk = Walk(folder)
    done: list[Step] = []
    try:
        for step in way:
            done.append(step)
            walk.take(*step)
        walk.end()
    except Exception as error:
        error.add_note(f'ARCHIVER_WALK="{done}"')
        raise


@pytest.mark.parametrize("seed", SEEDS)
def test_copies_in_any_order_give_the_right_answers(tmp_path: Path, seed: int) -> None:
    walked(tmp_path, steps(seed))


if MANUAL:

    def test_a_walk_by_hand(tmp_path: Path) -> None:
        walked(tmp_path, ast.literal_eval(MANUAL))


if SWEEP:

    @pytest.mark.parametrize("seed", range(*map(int, SWEEP.split(":"))))
    def test_a_sweep(tmp_path: Path, seed: int) -> None:
        walked(tmp_path, steps(seed))
