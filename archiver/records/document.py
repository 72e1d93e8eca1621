"""Read the records of any JSON document, given their path and their key.

Paths: ``.`` the document is the array; ``a.b`` the array at that path; ``a.b{}`` an object
whose member names are the keys; ``[]`` flattens (``.[].models``). Keys: ``cveID`` a field;
several fields are joined with ``/``; ``^.id`` a field of the object that encloses the record
(``^.^.id`` of the next one); ``{}`` the member name of a record in an object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from archiver.errors import ConfigError, UnreadableSnapshot
from archiver.records import canonical
from archiver.records.jsontext import UNREADABLE, parse, plain
from archiver.records.key import joined, key_of, keyed_by, member
from archiver.records.model import Bad, Line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.records.model import Json, Record

_EACH, _MEMBERS = "[]", "{}"
_ENCLOSING = "^."
_REPLACED = "\ufffd"
WHERE = "`records` and `key` in archiver.toml say where the records are and what is their key"


class _Name(str):
    """A member name that equals only itself, so that decoding loses no twin."""

    __slots__ = ()
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


_OBJECT = msgspec.json.Decoder(dict[_Name, msgspec.Raw], dec_hook=lambda _, name: _Name(name))
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])


class _Found(NamedTuple):
    """A value on the way to the records: its text, the objects around it, where it is."""

    text: msgspec.Raw | bytes
    around: tuple[dict[str, msgspec.Raw], ...]
    place: str


class Reader:
    """Reads versions of one document; records unchanged since the last version are not parsed."""

    def __init__(
        self, records: str, key: tuple[str, ...] = (), otherwise: tuple[str, ...] = ()
    ) -> None:
        """Read the records at the path `records`, keyed by the fields `key`.

        Args:
            records: Path of the records.
            key: Fields of the key; ``{}`` and ``^.`` name what stands outside of the record.
            otherwise: Fields that key a record that has none of `key`; empty: it has no key.

        Raises:
            ConfigError: The path cannot be understood, or there is no key.
        """
        self._steps = steps(records)
        self._key = key or ((_MEMBERS,) if self._steps[-1] == _MEMBERS else ())
        self._otherwise = otherwise
        self._named = _MEMBERS in self._key
        self._outer = tuple(field for field in self._key if field.startswith(_ENCLOSING))
        self._known: dict[tuple[object, ...], Line] = {}
        if not self._key:
            raise ConfigError(
                "no key is given", hint="name the field that tells records apart: --key id"
            )
        if self._named and self._steps[-1] != _MEMBERS:
            raise ConfigError(
                f'the key "{_MEMBERS}" needs records that are members of an object',
                hint=f'end the path of records with "{_MEMBERS}", or name a field as the key',
            )

    def read(self, body: bytes) -> Iterator[Line | Bad]:
        """Yield the records of `body` in its order, each as a line or as something bad.

        Raises:
            UnreadableSnapshot: The document is not JSON or has another shape.
        """
        known, self._known = self._known, {}
        for holder in self._holders(body):
            outside = tuple(_text_around(holder, field) for field in self._outer)
            for name, raw in _held(holder, self._steps[-1]):
                text = bytes(raw)
                seen = (text, outside, name if self._named else 0)
                line = known.get(seen) or self._line(text, holder, name)
                if isinstance(line, Line):
                    self._known[seen] = line
                yield line

    def once(self, body: bytes) -> Iterator[Line | Bad]:
        """Yield the records of `body` as `read` does, and remember nothing."""
        for holder in self._holders(body):
            for name, raw in _held(holder, self._steps[-1]):
                yield self._line(bytes(raw), holder, name)

    def _holders(self, body: bytes) -> Iterator[_Found]:
        """Yield the arrays or objects that hold the records."""
        found: Iterator[_Found] = iter((_Found(_checked(body), (), ""),))
        for step in self._steps[:-1]:
            found = _descend(found, step)
        return found

    def _line(self, text: bytes, holder: _Found, name: str | int) -> Line | Bad:
        if self._steps[-1] == _MEMBERS and text[:1] not in (b"{", b"["):
            key = self._named_key(b"{}", holder, name)
            return Bad(f"{holder.place}/{name}", "a plain value beside the records", key, True)
        try:
            record = _object(text)
            fields = keyed_by(record, self._key, self._otherwise)
            key = self._key_of(record, fields, holder, name)
            line = canonical.encode_as(key, record, fields)
            _refuse_twins(text, record, line.data)
        except ValueError as error:
            return Bad(f"{holder.place}/{name}", str(error), self._named_key(text, holder, name))
        return line

    def _named_key(self, text: bytes, holder: _Found, name: str | int) -> str:
        """Return the key of a record that cannot be used; empty: nobody knows it."""
        try:
            record = msgspec.json.decode(text.decode(errors="replace"), type=dict)
            fields = keyed_by(record, self._key, self._otherwise)
            key = self._key_of(record, fields, holder, name)
        except (*UNREADABLE, ValueError):
            return str(name) if self._key == (_MEMBERS,) else ""
        return "" if _REPLACED in key else key

    def _key_of(
        self, record: Record, fields: tuple[str, ...], holder: _Found, name: str | int
    ) -> str:
        if self._outer or self._named:
            return joined(_part(field, record, holder, name) for field in fields)
        return key_of(record, fields)


def read(body: bytes, records: str, key: tuple[str, ...]) -> Iterator[Line | Bad]:
    """Yield the records of one document; see `Reader`."""
    return Reader(records, key).once(body)


def steps(path: str) -> tuple[str, ...]:
    """Split a path of records into member names, ``[]`` and ``{}``.

    Raises:
        ConfigError: The path cannot be understood.
    """
    found: list[str] = []
    for part in path.removeprefix(".").split(".") if path != "." else ():
        name = part.rstrip("[]{}")
        found += [name] if name else []
        marks = part[len(name) :]
        while marks[:2] in (_EACH, _MEMBERS):
            found.append(marks[:2])
            marks = marks[2:]
        if marks or not part or set(name) & set("[]{}"):
            raise ConfigError(
                f'the path of records "{path}" cannot be understood',
                hint='examples: ".", "data.models", ".[].models", "models{}"',
            )
    return tuple(found) if found and found[-1] in (_EACH, _MEMBERS) else (*found, _EACH)


def _checked(body: bytes) -> bytes:
    """Refuse what is obviously not JSON, and name the reason."""
    start = body[:4096].lstrip()
    if not start:
        raise UnreadableSnapshot("the file is empty")
    if start.startswith(b"<<<<<<< ") or b"\n<<<<<<< " in body:
        raise UnreadableSnapshot("the file holds conflict markers")
    return body


def _descend(found: Iterator[_Found], step: str) -> Iterator[_Found]:
    for value in found:
        if step in (_EACH, _MEMBERS):
            for name, text in _held(value, step):
                yield _Found(text, value.around, f"{value.place}/{name}")
        else:
            yield _member(value, step)


def _held(value: _Found, step: str) -> Iterator[tuple[str | int, msgspec.Raw]]:
    """Yield the name or index and the text of each member of an array or an object."""
    if step == _MEMBERS:
        yield from _members(value)
    else:
        yield from enumerate(_decoded(_ARRAY, value, "an array"))


def _member(value: _Found, name: str) -> _Found:
    pairs = _members(value)
    members = dict(pairs)
    if len(members) != len(pairs):
        raise UnreadableSnapshot(f"a member stands twice in {value.place or 'the document'}")
    if name not in members:
        there = ", ".join(list(members)[:5]) or "nothing"
        raise UnreadableSnapshot(
            f'no "{name}" at {value.place or "the top"} (there: {there})', hint=WHERE
        )
    return _Found(members[name], (members, *value.around), f"{value.place}/{name}")


def _members(value: _Found) -> list[tuple[str, msgspec.Raw]]:
    found = _decoded(_OBJECT, value, "an object").items()
    return [(str(name), text) for name, text in found]


def _decoded(decoder: msgspec.json.Decoder[Json], value: _Found, shape: str) -> Json:
    try:
        return decoder.decode(value.text)
    except msgspec.ValidationError:
        message = f"{value.place or 'the document'} is not {shape}"
        raise UnreadableSnapshot(message, hint=WHERE) from None
    except UNREADABLE as error:
        raise UnreadableSnapshot(f"not JSON: {plain(error)}") from error


def _part(field: str, record: Record, holder: _Found, name: str | int) -> Json:
    """Return one part of a record's key."""
    if field == _MEMBERS:
        return name
    return _around(holder, field) if field.startswith(_ENCLOSING) else member(record, field)


def _around(holder: _Found, field: str) -> Json:
    text = _text_around(holder, field)
    if text is None:
        raise ValueError(f"no key: {field} is absent")
    return parse(text)


def _text_around(holder: _Found, field: str) -> bytes | None:
    """Return the text of a field of an object around the records, None where there is none."""
    *up, name = field.split(_ENCLOSING)
    around = holder.around[len(up) - 1] if len(up) <= len(holder.around) else {}
    return bytes(around[name]) if name in around else None


def _object(text: bytes) -> Record:
    record = parse(text)
    if not isinstance(record, dict):
        raise ValueError("it is not an object")  # noqa: TRY004  a reason, as all here
    return record


def _refuse_twins(text: bytes, record: Record, line: bytes) -> None:
    """Refuse a member that stands twice in one object: decoding keeps the last silently.

    A lost member is seen in the number of quotes around strings.
    """
    added = 4 * (line.startswith(b'{"@key":') - (canonical.KEY in record))
    if _quotes(text) != _quotes(line) - added:
        raise ValueError("a member stands twice in one object")


def _quotes(text: bytes) -> int:
    """Count the quotes around strings, not those within them."""
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    return text.count(b'"')
