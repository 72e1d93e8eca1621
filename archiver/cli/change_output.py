"""The options that say how changes are shown, and the showing itself."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial, wraps
from heapq import merge
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import click

from archiver.changes.breakdown import Breakdown
from archiver.changes.fields import FieldCounts
from archiver.changes.renames import Renames
from archiver.changes.severity import scale, severity_of
from archiver.cli import breakdown_output, options, output
from archiver.clock import now
from archiver.config import process_environment
from archiver.history import queries, revisions
from archiver.history.choice import answering
from archiver.history.squashes import squashes
from archiver.history.versions import EMPTY, stamp
from archiver.language import tr
from archiver.records.field_names import FieldNames
from archiver.records.field_path import whole
from archiver.records.query import Where, every
from archiver.records.text import count, few, more, terminal
from archiver.render import wording
from archiver.render.changes import show, show_together
from archiver.render.console import COLOURS
from archiver.render.view import FOR_PEOPLE, ChangeStream, View

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence
    from datetime import datetime
    from typing import TextIO

    from archiver.history.catalogue import Catalogue
    from archiver.history.choice import Choice
    from archiver.history.comparison import Comparison
    from archiver.records.model import Kind, RecordChange, Severity, Summary
    from archiver.records.query import Predicate
    from archiver.render.view import Form

Command: TypeAlias = Callable[..., Any]
Compared: TypeAlias = "tuple[Catalogue, Comparison]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How changes are shown.

    Attributes:
        form: The format.
        output_path: The file to write; None: standard output.
        limit: Show at most this many changes; None: all.
        stat: Only the counts.
        name_only: Only kinds and keys.
        metrics: Changed metrics are listed as news is; naming fields implies it.
        conditions: What the records fulfil.
        fields: Names of the fields that are looked at; empty: all.
        fail_on: How bad a change is that the command fails for; None: none is.
        template: The template of a page; None: by its name.
        dated: Rows of CSV name the capture time: there is one change set after the other.
        everything: What happened to most records is listed for each of them.
    """

    form: Form
    output_path: Path | None = None
    limit: int | None = None
    stat: bool = False
    name_only: bool = False
    metrics: bool = False
    conditions: tuple[Predicate, ...] = ()
    fields: frozenset[str] = frozenset()
    fail_on: Severity | None = None
    template: Path | None = None
    dated: bool = False
    everything: bool = False

    def write(
        self, answers: Sequence[Iterator[Compared]], out: TextIO, *, metrics: Iterable[str] = ()
    ) -> Seen:
        """Write the comparisons of `answers` by time, newest first; notes go to standard error.

        Args:
            answers: The comparisons of each catalogue, newest first.
            out: Where to.
            metrics: Names of metrics that the command line gives.

        Raises:
            UsageError: A template of the user's own renders one source, and there are several.
            ConfigError: No record has a field that `conditions`, `fields` or `metrics` name.
        """
        names = self._names(metrics)
        seen = Seen()
        with output.held(out, names) as held:
            self._write(answers, held, names, seen)
        return seen

    def write_by(
        self,
        answers: Sequence[Iterator[Compared]],
        path: str,
        out: TextIO,
        *,
        metrics: Iterable[str] = (),
    ) -> None:
        """Write the counts of `answers` by the value of a field; otherwise as `write` does."""
        several, names = len(answers) > 1, self._names(metrics, path)
        found = []
        with output.held(out, names) as held:
            for catalogue, comparison in merge(*answers, key=_taken, reverse=True):
                narrowed = self._narrowed(comparison, catalogue, names, named=several)
                by = Breakdown(path)
                narrowed.tally(by)
                found.append((catalogue, narrowed, by))
                narrowed.look_for_names()
            breakdown_output.changes(found, self.form, held, limit=self.limit)

    def _names(self, metrics: Iterable[str], *more: str) -> FieldNames:
        paths = [each.field for each in self.conditions if isinstance(each, Where)]
        return FieldNames.asked(fields=self.fields, paths=[*paths, *more], patterns=metrics)

    def _write(
        self, answers: Sequence[Iterator[Compared]], out: TextIO, names: FieldNames, seen: Seen
    ) -> None:
        several = len(answers) > 1
        found = merge(*answers, key=_taken, reverse=True)
        if several and self.form == "html":
            self._write_page(found, out, names, seen)
            return
        before = "["
        for catalogue, comparison in found:
            if several and self.form == "json":
                out.write(before)
            narrowed = self._narrowed(comparison, catalogue, names, named=several)
            stream = self._stream(narrowed, catalogue, seen)
            view = self._view(catalogue, out)
            left_out = show(stream, replace(view, named=several, headed=before == "["), out)
            if left_out and self.form in ("csv", "csv-raw"):
                output.note(more(left_out))
            narrowed.look_for_names()
            seen.different |= self._is_different(stream.summary())
            before = ","
        if several and self.form == "json":
            out.write("]\n" if before == "," else "[]\n")

    def _write_page(
        self, found: Iterable[Compared], out: TextIO, names: FieldNames, seen: Seen
    ) -> None:
        """Write one page about several sources."""

        def streams() -> Iterator[tuple[ChangeStream, View]]:
            for catalogue, comparison in found:
                narrowed = self._narrowed(comparison, catalogue, names, named=True)
                stream, view = self._stream(narrowed, catalogue, seen), self._view(catalogue, out)
                if self.template or (view.folder and (view.folder / "changes.html.j2").exists()):
                    raise click.UsageError(
                        tr("A template of your own renders one source: name it with --source.")
                    )
                yield stream, view
                seen.different |= self._is_different(stream.summary())
                narrowed.look_for_names()

        show_together(streams(), out)

    def _is_different(self, summary: Summary) -> bool:
        return bool(summary.news or (self.metrics and summary.metrics))

    def _narrowed(
        self, compared: Comparison, catalogue: Catalogue, names: FieldNames, *, named: bool
    ) -> Comparison:
        """Return what is looked at of a comparison; its notes go to standard error."""
        for note in compared.notes:
            output.noted(note, about=catalogue.source if named else "")
        if self.fields:
            fields = terminal(few(sorted(self.fields)))
            output.noted(
                tr("only changes of {fields} are shown, not what is new or gone", fields=fields)
            )
        chosen = every(self.conditions) if self.conditions else None
        return compared.narrowed(chosen, self.fields, names)

    def _stream(self, found: Comparison, catalogue: Catalogue, seen: Seen) -> ChangeStream:
        counted = self.stat and self.fail_on is None
        if counted:
            found.tally()
        old, current = found.ends
        folded: Counter[Kind] = Counter()
        looks_at_all = found.chosen is None and not found.fields
        if looks_at_all and not self.stat and found.old is not EMPTY:
            found.renames = Renames(found.policy)
        return ChangeStream(
            noun=catalogue.noun,
            source=found.source,
            old=old,
            current=current,
            changes=() if counted else self._listed(seen.weighed(found)),
            summary=lambda: found.summary,
            fold=partial(found.folded, counts=folded) if self.form in FOR_PEOPLE else iter,
            folded=folded,
            fields=FieldCounts(scale(found.policy), old.total) if looks_at_all else None,
            renames=found.renames,
        )

    def _listed(self, changes: Iterator[RecordChange]) -> Iterator[RecordChange]:
        """Yield what is listed: for people, metrics are only counted unless asked for."""
        if self.metrics or self.form not in FOR_PEOPLE:
            return changes
        return (change for change in changes if change.kind != "metrics")

    def _view(self, catalogue: Catalogue, out: TextIO) -> View:
        return View(
            form=self.form,
            limit=self.limit,
            stat=self.stat,
            name_only=self.name_only,
            style=COLOURS if output.coloured(out, process_environment()) else {},
            folder=catalogue.config.template_folder if catalogue.config else None,
            template=self.template,
            link=self._link(catalogue),
            dated=self.dated,
            whole=self.everything,
            metrics=self.metrics,
        )

    def _link(self, catalogue: Catalogue) -> Callable[[str], str]:
        """Return what gives the address of a record's page; only pages link to it."""
        if self.form not in ("markdown", "html"):
            return lambda _: ""
        from archiver.history.changelog import links  # noqa: PLC0415 - 25 ms, for pages only

        return links(catalogue)


class Seen:
    """What a command that shows changes has seen.

    Attributes:
        different: Whether there is anything that ``--exit-code`` reports.
        severities: How many changes there were of each severity.
    """

    def __init__(self) -> None:
        """Nothing has been seen yet."""
        self.different = False
        self.severities: Counter[Severity] = Counter()

    def weighed(self, found: Comparison) -> Iterator[RecordChange]:
        """Yield the changes of a comparison with their severities, and count those."""
        weights, counts = scale(found.policy), self.severities
        for change in map(weights.weighed, found.changes()):
            counts[severity_of(change)] += 1
            yield change


def changes(command: Command) -> Command:
    """Offer what says how changes are shown; the command receives it as `look`."""

    @wraps(command)
    def gathered(
        *,
        form: Form,
        output_path: Path | None,
        limit: int | None,
        stat: bool,
        name_only: bool,
        with_metrics: bool,
        everything: bool,
        conditions: tuple[Where, ...],
        fields: tuple[str, ...],
        fail_on: Severity | None,
        template: Path | None,
        **rest: Any,
    ) -> Any:
        if stat and name_only:
            raise click.UsageError(tr("--stat and --name-only exclude each other."))
        if template is not None and form not in ("markdown", "html"):
            raise click.UsageError(tr("--template renders a page: -f markdown or -f html."))
        look = Look(
            form=form,
            output_path=output_path,
            limit=limit,
            stat=stat,
            name_only=name_only,
            metrics=with_metrics or bool(fields),
            conditions=conditions,
            fields=frozenset(map(whole, fields)),
            fail_on=fail_on,
            template=template,
            everything=everything,
        )
        return command(look=look, **rest)

    return options.offer(gathered, *_CHANGES)


_CHANGES: Final = (
    click.option("--stat", is_flag=True, help="Only the counts; the fastest answer."),
    click.option("--name-only", is_flag=True, help="Only what happened, and the keys."),
    click.option(
        "--metrics",
        "with_metrics",
        is_flag=True,
        help="List changed metrics too (they are no news); JSON and CSV always do.",
    ),
    click.option(
        "--all",
        "everything",
        is_flag=True,
        help="List what happened to most records, too; JSON and CSV always do.",
    ),
    click.option(
        "--field",
        "fields",
        metavar="FIELD",
        multiple=True,
        help="Only changes of this field.  Repeatable.",
    ),
    options.fail_on(),
    options.template,
    options.where,
    options.limit(),
    options.output_format(),
    options.output,
)


def compared(choice: Choice, first: str | None, second: str | None) -> list[Iterator[Compared]]:
    """Return the comparison of what ``[A] [B]`` or ``A..B`` names, for each catalogue.

    A plain file beside a version is compared with the one source that is meant.

    Raises:
        UnknownRevision: A file is absent, and nothing else could have its name.
    """
    old, new = revisions.ends(first, second)
    if choice.knows_only_files():
        old, new = revisions.as_file(old), revisions.as_file(new)
        named = [each for each in (old, new) if each]
        some = any(map(revisions.is_file, named))
        missing = [
            each
            for each in named
            if not revisions.is_file(each) and (some or revisions.is_missing_file(each))
        ]
        if missing:
            raise revisions.no_file(missing)
    files = [revisions.is_file(each or "") for each in (old, new)]
    if all(files):
        catalogues = [choice.plain(Path(new or "").name, Path(new or ""), Path(old or ""))]
    else:
        catalogues = [choice.one()] if any(files) else choice.each()

    def answer(catalogue: Catalogue) -> Iterator[Compared]:
        with queries.compare(catalogue, old, new, now=now()) as found:
            yield catalogue, found

    return answering(map(answer, catalogues), left_out=output.note_left_out)


def since(
    choice: Choice, start: datetime, *, at: str | None = None, steps: bool = False
) -> list[Iterator[Compared]]:
    """Return the net change since a time, for each catalogue.

    Args:
        choice: The catalogues.
        start: The time, UTC.
        at: What names the revision at which it ends; None: the newest.
        steps: One comparison a revision instead, newest first.
    """

    def answer(catalogue: Catalogue) -> Iterator[Compared]:
        end = revisions.tip(catalogue, at, now())
        if steps:
            for found in queries.steps(catalogue, start, tip=end):
                yield catalogue, found
            return
        with queries.changes_since(catalogue, start, tip=end) as found:
            yield catalogue, found

    return answering(map(answer, choice.each()), left_out=output.note_left_out)


def _taken(answer: Compared) -> str:
    return answer[1].new.end.timestamp or ""


def note_beginning(catalogue: Catalogue, revision: str) -> None:
    """Write where to read on if the file was moved to where its history begins, or is now.

    A move that changed the file, too, is not followed; what the path held before is another
    catalogue.

    Args:
        catalogue: The catalogue.
        revision: Full id of its first revision.
    """
    repository = catalogue.required()
    tip = repository.tip(catalogue.ref) or revision
    for path in catalogue.places(tip):
        if (old := repository.moved_from(revision, path)) is not None:
            here = wording.short(revision)
            words = tr(
                "{path} was moved here from {old} in {revision}; what was before",
                path=path,
                old=old,
                revision=here,
            )
            _note_earlier(words, old, f"{here}^")
            break
    if (other := catalogue.namesake(tip)) is not None:
        words = tr(
            "until {authored_at} UTC another source was at {path}",
            authored_at=stamp(other.authored_at),
            path=other.path,
        )
        _note_earlier(words, other.path, wording.short(other.id))


def _note_earlier(words: str, path: str, revision: str) -> None:
    command = f"archiver log --file {shlex.quote(path)} --at {revision}"
    output.noted(tr("{words}: {command}", words=words, command=command))


def note_squashes(catalogue: Catalogue, shown: Container[str]) -> None:
    """Write which of the revisions that were `shown` hold more captures than one."""
    for squash in squashes(catalogue):
        if squash.revision in shown:
            captures = count(squash.captures, "capture")
            commit = wording.short(squash.revision)
            words = tr(
                "{captures} stand in one commit, {commit} (squashed or copied)",
                captures=captures,
                commit=commit,
            )
            other = next(name for name, blob in squash.files.items() if blob != squash.latest)
            how = f"archiver compare {shlex.quote(other.removesuffix('.json'))}"
            output.note(
                terminal(
                    tr(
                        "note: {words}; read each by its stamped file, as: {how}",
                        words=words,
                        how=how,
                    )
                )
            )
