"""What the program says, in the language of its reader.

A sentence is written in English where its facts are known. `sentence` makes of it a text that is
English wherever it is stored, compared or written as JSON, and that `said` translates where a
person reads it. Code that only speaks to people calls `tr` and `trn`, which do both at once.

Translations are gettext catalogues, ``locale/<language>/LC_MESSAGES/messages.mo``; the English
sentence with its named placeholders is the message id. ``make messages`` keeps them complete.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, reduce
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
    from gettext import NullTranslations

ENGLISH: Final = "en"
LANGUAGES: Final[Mapping[str, str]] = {ENGLISH: "English", "zh": "中文"}
"""The languages that there are, each in its own words."""

LOCALES: Final = f"{__file__.rpartition('/')[0]}/locale"
"""Folder of the catalogues."""

DOMAIN: Final = "messages"
"""Name of the catalogues; gettext's own default, in which click looks too."""

STORED: Final = "stored"
"""The context of what may have been stored; a catalogue has it twice."""

_FEWEST_LETTERS: Final = 6  # of a template that is recognised
_DEEPEST: Final = 6  # sentences inside of one another
_LONGEST: Final = 2_000  # characters of a text that is recognised
_PLACEHOLDER: Final = re.compile(r"\{(\w+)[^}]*\}")
_COUNTED: Final = re.compile(r"\{(\w+):[,d]\}")
_NUMBER: Final = re.compile(r"-?[\d,]+(\.\d+)?")
_SPEC: Final = re.compile(r"\{(\w+)[:!][^}]*\}")

_JOINTS: Final = (
    ("; ", "", "{first}; {second}"),
    (", ", "", "{first}, {rest}"),
    (" (", ")", "{place} ({reason})"),
    (": ", "", "{place}: {reason}"),
)
"""What stands between, and behind, two sentences that were joined, and the message for them."""

_FORMS: Final[dict[str, str]] = {}
"""The template for several to that for one, which a catalogue has alone."""

_chosen = ENGLISH
_plain = False
_scope: ContextVar[str | None] = ContextVar("language", default=None)


class Sentence(str):
    """An English sentence that knows how it was made, so that it can be said in any language.

    Attributes:
        one: Its template, and message id.
        many: The template for several; empty where nothing is counted.
        number: How many there are.
        values: What stands for the placeholders; a message among them is translated too.
    """

    __slots__ = ("many", "number", "one", "values")

    one: str
    many: str
    number: int
    values: Mapping[str, Any]

    def __new__(cls, one: str, many: str, number: int, values: Mapping[str, Any]) -> Self:
        """Write the sentence in English."""
        template = many if many and number != 1 else one
        made = super().__new__(cls, _filled(template, values))
        made.one, made.many, made.number, made.values = one, many, number, values
        return made

    def __reduce__(self) -> tuple[Callable[..., Sentence], tuple[Any, ...]]:
        """Survive the way from one process to another."""
        return Sentence, (self.one, self.many, self.number, self.values)


class Stored(str):
    """A sentence that was stored in English, as a part of one that is said now."""

    __slots__ = ()


def sentence(template: str, /, **values: Any) -> Sentence:
    """Return the English sentence ``template.format(**values)``, which can be translated.

    A template without values is taken as it is: braces mean themselves.
    """
    return Sentence(template, "", 1, values)


def sentences(one: str, many: str, number: int, /, **values: Any) -> Sentence:
    """Return a sentence about a `number` of things; its templates may name ``{number:,}``."""
    return Sentence(one, many, number, {"number": number, **values})


def forms(one: str, many: str) -> tuple[str, str]:
    """Return both templates for `sentences`, where they are listed; `retold` knows them."""
    _FORMS[many] = one
    return one, many


def listed(parts: Iterable[str]) -> str:
    """Join the `parts` of an enumeration: ``a, b, c``."""
    found = list(parts)
    if not found:
        return ""
    return reduce(lambda first, rest: sentence("{first}, {rest}", first=first, rest=rest), found)


def joined(separator: str, parts: Iterable[str]) -> Sentence:
    """Join sentences by a `separator` that is the same in every language: a line feed."""
    found = list(parts)
    places = separator.join(f"{{p{at}}}" for at in range(len(found)))
    return sentence(places, **{f"p{at}": part for at, part in enumerate(found)})


def said(text: str) -> str:
    """Return `text` in the language of the reader; what is no `Sentence` stays as it is."""
    if type(text) is Stored:
        return retold(str(text))
    if type(text) is not Sentence or not text:
        return text
    catalogue = _catalogue(current())
    if catalogue is None:
        return str(text)
    if text.many:
        template = catalogue.ngettext(text.one, text.many, text.number)
    else:
        template = catalogue.gettext(text.one)
    values = {name: said(value) for name, value in text.values.items()}
    return _filled(template, values)


def tr(template: str, /, **values: Any) -> str:
    """Say a sentence in the language of the reader; otherwise as `sentence`."""
    return said(sentence(template, **values))


def trn(one: str, many: str, number: int, /, **values: Any) -> str:
    """Say a sentence about a `number` of things; otherwise as `sentences`."""
    return said(sentences(one, many, number, **values))


def stored(template: str, /, **values: Any) -> str:
    """Return an English sentence for the archive, whose JSON is the same in every language.

    `retold` recognises it where it is shown.
    """
    return _filled(template, values)


def retold(text: str, *, depth: int = _DEEPEST) -> str:
    """Say a sentence that was stored in English in the language of the reader.

    The template that shares most with it is the one that it was made of; what stands for its
    placeholders is recognised likewise, to a `depth`. So is each of several sentences that were
    joined. What nothing is known of stays as it is.
    """
    if type(text) is not str:
        return said(text)
    is_known = text and depth and len(text) <= _LONGEST
    catalogue = _catalogue(current()) if is_known else None
    if catalogue is None:
        return text
    if (exact := catalogue.pgettext(STORED, text)) != text:
        return exact
    for translation, literals, names, numbers in _templates(current()):
        values = _values(text, literals)
        if values is not None and _are_numbers(names, values, numbers):
            pairs = zip(names, values, strict=True)
            return _filled(
                translation, {name: retold(value, depth=depth - 1) for name, value in pairs}
            )
    return _retold_apart(text, depth)


def _retold_apart(text: str, depth: int) -> str:
    """Say a text that was joined of sentences, of which at least one is recognised.

    A single word among them may be a name, and stays as it is.
    """
    for separator, end, template in _JOINTS:
        first, found, rest = text.removesuffix(end).partition(separator)
        if found and text.endswith(end):
            parts = [first, rest]
            told = [retold(each, depth=depth - 1) if " " in each else each for each in parts]
            if told != parts:
                names = _PLACEHOLDER.findall(template)
                return tr(template, **dict(zip(names, told, strict=True)))
            break  # the others would double the work at every depth
    return text


def _are_numbers(names: Sequence[str], values: Sequence[str], numbers: Container[str]) -> bool:
    pairs = zip(names, values, strict=True)
    return all(_NUMBER.fullmatch(value) for name, value in pairs if name in numbers)


def _values(text: str, literals: Sequence[str]) -> list[str] | None:
    """Return what stands between the `literals` in `text`; None: they do not make it up."""
    if not text.startswith(literals[0]) or not text.endswith(literals[-1]):
        return None
    values, at, end = [], len(literals[0]), len(text) - len(literals[-1])
    for literal in literals[1:-1]:
        found = text.find(literal, at + 1, end)
        if found < 0:
            return None
        values.append(text[at:found])
        at = found + len(literal)
    return [*values, text[at:end]] if at < end else None


def translated(message: str) -> str:
    """Return the translation of a message of a template, which fills it in itself."""
    return said(sentence(message))


def translated_plural(one: str, many: str, number: int) -> str:
    """Return the translation of a message of a template about a `number` of things."""
    catalogue = _catalogue(current())
    if catalogue is None:
        return one if number == 1 else many
    return catalogue.ngettext(one, many, number)


def current() -> str:
    """Return the language in which `said` answers."""
    return _scope.get() or _chosen


def choose(language: str) -> None:
    """Make `language` the one of this process."""
    global _chosen  # noqa: PLW0603  one process, one reader
    _chosen = language


def plain() -> bool:
    """Return whether text is to be read aloud: words in place of symbols, no colour, no tables.

    What is written for others (`speaking`) never depends on that.
    """
    return _plain and _scope.get() is None


def speak_plainly(value: bool) -> None:  # noqa: FBT001  it is the value
    """Say whether text is to be read aloud in this process."""
    global _plain  # noqa: PLW0603  one process, one reader
    _plain = value


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Say everything inside the block in `language`: what is written for others than the reader."""
    token = _scope.set(language)
    try:
        yield
    finally:
        _scope.reset(token)


def known(name: str) -> str | None:
    """Return the language that `name` means: ``zh``, ``zh-CN``, ``zh_CN.UTF-8``; None: none."""
    start = name.lower().replace("_", "-").partition(".")[0].partition("@")[0].partition("-")[0]
    return start if start in LANGUAGES else None


@cache
def _templates(language: str) -> list[tuple[str, list[str], list[str], set[str]]]:
    """Return each translation with the literals and placeholders of what it translates.

    The last member names the placeholders for which only a number stands.

    Those that share most with a text that is made of them come first.
    """
    catalogue = _catalogue(language)
    ids: Iterable[Any] = getattr(catalogue, "_catalog", ())
    start = f"{STORED}\x04"  # as gettext writes a context
    storable = (each.removeprefix(start) for each in map(str, ids) if each.startswith(start))
    told = {each: catalogue.pgettext(STORED, each) for each in storable}  # type: ignore[union-attr]
    for many, one in _FORMS.items():
        told[one] = catalogue.ngettext(one, many, 1)  # type: ignore[union-attr]
        told[many] = catalogue.ngettext(one, many, 2)  # type: ignore[union-attr]
    counted = {*_FORMS, *_FORMS.values()}  # what stands for their number is one
    found = []
    for template, translation in told.items():
        literals = _PLACEHOLDER.split(template)
        letters = sum(map(str.isalpha, "".join(literals[::2])))
        numbers = set() if template in counted else {*_COUNTED.findall(template)}
        is_short = template in counted or numbers.issuperset(literals[1::2])
        fewest = 1 if is_short else _FEWEST_LETTERS
        if len(literals) > 1 and letters >= fewest:
            told_so = _SPEC.sub(r"{\1}", translation)
            found.append((told_so, literals[::2], literals[1::2], numbers))
    return sorted(found, key=lambda each: -sum(map(len, each[1])))


def _filled(template: str, values: Mapping[str, Any]) -> str:
    return template.format(**values) if values else template


@cache
def _catalogue(language: str) -> NullTranslations | None:
    """Return the catalogue of `language`; None for English, whose sentences are the ids."""
    if language == ENGLISH:
        return None
    import gettext  # noqa: PLC0415 - only where something is translated

    return gettext.translation(DOMAIN, LOCALES, [language])
