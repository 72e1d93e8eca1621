"""Resolve what the user names (a revision, a date, a file) to a version of a catalogue."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.clock import period
from archiver.errors import ConfigError, ShallowHistory, UnknownRevision, UnreadableSnapshot, reason
from archiver.formats import is_document
from archiver.history import snapshots
from archiver.history.catalogue import Edge, folder_of, source_at
from archiver.history.dates import Dates
from archiver.history.unreadable import hint, unreadable
from archiver.language import joined, sentence
from archiver.store.history import GONE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archiver.history.catalogue import Catalogue
    from archiver.history.versions import Version, Versions
    from archiver.store.history import Revision

_DATE = re.compile(r"\d{4}-\d{1,2}(-\d{1,2}([T ].*)?)?")
_AMBIGUOUS = re.compile(r"\d{1,4}[./]\d{1,2}[./]\d{1,4}|\d{1,2}-\d{1,2}-\d{4}")
_SNAPSHOT = re.compile(r"([a-z0-9_-]+)_models_\d{8}_\d{6}(\.json)?")
STDIN = "-"
_RANGE = re.compile(r"(.*[^.])\.\.([^.].*)", re.DOTALL)
"""``A..B`` as git writes it: both ends are named, and ``A...B`` is something else."""
_END_OF_DAY = timedelta(days=1) - timedelta(microseconds=1)


def moment(text: str, now: datetime, *, start: bool = False) -> datetime | None:
    """Return the time in UTC that `text` means, or None if it is no time.

    A date means the end of that day (or, with `start`, its beginning), a period (``36h``,
    ``7d``, ``2w``, ``3m``, ``1y``; a month is 30 days) that long before `now`. A time without
    zone is UTC.

    Raises:
        ConfigError: It looks like a date, but is none, or could mean two.
    """
    if (past := period(text)) is not None:
        try:
            return now - past
        except OverflowError:
            raise ConfigError(
                sentence('"{text}" reaches back before all calendars', text=text)
            ) from None
    if _AMBIGUOUS.fullmatch(text):
        raise ConfigError(
            sentence('the date "{text}" is ambiguous', text=text),
            hint=sentence("write it as YYYY-MM-DD"),
        )
    if not _DATE.fullmatch(text):
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            sentence('there is no date "{text}"', text=text),
            hint=sentence("write it as YYYY-MM-DD"),
        ) from None
    whole_day = len(text) == len("YYYY-MM-DD") and not start
    return (read if read.tzinfo else read.replace(tzinfo=UTC)) + _END_OF_DAY * whole_day


def start(text: str, now: datetime) -> datetime:
    """Return the time in UTC at which the period or day `text` begins.

    Raises:
        ConfigError: It is neither a period nor a date.
    """
    return _time("--since", text, moment(text, now, start=True))


def end(text: str, now: datetime) -> datetime:
    """Return the time in UTC at which the day `text` ends, or that long before `now`.

    Raises:
        ConfigError: It is neither a period nor a date.
    """
    return _time("--until", text, moment(text, now))


def _time(option: str, text: str, found: datetime | None) -> datetime:
    if found is None:
        raise ConfigError(
            sentence("{option}: {text!r} is neither a period nor a date", option=option, text=text),
            hint=sentence("write 7d or 2026-03-01"),
        )
    return found


def ends(first: str | None, second: str | None) -> tuple[str | None, str | None]:
    """Return the old and the new end that ``A``, ``A B`` or ``A..B`` names; None: not named."""
    both = _RANGE.fullmatch(first or "") if second is None else None
    if both is None or is_file(first or ""):
        return first, second
    return both[1], both[2]


def find(catalogue: Catalogue, versions: Versions, text: str, now: datetime) -> Version:
    """Open the version that `text` means.

    Args:
        catalogue: The catalogue.
        versions: Opens its versions.
        text: Nothing: the newest. Else a period or date, the name of a snapshot file, the path
            of a plain file, or any name of a commit: looked up in this order.
        now: The time, for periods.

    Raises:
        UnknownRevision: Nothing has this name.
        UnreadableSnapshot: It holds no catalogue.
        ShallowHistory: The clone ends before it.
        ConfigError: The date is impossible or ambiguous.
    """
    return both(catalogue, versions, (text,), now)[0]


def both(
    catalogue: Catalogue,
    versions: Versions,
    texts: Iterable[str],
    now: datetime,
    *,
    settings: str = "",
) -> list[Version]:
    """Open the versions that `texts` mean, as `find` does, which are read together.

    Args:
        catalogue: The catalogue.
        versions: Opens its versions.
        texts: What each means.
        now: The time, for periods.
        settings: Path of archiver.toml where that of each is read too.
    """
    found = [_place(catalogue, text, now) for text in texts]
    committed = [place for place, _ in found if not isinstance(place, Path)]
    versions.ahead.together(committed, settings=settings)
    return [_at(catalogue, versions, place, notes) for place, notes in found]


def _place(
    catalogue: Catalogue, text: str, now: datetime
) -> tuple[Revision | Path, tuple[str, ...]]:
    """Return the revision or plain file that `text` means, and what is to be known of that."""
    if not text:
        revision = newest(catalogue)
        if revision is None:
            raise catalogue.no_revision()
        return revision, ()
    time = moment(text, now)
    if time is not None:
        dates = Dates.of(catalogue)
        return dates.at(time), dates.notes
    if _is_stamped(catalogue, text):
        return _snapshot(catalogue, text), ()
    if is_file(text):
        return Path("/dev/stdin" if text == STDIN else text), ()
    try:
        return named(catalogue, text, now), ()
    except UnknownRevision:
        if not Path(text).is_file():
            raise
        return Path(text), ()


def _at(
    catalogue: Catalogue, versions: Versions, place: Revision | Path, notes: tuple[str, ...]
) -> Version:
    if isinstance(place, Path):
        return _file(catalogue, versions, place)
    version = _opened(catalogue, versions, place)
    return replace(version, notes=(*version.notes, *notes)) if notes else version


def _opened(catalogue: Catalogue, versions: Versions, revision: Revision) -> Version:
    try:
        return versions.stored(revision)
    except UnreadableSnapshot as error:
        raise unreadable(catalogue, revision, error) from error


def _file(catalogue: Catalogue, versions: Versions, path: Path) -> Version:
    try:
        return versions.file(path)
    except UnreadableSnapshot as error:
        message = sentence("{path} cannot be read: {error}", path=path, error=reason(error))
        raise UnreadableSnapshot(message, hint=hint(catalogue, error.hint)) from error


def named(catalogue: Catalogue, text: str, now: datetime) -> Revision:
    """Return the revision that `text` means: a period or date, a snapshot file, a commit.

    Raises:
        UnknownRevision: Nothing has this name.
        ShallowHistory: The clone ends before it.
        ConfigError: The date is impossible or ambiguous.
    """
    time = moment(text, now)
    if time is not None:
        return Dates.of(catalogue).at(time)
    if _is_stamped(catalogue, text):
        return _as_of(catalogue, _snapshot(catalogue, text).id)
    try:
        commit = catalogue.required().resolve(text)
    except UnknownRevision as error:
        if not is_missing_file(text):
            raise
        raise no_file([text]) from error
    return _as_of(catalogue, commit)


def tip(catalogue: Catalogue, at: str | None, now: datetime) -> str | None:
    """Return the full id of the revision that `at` names; None: the newest.

    Raises:
        UnknownRevision: Nothing has this name.
    """
    return None if at is None else named(catalogue, at, now).id


def before(catalogue: Catalogue, since: datetime, *, tip: str | None = None) -> str:
    """Return the full id of the revision in effect at `since`; empty: the history begins later.

    What follows it, in the order of ancestry, happened since then.
    """
    earlier = Dates.of(catalogue, tip).until(since)
    return earlier[0].id if earlier else ""


def newest(catalogue: Catalogue) -> Revision | None:
    """Return the newest revision, or None if there is none yet."""
    tip = catalogue.required().tip(catalogue.ref)
    if tip is None:
        return None
    found = next(catalogue.reachable(tip), None)
    return None if isinstance(found, Edge) and found.blob is None else found


def _as_of(catalogue: Catalogue, commit: str) -> Revision:
    """Return the revision that `commit` stands on; in a shallow clone, `commit` itself."""
    try:
        for revision in catalogue.committed(commit):
            return revision
    except ShallowHistory:
        found = catalogue.at(commit)
        if found.blob is not None:
            return found
    raise UnknownRevision(
        sentence("{commit} holds no {path}", commit=commit, path=catalogue.path),
        hint=sentence("`archiver log` lists the revisions"),
    )


def is_file(text: str) -> bool:
    """Return whether `text` is the path of a plain file or a pipe, and no name of a revision.

    ``-`` is standard input.
    """
    path = Path(text)
    named = is_document(text) or "/" in text
    return text == STDIN or (named and path.exists() and not path.is_dir())


def as_file(text: str | None) -> str | None:
    """Return a name so that `is_file` takes it for that of a plain file, where there is such a one.

    For where no revision can be meant.
    """
    return f"./{text}" if text and not is_file(text) and Path(text).is_file() else text


def is_missing_file(text: str) -> bool:
    """Return whether `text` is named as a plain file is, and there is none."""
    return is_document(text) and not Path(text).is_file()


def no_file(names: Iterable[str]) -> UnknownRevision:
    """Return the error that there are no files with these names."""
    return UnknownRevision(
        joined("\n", (sentence("there is no file {name}", name=name) for name in names))
    )


def _is_stamped(catalogue: Catalogue, text: str) -> bool:
    """Return whether `text` names a stamped file, and not one that lies elsewhere."""
    if not catalogue.folder or not _SNAPSHOT.fullmatch(Path(text).name):
        return False
    root = catalogue.required().root
    inside = root and root / catalogue.folder / "snapshots"
    return not is_file(text) or Path(text).resolve().parent == inside


def _snapshot(catalogue: Catalogue, text: str) -> Revision:
    """Find a stamped file by its name, also one that is pruned from the work tree.

    A source that was renamed has stamped files under each name.
    """
    name = Path(text).name.removesuffix(".json") + ".json"
    tip = catalogue.required().tip(catalogue.ref)
    for revision in _with_blob(_stamped(catalogue, name, tip) if tip else ()):
        return revision
    path = f"{catalogue.stamped}/{name}"
    reason = catalogue.required().obstacle(tip, path) if tip else GONE
    if reason != GONE:
        raise UnreadableSnapshot(
            sentence("{path} of {tip} cannot be read: {reason}", path=path, tip=tip, reason=reason)
        )
    raise UnknownRevision(
        sentence("no snapshot is called {name}", name=name),
        hint=sentence("`archiver log` lists the revisions"),
    )


def _stamped(catalogue: Catalogue, name: str, tip: str) -> Iterator[Revision]:
    """Yield what changed the stamped file `name`, also where it was before a rename."""
    yield from catalogue.beside(f"{catalogue.stamped}/{name}", tip)
    if taken := snapshots.taken_at(name):
        for place in catalogue.places(tip):
            for called in (name, snapshots.stamped_name(source_at(place), taken)):
                path = f"{folder_of(place)}/snapshots/{called}"
                yield from catalogue.required().history(path, tip=tip)


def _with_blob(revisions: Iterable[Revision]) -> Iterable[Revision]:
    return (revision for revision in revisions if revision.blob is not None)
