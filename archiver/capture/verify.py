"""Verify a history: read every snapshot again, and name whatever is not as it was written."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from itertools import chain, islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from archiver.capture.report import SOURCE
from archiver.errors import ShallowHistory, UnreadableSnapshot
from archiver.history import snapshots
from archiver.history.ahead import Ahead
from archiver.history.catalogue import DIGEST, folder_of, source_at
from archiver.history.squashes import squashes
from archiver.history.versions import stamp
from archiver.language import sentence
from archiver.records import canonical, strict
from archiver.records.digest import records_digest
from archiver.store.history import GONE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from archiver.changes.retention import Stamped
    from archiver.history.catalogue import Catalogue
    from archiver.history.squashes import Squash
    from archiver.records.policy import Policy
    from archiver.records.strict import Strict
    from archiver.store.history import Revision
    from archiver.store.objects import ObjectReader


_OTHER_DIGEST: Final = sentence("its records have another digest than its commit message says")


def _nowhere(_: Revision) -> str:
    return ""  # tombstones are not read


class Problem(NamedTuple):
    """Something that is not as it was written.

    Attributes:
        revision: Full id of the commit.
        file: Path in it, relative to the top of the work tree.
        reason: What is wrong.
    """

    revision: str
    file: str
    reason: str


class _Seen(NamedTuple):
    """A snapshot that is as it was written: its capture time, and its shards' blobs by file."""

    timestamp: str
    shards: Mapping[str, str]


class Audit:
    """One reading of all snapshots of a configured source, reverted ones included.

    Attributes:
        snapshots: Number of snapshots that are as they were written.
        records: Number of their records; one that is in two snapshots counts twice.
        squashes: Commits in which several captures stand. That is no damage, if they are sound.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        """Look at `catalogue`; nothing is read yet."""
        self.snapshots = 0
        self.records = 0
        self.squashes: list[Squash] = []
        self._catalogue = catalogue
        self._repository = catalogue.required()
        self._seen: dict[str, _Seen] = {}
        self._otherwise: list[Problem] = []
        self._last: dict[str, tuple[str, Strict]] = {}

    def problems(self) -> Iterator[Problem]:
        """Yield every problem, newest revision first; the counts are known when they end.

        Raises:
            ShallowHistory: The clone ends here; all that was yielded before is certain.
        """
        tip = self._repository.tip(self._catalogue.ref)
        if tip is None:
            return
        with self._repository.objects() as reader, Ahead(self._repository, _nowhere, "") as ahead:
            settings = self._catalogue.settings
            revisions = ahead.read(self._catalogue.committed(tip), settings=settings)
            first = [*islice(revisions, 1)]
            policies = self._policies(tip)
            for revision in chain(first, revisions):
                if revision.blob is not None:
                    yield from self._unsound(revision, reader, policies)
                elif reason := self._replaced(revision):
                    yield Problem(revision.id, revision.path, reason)
            self.squashes = [*squashes(self._catalogue)]
            squashed = {squash.revision for squash in self.squashes}
            yield from (each for each in self._otherwise if each.revision not in squashed)
            for squash in self.squashes:
                yield from self._unsound_squash(squash, reader, policies)
        yield from self._misplaced(tip)
        yield from self._unlike_previous(tip)

    def _unlike_previous(self, tip: str) -> Iterator[Problem]:
        """Yield files that a first commit has otherwise than the commit it goes on from.

        Only stamped files may have stayed behind.
        """
        folders = [f"{folder_of(each)}/" for each in self._catalogue.places(tip)]
        for join in self._repository.joined:
            for path, blob in self._repository.differences(join.previous, join.first).files.items():
                folder = next((each for each in folders if path.startswith(each)), "")
                stayed = blob is None and path.startswith(f"{folder}snapshots/")
                if folder and not stayed:
                    reason = sentence("it is not what the previous repository held")
                    yield Problem(join.first, path, reason)

    def _replaced(self, revision: Revision) -> str:
        """Return what stands in the place of the latest snapshot; empty: nothing does."""
        reason = self._repository.obstacle(revision.id, revision.path)
        return "" if reason == GONE else reason

    def _policies(self, tip: str) -> list[Policy]:
        """Return what fields meant at any time, as far as the records digest depends on it."""
        today = self._catalogue.policy
        found = {policy.volatile: policy for policy in (today, replace(today, volatile=()))}
        with suppress(ShallowHistory):
            for revision in self._catalogue.beside(self._catalogue.settings, tip):
                if then := self._catalogue.policy_then(revision.id):
                    found[then.volatile] = then
        return list(found.values())

    def _unsound(
        self, revision: Revision, reader: ObjectReader, policies: Iterable[Policy]
    ) -> Iterator[Problem]:
        """Read one snapshot with its shards; yield what is wrong with it.

        Another digest than the message says may be that of another capture in the same commit.
        """
        digests = _digests(revision.trailers.items(), (source_at(revision.path),))
        try:
            files = self._snapshot(reader, revision.id, revision.path, str(revision.blob))
        except UnreadableSnapshot as error:
            yield Problem(revision.id, revision.path, str(error))
            return
        if digests and not _are_named(files.values(), digests, policies):
            self._otherwise.append(Problem(revision.id, revision.path, _OTHER_DIGEST))
        else:
            self._count(str(revision.blob), files)

    def _unsound_squash(
        self, squash: Squash, reader: ObjectReader, policies: Iterable[Policy]
    ) -> Iterator[Problem]:
        """Read the snapshots that stand in one commit; yield what is wrong with them.

        Its message may hold the messages of all, of one, or of none of them. So no more of them
        may lack a digest in it than it lacks digests.
        """
        lines = self._repository.message(squash.revision).splitlines()
        parts = (line.partition(": ") for line in lines)
        digests = _digests(((name, value) for name, _, value in parts), self._catalogue.names())
        strangers = []
        for name, blob in squash.files.items():
            path = f"{squash.folder}/{name}"
            try:
                files = self._snapshot(reader, squash.revision, path, blob)
            except UnreadableSnapshot as error:
                yield Problem(squash.revision, path, str(error))
                continue
            self._count(blob, files)
            if not _are_named(files.values(), digests, policies):
                strangers.append(path)
        if len(strangers) > max(squash.captures - len(digests), 0):
            yield from (Problem(squash.revision, path, _OTHER_DIGEST) for path in strangers)

    def _snapshot(
        self, reader: ObjectReader, commit: str, path: str, blob: str
    ) -> dict[str, Strict]:
        """Return a snapshot and its shards, by shard; the snapshot itself has no name.

        Raises:
            UnreadableSnapshot: They are not as they were written.
        """
        index = self._file(reader, blob, "")
        return {"": index, **self._shards(reader, commit, path.removesuffix(".json"), index)}

    def _count(self, blob: str, files: Mapping[str, Strict]) -> None:
        """Take note of the sound snapshot that was just read."""
        header = files[""].header
        if blob not in self._seen:  # what a revert brings back was counted as a capture
            self.snapshots += 1
            self.records += header.total
        blobs = {f"{name}.json": self._last[name][0] for name in files if name}
        self._seen[blob] = _Seen(header.timestamp, MappingProxyType(blobs))

    def _file(self, reader: ObjectReader, blob: str, shard: str) -> Strict:
        """Read one file; what the version before had too is not looked into again."""
        before, known = self._last.get(shard, ("", None))
        if known is not None and before == blob:
            return known
        found = strict.read(reader.read(blob), frozenset(known.lines if known else ()))
        self._last[shard] = (blob, found)
        return found

    def _shards(
        self, reader: ObjectReader, commit: str, folder: str, index: Strict
    ) -> dict[str, Strict]:
        """Read the shards that `index` names; they and no others must be in `folder`."""
        named = index.header.shards
        blobs = self._repository.entries(commit, folder) if named else {}
        if blobs.keys() != {f"{name}.json" for name in named}:
            raise UnreadableSnapshot(
                sentence("{folder} holds other shards than the index names", folder=folder)
            )
        found = {}
        for name, expected in named.items():
            shard = self._file(reader, blobs[f"{name}.json"], name)
            if expected != (len(shard.lines), shard.sha256):
                raise UnreadableSnapshot(
                    sentence("shard {name} is not the one that the index names", name=name)
                )
            found[name] = shard
        if named and sum(len(shard.lines) for shard in found.values()) != index.header.total:
            raise UnreadableSnapshot(
                sentence("the shards hold another number of records than it says")
            )
        _refuse_strays(found)
        return found

    def _misplaced(self, tip: str) -> Iterator[Problem]:
        """Yield what is wrong with the newest files: the stamped ones, and the latest."""
        folder = self._catalogue.stamped
        files = self._repository.entries(tip, folder)
        stamped = snapshots.stamped(files)
        reasons = {
            f"{folder}/{file.name}": self._wrongly_stamped(tip, file, files[file.name])
            for file in stamped
        }
        blobs = {files[file.name] for file in stamped}
        reasons[self._catalogue.path] = self._wrongly_latest(tip, blobs)
        yield from (Problem(tip, path, reason) for path, reason in reasons.items() if reason)

    def _wrongly_stamped(self, tip: str, file: Stamped, blob: str) -> str:
        """Return what is wrong with a stamped file, or nothing."""
        seen = self._seen.get(blob)
        if seen is None:
            path = f"{self._catalogue.stamped}/{file.name}"
            return self._repository.obstacle(tip, path) or sentence(
                "it is not what any sound snapshot holds"
            )
        if seen.timestamp != stamp(file.taken_at):
            return sentence("its header says {timestamp}", timestamp=seen.timestamp)
        folder = f"{self._catalogue.stamped}/{file.name.removesuffix('.json')}"
        return self._wrong_shards(tip, folder, seen)

    def _wrongly_latest(self, tip: str, stamped: set[str]) -> str:
        """Return what is wrong with the latest snapshot beside the stamped ones, or nothing."""
        path = self._catalogue.path
        latest = self._repository.object_at(tip, path)
        if latest is None:
            return sentence("it is gone") if stamped else ""
        if latest not in self._seen:
            return ""  # what is wrong with it was named with its revision
        if latest not in stamped and not self._catalogue.reverted(tip):
            return sentence("no stamped file holds the same bytes")
        return self._wrong_shards(tip, path.removesuffix(".json"), self._seen[latest])

    def _wrong_shards(self, tip: str, folder: str, seen: _Seen) -> str:
        shards = self._repository.entries(tip, folder) if seen.shards else {}
        return "" if shards == seen.shards else sentence("its shards are not those of its snapshot")


def _refuse_strays(shards: Mapping[str, Strict]) -> None:
    for name, shard in shards.items():
        for line in shard.lines:
            key = canonical.line_key(line).decode()
            if canonical.shard_name(key, len(shards)) != name:
                raise UnreadableSnapshot(
                    sentence("{key!r} does not belong in shard {name}", key=key, name=name)
                )


def _digests(trailers: Iterable[tuple[str, str]], names: Collection[str]) -> frozenset[str]:
    """Return the records digests in a commit message, as far as they are of this source.

    Args:
        trailers: Name and value, in the order of the message: a source stands before its digest.
        names: What the source was ever called.
    """
    found = set()
    ours = True
    for name, value in trailers:
        if name == SOURCE:
            ours = value in names
        elif name == DIGEST and ours:
            found.add(value)
    return frozenset(found)


def _are_named(
    files: Iterable[Strict], digests: AbstractSet[str], policies: Iterable[Policy]
) -> bool:
    """Return whether one of the `digests` is that of the records in `files`."""
    lines = sorted(chain.from_iterable(file.lines for file in files), key=canonical.line_key)
    return bool(digests) and any(records_digest(lines, each) in digests for each in policies)
