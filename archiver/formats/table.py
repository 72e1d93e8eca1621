"""The formats ``csv`` and ``tsv``: a table whose first row names its columns (RFC 4180)."""

from __future__ import annotations

import csv
import io
import json
import re
from functools import lru_cache
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final

import msgspec

from archiver.errors import UnreadableSnapshot
from archiver.formats import Format, Text
from archiver.formats.encoding import ANOTHER, lines
from archiver.language import Stored, sentence, stored
from archiver.records.document import Flawed
from archiver.records.jsontext import dump
from archiver.records.model import Bad
from archiver.records.text import count, few

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archiver.formats import Reading
    from archiver.records.document import Row
    from archiver.records.model import Json

DELIMITERS: Final = ",;\t|"
INFER: Final = "infer"

_SAMPLE: Final = 1 << 16
"""Characters in which the delimiter is looked for."""
_ROWS: Final = 30
_BEHIND: Final = "expected after"
"""What the error of a quote that ends too early says."""
_NAMED: Final = 5
"""Rows that are named: one more than are shown."""
_SAID: Final = re.compile(r"sep=([^\w\s\"]|\t)\r?\n")
"""The first line that Excel writes to say what the delimiter is."""
_FLAWS: Final = 0.01
"""Largest share of rows that cannot be decoded in a table that is read."""
_LONGEST: Final = 1 << 24
"""Characters of the longest cell."""
_NO_HEADER: Final = ("<", "{", "[")
"""How a web page and a JSON text begin, which servers send instead of a table."""
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?")

_encode = msgspec.json.Encoder().encode


class Csv(Format):
    """Cells between ``,``, ``;``, tabs or ``|``: what the first rows say."""

    delimiter = ""
    name = "csv"
    in_pieces = True

    def text(self, content: Iterator[bytes], how: Reading) -> Text:
        """Return one object for each row; an empty cell is absent. See `Format.text`."""
        csv.field_size_limit(_LONGEST)
        stream = lines(content, how.encoding)
        sample = stream.read(_SAMPLE) + stream.readline()
        if not sample.strip():
            raise UnreadableSnapshot(sentence("the file is empty"))
        if "\0" in sample:
            raise UnreadableSnapshot(
                sentence("it holds NUL characters, as UTF-16 without a byte order mark does"),
                hint=ANOTHER,
            )
        said = _SAID.match(sample)
        delimiter = said[1] if said else self.delimiter or delimiter_of(sample)[0]
        text = chain(io.StringIO(sample, newline=""), stream)
        rows = _Rows(csv.reader(text, delimiter=delimiter, strict=True))
        if said:
            next(rows.reader)
        names = _header(rows)
        notes: list[str] = []
        return Text(self.name, _Objects(rows, names, how).read(notes), notes, names)


class Tsv(Csv):
    """Cells between tabs."""

    delimiter = "\t"
    name = "tsv"


def delimiter_of(sample: str) -> tuple[str, bool]:
    """Return what stands between the cells of a table, and whether several rows agree on it.

    Args:
        sample: How the table begins.
    """
    ways = []
    for delimiter in DELIMITERS:
        reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
        try:
            widths = [len(row) for row in islice(reader, _ROWS) if row]
        except csv.Error:
            continue
        width = widths[0] if widths else 1
        ways.append((sum(each == width for each in widths[1:]) if width > 1 else 0, width))
    best = max(ways, default=(0, 0))  # the first of equal ones
    return (DELIMITERS[ways.index(best)] if ways else ","), best[0] > 0


class _Rows:
    """The rows of a table, and the lines in which they begin."""

    def __init__(self, reader: Any) -> None:
        self.reader = reader

    def header(self) -> list[str]:
        """Return the first row that is not blank."""
        line = self.reader.line_num + 1
        try:
            return next(filter(None, self.reader), [])
        except csv.Error as error:
            raise _wrong(error, line) from error

    def numbered(self) -> Iterator[tuple[int, list[str] | Bad]]:
        """Yield the line in which each row begins, and its cells."""
        reader = self.reader
        line = reader.line_num + 1
        while True:
            try:
                for row in reader:
                    if row:
                        yield line, row
                    line = reader.line_num + 1
            except csv.Error as error:
                if _BEHIND not in str(error):
                    raise _wrong(error, line) from error
                place = stored("line {line:,}", line=line)
                yield line, Bad(place, stored("text stands behind a closing quote"))
                line = reader.line_num + 1
            else:
                return


class _Objects:
    """Each row of a table as a JSON object.

    Bytes that cannot be decoded mean another encoding: a capture writes nothing. In the history of
    others a few cost their rows alone.
    """

    def __init__(self, rows: _Rows, names: tuple[str, ...], how: Reading) -> None:
        """Read `rows`, whose columns have the `names`."""
        self._rows = rows
        self._names = names
        self._infer = how.types == INFER
        self._strict = how.strict
        self._ragged: list[str] = []
        self._number = 0
        self._undecodable: list[UnreadableSnapshot] = []

    def read(self, notes: list[str]) -> Iterator[Row]:
        """Yield the objects; add to the `notes` what is to be known of them."""
        total = 0
        for total, (line, row) in enumerate(self._rows.numbered(), 1):  # noqa: B007  the last counts
            yield row if isinstance(row, Bad) else (line, self._text(line, row))
        if len(self._undecodable) > _FLAWS * total:
            raise self._undecodable[0]
        if self._number:
            named = few(self._ragged, total=self._number)
            notes.append(stored("more or fewer cells than the header: {names}", names=named))

    def _text(self, line: int, row: list[str]) -> bytes | Flawed:
        cells = zip(self._names, row)  # noqa: B905  their number is looked at below
        if self._infer:
            record: dict[str, Json] = {name: _inferred(cell) for name, cell in cells if cell}
        elif "" in row:
            record = {name: cell for name, cell in cells if cell}
        else:
            record = dict(cells)
        try:
            text = _encode(record)
        except UnicodeEncodeError:
            text = self._undecoded(line, row, record)
        width = len(self._names)
        if len(row) == width:
            return text
        if self._strict:
            return Flawed(text, _cells(row, width))
        self._number += 1
        if self._number < _NAMED:
            self._ragged.append(_line_with(line, row, width))
        return text

    def _undecoded(self, line: int, row: list[str], record: dict[str, Json]) -> bytes:
        """Return a record with bytes that are no text, which its reader names."""
        self._undecodable.append(_not_utf8(line, _undecodable(row) or 0))
        if self._strict:
            raise self._undecodable[0]
        return json.dumps(record, ensure_ascii=False, default=_plain).encode(
            errors="surrogateescape"
        )


def _undecodable(row: Iterable[str]) -> int | None:
    """Return the first byte of a row that could not be decoded; None: all could."""
    try:
        "".join(row).encode()
    except UnicodeEncodeError as error:
        return ord(error.object[error.start]) & 0xFF
    return None


def _not_utf8(line: int, byte: int) -> UnreadableSnapshot:
    return UnreadableSnapshot(
        sentence("line {line:,}: not UTF-8 (byte 0x{byte:02x})", line=line, byte=byte),
        hint=ANOTHER,
    )


def _plain(value: msgspec.Raw) -> Json:
    return msgspec.json.decode(value)


def _cells(row: list[str], width: int) -> str:
    cells = count(len(row), "cell")
    return stored("it has {cells} instead of {number}", cells=cells, number=width)


def _line_with(line: int, row: list[str], width: int) -> str:
    place, reason = stored("line {line:,}", line=line), _cells(row, width)
    return sentence("{place} ({reason})", place=place, reason=Stored(reason))


def _header(rows: _Rows) -> tuple[str, ...]:
    """Return the names of the columns."""
    line = rows.reader.line_num + 1
    names = rows.header()
    if not names:
        raise UnreadableSnapshot(sentence("the file is empty"))
    if names[0].lstrip().startswith(_NO_HEADER):
        raise UnreadableSnapshot(
            sentence(
                "line {line:,} is no header of a table: it begins with {start!r}",
                line=line,
                start=names[0].lstrip()[:20],
            )
        )
    known: dict[str, int] = {}
    for number, name in enumerate(names, 1):
        if not name.strip():
            raise UnreadableSnapshot(
                sentence(
                    "line {line:,}: column {number} of the header has no name",
                    line=line,
                    number=number,
                )
            )
        if name in known:
            raise UnreadableSnapshot(
                sentence(
                    'line {line:,}: the header names "{name}" twice, columns {first} and {second}',
                    line=line,
                    name=name,
                    first=known[name],
                    second=number,
                )
            )
        known[name] = number
    if (byte := _undecodable(names)) is not None:
        raise _not_utf8(line, byte)
    return tuple(names)


def _wrong(error: csv.Error, line: int) -> UnreadableSnapshot:
    """Return the error of a table of which nobody knows how it continues."""
    words = str(error)
    if "unexpected end" in words:
        return UnreadableSnapshot(
            sentence("line {line:,}: a quote is opened there and never closed", line=line)
        )
    if "limit" in words:
        return UnreadableSnapshot(
            sentence(
                "line {line:,}: a cell is longer than {most:,} characters, or a quote is never "
                "closed",
                line=line,
                most=_LONGEST,
            )
        )
    if _BEHIND in words:
        return UnreadableSnapshot(
            sentence("line {line:,}: text stands behind a closing quote", line=line)
        )
    return UnreadableSnapshot(sentence("line {line:,}: no table: {error}", line=line, error=words))


@lru_cache(maxsize=1 << 14)
def _inferred(cell: str) -> Json:
    """Return the number or boolean that a cell writes in the one way of JSON, else the cell."""
    if cell == "true":
        return True
    if cell == "false":
        return False
    if not _NUMBER.fullmatch(cell) or cell == "-0":
        return cell
    written = cell.encode()
    try:
        same = dump(msgspec.json.decode(written)) == written
    except (ValueError, msgspec.MsgspecError):
        return cell
    return msgspec.Raw(written) if same else cell
