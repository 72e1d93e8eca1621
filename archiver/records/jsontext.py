"""JSON values to canonical text and back: equal values give equal bytes.

Members are sorted by code point, there are no spaces, and numbers are written by value as in
RFC 8785 (``220.0`` is ``220``, ``1e2`` is ``100``, ``-0.0`` is ``0``), except that an integer
which no double spells keeps all its digits.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from archiver.language import sentence

if TYPE_CHECKING:
    from collections.abc import Callable

    from archiver.records.model import Json

T = TypeVar("T")

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What a decoder raises for a text that is no JSON; `plain` translates."""
MAX_DEPTH = 64
"""Deepest nesting of lists and objects in a record; DeepDiff gives up at about 300."""

_PLAIN = frozenset((str, bool, type(None)))  # written the same way by every encoder
_NAMES = frozenset((str,))
_PLAIN_FLOATS = (1e-5, 1e16)  # between these the encoder writes what RFC 8785 asks for
_DIGITS = 2**53  # up to here every integer is a double
_EXACT = 10**21  # from here on RFC 8785 writes exponents
_LONGEST = 10**4300  # Python reads and writes no longer integers (CVE-2020-10735)


def _read_float(text: str) -> int | float:
    value = float(text)
    if not isfinite(value):
        raise ValueError(sentence("a number is not finite"))
    if not value.is_integer() or abs(value) >= _EXACT:
        return value
    return int(value) if abs(value) < _DIGITS else _spelled(value)


def _spelled(value: float) -> int:
    """Return the integer that the shortest spelling of `value` denotes, as RFC 8785 does."""
    digits, _, exponent = repr(value).partition("e")
    whole, _, fraction = digits.partition(".")
    fraction = fraction.rstrip("0")
    power = int(exponent or 0) - len(fraction)
    return int(whole + fraction + "0" * power)


decode = msgspec.json.Decoder(float_hook=_read_float).decode
"""Do what `parse` does, but raise `UNREADABLE`, for texts that come by the hundred thousand."""


def decoder(kind: type[T]) -> Callable[[bytes], T]:
    """Return what reads values of a type that hold canonical JSON; it raises `UNREADABLE`."""
    return msgspec.json.Decoder(kind, float_hook=_read_float).decode


_encode = msgspec.json.Encoder(order="sorted").encode


def parse(data: bytes | msgspec.Raw) -> Json:
    """Decode any JSON text; numbers become canonical by value.

    Raises:
        ValueError: Not JSON, not UTF-8, a lone surrogate, a number that is not finite, or
            nested too deeply to be read. The message is a plain reason.
    """
    try:
        return decode(data)
    except UNREADABLE as error:
        raise ValueError(plain(error)) from error


_MALFORMED: Final = {
    "Input data was truncated": sentence("it ends too early (truncated)"),
    "invalid character": sentence("invalid character (byte {byte})"),
    "trailing characters": sentence("trailing characters (byte {byte})"),
}
"""What msgspec says of a text that is not JSON, in words that can be translated."""


def plain(error: Exception) -> str:
    """Say in plain words why a text could not be decoded, given one of `UNREADABLE`."""
    if isinstance(error, RecursionError):
        return sentence("nested deeper than {max_depth}", max_depth=MAX_DEPTH)
    if isinstance(error, UnicodeDecodeError):
        return sentence("not UTF-8")
    reason = str(error.__cause__ or error).removeprefix("JSON is malformed: ")
    if "surrogate" in reason or "end of hex escape" in reason:
        place = "".join(reason.partition(" (byte")[1:])
        return sentence("a string holds a lone surrogate{place}", place=place)
    words, _, byte = reason.removesuffix(")").partition(" (byte ")
    return sentence(_MALFORMED[words], byte=byte) if words in _MALFORMED else reason


def dump(value: Json) -> bytes:
    """Encode any JSON value canonically; equal values give equal bytes.

    Raises:
        ValueError: It is no JSON value; the message is a plain reason.
    """
    try:
        return _encode(_normal(value, MAX_DEPTH))
    except UnicodeEncodeError as error:
        raise ValueError(sentence("a string holds a lone surrogate")) from error


def _normal(value: Json, depth: int) -> Json:
    """Return `value` so that the encoder writes each number canonically."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is int:
        return value if -_EXACT < value < _EXACT else _long_integer(value)
    if kind is float:
        return _float(value)
    if depth == 0:
        raise ValueError(sentence("nested deeper than {max_depth}", max_depth=MAX_DEPTH))
    if kind is list or kind is tuple:
        if _PLAIN.issuperset(map(type, value)):
            return value
        return [_normal(member, depth - 1) for member in value]
    if kind is dict:
        return _object(value, depth)
    raise ValueError(sentence("{kind} is no JSON value", kind=kind.__name__))


def _object(value: dict[Json, Json], depth: int) -> dict[str, Json]:
    """Return `value` itself unless a member must change: a copy of each record cost a third."""
    if not _NAMES.issuperset(map(type, value)):
        raise ValueError(sentence("a member name is no string"))
    changed = {}
    for name, member in value.items():
        kind = type(member)
        if kind in _PLAIN or (kind is int and -_EXACT < member < _EXACT):
            continue
        normal = _normal(member, depth - 1)
        if normal is not member:
            changed[name] = normal
    return value | changed if changed else value


def _float(value: float) -> int | float | msgspec.Raw:
    low, high = _PLAIN_FLOATS
    if low <= abs(value) < high and not value.is_integer():
        return value
    value = _read_float(repr(value))
    return value if isinstance(value, int) else msgspec.Raw(_exponential(value).encode())


def _long_integer(value: int) -> int | msgspec.Raw:
    """Write an integer that a short float spells too as that float: one value, one spelling."""
    if abs(value) >= _LONGEST:
        raise ValueError(sentence("an integer has more than 4300 digits"))
    try:
        same = float(value)
    except OverflowError:
        return value
    return msgspec.Raw(_exponential(same).encode()) if _spelled(same) == value else value


def _exponential(value: float) -> str:
    """Write a float that is below 1e-5 or not below 1e16 as RFC 8785 (ECMAScript) does."""
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    power = int(exponent)
    sign = "-" if value < 0 else ""
    if power == -6:  # noqa: PLR2004  the last power that ECMAScript writes without exponent
        return f"{sign}0.00000{mantissa.replace('.', '')}"
    return f"{sign}{mantissa}e{power:+d}"
