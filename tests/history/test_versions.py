"""A version is opened whatever its form, and nothing damaged is ever read."""

from __future__ import annotations

import gzip
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.histories import FILE, LATEST, document, snapshot

from archiver.errors import DamagedObject, UnreadableSnapshot
from archiver.formats.packing import unpacked
from archiver.history import queries
from archiver.history.catalogue import Catalogue, anywhere
from archiver.history.foreign import Shape
from archiver.history.log import log
from archiver.history.versions import SMALL, Versions
from archiver.records import canonical
from archiver.records.model import End, Summary
from archiver.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.histories import History

TAKEN = "2026-01-02 03:04:05"
NOW = datetime(2026, 1, 29, tzinfo=UTC)


def files(shape: Shape | None = None, key: tuple[str, ...] = ()) -> Versions:
    """Return what opens plain files."""
    return Versions(None, shape=shape, key=key)


def keys(versions: Versions, path: Path) -> list[str]:
    return [canonical.line_key(line).decode() for line in versions.file(path).lines()]


def newest(catalogue: Catalogue) -> list[bytes]:
    with queries.version_at(catalogue, None, now=NOW) as version:
        return list(version.lines())


def sharded(folder: Path, *names: str, shards: int = 16) -> dict[str, str | bytes | None]:
    """Return the files of a snapshot of the records `names`, split into shards."""
    split: dict[str, list[bytes]] = {
        f"{number:0{2 if shards == 256 else 1}x}": [] for number in range(shards)
    }
    for name in sorted(names):
        line = canonical.encode({"id": name}, ("id",)).data
        split[canonical.shard_name(name, shards)].append(line)
    parts = {
        name: b"".join(canonical.snapshot(canonical.Header("hub", TAKEN, len(lines)), lines))
        for name, lines in split.items()
    }
    index = canonical.Header(
        "hub", TAKEN, len(names), {name: (len(lines), "0" * 64) for name, lines in split.items()}
    )
    top = str(folder)
    return {
        f"{top}/latest.json": canonical.head(index),
        **{f"{top}/latest/{name}.json": content for name, content in parts.items()},
    }


def test_a_canonical_file_says_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "some.json"
    path.write_bytes(snapshot(TAKEN, {"id": "b"}, {"id": "a"}))
    with files() as versions:
        assert versions.file(path).end == End(None, TAKEN, 2, str(path))
        assert keys(versions, path) == ["a", "b"]


@pytest.mark.parametrize("field", ["id", "name"])
def test_a_file_of_the_original_design_needs_no_shape(tmp_path: Path, field: str) -> None:
    path = tmp_path / "old.json"
    models = [{field: "b", "size": "4.5 GB"}, {field: "a", "size": None}]
    path.write_text(json.dumps({"timestamp": TAKEN, "models": models}, indent=4))
    with files() as versions:
        assert keys(versions, path) == ["a", "b"]


def test_a_file_of_another_shape_is_read_as_described(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text(json.dumps([{"id": "p", "models": [{"id": "b"}, {"id": "a"}]}]))
    with files(Shape(".[].models", ("^.id", "id"))) as versions:
        assert keys(versions, path) == ["p/a", "p/b"]


def test_records_without_a_key_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "some.json"
    path.write_text(json.dumps({"models": [{"id": "a"}, *({"n": n} for n in range(5))]}))
    with files(Shape("models", ("id",))) as versions:
        (note,) = versions.file(path).notes
    assert note.startswith("left out, no usable record: /models/1 (no key: id is absent)")
    assert note.endswith("… and 2 more")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_is_no_part_of_a_document(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "excel.json"
    path.write_bytes('[{"id":"模","v":1}]'.encode(encoding))
    zipped = tmp_path / "excel.json.gz"
    zipped.write_bytes(gzip.compress(path.read_bytes()))
    with files(Shape(".", ("id",))) as versions:
        assert [keys(versions, each) for each in (path, zipped)] == [["模"], ["模"]]
        assert versions.file(path).notes == ()


def test_a_byte_order_mark_is_no_part_of_a_snapshot(tmp_path: Path) -> None:
    path = tmp_path / "saved.json"
    path.write_bytes(b"\xef\xbb\xbf" + snapshot(TAKEN, {"n": 1}, key=("n",)))
    with files() as versions:
        assert versions.file(path).end == End(None, TAKEN, 1, str(path))
        assert keys(versions, path) == ["1"]


def test_numbers_that_are_not_finite_are_null_with_one_note_for_a_version(
    past: History, foreign: Callable[[], Catalogue]
) -> None:
    rows = ({"id": f"{n}", "v": [float("nan"), {"w": float("-inf")}], "t": "NaN"} for n in range(3))
    past.commit("2026-01-02T00:00:00Z", {FILE: json.dumps({"models": list(rows)})})
    with queries.version_at(foreign(), None, now=NOW) as version:
        assert version.notes == ("6 values that are not finite were read as null",)
        assert [canonical.decode(line) for line in version.lines()] == [
            {"id": f"{n}", "v": [None, {"w": None}], "t": "NaN"} for n in range(3)
        ]


def test_a_document_without_any_record_that_can_be_read_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "some.json"
    path.write_text('{"models": [{"n": 1}]}')
    with files(Shape("models", ("id",))) as versions, pytest.raises(UnreadableSnapshot):
        versions.file(path)


def test_a_truncated_canonical_file_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "some.json"
    path.write_bytes(snapshot(TAKEN, {"id": "a"}, {"id": "b"})[:-4])
    with files() as versions, pytest.raises(UnreadableSnapshot, match="truncated"):
        keys(versions, path)


def test_a_file_that_is_no_gzip_to_its_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "some.json.gz"
    whole = gzip.compress(document(a=1).encode())
    for torn in (whole[:-9], b"\x1f\x8b broken", whole[:12] + b"\xff" * 9 + whole[21:]):
        path.write_bytes(torn)
        with files() as versions, pytest.raises(UnreadableSnapshot, match="packed with gzip, and"):
            versions.file(path)


def test_a_version_too_large_to_be_held_streams(
    past: History, foreign: Callable[[], Catalogue]
) -> None:
    records = [{"id": f"{number:06}", "text": "x" * 1000} for number in range(SMALL // 1000 + 9)]
    past.commit("2026-01-02T03:04:05Z", {FILE: snapshot(TAKEN, *records)})
    lines = newest(foreign())
    assert (len(lines), canonical.decode(lines[-1])) == (len(records), records[-1])


def test_shards_are_one_version(past: History, own: Callable[[], Catalogue]) -> None:
    past.configure()
    past.commit("2026-01-02T00:00:00Z", sharded(Path("data/hub"), "a", "b", "c"))
    assert [canonical.line_key(line) for line in newest(own())] == [b"a", b"b", b"c"]


@pytest.mark.parametrize(
    ("before", "after"), [(1, 16), (16, 1), (16, 16), (16, 256), (256, 16), (256, 4096), (4096, 1)]
)
def test_another_number_of_shards_is_no_change(
    past: History, own: Callable[[], Catalogue], before: int, after: int
) -> None:
    def taken(shards: int, *names: str) -> dict[str, str | bytes | None]:
        if shards == 1:
            return {LATEST: snapshot(TAKEN, *({"id": name} for name in names))}
        return sharded(Path("data/hub"), *names, shards=shards)

    past.configure()
    past.commit("2026-01-02T00:00:00Z", taken(before, "a", "b", "c"))
    past.commit("2026-01-03T00:00:00Z", taken(after, "a", "c", "d"))
    with queries.compare(own(), None, None, now=NOW) as found:
        assert found.tally() == Summary(new=1, removed=1, unchanged=2)


def test_a_missing_shard_is_named(past: History, own: Callable[[], Catalogue]) -> None:
    past.configure()
    torn = sharded(Path("data/hub"), "a", "b")
    del torn["data/hub/latest/7.json"]
    past.commit("2026-01-02T00:00:00Z", torn)
    with pytest.raises(UnreadableSnapshot, match="shard 7 is missing"):
        newest(own())


def test_another_key_is_applied_across_shards(past: History, own: Callable[[], Catalogue]) -> None:
    past.configure(key="slug")
    names = [f"m{number}" for number in range(40)]
    records = [{"id": name, "slug": f"s-{name}"} for name in names]
    split = sharded(Path("data/hub"), *names)
    for name, content in split.items():
        assert isinstance(content, bytes)
        split[name] = re.sub(rb'{"id":"(.*?)"', rb'{"id":"\1","slug":"s-\1"', content)
    past.commit("2026-01-02T00:00:00Z", split)
    newer = snapshot("2026-01-03 00:00:00", *records, key=("slug",))
    past.commit("2026-01-03T00:00:00Z", {LATEST: newer})
    with queries.compare(own(), None, None, now=NOW) as found:
        assert found.tally() == Summary(unchanged=40)
        assert "stored under another key; slug is applied" in found.notes


def test_a_damaged_object_is_named_and_never_read(
    past: History, foreign: Callable[[], Catalogue]
) -> None:
    past.add("2026-01-02T00:00:00Z", a=1)
    blob = past.git("rev-parse", f"HEAD:{FILE}").strip()
    other = past.git("hash-object", "-w", "--stdin", "--path=x").strip()
    objects = past.folder / ".git" / "objects"
    damaged, whole = (objects / oid[:2] / oid[2:] for oid in (blob, other))
    damaged.chmod(0o644)
    damaged.write_bytes(whole.read_bytes())
    with pytest.raises(DamagedObject, match=blob):
        newest(foreign())


def test_a_file_is_looked_for_from_the_top_of_the_work_tree(past: History) -> None:
    past.commit("2026-01-02T00:00:00Z", {"sub/models.json": document(a=1)})
    inside = Repository.open(past.folder / "sub")
    assert len(newest(anywhere(inside, "./sub/models.json", records="models", key=("id",)))) == 1


def zipped(text: str) -> bytes:
    """Compress in two members, as appending to a gzipped file does."""
    middle = len(text) // 2
    return gzip.compress(text[:middle].encode()) + gzip.compress(text[middle:].encode())


def test_a_gzipped_document_has_a_history(past: History) -> None:
    for day, text in enumerate(('[{"id": 1}]', '[{"id": 1}, {"id": 2}]'), start=1):
        past.commit(f"2026-01-0{day}T00:00:00Z", {"list.json.gz": zipped(text)})
    past.commit("2026-01-03T00:00:00Z", {"list.json.gz": zipped("[]")[:-9]})
    with Repository.open(past.folder) as repository:
        catalogue = anywhere(repository, "list.json.gz", records=None, key=("id",))
        entries = list(log(catalogue))
    assert [each.total for each in entries] == [None, 2, 1]
    assert str(entries[0].reason).startswith("packed with gzip, and ")


def test_a_gzipped_document_that_fills_memory_is_refused() -> None:
    bomb = gzip.compress(bytes(1 << 20)) * 1025
    with pytest.raises(UnreadableSnapshot, match="holds more than"):
        for _ in unpacked((bomb,))[0]:
            pass
