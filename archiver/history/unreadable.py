"""Versions of a catalogue that cannot be read: which ones, why, and what to do about it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, NamedTuple

from archiver.errors import UnreadableSnapshot, reason
from archiver.language import Sentence, joined, sentence
from archiver.records.document import WHERE
from archiver.records.text import count, more
from archiver.render.wording import short
from archiver.store.plumbing import RECOVER

if TYPE_CHECKING:
    from archiver.history.catalogue import Catalogue
    from archiver.store.history import Revision

_NAMED: Final = 3
_ASKED: Final = sentence(
    "say where the records are and which field is the key: --records PATH --key FIELD"
)

_log = logging.getLogger(__name__)


class _Problem(NamedTuple):
    """What is wrong with some versions: how many, the newest and the oldest of them."""

    number: int
    newest: Revision
    oldest: Revision
    hint: str


class Problems:
    """The problems of versions that were skipped, each once, however many versions have it."""

    def __init__(self) -> None:
        """Begin with none."""
        self._found: dict[str, _Problem] = {}

    def __bool__(self) -> bool:
        """Return whether there are any."""
        return bool(self._found)

    def add(self, revision: Revision, error: UnreadableSnapshot) -> None:
        """Take note of a version; newer ones come first."""
        words = reason(error)
        known = self._found.get(words) or _Problem(0, revision, revision, error.hint)
        self._found[words] = known._replace(number=known.number + 1, oldest=revision)

    def notes(self) -> tuple[str, ...]:
        """Say of each problem which versions have it, of many only the first ones."""
        named = list(self._found.items())[:_NAMED]
        others = len(self._found) - len(named)
        lines = (
            sentence("{versions} cannot be read: {reason}", versions=_versions(each), reason=reason)
            for reason, each in named
        )
        return (*lines, *([more(others)] if others else ()))

    def warn(self, catalogue: Catalogue) -> None:
        """Log what was skipped, where an answer has no place for it."""
        for line in self.notes():
            _log.warning(joined(": ", (catalogue.source, line)))

    def error(self, catalogue: Catalogue) -> UnreadableSnapshot:
        """Return the error that no version of `catalogue` can be read, for these reasons."""
        named = list(self._found.items())[:_NAMED]
        lines = [
            sentence("{versions}: {reason}", versions=_versions(problem), reason=reason)
            for reason, problem in named
        ]
        others = len(self._found) - len(named)
        return UnreadableSnapshot(
            joined(
                "\n",
                (
                    sentence("no version of {source} can be read", source=catalogue.source),
                    *lines,
                    *([more(others)] if others else ()),
                ),
            ),
            hint=hint(catalogue, named[0][1].hint) if named else "",
        )


def unreadable(
    catalogue: Catalogue, revision: Revision, error: UnreadableSnapshot
) -> UnreadableSnapshot:
    """Return `error` with the name of the revision, and a hint for this catalogue."""
    message = sentence(
        "{path} of {called} cannot be read: {error}",
        path=catalogue.path,
        called=called(revision),
        error=error,
    )
    return type(error)(message, hint=hint(catalogue, error.hint))


def hint(catalogue: Catalogue, known: str) -> str:
    """Return what to do about a document of another shape, if the hint `known` is about one."""
    if known in ("", RECOVER) or catalogue.config is not None:
        return known
    parts = known.values.values() if isinstance(known, Sentence) and known.values else (known,)
    return joined("", (_ASKED if each == WHERE else each for each in parts))


def called(revision: Revision) -> str:
    """Name a revision by its date and short id."""
    return f"{revision.authored_at:%Y-%m-%d} ({short(revision.id)})"


def _versions(problem: _Problem) -> str:
    if problem.number == 1:
        return called(problem.newest)
    number = count(problem.number, "version")
    return sentence(
        "{number}, {called} to {called2}",
        number=number,
        called=called(problem.oldest),
        called2=called(problem.newest),
    )
