"""Questions about the history of a catalogue: compare, changes, the version at a date."""

from __future__ import annotations

import dataclasses
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import chain, islice, pairwise
from typing import TYPE_CHECKING

from archiver.errors import DamagedObject, StoreError, UnreadableSnapshot
from archiver.history import revisions
from archiver.history.ahead import WINDOW
from archiver.history.catalogue import Edge
from archiver.history.comparison import Comparison
from archiver.history.dates import Dates
from archiver.history.flapping import damping
from archiver.history.folder import shown
from archiver.history.index import index
from archiver.history.outlines import Outlines
from archiver.history.unreadable import Problems, called
from archiver.history.versions import EMPTY, flaw, is_index, opened, stamp
from archiver.language import sentence
from archiver.records.canonical import line_key
from archiver.records.text import few

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from archiver.history.catalogue import Catalogue
    from archiver.history.outlines import Stored
    from archiver.history.versions import Version, Versions
    from archiver.records.model import End
    from archiver.records.policy import Policy
    from archiver.store.history import Revision


@contextmanager
def compare(
    catalogue: Catalogue,
    old: str | None,
    new: str | None,
    *,
    now: datetime,
) -> Iterator[Comparison]:
    """Yield the comparison of two versions.

    Args:
        catalogue: The catalogue.
        old: What names the old version (see `revisions.find`); None: the last change.
        new: What names the new one; None: the newest.
        now: The time, for periods such as ``7d``.

    Raises:
        UnknownRevision: Nothing has this name.
        UnreadableSnapshot: A version holds no catalogue.
    """
    with opened(catalogue) as versions:
        if old is None:
            before, after = _last_change(catalogue, versions)
        else:
            ends = (old, new or "")
            settings = catalogue.settings if catalogue.repository else ""
            found = revisions.both(catalogue, versions, ends, now, settings=settings)
            before, after = _comparable(*found)
        notes = _notes(catalogue, before, after)
        yield Comparison(catalogue.source, before, after, catalogue.policy, notes=notes)


@contextmanager
def compare_files(catalogue: Catalogue, old: Path | None, new: Path | None) -> Iterator[Comparison]:
    """Yield the comparison of two plain files, each read to its end once before; None: no file.

    Raises:
        UnreadableSnapshot: One holds no catalogue, or only names the parts that hold it.
    """
    with opened(catalogue) as versions:
        before, after = (EMPTY if each is None else _sound(versions, each) for each in (old, new))
        before, after = _comparable(before, after)
        yield Comparison(
            catalogue.source,
            before,
            after,
            catalogue.policy,
            notes=_notes(catalogue, before, after),
        )


def _sound(versions: Versions, path: Path) -> Version:
    if is_index(path):
        raise UnreadableSnapshot(sentence("it names the parts that hold the records"))
    version = versions.file(path)
    if error := flaw(version):
        raise error
    return version


def _comparable(before: Version, after: Version) -> tuple[Version, Version]:
    """Let a record that one of two plain files holds in an unusable form be as in the other.

    Nothing is known of it there: it is neither removed nor new. A file has no earlier versions.
    """
    if not (before.unusable or after.unusable or after.unnamed):
        return before, after
    old, new = (
        {line_key(line).decode(): line for line in each.lines()} for each in (before, after)
    )
    kept = {key: line for key, line in old.items() if key in after.unusable or after.unnamed}
    kept = {key: line for key, line in kept.items() if key not in new}
    known = {key: new[key] for key in before.unusable & new.keys()}
    note = (
        (sentence("kept as in the older file, unusable now: {few}", few=few(sorted(kept))),)
        if kept
        else ()
    )
    return before.with_lines(old | known), after.with_lines(new | kept, *note)


@contextmanager
def changes_since(
    catalogue: Catalogue,
    since: datetime,
    *,
    tip: str | None = None,
) -> Iterator[Comparison]:
    """Yield the net change since a time.

    An archive that began later is compared with its first version, a shallow clone that ends
    later with the version at its end; a note says so.

    Args:
        catalogue: The catalogue.
        since: The time, UTC.
        tip: Full id of the commit to end at; None: the newest.

    Raises:
        ShallowHistory: The newest version is where the clone ends, after that time.
        UnreadableSnapshot: A version holds no catalogue.
    """
    with opened(catalogue) as versions:
        dates = Dates.of(catalogue, tip)
        ends = [*dates.revisions[:1], *(dates.until(since)[:1] or dates.revisions[-1:])]
        versions.ahead.together(ends, settings=catalogue.settings)
        after = _newest(catalogue, versions, tip)
        base, before = _base(catalogue, versions, since, dates)
        end = dates.edge if dates.began(base) > since else None
        if end is not None and base.id == after.end.revision:
            raise end.end
        began = sentence("the archive begins later, at {began} UTC", began=stamp(dates.began(base)))
        late = (end.note,) if end else (began,) if dates.began(base) > since else ()
        stands = _stands_for(base, dates.until(since))
        notes = (*late, *stands, *dates.notes, *_notes(catalogue, before, after))
        yield Comparison(catalogue.source, before, after, catalogue.policy, notes=notes)


def steps(
    catalogue: Catalogue,
    since: datetime,
    *,
    tip: str | None = None,
) -> Iterator[Comparison]:
    """Yield one comparison per revision since a time, newest first; read each before the next.

    What flaps is folded by `Comparison.folded`, if the catalogue says what does.

    The arguments are those of `changes_since`. Where a shallow clone ends later than the period
    begins, a note of the first comparison says so.

    Raises:
        ShallowHistory: The newest version is where the clone ends, after that time.
    """
    with (
        opened(catalogue) as versions,
        index(catalogue, tip) as known,
        damping(catalogue, tip) as damped,
    ):
        outlines = Outlines(catalogue, versions, known) if known else None
        policy_then = outlines.policy_then if outlines else catalogue.policy_then
        for found in _steps(catalogue, outlines or versions, policy_then, since, tip):
            found.counted = outlines.summary(found.new) if outlines else None
            found.damping = damped
            yield found


def _steps(
    catalogue: Catalogue,
    versions: Stored,
    policy_then: Callable[[str], Policy | None],
    since: datetime,
    tip: str | None,
) -> Iterator[Comparison]:
    dates = Dates.of(catalogue, tip)
    walk = _walk(versions, since, dates, catalogue.settings)
    walk = chain([*islice(walk, 1)], walk)  # what is read of all is known before the base is read
    base, _ = _base(catalogue, versions, since, dates)
    end = dates.edge if dates.began(base) > since else None
    late = (*((end.note,) if end else ()), *dates.notes)
    problems = Problems()
    for (newer, _), (_, before) in pairwise(_since(versions, since, dates, problems, walk)):
        after = versions.stored(newer)
        notes = (*late, *_notes(catalogue, before, after, policy_then))
        yield Comparison(catalogue.source, before, after, catalogue.policy, notes=notes)
        end, late = None, ()
    problems.warn(catalogue)
    if end is not None:
        raise end.end


@contextmanager
def version_at(catalogue: Catalogue, at: str | None, *, now: datetime) -> Iterator[Version]:
    """Yield the version at a revision or date (None: the newest), ready to be read once.

    Raises:
        UnknownRevision: Nothing has this name.
        UnreadableSnapshot: It holds no catalogue.
    """
    with opened(catalogue) as versions:
        yield revisions.find(catalogue, versions, at or "", now)


def metrics_as_of(catalogue: Catalogue, at: str | None, *, now: datetime) -> str:
    """Return the capture time that the metrics of a version are as of; empty: its own, or none.

    Only a source of archiver.toml is read for it.
    """
    if catalogue.config is None or not catalogue.policy.metrics:
        return ""
    with suppress(StoreError), version_at(catalogue, at, now=now) as version:
        return version.metrics
    return ""


def _last_change(catalogue: Catalogue, versions: Versions) -> tuple[Version, Version]:
    problems = Problems()
    ahead = versions.ahead.compared(catalogue.reachable(), first=2, settings=catalogue.settings)
    candidates = readable(versions, ahead, problems, damaged=False)
    found: list[Version] = []
    for _, version in islice(candidates, 2):
        newer = () if found else problems.notes()
        found.append(replace(version, notes=(*newer, *version.notes)))
    if not found:
        raise _none(catalogue, problems)
    if len(found) == 1:
        for revision in catalogue.reachable():
            if isinstance(revision, Edge):
                raise revision.end
    newest, before = (*found, EMPTY)[:2]
    return before, newest


def _walk(versions: Stored, since: datetime, dates: Dates, settings: str) -> Iterator[Revision]:
    """Yield the revisions since a time, and the one in effect then, as they are compared."""
    before = dates.until(since)
    within = dates.revisions[: len(dates.revisions) - len(before)]
    return versions.ahead.compared((*within, *before[:1]), first=WINDOW, settings=settings)


def _since(
    versions: Stored,
    since: datetime,
    dates: Dates,
    problems: Problems,
    walk: Iterator[Revision],
) -> Iterator[tuple[Revision, Version]]:
    """Yield the readable revisions back to the one in effect at `since`, or to the first.

    Where that one cannot be read, the readable one before it stands for it.
    """
    before = dates.until(since)
    number = len(dates.revisions) - len(before)
    yield from readable(versions, islice(walk, number), problems)
    yield from islice(readable(versions, chain(walk, before[1:]), problems), 1)


def _base(
    catalogue: Catalogue, versions: Stored, since: datetime, dates: Dates
) -> tuple[Revision, Version]:
    """Return the last readable version that was in effect at `since`, else the first one."""
    for found in readable(versions, dates.until(since)):
        return found
    for found in readable(versions, reversed(dates.revisions)):
        return found
    problems = Problems()
    list(readable(versions, dates.revisions, problems))
    raise _none(catalogue, problems)


def _stands_for(base: Revision, candidates: Sequence[Revision]) -> tuple[str, ...]:
    """Return a note where the version in effect cannot be read, and `base` stands for it."""
    if not candidates or candidates[0] == base:
        return ()
    return (
        sentence(
            "{called} cannot be read; {called2} stands for it",
            called=called(candidates[0]),
            called2=called(base),
        ),
    )


def _newest(catalogue: Catalogue, versions: Stored, tip: str | None) -> Version:
    """Return the newest readable version; its notes name newer ones, which are not."""
    problems = Problems()
    for _, version in readable(versions, catalogue.reachable(tip), problems):
        return replace(version, notes=(*problems.notes(), *version.notes))
    raise _none(catalogue, problems)


def _none(catalogue: Catalogue, problems: Problems) -> StoreError:
    return problems.error(catalogue) if problems else catalogue.no_revision()


def readable(
    versions: Stored,
    candidates: Iterable[Revision],
    problems: Problems | None = None,
    *,
    damaged: bool = True,
) -> Iterator[tuple[Revision, Version]]:
    """Yield the revisions whose version can be read, with the version.

    Args:
        versions: Opens the versions.
        candidates: The revisions.
        problems: Receives what is wrong with the others.
        damaged: Whether to go on after one whose object is missing or broken. What is written
            must not rest on the version before it: the object may be found again.

    Raises:
        DamagedObject: An object is missing or broken, and that ends it.
    """
    for revision in candidates:
        try:
            version = versions.stored(revision)
        except UnreadableSnapshot as error:
            if isinstance(error, DamagedObject) and not damaged:
                raise
            if problems is not None:
                problems.add(revision, error)
        else:
            yield revision, version


def _notes(
    catalogue: Catalogue,
    before: Version,
    after: Version,
    policy_then: Callable[[str], Policy | None] | None = None,
) -> tuple[str, ...]:
    """Return what the reader of a comparison should know.

    Args:
        catalogue: The catalogue.
        before: The version before.
        after: The version after.
        policy_then: Returns what the fields meant in a commit; None: the catalogue says it.
    """
    known = policy_then or catalogue.policy_then
    policies = (_other_policy(catalogue, version.end, known) for version in (before, after))
    others = (note for note in policies if note)
    moved = _moved(before, after) if catalogue.follow else ()
    return tuple(dict.fromkeys((*before.notes, *after.notes, *moved, *others)))


def _moved(before: Version, after: Version) -> tuple[str, ...]:
    """Return a note where the file was moved from one version to the other."""
    if before.path in ("", after.path) or not after.path:
        return ()
    old, new = shown(before.path), shown(after.path)
    return (sentence("the file was moved: from {old} to {new}", old=old, new=new),)


def _other_policy(
    catalogue: Catalogue, end: End, policy_then: Callable[[str], Policy | None]
) -> str:
    """Return a note where archiver.toml meant something else when a version was taken."""
    then = policy_then(end.revision) if end.revision else None
    if then is None or then == catalogue.policy:
        return ""
    names = (each.name for each in dataclasses.fields(then))
    changed = (name for name in names if getattr(then, name) != getattr(catalogue.policy, name))
    return sentence(
        "{changed} in archiver.toml changed since {timestamp} UTC; today's is "
        "applied to both sides",
        changed=", ".join(changed),
        timestamp=end.timestamp,
    )
