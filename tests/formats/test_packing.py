"""What is packed is read by its first bytes, within limits, and nothing is written to disk."""

from __future__ import annotations

import gzip
import io
import lzma
import struct
import subprocess
import sys
import time
import zipfile
from typing import TYPE_CHECKING

import pytest
import zstandard

from archiver.errors import UnreadableSnapshot
from archiver.formats import packing, read
from archiver.formats.packing import unpacked

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = b"id,v\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in range(1000))


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return found.getvalue()


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "csv": bytes,
    "csv.gz": gzip.compress,
    "csv.xz": lzma.compress,
    "csv.zst": zstandard.compress,
    "zip": lambda body: zipped({"folder/table.csv": body}),
    "csv.zip": lambda body: zipped({"t.csv": body, "__MACOSX/._t.csv": b"x", "d/": b""}),
}
DAMAGED = [name for name in PACKED if name != "csv"]


@pytest.mark.parametrize("suffix", PACKED)
@pytest.mark.parametrize("size", [1, 7, 4096, 1 << 20])
def test_a_document_is_unpacked_by_its_content_whatever_pieces_it_comes_in(
    suffix: str, size: int
) -> None:
    body = PACKED[suffix](TEXT)
    pieces = (body[at : at + size] for at in range(0, len(body), size))
    content, name = unpacked(pieces, f"table.{suffix}")
    assert b"".join(content) == TEXT
    assert name.endswith(".csv")


@pytest.mark.parametrize("suffix", PACKED)
def test_the_suffix_within_says_the_format(suffix: str) -> None:
    found = read((PACKED[suffix](TEXT),), f"table.{suffix}")
    assert (found.format, found.columns) == ("csv", ("id", "v"))


@pytest.mark.parametrize("suffix", DAMAGED)
@pytest.mark.parametrize("cut", [5, 20])
def test_what_is_cut_off_is_refused(suffix: str, cut: int) -> None:
    with pytest.raises(UnreadableSnapshot, match=r"packed with .*(cut off|damaged)"):
        b"".join(unpacked((PACKED[suffix](TEXT)[:-cut],))[0])


@pytest.mark.parametrize("suffix", DAMAGED)
def test_what_is_damaged_is_refused(suffix: str) -> None:
    body = bytearray(PACKED[suffix](TEXT))
    body[len(body) // 2] ^= 0xFF
    body[len(body) // 2 + 1] ^= 0xFF
    try:
        assert b"".join(unpacked((bytes(body),))[0]) != TEXT  # zstd has no checksum by default
    except UnreadableSnapshot as error:
        assert str(error).startswith("packed with ")  # noqa: PT017  either is right


@pytest.mark.parametrize("suffix", DAMAGED)
def test_a_bomb_is_refused_before_it_fills_memory(
    suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "MOST", 1 << 20)
    content, _ = unpacked((PACKED[suffix](bytes(1 << 25)),))
    seen: list[int] = []
    with pytest.raises(UnreadableSnapshot, match="holds more than 1,048,576 bytes"):
        seen.extend(map(len, content))
    assert sum(seen) <= 1 << 20


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, zstandard.compress])
def test_members_that_follow_one_another_are_one_document(pack: Callable[[bytes], bytes]) -> None:
    assert b"".join(unpacked((pack(b"id,v\n") + pack(b"1,2\n"),))[0]) == b"id,v\n1,2\n"


def test_many_empty_members_take_no_time() -> None:
    body = gzip.compress(b"") * 200_000
    start = time.process_time()
    assert b"".join(unpacked((body,))[0]) == b""
    assert time.process_time() - start < 4  # it was 10 s when all that follows was copied for each


def test_a_zip_archive_of_several_files_needs_the_name_of_one() -> None:
    body = zipped({"a.csv": b"id\n1\n", "b.json": b"[]"})
    with pytest.raises(UnreadableSnapshot, match=r'of 2 files, not of one: "a.csv", "b.json"'):
        unpacked((body,))
    content, name = unpacked((body,), "data.zip", "b.json")
    assert (b"".join(content), name) == (b"[]", "b.json")
    with pytest.raises(UnreadableSnapshot, match=r'no member "a.cvs"; did you mean "a.csv"'):
        unpacked((body,), member="a.cvs")
    with pytest.raises(UnreadableSnapshot, match="no zip archive"):
        unpacked((b"[]",), member="a.csv")


@pytest.mark.parametrize("name", ["/etc/passwd", "../a.csv", "a/../../b.csv", "C:\\a.csv"])
def test_a_zip_archive_whose_member_leaves_its_folder_is_refused(name: str) -> None:
    with pytest.raises(UnreadableSnapshot, match="leaves its folder"):
        unpacked((zipped({name: b"id\n1\n"}),))


def test_a_zip_archive_of_too_many_members_is_refused_before_they_are_listed() -> None:
    body = zipped({f"{n:060}.csv": b"" for n in range(12_000)}, zipfile.ZIP_STORED)
    with pytest.raises(UnreadableSnapshot, match="too many files"):
        unpacked((body,))


def test_a_zip_archive_that_hides_the_length_of_its_list_is_refused() -> None:
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 40, 0, 0)
    long = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, 1 << 40, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1)
    with pytest.raises(UnreadableSnapshot, match="too many files"):
        unpacked((b"PK\x03\x04" + bytes(100) + long + locator + end,))


def test_a_member_without_a_name_is_read_like_any_other() -> None:
    body = zipped({"zz": b"[]"}).replace(b"zz", b"\0z")  # a NUL ends a name
    assert b"".join(unpacked((body,))[0]) == b"[]"


def test_an_encrypted_member_is_named() -> None:
    body = bytearray(zipped({"a.csv": TEXT}))
    for start, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        body[body.index(start) + flags] |= 1
    with pytest.raises(UnreadableSnapshot, match=r'member "a.csv" .* is encrypted'):
        b"".join(unpacked((bytes(body),))[0])


def test_without_zstandard_one_sentence_names_the_extra() -> None:
    program = (
        "import sys; sys.modules['zstandard'] = None; sys.modules['compression'] = None\n"
        "from archiver.formats.packing import unpacked\n"
        "from archiver.errors import ConfigError\n"
        "try: unpacked((bytes.fromhex('28b52ffd') + bytes(9),))\n"
        "except ConfigError as error: print(error, error.hint)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert b"zstd" in done.stdout
    assert b"snapshot-archiver[zstd]" in done.stdout
