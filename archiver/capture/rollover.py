"""Go on in a new repository: begin with the newest snapshots, and read on in the one before."""

from __future__ import annotations

import os
import shutil
import tempfile
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

import msgspec

from archiver import __version__
from archiver.capture import prune
from archiver.capture.target import open_target
from archiver.changes.retention import Retention
from archiver.config import FILE_NAME
from archiver.errors import ConfigError, StoreError, reason
from archiver.history import revisions
from archiver.history.catalogue import NEXT_FILE, PREVIOUS_FILE, beside_settings
from archiver.history.versions import stamp
from archiver.language import said, sentence
from archiver.records.jsontext import UNREADABLE
from archiver.records.representation import short
from archiver.store import previous as store
from archiver.store.change import Change, Identity, configured
from archiver.store.clone import is_url, refuse
from archiver.store.commit import writing
from archiver.store.joined import PREVIOUS, Join
from archiver.store.repository import BRANCHES, Repository
from archiver.store.transfer import hidden

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from archiver.capture.target import Target
    from archiver.config import Config

_ABANDONED: Final = 3600.0
"""Seconds after which a folder that was not finished is one of a run that was killed."""
_MOST: Final = 100
"""Number of repositories that may follow each other; more is no archive."""

T = TypeVar("T", bound="Previous | Next")


class Previous(msgspec.Struct, frozen=True, kw_only=True):
    """Which repository was before: the file `PREVIOUS_FILE`.

    Attributes:
        format: 1.
        repository: Its URL, or its folder relative to the one of this repository.
        commit: Full id of the commit that this one goes on from.
        captured_at: Capture time of the newest snapshot there, UTC.
    """

    format: int = 1
    repository: str
    commit: str
    captured_at: str

    __repr__ = short


class Next(msgspec.Struct, frozen=True, kw_only=True):
    """In which repository a finished archive goes on: the file `NEXT_FILE`.

    Attributes:
        format: 1.
        repository: Its URL, or its folder relative to the one of this repository.
        commit: Full id of its first commit.
    """

    format: int = 1
    repository: str
    commit: str

    __repr__ = short


class RolledOver(NamedTuple):
    """A new repository.

    Attributes:
        commit: Full id of its first commit.
        previous: What it says of the repository before.
        finished: Full id of the commit that finished that one; None: nothing was written there.
    """

    commit: str
    previous: Previous
    finished: str | None


class Fetched(NamedTuple):
    """A previous repository that can be read now, and the commit gone on from.

    Its address is that of a folder as it is recorded, else the whole one.
    """

    address: str
    commit: str


def roll_over(
    config: Config,
    folder: Path,
    *,
    address: str | None = None,
    finish: bool = False,
    clock: Callable[[], datetime],
) -> RolledOver:
    """Make a new data repository that goes on from the newest snapshot of each source.

    Args:
        config: The archiver.toml of the one before.
        folder: Where to; it must not exist, or be empty.
        address: URL or folder of the one before; None: that of its ``origin``, else its folder.
        finish: Whether to commit in the one before that it is finished.
        clock: Returns the time, UTC.

    Raises:
        ConfigError: The folder is taken, or the address is none.
        NotADataRepository: There is no snapshot yet.
        StoreError: The branch is not the one that is checked out, or the archive is finished.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(sentence("{folder} is there already", folder=folder))
    now = clock()
    with Repository.open(config.root) as old:
        targets = [open_target(config, name, old) for name in config.sources]
        tip, branch = _beginning(old, targets)
        refuse_finished(targets[0])
        known = Previous(
            repository=address or _address(old, folder),
            commit=tip,
            captured_at=stamp(taken := _newest(targets)),
        )
        _check(known.repository)
        where = beside_settings(targets[0].catalogue.settings, PREVIOUS_FILE)
        removed = [path for each in targets for path in _older(each, tip, now)]
        subject = sentence("Go on from {commit} of another repository", commit=tip[:10])
        message = f"{said(subject)}\n\n{PREVIOUS}: {tip}\nArchiver-Version: {__version__}\n"
        identity = config.archive.identity
        draft = _draft(folder, now)
        try:
            with Repository.init(draft, branch=branch, object_format=old.object_format) as new:
                commit = store.begin(
                    new,
                    old,
                    tip,
                    removed=frozenset((*removed, beside_settings(where, NEXT_FILE))),
                    added={where: _encoded(known)},
                    message=message,
                    author=Identity(*identity) if identity else configured(old.git),
                    authored_at=taken,
                    committed_at=now,
                )
                _keep_settings(config, old, new, tip, targets[0].catalogue.settings)
            draft.replace(folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        finished = _finished(targets[0], folder, commit, tip, now) if finish else None
    return RolledOver(commit, known, finished)


def _beginning(old: Repository, targets: list[Target]) -> tuple[str, str]:
    """Return the tip that a new repository goes on from, and the plain name of its branch.

    Raises:
        ConfigError: No source is configured.
        NotADataRepository: There is no snapshot yet.
        StoreError: The branch is not the one that is checked out.
    """
    if not targets:
        raise ConfigError(sentence("no source is configured"))
    ref = targets[0].catalogue.ref
    if old.root is None or old.checked_out() != ref:
        raise StoreError(
            sentence("{branch} is not checked out here", branch=ref.removeprefix(BRANCHES)),
            hint=sentence("in a work tree of it: archiver rollover"),
        )
    return targets[0].required_tip(), ref.removeprefix(BRANCHES)


def _newest(targets: list[Target]) -> datetime:
    """Return the time of the newest capture.

    Raises:
        NotADataRepository: There is none.
    """
    found = [revisions.newest(each.catalogue) for each in targets]
    times = [each.authored_at for each in found if each is not None]
    if not times:
        raise targets[0].catalogue.no_revision()
    return max(times)


def _older(target: Target, tip: str, now: datetime) -> Iterator[str]:
    """Yield the stamped files that stay behind: all but the newest, and the one of the latest."""
    plan = prune.planned(target, tip, Retention(keep_last=1), now)
    yield from prune.removals(target, tip, (each.name for each in plan.remove))


def _draft(folder: Path, now: datetime) -> Path:
    """Make a folder beside the new one, to be renamed when all of it is there.

    What a run that was killed left there is removed.

    Raises:
        ConfigError: The folder cannot be made.
    """
    place = folder.resolve()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        for left in place.parent.glob(f".{escape(place.name)}.????????"):
            if now.timestamp() - left.stat().st_mtime > _ABANDONED:
                shutil.rmtree(left, ignore_errors=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{place.name}.", dir=place.parent))
        draft.chmod(0o755)
    except OSError as error:
        raise ConfigError(
            sentence("cannot make {folder}: {strerror}", folder=folder, strerror=error.strerror)
        ) from error
    return draft


def _keep_settings(
    config: Config, old: Repository, new: Repository, tip: str, settings: str
) -> None:
    """Copy who commits, and an archiver.toml that nobody has committed yet."""
    for name in ("user.name", "user.email"):
        value = os.fsdecode(old.plain.ask("config", "--local", "--get", name).out).strip()
        if value:
            new.git.run("config", name, value)
    if not old.object_at(tip, settings) and new.root is not None:
        place = new.root / settings
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(config.root / FILE_NAME, place)


def _address(old: Repository, folder: Path) -> str:
    """Return where the old repository is found from the new one, without any password."""
    url = os.fsdecode(old.plain.ask("config", "--get", "remote.origin.url").out).strip()
    if is_url(url) and hidden(url, [url]) == url:
        return url
    return Path(os.path.relpath(old.root or old.git_dir, folder.resolve())).as_posix()


def _check(address: str) -> None:
    """Refuse an address that cannot be recorded.

    Raises:
        ConfigError: It is none, has a protocol that runs programs, or a password.
    """
    if not address or not address.isprintable():
        raise ConfigError(sentence("the address of the previous repository is none"))
    if not is_url(address) and ":" not in address.partition("/")[0]:
        return
    refuse(address)
    if hidden(address, [address]) != address:
        raise ConfigError(
            sentence("the address of the previous repository has a password"),
            hint=sentence("git finds the credentials: leave them out"),
        )


def _finished(target: Target, folder: Path, commit: str, tip: str, now: datetime) -> str | None:
    """Commit in the old repository that it goes on in the new one; return the commit's id."""
    old = target.repository
    path = beside_settings(target.catalogue.settings, NEXT_FILE)
    address = Path(os.path.relpath(folder.resolve(), old.root)).as_posix()
    content = _encoded(Next(repository=address, commit=commit))
    subject = sentence("Finish: it goes on in {address}", address=address)
    identity = target.config.archive.identity
    with writing(old) as writer:
        blob = writer.write_blob((content,), len(content))
        done = writer.commit(
            Change(
                branch=target.catalogue.ref,
                expected=tip,
                files={path: blob},
                message=f"{said(subject)}\n\nArchiver-Version: {__version__}\n",
                state={},
                author=Identity(*identity) if identity else None,
                authored_at=now,
                committed_at=now,
                managed=(path,),
            )
        )
    return done.revision


def refuse_finished(target: Target) -> None:
    """Refuse to capture in an archive that goes on elsewhere.

    Raises:
        StoreError: It does.
    """
    tip = target.tip()
    path = beside_settings(target.catalogue.settings, NEXT_FILE)
    content = target.repository.read(tip, path) if tip else None
    if content is None:
        return
    found = _decoded(content, Next, path)
    raise StoreError(
        sentence(
            "this archive is finished; it goes on in {repository}", repository=found.repository
        ),
        hint=sentence("run it there, or remove {path} from the branch", path=path),
    )


def fetch(config: Config, *, address: str | None = None) -> Iterator[Fetched]:
    """Fetch the repository before, and those before it, so that questions reach into them.

    Args:
        config: The archiver.toml of the newest.
        address: Where the one before it is today; None: where it is said to be.

    Yields:
        Each that can be read now, the newest first; all are joined at the end.

    Raises:
        NotADataRepository: Nothing was before this repository.
        ConfigError: An address has a protocol that runs programs.
        StoreError: One cannot be fetched, or is not what it should be. What was fetched before
            can be read.
    """
    with Repository.open(config.root) as repository:
        target = open_target(config, next(iter(config.sources), None), repository)
        where = target.catalogue.previous
        base = str(repository.root or repository.git_dir)
        tip = target.required_tip()
        joins: list[Join] = []
        try:
            while len(joins) < _MOST and (found := _previous(repository, tip, where)):
                place, address = address or found.repository, None
                base = _reached(base, place)
                store.fetch(repository, base, found.commit, config.environment.variables)
                joins.append(Join(repository.first(tip), found.commit))
                shown = base if is_url(base) else place
                yield Fetched(hidden(shown, [shown]), found.commit)
                tip = found.commit
        finally:
            if joins:
                store.join(repository, joins)
    if not joins:
        raise StoreError(sentence("no repository was before this one"))


def _previous(repository: Repository, tip: str, where: str) -> Previous | None:
    """Return which repository was before the one that has the commit `tip`; None: there was none.

    Raises:
        StoreError: What says it cannot be read, or contradicts the first commit.
    """
    first = repository.first(tip)
    commit = repository.revision(first, where).trailers.get(PREVIOUS) if first else None
    if commit is None:
        return None
    content = repository.read(tip, where) or repository.read(first, where)
    found = _decoded(content or b"", Previous, where)
    if found.commit != commit or not _is_id(commit, repository.null_id):
        raise StoreError(
            sentence("{where} names another commit than the first commit does", where=where)
        )
    return found


def _is_id(text: str, like: str) -> bool:
    return len(text) == len(like) and not set(text) - set("0123456789abcdef")


def _reached(base: str, address: str) -> str:
    """Return the address of a repository as it is said in the one at `base`.

    Raises:
        ConfigError: It is no URL that can be fetched, and no folder.
    """
    _check(address)
    if is_url(address):
        return address
    if address.startswith("/") or not is_url(base):
        return os.path.normpath(Path(base, address))
    start, slashes, path = base.partition("://")
    host, slash, place = path.partition("/") if slashes else ("", "", base)
    return start + slashes + host + slash + os.path.normpath(Path(place, address)).lstrip("/")


def _encoded(found: Previous | Next) -> bytes:
    return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"


def _decoded(content: bytes, kind: type[T], path: str) -> T:
    """Read one of the two files.

    Raises:
        StoreError: It cannot be read.
    """
    try:
        found = msgspec.json.decode(content, type=kind)
    except UNREADABLE as error:
        raise StoreError(
            sentence("{path} cannot be read: {error}", path=path, error=reason(error))
        ) from error
    if found.format != 1:
        raise StoreError(sentence("{path} has a format that this program does not know", path=path))
    return found
