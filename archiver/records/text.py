"""Safe text for each place it is shown; every word of a record may be hostile.

Each sink is one function from any string to one line: what could steer the reader (a control or
bidirectional character, markup, a formula, a trailer) is made visible with a backslash, and
what people write every day (``org/model-name_v1.0``, Chinese, emoji) stays as it is.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from archiver.language import (
    Sentence,
    forms,
    joined,
    plain,
    said,
    sentence,
    sentences,
    translated,
    translated_plural,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from archiver.records.model import Json

_EMOJI = "\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"

_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f"
    "\u2000-\u200c\u200e\u200f\u2028-\u202f\u205f-\u206f\u2800\u3164\ud800-\udfff"
    "\ufdd0-\ufdef\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U0001fffe\U0001ffff\U000e0000-\U000e0fff]"
    # A joiner or an emoji style is invisible everywhere but in an emoji.
    f"|(?<![{_EMOJI}\ufe0f])\u200d|\u200d(?![{_EMOJI}])|(?<![{_EMOJI}0-9#*\xa9\xae])\ufe0f"
)
"""Characters that steer, reorder or hide text: Unicode categories Cc, Cs, Zl, Zp, the invisible
ones of Cf, Zs, Lo and Mn (default ignorable code points, UAX #44), and noncharacters."""

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape", "surrogatepass").decode("ascii")


def visible(text: str) -> str:
    r"""Show every hidden character of `text` as Python would write it: ``\n``, ``\u202e``."""
    if type(text) is not str:
        text = said(text)
    if text.isascii() and text.isprintable():
        return text
    return _HIDDEN.sub(_escaped, text)


def terminal(text: str) -> str:
    """Make `text` one line that can neither steer a terminal nor command a CI runner.

    GitHub's runner obeys lines that begin with ``::`` and any ``##[`` in its log.
    """
    shown = visible(text)
    if shown.lstrip().startswith("::"):
        shown = shown.replace("::", ":\\:", 1)
    return shown.replace("##[", "#\\#[")


_MARKDOWN = re.compile(
    r"[\\`*\[\]<|~${}]"
    r"|(?<![^\W_])_|_(?![^\W_])"  # an underscore inside a word is only an underscore
    r"|&(?=#?\w+;)"
    r"|(?<=:)/(?=/)|(?<=www)\.|(?<=\{)%|%(?=\})"
    r"|^[-+=>#]|^\d{1,9}[.)](?=\s|$)",
    re.IGNORECASE,
)
_SHORTCODE = r":(?=(?:[\w+-]{0,100}[^\W\d_][\w+-]{0,100}|[+-]1|100|1234):)"
"""How an ``:emoji:`` begins: with a letter in it, so that times stay times, or a known one."""
_MARKDOWN_WORDS = re.compile(rf"@(?=\w)|#(?=\d)|\bGH-(?=\d)|{_SHORTCODE}", re.IGNORECASE)
_EDGE_SPACE = re.compile(r"^ +| +$")


def markdown(text: str) -> str:
    """Escape `text` for one line of Markdown (CommonMark 0.31, GitHub's and Hugo's additions).

    Mentions, issue numbers and ``:emoji:`` are looked up in the finished page, where a
    backslash no longer helps: a zero-width space, written as a character reference,
    breaks them.
    """
    shown = _MARKDOWN.sub(lambda match: f"{match[0][:-1]}\\{match[0][-1]}", visible(text))
    shown = _MARKDOWN_WORDS.sub(r"\g<0>&#8203;", shown)
    return _EDGE_SPACE.sub(lambda match: "&#32;" * len(match[0]), shown)


_ADDRESS = re.compile(r"[^A-Za-z0-9\-._~:/?#@!$&+,;=%]")


def address(url: str) -> str:
    """Make `url` the target of a link that ends where it should; what is no web address is empty.

    Every character that RFC 3986 does not allow, and those that Markdown, HTML or a shell would
    read (quotes, brackets, parentheses, stars), are percent-encoded.
    """
    if not url.lower().startswith(("https://", "http://")):
        return ""
    return _ADDRESS.sub(
        lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "replace")), url
    )


_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_FORMULA = re.compile("[\\s\ufeff\"']*[=+\\-@\uff1d\uff0b\uff0d\uff20\t\r]")
_QUOTED = re.compile('[",;\t\r\n]|^ |^\ufeff| $')


def csv_cell(text: str, guard: str = "'") -> str:
    """Write `text` as one cell of a CSV file (RFC 4180) that no spreadsheet takes for a formula.

    A cell that would start one begins with the `guard` (OWASP, CSV injection); a plain number
    such as ``-5`` stays one. Line ends survive inside quotes; other controls are shown.
    """
    cell = _CONTROL.sub(_escaped, text)
    if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell):
        cell = guard + cell
    return '"' + cell.replace('"', '""') + '"' if _QUOTED.search(cell) else cell


def csv_value(json: Json, guard: str = "'") -> str:
    """Write a JSON value as one CSV cell: strings bare, null empty, lists and objects as JSON."""
    if json is None:
        return ""
    if isinstance(json, str):
        return csv_cell(json, guard)
    return csv_cell(msgspec.json.encode(json).decode(), guard)


def csv_row(values: Iterable[Json]) -> str:
    """Write one row of a CSV file, with its line feed."""
    return ",".join(map(csv_value, values)) + "\n"


def raw_csv_row(values: Iterable[Json]) -> str:
    """Write one row for programs, whose cells are not guarded: ``@org/pkg`` stays as it is."""
    return ",".join(csv_value(each, "") for each in values) + "\n"


_COMMIT_START = re.compile(r"^(?=From |---|diff -)|^(\s*[A-Za-z0-9-]+\s*)(?=:)")
_COMMIT_WORDS = re.compile(
    r"@(?=\w)|#(?=[\w\[])|\bGH-(?=\d)|/(?:issues|pull|discussions)/(?=\d)|:(?=:)"
    r"|\[(?=[^\[\]]{0,60}(?:skip|no[ _-]ci))|\bNO(?=_CI)|\bskip-checks(?=\s*:)",
    re.IGNORECASE,
)


def commit(text: str, *, start: bool = True) -> str:
    r"""Make `text` one line, or a part of one, of a commit message that orders nothing.

    A backslash breaks mentions (``@\user``), issue numbers (``#\1``), words that switch CI off
    (``[\skip ci]``), workflow commands, and the beginnings that git reads: trailers, ``---``.

    Args:
        text: Any text.
        start: Whether it may begin the line; a time such as ``03:17`` stays as it is where not.
    """
    shown = _COMMIT_WORDS.sub(r"\g<0>\\", visible(text))
    if not start:
        return shown
    return _COMMIT_START.sub(lambda match: f"{match[1] or ''}\\", shown)


_CHAT = re.compile(
    rf"<(?=[!@#/a-z])|(?<=\])\((?=\w)|:(?=//)|~(?=~)|\|(?=\|)|www(?=\.)|{_SHORTCODE}", re.IGNORECASE
)
_CHAT_MARKS = re.compile(r"(\\*)([*`]|(?<![^\W_])_|_(?![^\W_]))")


def chat(text: str) -> str:
    r"""Make `text` one line of plain text in which no chat finds an order, a mention or a link.

    A backslash breaks what a line of a commit message would read too, and ``<!channel>``,
    ``[a](b)``, ``https://``, ``:emoji:``; one before ``*``, ``_`` and backticks takes their
    meaning from them (a backslash that stands there is doubled: it would undo that).
    """
    shown = _CHAT.sub(r"\g<0>\\", commit(text, start=False))
    return _CHAT_MARKS.sub(r"\1\1\\\2", shown)


_CHAT_PATH = re.compile(r"[~@:!]|(?<![^\W_])_|_(?![^\W_])")
_LONGEST_CHAT_LINK = 300


def chat_link(url: str) -> str:
    """Return the `address` of `url` for a line of its own in a chat; too long a one is empty.

    What a chat would read as a mark, a mention or an ``:emoji:`` is percent-encoded too, behind
    the host.
    """
    start = re.match(r"[^/]*//[^/?#]*", url)
    host = address(start[0]) if start else ""
    if start is None or not host or "@" in host:  # no one's password
        return ""
    rest = _CHAT_PATH.sub(lambda match: f"%{ord(match[0]):02X}", address(url)[len(host) :])
    return host + rest if len(host + rest) <= _LONGEST_CHAT_LINK else ""


def width(text: str) -> int:
    """Return how many terminal columns `text` takes (UAX #11: wide characters take two)."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(char: str) -> int:
    if unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def clip(text: str, columns: int) -> str:
    """Cut `text` to at most `columns` terminal columns; ``…`` shows that something is missing."""
    if type(text) is not str:
        text = said(text)
    if len(text) * 2 <= columns or width(text) <= columns:
        return text
    room = columns - 1
    for index, char in enumerate(text):
        room -= _columns(char)
        if room < 0:
            return text[:index] + "…"
    return text


_WORDS_OF_JSON = frozenset({"", "null", "true", "false"})
_LONGEST = 200
_FEW = 3


def value(json: Json) -> str:
    """Render a JSON value shortly for people, at most 200 characters; not yet safe for a sink.

    A string is quoted only where it could be taken for another value.
    """
    if isinstance(json, str):
        shown = json[: _LONGEST + 1]
        if shown in _WORDS_OF_JSON or shown != shown.strip() or _NUMBER.fullmatch(shown):
            shown = f'"{shown}"'
    else:
        shown = msgspec.json.encode(json)[: _LONGEST * 4].decode("utf-8", "ignore")
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"


def plural(noun: str) -> str:
    """Return the regular English plural: ``models``, ``vulnerabilities``, ``boxes``."""
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "z", "ch", "sh")) else f"{noun}s"


def named(key: str, label: str) -> str:
    """Return what people read of a record: its label with the key behind it, else the key."""
    return f"{label} ({key})" if label and label != key else key


class Noun(NamedTuple):
    """What the records of a catalogue are called: one of them, and several."""

    one: str = "record"
    many: str = "records"

    def counted(self, number: int) -> Sentence:
        """Write a number of records with separators: ``125,000 models``."""
        if self in _COUNTED:
            return sentences(*_COUNTED[self], number)
        noun = self.one if number == 1 else self.many
        return sentence("{number:,} {noun}", number=number, noun=noun)

    @property
    def words(self) -> Noun:
        """Both words in the language of the reader, as far as it has them."""
        if self not in _NAMED:
            return self
        return Noun(*(said(sentences(*self, number)) for number in (1, 2)))

    @property
    def templates(self) -> tuple[str, str]:
        """What to fill a ``{number}`` in, for one and for several, in the reader's language."""
        if self in _COUNTED:
            one, many = (translated_plural(*_COUNTED[self], number) for number in (1, 2))
        else:
            one, many = (translated(_ANY).replace("{noun}", noun) for noun in self)
        return one.replace(_NUMBER_PLACE, "{number}"), many.replace(_NUMBER_PLACE, "{number}")


_NUMBER_PLACE: Final = "{number:,}"
_ANY: Final = "{number:,} {noun}"
_NAMED: Final = frozenset(
    Noun(*each)
    for each in (
        forms("record", "records"),
        forms("model", "models"),
        forms("dataset", "datasets"),
        forms("package", "packages"),
        forms("product", "products"),
        forms("release", "releases"),
        forms("vulnerability", "vulnerabilities"),
    )
)
"""What records may be called in other languages, too."""

_COUNTED: Final[Mapping[Noun, tuple[str, str]]] = {
    Noun(*(template.removeprefix("{number:,} ") for template in each)): each
    for each in (
        forms("{number:,} record", "{number:,} records"),
        forms("{number:,} model", "{number:,} models"),
        forms("{number:,} dataset", "{number:,} datasets"),
        forms("{number:,} package", "{number:,} packages"),
        forms("{number:,} product", "{number:,} products"),
        forms("{number:,} release", "{number:,} releases"),
        forms("{number:,} vulnerability", "{number:,} vulnerabilities"),
        forms("{number:,} capture", "{number:,} captures"),
        forms("{number:,} catalogue", "{number:,} catalogues"),
        forms("{number:,} cell", "{number:,} cells"),
        forms("{number:,} change", "{number:,} changes"),
        forms("{number:,} complete listing", "{number:,} complete listings"),
        forms("{number:,} day", "{number:,} days"),
        forms("{number:,} download", "{number:,} downloads"),
        forms("{number:,} failed run", "{number:,} failed runs"),
        forms("{number:,} file", "{number:,} files"),
        forms("{number:,} hour", "{number:,} hours"),
        forms("{number:,} id", "{number:,} ids"),
        forms("{number:,} metric", "{number:,} metrics"),
        forms("{number:,} minute", "{number:,} minutes"),
        forms("{number:,} more value", "{number:,} more values"),
        forms("{number:,} page", "{number:,} pages"),
        forms("{number:,} problem", "{number:,} problems"),
        forms("{number:,} report", "{number:,} reports"),
        forms("{number:,} reported run", "{number:,} reported runs"),
        forms("{number:,} row", "{number:,} rows"),
        forms("{number:,} second", "{number:,} seconds"),
        forms("{number:,} snapshot", "{number:,} snapshots"),
        forms("{number:,} stamped file", "{number:,} stamped files"),
        forms("{number:,} time", "{number:,} times"),
        forms("{number:,} unreadable version", "{number:,} unreadable versions"),
        forms("{number:,} version", "{number:,} versions"),
        forms("{number:,} year", "{number:,} years"),
    )
}
"""The nouns that other languages know; any other is written as it is configured."""

RECORD: Final = Noun()
"""What records are called where nothing says it."""


def count(number: int, noun: str = "") -> str:
    """Write a number of things with separators: ``125,000``, with a noun ``125,000 models``."""
    return Noun(noun, plural(noun)).counted(number) if noun else f"{number:,}"


def more(number: int) -> str:
    """Say how many things are left out: ``… and 1,234 more``."""
    if plain():
        return sentence("and {number} more", number=count(number))
    return sentence("… and {number} more", number=count(number))


def few(names: Sequence[str], separator: str = ", ", *, total: int | None = None) -> str:
    """Name the first three things, and count the others.

    Args:
        names: The first of them.
        separator: Stands between two names.
        total: How many there are; None: as many as `names`.
    """
    shown = names[:_FEW]
    others = (len(names) if total is None else total) - len(shown)
    sentences_ = any(isinstance(each, Sentence) for each in shown)
    named = joined(separator, shown) if sentences_ else separator.join(shown)
    if others <= 0:
        return named
    if plain():
        return sentence("{names} and {number} more", names=named, number=count(others))
    return sentence("{names} … and {number} more", names=named, number=count(others))


_TOO_LARGE = 10**18


def bytes_(size: float | str) -> str:
    """Write a size in bytes with a decimal unit, ``4.5 GB``; a size already in words stays."""
    if isinstance(size, str):
        return size
    if abs(size) >= _TOO_LARGE:
        return f"{count(int(size))} B"
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB", "TB", "PB"):
        if abs(round(amount, 1)) < 1000 or unit == "PB":  # noqa: PLR2004  SI prefixes
            break
        amount /= 1000
    return f"{amount:,.1f}".removesuffix(".0") + " " + unit
