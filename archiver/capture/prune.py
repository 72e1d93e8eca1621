"""Prune stamped files that the retention rules do not keep; history keeps everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.changes.retention import Plan, Retention, plan
from archiver.history import snapshots
from archiver.language import sentences
from archiver.store.commit import writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from archiver.capture.target import Target
    from archiver.config import Config


def configured_retention(config: Config) -> Retention:
    """Return the rules of the table ``[retention]``."""
    rules = config.retention
    return Retention(
        older_than=rules.keep_days,
        keep_daily=rules.keep_daily or None,
        keep_weekly=rules.keep_weekly or None,
        keep_monthly=rules.keep_monthly or None,
    )


def outdated(target: Target, tip: str | None, now: datetime) -> dict[str, str | None]:
    """Return the stamped files in `tip` that ``[retention]`` does not keep, as removals."""
    rules = configured_retention(target.config)
    if tip is None or rules.is_empty:
        return {}
    return removals(target, tip, (file.name for file in planned(target, tip, rules, now).remove))


def planned(target: Target, tip: str, rules: Retention, now: datetime) -> Plan:
    """Return which stamped files of `tip` stay and which go."""
    files = target.repository.entries(tip, target.catalogue.stamped)
    newest = target.repository.object_at(tip, target.catalogue.path)
    latest = next((name for name, blob in files.items() if blob == newest), None)
    return plan(snapshots.stamped(files), rules, now, latest=latest)


def prune(
    target: Target, rules: Retention, *, clock: Callable[[], datetime], dry_run: bool
) -> tuple[Plan, str | None]:
    """Remove stamped files that `rules` do not keep; history keeps everything.

    Returns:
        The plan, and the full id of the commit; None: there was nothing to do, or a dry run.

    Raises:
        NotADataRepository: There is no snapshot yet.
        RepositoryBusy: Another run holds the lock.
    """
    now = clock()
    if dry_run:
        return planned(target, target.required_tip(), rules, now), None
    with writing(target.repository) as writer:
        tip = target.required_tip()
        found = planned(target, tip, rules, now)
        if not found.remove:
            return found, None
        removed, text = pruned(target, tip, [file.name for file in found.remove])
        done = writer.commit(target.change(removed, text, tip=tip, taken=now, now=now))
        return found, done.revision


def pruned(target: Target, tip: str, names: Sequence[str]) -> tuple[dict[str, str | None], str]:
    """Return the commit that removes the stamped files `names` from `tip`: files and message."""
    words = sentences(
        "{number:,} stamped file pruned; history keeps them",
        "{number:,} stamped files pruned; history keeps them",
        len(names),
    )
    text = target.message(words)
    return removals(target, tip, names), text


def removals(target: Target, tip: str, names: Iterable[str]) -> dict[str, str | None]:
    """Return what to remove from `tip` so that the stamped snapshots `names` are gone."""
    return {**snapshots.removal(target.repository, tip, target.catalogue.stamped, names)}
