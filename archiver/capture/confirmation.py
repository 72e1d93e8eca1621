"""Confirm removals: which records that a listing lacks are kept, missing, or gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from archiver.changes.lifecycle import POSSIBLE_RENAME, Missing, Tombstone, sort_out
from archiver.history.versions import stamp
from archiver.language import stored
from archiver.records.canonical import decode
from archiver.records.key import label_of, lacks
from archiver.records.model import Line
from archiver.records.text import RECORD, count, few, named
from archiver.sources import Fate

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from datetime import datetime

    from archiver.capture.state import Memory
    from archiver.records.text import Noun
    from archiver.sources.lines import Lines
    from archiver.sources.listing import Listing

    Fates = Callable[[Iterable[str]], Mapping[str, Fate]]


class Confirmation(NamedTuple):
    """The outcome for the records that a listing lacks.

    Attributes:
        missing: Records that are kept until another complete listing lacks them too.
        tombstones: All tombstones, those of this listing included.
        changed: Whether a tombstone was added or removed.
        unlisted: Keys whose lines were carried over from the baseline because the listing did not
            name them; None: unknown, as where only changes were listed.
        notes: What the person should know.
    """

    missing: Mapping[str, Missing]
    tombstones: Mapping[str, Tombstone]
    changed: bool
    unlisted: frozenset[str] | None
    notes: tuple[str, ...] = ()


def confirm(
    listing: Listing,
    absent: Mapping[str, bytes],
    memory: Memory,
    fates: Fates,
    *,
    renames: Mapping[str, str],
    confirmations: int,
    taken: datetime,
    last_seen: str,
    noun: Noun = RECORD,
    label: str = "",
) -> Confirmation:
    """Confirm which of the records that a listing lacks are gone; the others keep their lines.

    A record whose new form is unusable keeps its line. Records that leave a window just leave it.

    Args:
        listing: The listing; the lines that are kept are added to it.
        absent: The lines of the baseline that it lacks, by key.
        memory: What earlier runs remember.
        renames: What `possible_renames` found among them: they are gone under their old keys.
        fates: Tells of keys, in this order, whether they are gone; may leave some out.
        confirmations: Complete listings in a row that must lack a record before it is removed.
        taken: Capture time, UTC.
        last_seen: Capture time of the baseline, UTC.
        noun: What the records are called.
        label: Path of the text that the note of missing records names beside a key; empty: none.
    """
    lines, kind, when = listing.lines, listing.proof.kind, stamp(taken)
    still = {key: each for key, each in memory.removed.items() if not lines.holds(key)}
    kept: set[str] = {bad.key for bad in listing.bad} & absent.keys()
    missing = memory.missing
    gone = {key: Fate("gone", POSSIBLE_RENAME, now) for key, now in renames.items()}
    if kind == "complete":
        lost = [key for key in absent if key not in kept and key not in gone]
        if _doubtful(listing, memory):
            missing = {key: memory.missing.get(key) or Missing(key, when, 0) for key in lost}
        else:
            missing, ripe = sort_out(lost, missing, confirmations=confirmations, taken=when)
            known = fates((*ripe, *(key for key in lost if key not in ripe)))
            gone |= _gone(known, ripe, lines)
            settled = {key for key, fate in known.items() if fate.state == "listed"} | gone.keys()
            missing = {key: each for key, each in missing.items() if key not in settled}
        kept |= {*lost} - gone.keys()
    elif kind == "window":  # it was listed, or has left: no listing in a row lacks it any more
        missing = {}
    lines.keep(Line(key, absent[key]) for key in kept)
    stones = {
        key: Tombstone(key, when, last_seen, each.cause, each.now) for key, each in gone.items()
    }
    names = [_called(key, absent, label) for key in sorted(missing)]
    return Confirmation(
        missing,
        still | stones,
        still | stones != memory.removed,
        None if kind == "incremental" else frozenset(kept),
        (
            *_rename_notes(renames, noun),
            *(_notes(names, confirmations, noun) if kind == "complete" else ()),
        ),
    )


def possible_renames(
    absent: Mapping[str, bytes], lines: Lines, key: tuple[str, ...]
) -> dict[str, str]:
    """Return the records without owner that a hub lists under their full key now: old key to new.

    Files of the original design know models by name alone. Such a record is taken for the one
    listed model that has this name; where several have it, or none, nothing is said.

    Args:
        absent: The lines of the baseline that the listing lacks, by key.
        lines: The listing.
        key: Fields of the key, which a record that is known by its name lacks.
    """
    unowned = {old for old, line in absent.items() if "/" not in old and _is_unkeyed(line, key)}
    if not unowned:
        return {}
    found: dict[str, set[str]] = {}
    for new, line in lines.unsorted():
        for name in {new.rpartition("/")[2], decode(line).get("name")} - {new}:
            if name in unowned:
                found.setdefault(name, set()).add(new)
    return {old: min(keys) for old, keys in sorted(found.items()) if len(keys) == 1}


def _is_unkeyed(line: bytes, key: tuple[str, ...]) -> bool:
    record = decode(line)
    return lacks(record, key) and "name" in record


def _doubtful(listing: Listing, memory: Memory) -> bool:
    """Say whether a lost record may be one of the unusable ones, whose key nobody knows.

    One that was unusable in the last listing too says nothing about today's losses.
    """
    return sum(not bad.key for bad in listing.bad) > memory.unnamed


def _gone(known: Mapping[str, Fate], ripe: Collection[str], lines: Lines) -> dict[str, Fate]:
    """Return the records that are gone: lacked often enough, or listed under a new key already."""
    return {
        key: fate
        for key, fate in known.items()
        if fate.state == "gone" and (key in ripe or (fate.now and lines.holds(fate.now)))
    }


def _rename_notes(renames: Mapping[str, str], noun: Noun) -> tuple[str, ...]:
    if not renames:
        return ()
    pairs = few([f"{old} → {new}" for old, new in renames.items()])
    records = noun.counted(len(renames))
    return (stored("possible rename: {records}: {pairs}", records=records, pairs=pairs),)


def _called(key: str, absent: Mapping[str, bytes], label: str) -> str:
    """Return what people read of a missing record, given its last line."""
    return named(key, label_of(decode(absent[key]), label)) if label and key in absent else key


def _notes(missing: list[str], confirmations: int, noun: Noun) -> tuple[str, ...]:
    if not missing:
        return ()
    listings, names = count(confirmations, "complete listing"), few(missing)
    records = noun.counted(len(missing))
    if len(missing) == 1:
        rule = stored("removed after {listings} in a row without it", listings=listings)
    else:
        rule = stored("removed after {listings} in a row without them", listings=listings)
    return (
        stored("missing: {records} ({rule}): {names}", records=records, rule=rule, names=names),
    )
