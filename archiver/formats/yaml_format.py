"""The format ``yaml``: one YAML document, with the types of the core schema of YAML 1.2.

Built from the parser's events: ``no`` and ``on`` are strings, and so are dates; no tag makes an
object; what anchors repeat is bounded.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from archiver.errors import UnreadableSnapshot, reason
from archiver.formats import Format, Text
from archiver.formats.encoding import whole
from archiver.language import sentence
from archiver.records.decoding import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from archiver.formats import Reading
    from archiver.records.model import Json

DEEPEST: Final = 100
"""Deepest nesting of a document."""
_HANDLES: Final = 1_000
"""Most ``%TAG`` directives: the parser compares each with all before it."""
_REPEATED: Final = 1 << 26
"""Characters that aliases may repeat, all together."""

_INTEGER: Final = re.compile(r"[-+]?[0-9]+")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_BASED: Final = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_NOT_FINITE: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_WORDS: Final[dict[str, Json]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMERIC: Final = frozenset("+-.0123456789")
_CORE: Final = "tag:yaml.org,2002:"
_MERGE: Final = object()
"""In the place of a member name: what comes next is merged."""


class YamlFormat(Format):
    """YAML as most people mean it: the core schema, and merge keys."""

    def text(self, content: Iterator[bytes], how: Reading) -> Text:
        """Return the document; see `Format.text`."""
        import yaml

        text = whole(content, how.encoding)
        if not text.strip():
            raise UnreadableSnapshot(sentence("the file is empty"))
        if text.count("\n%TAG") >= _HANDLES:
            raise UnreadableSnapshot(
                sentence("not YAML: {error}", error=sentence("it has too many %TAG directives"))
            )
        tally = Tally(finite=how.finite)
        try:
            value = _Builder(tally).document(_parser(text))
        except yaml.MarkedYAMLError as error:
            raise _not_yaml(error.problem_mark, error.problem or reason(error)) from error
        except yaml.YAMLError as error:
            raise _not_yaml(None, reason(error).partition("\n")[0]) from error
        return Text("yaml", _json(value), [*tally.notes])


def _parser(text: str) -> Any:
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)


def _json(value: Json) -> bytes:
    try:
        return msgspec.json.encode(value)
    except RecursionError:  # aliases nest deeper than the text does
        raise UnreadableSnapshot(
            sentence("nested deeper than {max_depth}", max_depth=DEEPEST)
        ) from None
    except (UnicodeEncodeError, ValueError) as error:
        raise UnreadableSnapshot(
            sentence("it holds what JSON cannot: {error}", error=reason(error))
        ) from error


class _Level:
    """A sequence or mapping under way.

    Attributes:
        value: What it holds.
        name: The member name whose value comes next, or `_MERGE`; None: a name comes next.
        is_map: Whether it is a mapping.
        merged: Mappings that are merged into it.
        weight: Characters in it, repeated ones too.
        anchor: Its name.
    """

    __slots__ = ("anchor", "is_map", "merged", "name", "value", "weight")

    def __init__(self, value: Any, anchor: str | None) -> None:
        self.value = value
        self.is_map = type(value) is dict
        self.name: str | object | None = None
        self.merged: list[Json] = []
        self.weight = 1
        self.anchor = anchor


class _Builder:
    """Builds the value of a document from the events of a parser."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._levels: list[_Level] = []
        self._anchors: dict[str, tuple[Json, int] | None] = {}
        self._repeated = 0
        self._root: Json = None

    def document(self, parser: Any) -> Json:
        """Return the value of the one document.

        Raises:
            UnreadableSnapshot: It is none that is read here.
        """
        from yaml import events

        handlers: dict[type, Callable[[Any], None]] = {
            events.ScalarEvent: self._scalar,
            events.MappingStartEvent: self._mapping,
            events.SequenceStartEvent: self._sequence,
            events.MappingEndEvent: self._end,
            events.SequenceEndEvent: self._end,
            events.AliasEvent: self._alias,
        }
        documents = 0
        event = parser.get_event()
        while event is not None:
            kind = type(event)
            handler = handlers.get(kind)
            if handler is not None:
                handler(event)
            elif kind is events.DocumentStartEvent:
                documents += 1
                if documents > 1:
                    raise _refused(
                        event,
                        sentence("a second document begins"),
                        hint=sentence("one file holds one document: put the records into a list"),
                    )
            elif kind is events.StreamEndEvent:
                break
            event = parser.get_event()
        return self._root

    def _scalar(self, event: Any) -> None:
        text: str = event.value
        level = self._levels[-1] if self._levels else None
        if level is not None and level.is_map and level.name is None:
            self._tagged(event, "str", "int", "float", "bool", "null")
            level.name = text
            level.weight += len(text)
            if text == "<<" and event.implicit[0]:
                level.name = _MERGE
                return
            if text in level.value:
                raise _refused(event, sentence('the member "{name}" stands twice', name=text))
            level.value[text] = None
            return
        value: Json = text
        if event.tag is not None or event.implicit[0]:
            value = self._typed(text, event)
        self._put(value, len(text) + 1, event)

    def _typed(self, text: str, event: Any) -> Json:
        """Return the value of a scalar that has a tag, or no quotes."""
        tag = self._tagged(event, "str", "int", "float", "bool", "null")
        if tag in ("str", "!"):
            return text
        value: Json = text
        if text in _WORDS:
            value = _WORDS[text]
        elif text[:1] in _NUMERIC:
            value = self._number(text, event)
        if tag and type(value) not in _KINDS[tag]:
            raise _refused(event, sentence("{text!r} is no !!{tag}", text=text[:40], tag=tag))
        if tag != "float" or value is None:
            return value
        try:
            return float(value)
        except OverflowError:
            raise _refused(event, sentence("a number is too large")) from None

    def _number(self, text: str, event: Any) -> Json:
        try:
            if _INTEGER.fullmatch(text):
                return int(text)
            if _FLOAT.fullmatch(text):
                found = float(text)
                if found not in (float("inf"), float("-inf")):
                    return found
                raise ValueError(text)  # noqa: TRY301  as a number with too many digits
            if _BASED.fullmatch(text):
                return int(text, 0)
        except ValueError:
            raise _refused(event, sentence("a number is too large")) from None
        if _NOT_FINITE.fullmatch(text):
            self._tally.not_finite(text, event.start_mark.line + 1)
            return None
        return text

    def _tagged(self, event: Any, *known: str) -> str:
        """Return the name of a tag of the core schema; empty: there is none."""
        tag: str | None = event.tag
        if tag is None:
            return ""
        name = tag.removeprefix(_CORE)
        if tag != "!" and (name == tag or name not in known):
            raise _refused(event, sentence("the tag {tag} is not read", tag=tag))
        return name

    def _mapping(self, event: Any) -> None:
        self._begin({}, event, "map")

    def _sequence(self, event: Any) -> None:
        self._begin([], event, "seq")

    def _begin(self, value: Json, event: Any, tag: str) -> None:
        self._tagged(event, tag)
        if self._levels and self._levels[-1].is_map and self._levels[-1].name is None:
            raise _refused(event, sentence("the name of a member is not a plain value"))
        if len(self._levels) == DEEPEST:
            raise _refused(event, sentence("nested deeper than {max_depth}", max_depth=DEEPEST))
        if event.anchor:
            self._anchors[event.anchor] = None
        self._levels.append(_Level(value, event.anchor))

    def _end(self, event: Any) -> None:
        level = self._levels.pop()
        for merged in level.merged:
            for name, member in merged.items():
                level.value.setdefault(name, member)
        if level.anchor:
            self._anchors[level.anchor] = (level.value, level.weight)
        self._put(level.value, level.weight, event, anchored=True)

    def _alias(self, event: Any) -> None:
        if event.anchor not in self._anchors:
            raise _refused(event, sentence("*{name} names nothing", name=event.anchor))
        found = self._anchors[event.anchor]
        if found is None:
            raise _refused(event, sentence("*{name} is inside of itself", name=event.anchor))
        value, weight = found
        self._repeated += weight
        if self._repeated > _REPEATED:
            raise _refused(
                event,
                sentence("its aliases repeat more than {most:,} characters", most=_REPEATED),
            )
        level = self._levels[-1] if self._levels else None
        if level is not None and level.is_map and level.name is None:
            raise _refused(event, sentence("the name of a member is not a plain value"))
        self._put(value, weight, event, anchored=True)

    def _put(self, value: Json, weight: int, event: Any, *, anchored: bool = False) -> None:
        """Put a value where it belongs."""
        if not anchored and event.anchor:
            self._anchors[event.anchor] = (value, weight)
        if not self._levels:
            self._root = value
            return
        level = self._levels[-1]
        level.weight += weight
        if not level.is_map:
            level.value.append(value)
        elif level.name is _MERGE:
            merged = value if isinstance(value, list) else [value]
            if not all(isinstance(each, dict) for each in merged):
                raise _refused(event, sentence("<< merges mappings only"))
            level.merged += merged
            level.name = None
        else:
            level.value[level.name] = value
            level.name = None


_KINDS: Final[dict[str, tuple[type, ...]]] = {
    "int": (int,),
    "float": (float, int, type(None)),
    "bool": (bool,),
    "null": (type(None),),
}


def _refused(event: Any, words: str, *, hint: str = "") -> UnreadableSnapshot:
    mark = event.start_mark
    return UnreadableSnapshot(
        sentence(
            "line {line:,}, column {column:,}: {words}",
            line=mark.line + 1,
            column=mark.column + 1,
            words=words,
        ),
        hint=hint,
    )


def _not_yaml(mark: Any, words: str) -> UnreadableSnapshot:
    if mark is None:
        return UnreadableSnapshot(sentence("not YAML: {error}", error=words))
    return UnreadableSnapshot(
        sentence(
            "not YAML: line {line:,}, column {column:,}: {error}",
            line=mark.line + 1,
            column=mark.column + 1,
            error=words,
        )
    )
