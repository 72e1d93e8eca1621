"""The whole history as a changelog: one section for each capture that has news."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from archiver import sources
from archiver.errors import ConfigError, ShallowHistory, UnreadableSnapshot
from archiver.history import snapshots
from archiver.history.ahead import WINDOW
from archiver.history.catalogue import Edge
from archiver.history.comparison import outlined
from archiver.history.flapping import damping
from archiver.history.unreadable import Problems
from archiver.history.versions import EMPTY, flaw, opened
from archiver.render.section import folded, nowhere, section

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from archiver.changes.flapping import Damping
    from archiver.history.catalogue import Catalogue
    from archiver.history.versions import Version, Versions
    from archiver.records.model import Kind, RecordChange
    from archiver.store.history import Revision


def sections(
    catalogue: Catalogue,
    *,
    tip: str | None = None,
    until: str | None = None,
    since: datetime | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield what the template of a section may name, newest first (see `section.section`).

    Each readable version is compared with the readable one before it. What flaps is told once, if
    the catalogue says what does.

    Args:
        catalogue: The catalogue.
        tip: Full id of the commit to begin with; None: the newest.
        until: Full id of a commit; the revisions that it holds are left out, as by git's
            ``until..tip``.
        since: Leave out captures before this time, UTC.

    Raises:
        NotADataRepository: There is no revision.
        ShallowHistory: The clone ends before the range does; all that is certain is yielded.
    """
    link = links(catalogue)
    left_out = _left_out(catalogue, until)
    with opened(catalogue) as versions, damping(catalogue, tip) as damped:
        newer: Revision | None = None
        problems = Problems()

        def reaches(revision: Revision) -> bool:
            return left_out(revision) or (since is not None and revision.authored_at < since)

        ahead = versions.ahead.compared(
            catalogue.reachable(tip), first=WINDOW, last=reaches, ends=True
        )
        for revision in ahead:
            try:
                version = versions.stored(revision)
                found = newer and _section(
                    catalogue, versions, version, newer, link=link, damped=damped
                )
            except UnreadableSnapshot as error:
                problems.add(revision, error)
            else:
                yield from found or ()
                if reaches(revision):
                    break
                newer = revision
            if isinstance(revision, Edge):
                raise revision.end
        else:
            if newer is None:
                raise problems.error(catalogue) if problems else catalogue.no_revision()
            yield from _section(catalogue, versions, EMPTY, newer, link=link, damped=damped)
        problems.warn(catalogue)


def is_reversed(catalogue: Catalogue, first: str, second: str) -> bool:
    """Return whether the commit `second` of a range is an ancestor of the `first` one."""
    return first != second and catalogue.required().is_ancestor(second, first)


def _left_out(catalogue: Catalogue, until: str | None) -> Callable[[Revision], bool]:
    """Return what says that `until` holds a revision, and with it all before.

    `until` itself may never be met: it cannot be read, was reverted, or stands elsewhere.
    """
    if until is None:
        return lambda _: False
    held: set[str] = set()
    with suppress(ShallowHistory):
        held.update(revision.id for revision in catalogue.committed(until))
    return lambda revision: revision.id in held


def links(catalogue: Catalogue) -> Callable[[str], str]:
    """Return what gives the address of a record's page; empty: it has none.

    A class that archiver.toml names as ``package.module:Class`` is not asked: reading a
    repository runs no code of it.
    """
    config = catalogue.config
    if config is None or ":" in config.source(catalogue.source).type:
        return nowhere
    settings = config.source(catalogue.source).settings
    environ = config.environment.variables
    try:
        source = sources.create(catalogue.source, settings, base=config.root, environ=environ)
    except ConfigError:
        return nowhere
    return source.link


def _section(
    catalogue: Catalogue,
    versions: Versions,
    before: Version,
    revision: Revision,
    *,
    link: Callable[[str], str],
    damped: Damping,
) -> tuple[dict[str, Any], ...]:
    """Return the section of a revision, if it has news.

    Raises:
        UnreadableSnapshot: The version `before` is damaged behind what opened it, or the first is.
    """
    after = versions.stored(revision)
    elsewhere: Counter[Kind] = Counter()

    def fold(change: RecordChange) -> RecordChange | None:
        shown = damped.fold(revision.id, change)
        elsewhere[change.kind] += shown is None
        return shown

    try:
        found = outlined(before, after, catalogue.policy, fold=fold)
    except UnreadableSnapshot as error:
        raise flaw(before) or error from error
    if not found.summary.news:
        return ()
    ends = (before.end, after.end)
    names = [snapshots.name_of(catalogue.source, end) if catalogue.folder else "" for end in ends]
    page = section(
        noun=catalogue.noun,
        source=catalogue.source,
        old=before.end,
        new=after.end,
        summary=found.summary,
        changes=found.changes,
        severities=found.severities,
        fields=found.fields,
        told=found.told,
        snapshots=(names[0], names[1]),
        link=link,
        first=before is EMPTY,
    )
    return (folded(page, elsewhere),)
