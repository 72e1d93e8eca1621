"""Carry the newest snapshot over to another layout, by a commit without news."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from archiver.capture.report import SOURCE
from archiver.capture.validation import Baseline
from archiver.errors import ConfigError, UnreadableSnapshot
from archiver.history.catalogue import DIGEST, LAYOUT
from archiver.history.snapshots import Layout, laid_out
from archiver.history.versions import EMPTY, opened
from archiver.language import said, sentence, sentences
from archiver.records.canonical import Header
from archiver.records.digest import records_digest
from archiver.records.text import visible
from archiver.sources import checkpoint
from archiver.store.commit import writing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from archiver.capture.target import Target
    from archiver.history.snapshots import Shards
    from archiver.history.versions import Version
    from archiver.sources.lines import Lines
    from archiver.store.commit import Writer
    from archiver.store.history import Revision


class Migration(NamedTuple):
    """What a migration does.

    Attributes:
        before: Number of files of the newest snapshot.
        after: Number of files that it has in the new layout.
        largest: Bytes of the largest of them.
        kept: Managed files that a person had changed; their versions are kept on a ref.
        revision: Full id of the commit; None: there was nothing to do, or it is only planned.
    """

    before: int
    after: int
    largest: int
    revision: str | None = None
    kept: tuple[str, ...] = ()


def migrate(
    target: Target, shards: Shards | None, *, clock: Callable[[], datetime], dry_run: bool
) -> Migration:
    """Commit the newest snapshot of a source in another number of files.

    Its records, and all that the header says but the files, stay the same. They are checked against
    the digest of their capture before, and the written files against them after.

    Args:
        target: The source.
        shards: The number of files; ``auto``: by its size; None: as archiver.toml says.
        clock: Returns the time, UTC.
        dry_run: Only say what would be done.

    Raises:
        ConfigError: archiver.toml says another number: the next run would go back to it.
        NotADataRepository: There is no snapshot yet.
        UnreadableSnapshot: The newest one is not as it was written.
        StoreError: A file would be too large.
    """
    wanted = _agreed(target, shards)
    now = clock()
    with (
        opened(target.catalogue) as versions,
        checkpoint.opened(None, identity="", now=now) as state,
        writing(target.repository) as writer,
    ):
        tip = target.required_tip()
        baseline = Baseline.of(target.catalogue, versions)
        before, newest = baseline.open(), baseline.newest
        if newest is None:
            raise target.catalogue.no_revision()
        if before.end.revision != newest.id:
            raise UnreadableSnapshot(
                sentence("the newest snapshot cannot be read"),
                hint=sentence("run again: a capture replaces it"),
            )
        state.lines.put(baseline.lines())
        state.finish()
        digest = _checked_digest(target, newest, state.lines)
        layout = laid_out(
            _header(target, before),
            state.lines,
            shards=wanted,
            before=EMPTY,
            max_bytes=target.source.max_bytes,
        )
        plan = Migration(len(before.parts), len(layout.sizes), max(layout.sizes.values()))
        if plan.before == plan.after or dry_run:
            return plan
        files = _files(target, writer, layout, tip, newest)
        change = target.change(
            files,
            _message(target, plan, newest, digest),
            tip=tip,
            taken=newest.authored_at,
            now=now,
        )
        done = writer.commit(change)
        return plan._replace(revision=done.revision, kept=done.kept)


def _agreed(target: Target, shards: Shards | None) -> Shards:
    """Return the number of files, which the next run must not take back."""
    settings = target.source.shards
    if shards in (None, settings) or settings == "auto":
        return settings if shards is None else shards
    raise ConfigError(
        sentence(
            "archiver.toml says shards = {settings} for {source}: its next run would go back to it",
            settings=settings,
            source=target.source.name,
        ),
        hint=sentence("change it there, then run archiver migrate without --shards"),
    )


def _checked_digest(target: Target, newest: Revision, lines: Lines) -> str:
    """Return the digest of the newest snapshot; refuse one that its capture does not name."""
    expected, today = newest.trailers.get(DIGEST), target.catalogue.policy
    then = target.catalogue.policy_then(newest.id) or today
    policies = {policy.volatile: policy for policy in (today, then, replace(today, volatile=()))}
    digests = [
        records_digest((line.data for line in lines), policy) for policy in policies.values()
    ]
    if expected is not None and expected not in digests:
        raise UnreadableSnapshot(
            sentence("the records of the newest snapshot are not those that its commit names"),
            hint=sentence("archiver verify says which files are damaged"),
        )
    return expected or digests[0]


def _header(target: Target, before: Version) -> Header:
    return Header(
        target.source.name,
        before.end.timestamp or "",
        before.end.total,
        covers=before.covers,
        swept=before.swept,
        metrics=before.metrics,
    )


def _files(
    target: Target, writer: Writer, layout: Layout, tip: str, newest: Revision
) -> dict[str, str | None]:
    """Write the files, read them again, and return what the commit changes.

    The stamped file of the newest capture changes with it: both names are one blob.
    """
    blobs = layout.write(writer, EMPTY)
    layout.check(target.repository, blobs)
    catalogue, repository = target.catalogue, target.repository
    stamped = repository.entries(tip, catalogue.stamped)
    names = [name for name, blob in stamped.items() if blob == newest.blob]
    files: dict[str, str | None] = _beside(target, blobs, f"{catalogue.folder}/latest", tip)
    for name in names:
        place = f"{catalogue.stamped}/{name.removesuffix('.json')}"
        files |= _beside(target, blobs, place, tip)
    return files


def _beside(
    target: Target, blobs: Mapping[str, str], place: str, tip: str
) -> dict[str, str | None]:
    """Return the files of one name of the snapshot; shards of the former layout are removed."""
    old = target.repository.entries(tip, place)
    files: dict[str, str | None] = {f"{place}/{shard}": None for shard in old}
    return files | {f"{place}{rest}": blob for rest, blob in blobs.items()}


def _message(target: Target, plan: Migration, newest: Revision, digest: str) -> str:
    """Return a message with the trailers of the capture, for which the commit stands now."""
    words = sentences(
        "the same records, in {number:,} file",
        "the same records, in {number:,} files",
        plan.after,
    )
    name = target.source.name
    own = newest.trailers if DIGEST in newest.trailers else {}
    trailers = {SOURCE: name, **own, DIGEST: digest, LAYOUT: f"{plan.after} {newest.id}"}
    block = "".join(f"{token}: {visible(value)}\n" for token, value in trailers.items())
    return f"{name}: {said(words)}\n\n{block}"
