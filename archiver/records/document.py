"""Read the records of any JSON document, given their path (`records.path`) and their key.

Keys: ``cveID`` a field; several fields are joined with ``/``; ``^.id`` a field of the object that
encloses the record (``^.^.id`` of the next one); ``{}`` the member name of a record in an object.
"""

from __future__ import annotations

from bisect import bisect_right
from contextlib import suppress
from itertools import accumulate, islice
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import msgspec

from archiver.errors import ConfigError, UnreadableSnapshot, reason
from archiver.language import sentence, stored
from archiver.records import canonical
from archiver.records.jsontext import UNREADABLE, parse, plain
from archiver.records.key import joined, key_of, keyed_by, member
from archiver.records.model import Bad, Line
from archiver.records.path import EACH, MEMBERS, RecordsPath, field_of, is_members
from archiver.records.places import did_you_mean, spread
from archiver.records.text import count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archiver.records.model import Json, Record
    from archiver.records.path import Header

    Row: TypeAlias = "tuple[int, bytes | Flawed] | Bad"
    """The line in which a record begins, and its JSON text; `Bad` stands for one that is none."""
    Content: TypeAlias = "bytes | Iterator[Row]"
    """A document as JSON text, or one record after the other."""

_ENCLOSING = "^."
ANY_FIELD = "id"
"""Stands for a key that is not known yet."""
_ROWS = "\n"
"""The place of what holds records that follow one another: each is named by its line."""
_REPLACED = "\ufffd"
_LOCATED = 5
"""Records whose undecodable byte is looked for in the document: each takes a walk through it."""
WHERE = sentence(
    "`records` and `key` in archiver.toml say where the records are and what "
    "is their key, `except` what is none"
)


class Flawed(NamedTuple):
    """The JSON text of a record that cannot be used, and why; its key may be read."""

    text: bytes
    reason: str


class _Name(str):
    """A member name that equals only itself, so that decoding loses no twin."""

    __slots__ = ()
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


_OBJECT = msgspec.json.Decoder(dict[_Name, msgspec.Raw], dec_hook=lambda _, name: _Name(name))
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])


_Named: TypeAlias = "tuple[str | int, msgspec.Raw | bytes | Flawed | Bad]"
"""The name or index of a member or element, and its text; `Bad` stands for one that is none."""


class _Found(NamedTuple):
    """A value on the way to the records.

    Attributes:
        text: Its text.
        around: The members of the objects around it, innermost first.
        place: Where it is.
        groups: Field and member name of each ``{field}`` on the way.
        fields: What names the cells of the rows in it.
    """

    text: msgspec.Raw | bytes
    around: tuple[dict[str, msgspec.Raw], ...] = ()
    place: str = ""
    groups: tuple[tuple[str, str], ...] = ()
    fields: tuple[str, ...] = ()


class Reader:
    """Reads versions of one document; records unchanged since the last version are not parsed."""

    def __init__(
        self,
        records: str,
        key: tuple[str, ...] = (),
        otherwise: tuple[str, ...] = (),
        excluded: tuple[str, ...] = (),
    ) -> None:
        """Read the records at the path `records`, keyed by the fields `key`.

        Args:
            records: Path of the records.
            key: Fields of the key; ``{}`` and ``^.`` name what stands outside of the record.
            otherwise: Fields that key a record that has none of `key`; empty: it has no key.
            excluded: Members of objects on the path that are neither records nor groups of them.

        Raises:
            ConfigError: The path cannot be understood, there is no key, or nothing to exclude from.
        """
        self._records = records
        self._path = RecordsPath.read(records)
        self._last = self._path.last
        self._key = key or self._path.key
        self._otherwise = otherwise
        self._excluded = frozenset(excluded)
        self._field = field_of(self._last)
        self._named = MEMBERS in self._key or bool(self._field)
        self._as_they_are = self._path.as_they_are
        self._beside = is_members(self._last) and not self._path.value
        self._outer = tuple(field for field in self._key if field.startswith(_ENCLOSING))
        self._hint = ""
        self._body = b""
        self._located = 0
        self._known: dict[tuple[object, ...], Line] = {}
        if not self._key:
            raise ConfigError(
                sentence("no key is given"),
                hint=sentence("name the field that tells records apart: --key id"),
            )
        if MEMBERS in self._key and not is_members(self._last):
            raise ConfigError(
                sentence(
                    'the key "{members}" needs records that are members of an object',
                    members=MEMBERS,
                ),
                hint=sentence(
                    'end the path of records with "{members}", or name a field as the key',
                    members=MEMBERS,
                ),
            )

        if excluded and not any(map(is_members, self._path.steps)):
            raise ConfigError(
                sentence(
                    'nothing can be excluded from "{records}", which goes through no object',
                    records=records,
                ),
                hint=sentence(
                    '"{members}" in the path of records goes through the members of an object',
                    members=MEMBERS,
                ),
            )

    def read(self, content: Content) -> Iterator[Line | Bad]:
        """Yield the records of `content` in its order, each as a line or as something bad.

        Raises:
            UnreadableSnapshot: The document is not JSON or has another shape.
        """
        known, self._known = self._known, {}
        for holder, held in self.opened(content):
            around = (_text_around(holder, field) for field in self._outer)
            outside = (*around, *holder.groups, *holder.fields)
            for name, raw in held:
                if isinstance(raw, (Bad, Flawed)):
                    yield self._bad(raw, holder, name)
                    continue
                text = bytes(raw)
                seen = (text, outside, name if self._named else 0)
                line = known.get(seen) or self._line(text, holder, name)
                if isinstance(line, Line):
                    self._known[seen] = line
                yield line

    def once(self, content: Content) -> Iterator[Line | Bad]:
        """Yield the records of `content` as `read` does, and remember nothing."""
        for holder, held in self.opened(content):
            for name, raw in held:
                if isinstance(raw, (Bad, Flawed)):
                    yield self._bad(raw, holder, name)
                else:
                    yield self._line(bytes(raw), holder, name)

    def hint(self, body: bytes | None) -> str:
        """Return what to do where `body` has another shape; the first such document decides.

        The documents of one reader are versions of one file: to look into each takes minutes.
        """
        self._hint = self._hint or sentence(
            "{question}{advice}",
            question="" if body is None else did_you_mean(body, self._records),
            advice=WHERE,
        )
        return self._hint

    def opened(self, content: Content) -> Iterator[tuple[_Found, Iterator[_Named]]]:
        """Yield what `_holders` does, and add to its errors what to do."""
        self._located = 0
        self._body = content if isinstance(content, bytes) else b""
        if not isinstance(content, bytes):
            yield self._rows(content)
            return
        try:
            yield from self._holders(content)
        except UnreadableSnapshot as error:
            if error.hint == WHERE:
                error.hint = self.hint(content)
            raise

    def _rows(self, rows: Iterator[Row]) -> tuple[_Found, Iterator[_Named]]:
        """Return what holds the records of a document that is nothing but records."""
        if self._path.steps != (EACH,):
            raise UnreadableSnapshot(
                sentence(
                    'its records follow one another: there is no "{records}" in it',
                    records=self._records,
                ),
                hint=sentence('leave `records` out, or write "."'),
            )
        holder = _Found(b"", place=_ROWS)
        held = ((0, row) if isinstance(row, Bad) else row for row in rows)
        return holder._replace(fields=self._fields(holder, held)), held

    def _holders(self, body: bytes) -> Iterator[tuple[_Found, Iterator[_Named]]]:
        """Yield the arrays or objects that hold the records, and what they hold."""
        found: Iterator[_Found] = iter((_Found(checked(body)),))
        for step in self._path.steps[:-1]:
            found = _descend(found, step, self._excluded)
        for holder in found:
            held = iter(_held(holder, self._last, self._excluded))
            yield holder._replace(fields=self._fields(holder, held)), held

    def _fields(self, holder: _Found, held: Iterator[_Named]) -> tuple[str, ...]:
        """Return what names the cells of the rows in `holder`; its first row may be taken."""
        header = self._path.header
        if header is None:
            return self._path.fields
        if header.up:
            return _names(_header(holder, header), header.text)
        where = holder.place.strip() or sentence("the document")
        first = next(held, None)
        if first is None:
            raise UnreadableSnapshot(
                sentence("{where} has no header {text}: it is empty", where=where, text=header.text)
            )
        if isinstance(first[1], (Bad, Flawed)) or bytes(first[1])[:1] != b"[":
            raise UnreadableSnapshot(
                sentence(
                    "{where}/{first} is no header: it is not an array", where=where, first=first[0]
                )
            )
        return _names([_Found(first[1])], header.text)

    def _bad(self, raw: Bad | Flawed, holder: _Found, name: str | int) -> Bad:
        if isinstance(raw, Bad):
            return raw
        return Bad(_place(holder, name), raw.reason, self._known_key(raw.text, holder, name))

    def _line(self, text: bytes, holder: _Found, name: str | int) -> Line | Bad:
        if self._beside and text[:1] not in (b"{", b"["):
            key = self._known_key(b"{}", holder, name)
            return Bad(
                f"{holder.place}/{name}", stored("a plain value beside the records"), key, True
            )
        try:
            record, quotes = parse(text), 0
            if type(record) is not dict or not self._as_they_are:
                record, quotes = self._record(record, holder, name)
            fields = keyed_by(record, self._key, self._otherwise)
            key = self._key_of(record, fields, holder, name)
            line = canonical.encode_as(key, record, fields)
            _refuse_twins(text, record, line.data, quotes)
        except ValueError as error:
            reason = self._undecodable(text) or str(error)
            return Bad(_place(holder, name), reason, self._known_key(text, holder, name))
        return line

    def value(self, text: msgspec.Raw | bytes, holder: _Found, name: str | int) -> Record:
        """Return a record of its text; ValueError where it is none."""
        value = parse(text)
        return (
            value
            if self._as_they_are and type(value) is dict
            else self._record(value, holder, name)[0]
        )

    def _undecodable(self, text: bytes) -> str:
        """Say which byte of a record is not UTF-8, of the first ones also where; empty: none is."""
        try:
            text.decode()
        except UnicodeDecodeError as error:
            byte, self._located = text[error.start], self._located + 1
            at = self._body.find(text) + error.start
            if at < error.start or self._located > _LOCATED:
                return stored("not UTF-8: byte 0x{byte:02x}", byte=byte)
            return stored(
                "not UTF-8: line {line:,}, byte {at:,} is 0x{byte:02x}",
                line=self._body.count(b"\n", 0, at) + 1,
                at=at + 1,
                byte=byte,
            )
        return ""

    def _record(self, value: Json, holder: _Found, name: str | int) -> tuple[Record, int]:
        """Return a record with the names above it, and how many quotes names add to its text.

        Raises:
            ValueError: The value is no record; the message is a plain reason.
        """
        quotes = 0
        if self._path.value:
            value, quotes = {self._path.value: value}, 2
        elif self._path.is_row:
            value, quotes = _row(value, holder.fields), 2 * len(holder.fields)
        elif not isinstance(value, dict):
            raise ValueError(sentence("it is not an object"))
        return value, quotes + self._add_names(value, holder, name)

    def _add_names(self, record: Record, holder: _Found, name: str | int) -> int:
        """Add the names above a record to it; return the number of quotes that these add."""
        names = holder.groups
        if self._field:
            names = (*names, (self._field, str(name)))
        own = len(record)
        for field, group in names:
            if record.setdefault(field, group) != group:
                raise ValueError(
                    sentence('the record has a member "{field}" of its own', field=field)
                )
        return 4 * (len(record) - own)

    def _known_key(self, text: bytes, holder: _Found, name: str | int) -> str:
        """Return the key of a record that cannot be used; empty: nobody knows it."""
        try:
            value = msgspec.json.decode(text.decode(errors="replace"))
            record, _ = self._record(value, holder, name)
        except (*UNREADABLE, ValueError):
            record = {}
            self._add_names(record, holder, name)
        try:
            fields = keyed_by(record, self._key, self._otherwise)
            key = self._key_of(record, fields, holder, name)
        except ValueError:
            return ""
        return "" if _REPLACED in key else key

    def _key_of(
        self, record: Record, fields: tuple[str, ...], holder: _Found, name: str | int
    ) -> str:
        if self._outer or self._named:
            return joined(_part(field, record, holder, name) for field in fields)
        return key_of(record, fields)


class Seen(NamedTuple):
    """A record of a sample, and what its key may be made of besides.

    Attributes:
        record: The record, with the names above it.
        holder: Number of the array or object that holds it.
        around: The texts of the members of the objects around it, innermost first.
    """

    record: Record
    holder: int
    around: tuple[dict[str, msgspec.Raw], ...]


class Sample(NamedTuple):
    """Records of a document.

    Attributes:
        total: How many there are; of those that follow one another, how many were looked at.
        seen: Some of them, evenly spread.
        held: What the arrays or objects hold that hold the records.
    """

    total: int
    seen: list[Seen]
    held: list[list[_Named]]

    def texts(self) -> Iterator[tuple[int, msgspec.Raw | bytes]]:
        """Yield the text of each record, after the number of the array or object it is in."""
        for number, each in enumerate(self.held):
            yield from ((number, text) for _, text in each if not isinstance(text, (Bad, Flawed)))


def sampled(
    content: Content, records: str, excluded: tuple[str, ...], *, most: int, rows: int
) -> Sample:
    """Return a sample of the records of a document; what is no record is left out.

    Args:
        content: The document.
        records: Path of the records.
        excluded: Members of objects on the path that are neither records nor groups of them.
        most: Largest number of records in the sample.
        rows: Largest number of records that are read where they follow one another.

    Raises:
        UnreadableSnapshot: There is nothing at this path.
    """
    reader = Reader(records, RecordsPath.read(records).key or (ANY_FIELD,), excluded=excluded)
    limit = None if isinstance(content, bytes) else rows
    opened = ((holder, [*islice(held, limit)]) for holder, held in reader.opened(content))
    found = [(holder, held) for holder, held in opened if held]
    ends = [*accumulate(len(held) for _, held in found)]
    total = ends[-1] if ends else 0
    seen = []
    for place in spread(range(total), most):
        number = bisect_right(ends, place)
        holder, held = found[number]
        name, text = held[place - ends[number]]
        with suppress(ValueError):
            if not isinstance(text, (Bad, Flawed)):
                seen.append(Seen(reader.value(text, holder, name), number, holder.around))
    return Sample(total, seen, [held for _, held in found])


def read(
    content: Content, records: str, key: tuple[str, ...], excluded: tuple[str, ...] = ()
) -> Iterator[Line | Bad]:
    """Yield the records of one document; see `Reader`."""
    return Reader(records, key, excluded=excluded).once(content)


def _place(holder: _Found, name: str | int) -> str:
    """Return where a record stands in what holds it."""
    if holder.place == _ROWS:
        return stored("line {line:,}", line=name)
    return f"{holder.place}/{name}"


def checked(body: bytes) -> bytes:
    """Refuse what is obviously not JSON, and name the reason."""
    start = body[:4096].lstrip()
    if not start:
        raise UnreadableSnapshot(sentence("the file is empty"))
    if start.startswith(b"<<<<<<< ") or b"\n<<<<<<< " in body:
        raise UnreadableSnapshot(sentence("the file holds conflict markers"))
    if start[:15].lower().startswith((b"<!doctype html", b"<html")):
        raise UnreadableSnapshot(sentence("not JSON: it is a page for people (HTML)"))
    return body


def one_value(body: bytes) -> bytes:
    """Return `body`, which is one JSON value.

    Raises:
        UnreadableSnapshot: It is not.
    """
    try:
        msgspec.json.decode(checked(body), type=msgspec.Raw)
    except UNREADABLE as error:
        raise UnreadableSnapshot(sentence("not JSON: {plain}", plain=plain(error))) from error
    return body


def _descend(
    found: Iterator[_Found], step: str, excluded: frozenset[str] = frozenset()
) -> Iterator[_Found]:
    for value in found:
        if step == EACH:
            for index, text in enumerate(_decoded(_ARRAY, value)):
                yield _Found(text, value.around, f"{value.place}/{index}", value.groups)
        elif is_members(step):
            field = field_of(step)
            for name, text in _distinct(value).items():
                if name in excluded:
                    continue
                groups = (*value.groups, (field, name)) if field else value.groups
                yield _Found(text, value.around, f"{value.place}/{name}", groups)
        else:
            yield _member(value, step)


def _held(value: _Found, step: str, excluded: frozenset[str]) -> Iterable[_Named]:
    """Return the name or index and the text of each member of an array or an object."""
    if is_members(step):
        held = _members(value)
        return [each for each in held if each[0] not in excluded] if excluded else held
    return enumerate(_decoded(_ARRAY, value))


def _row(cells: Json, fields: tuple[str, ...]) -> Record:
    if not isinstance(cells, list):
        raise ValueError(sentence("it is no row"))  # noqa: TRY004  a reason, as all here
    if len(cells) != len(fields):
        raise ValueError(
            sentence(
                "it has {cells} instead of {number}",
                cells=count(len(cells), "cell"),
                number=len(fields),
            )
        )
    return dict(zip(fields, cells, strict=True))


def _header(holder: _Found, header: Header) -> Iterator[_Found]:
    """Yield the header around the rows in `holder`, or each of its names."""
    first, *rest = header.steps
    around = holder.around[header.up - 1] if header.up <= len(holder.around) else {}
    if first not in around:
        where = holder.place.strip() or sentence("the document")
        raise UnreadableSnapshot(
            sentence("{where} has no header {text} around it", where=where, text=header.text),
            hint=WHERE,
        )
    found: Iterator[_Found] = iter((_Found(around[first], place=f"{header.text}: /{first}"),))
    for step in rest:
        found = _descend(found, step)
    return found


def _names(found: Iterable[_Found], header: str) -> tuple[str, ...]:
    """Return the names of a header that is in one array, or in one value for each name."""
    cells: list[Json] = []
    for each in found:
        try:
            value = parse(each.text)
        except ValueError as error:
            raise UnreadableSnapshot(
                sentence(
                    "the header {header} cannot be read: {error}",
                    header=header,
                    error=reason(error),
                )
            ) from error
        cells += value if isinstance(value, list) else [value]
    names: dict[str, None] = {}
    for number, cell in enumerate(cells, 1):
        if not isinstance(cell, str):
            raise UnreadableSnapshot(
                sentence(
                    "name {number} of the header {header} is not a string",
                    number=number,
                    header=header,
                )
            )
        if cell in names:
            raise UnreadableSnapshot(
                sentence('the header {header} names "{cell}" twice', header=header, cell=cell)
            )
        names[cell] = None
    return tuple(names)


def _member(value: _Found, name: str) -> _Found:
    members = _distinct(value)
    if name not in members:
        raise UnreadableSnapshot(_no_member(name, value.place, members), hint=WHERE)
    around = (members, *value.around)
    return _Found(members[name], around, f"{value.place}/{name}", value.groups)


def _no_member(name: str, place: str, members: Iterable[str]) -> str:
    there = ", ".join(list(members)[:5]) or sentence("nothing")
    if not place:
        return sentence('no "{name}" at the top level (found: {there})', name=name, there=there)
    return sentence('no "{name}" at {place} (found: {there})', name=name, place=place, there=there)


def _distinct(value: _Found) -> dict[str, msgspec.Raw]:
    pairs = _members(value)
    members = dict(pairs)
    if len(members) != len(pairs):
        raise UnreadableSnapshot(
            sentence(
                "a member stands twice in {place}", place=value.place or sentence("the document")
            )
        )
    return members


def _members(value: _Found) -> list[tuple[str, msgspec.Raw]]:
    found = _decoded(_OBJECT, value).items()
    return [(str(name), text) for name, text in found]


def _decoded(decoder: msgspec.json.Decoder[Json], value: _Found) -> Json:
    try:
        return decoder.decode(value.text)
    except msgspec.ValidationError:
        raise UnreadableSnapshot(_of_another_shape(decoder, value.place), hint=WHERE) from None
    except UNREADABLE as error:
        raise UnreadableSnapshot(sentence("not JSON: {plain}", plain=plain(error))) from error


def _of_another_shape(decoder: msgspec.json.Decoder[Json], place: str) -> str:
    if decoder is _ARRAY:
        if not place:
            return sentence("the document is not an array")
        return sentence("{place} is not an array", place=place)
    if not place:
        return sentence("the document is not an object")
    return sentence("{place} is not an object", place=place)


def _part(field: str, record: Record, holder: _Found, name: str | int) -> Json:
    """Return one part of a record's key."""
    if field == MEMBERS:
        return name
    return _around(holder, field) if field.startswith(_ENCLOSING) else member(record, field)


def _around(holder: _Found, field: str) -> Json:
    text = _text_around(holder, field)
    if text is None:
        raise ValueError(sentence("no key: {field} is absent", field=field))
    return parse(text)


def _text_around(holder: _Found, field: str) -> bytes | None:
    """Return the text of a field of an object around the records, None where there is none."""
    *up, name = field.split(_ENCLOSING)
    around = holder.around[len(up) - 1] if len(up) <= len(holder.around) else {}
    return bytes(around[name]) if name in around else None


def _refuse_twins(text: bytes, record: Record, line: bytes, added: int) -> None:
    """Refuse a member that stands twice in one object: decoding keeps the last silently.

    A lost member is seen in the number of quotes around strings.

    Args:
        text: The text of the record in the document.
        record: What it was decoded to, with the names above it.
        line: Its canonical line.
        added: How many quotes these names add to the line.
    """
    added += 4 * (line.startswith(b'{"@key":') - (canonical.KEY in record))
    if _quotes(text) != _quotes(line) - added:
        raise ValueError(sentence("a member stands twice in one object"))


def _quotes(text: bytes) -> int:
    """Count the quotes around strings, not those within them."""
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    return text.count(b'"')
