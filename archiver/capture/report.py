"""Report a run: to the caller, and in the commit message."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from archiver import __version__
from archiver.errors import RenderError, StoreError, reason
from archiver.history.catalogue import DIGEST
from archiver.history.snapshots import name_of
from archiver.language import sentence
from archiver.records import canonical
from archiver.records.jsontext import UNREADABLE, plain
from archiver.records.model import FieldSummary, Severities, Summary, row
from archiver.records.representation import short, table
from archiver.records.text import RECORD, Noun
from archiver.render import wording
from archiver.render.commit_message import message
from archiver.render.section import section
from archiver.sources import Proof

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from archiver.config import SourceConfig
    from archiver.records.model import End, RecordChange, Severity
    from archiver.store.history import Revision

SOURCE = "Archiver-Source"
"""The trailer that names the source."""


PROOF = "Archiver-Proof"
"""The trailer that says why the listing is complete; a capture has one, an import has none."""

UNLISTED = "Archiver-Unlisted"
"""The trailer with the number of records that the listing did not name."""

_COUNTS = ("pages", "announced", "received", "duplicates", "bad")

Outcome: TypeAlias = Literal["first", "changed", "unchanged"]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a run did.

    Attributes:
        source: Name of the source.
        outcome: Whether it took a first snapshot, a changed one, or none.
        revision: Full id of the new commit; None: nothing was committed.
        snapshot: Name of the stamped file; None: nothing was committed.
        old: The baseline.
        new: The snapshot of the listing.
        summary: What changed.
        noun: What the records are called.
        changes: The first changes of each kind of news and severity, the worst first.
        severities: How many changes there are of each kind and severity.
        fields: What happened to most records; it is left out of `changes`.
        told: How many updated records `fields` tells alone.
        notes: What the person should know.
    """

    source: str
    outcome: Outcome
    revision: str | None = None
    snapshot: str | None = None
    old: End
    new: End
    summary: Summary
    noun: Noun = RECORD
    changes: tuple[RecordChange, ...] = ()
    severities: Severities = {}
    fields: tuple[FieldSummary, ...] = ()
    told: int = 0
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Keep the notes in English, as all that programs read."""
        msgspec.structs.force_setattr(self, "notes", tuple(map(str, self.notes)))

    def __repr__(self) -> str:
        return short(self, "source", "outcome", "summary", "revision", "changes", "notes")

    @property
    def weights(self) -> Counter[Severity]:
        """How many changes there are of each severity; the first snapshot changes nothing."""
        counts: Counter[Severity] = Counter()
        for each in self.severities.values() if self.outcome != "first" else ():
            counts.update(each)
        return counts

    def to_dict(self) -> dict[str, Any]:
        """Return its members as plain values, for `json.dumps`; `changes` are only the first."""
        members: dict[str, Any] = msgspec.to_builtins(self)
        return members

    def _repr_html_(self) -> str:
        """Return the first changes as a table, for a notebook."""
        first = self.outcome == "first"
        counts = wording.headline(self.summary, self.new.total, first=first, noun=self.noun)
        rows = (row(each.kind, wording.public(each)) for each in self.changes)
        total = 0 if first else self.summary.news
        return table(f"{self.source}: {self.outcome}: {counts}", rows, total)


def unchanged(source: SourceConfig, end: End, *notes: str) -> Report:
    """Return the report of a run that found nothing to compare with the snapshot `end`."""
    nothing = Summary(unchanged=end.total)
    return Report(
        source=source.name,
        noun=source.called,
        outcome="unchanged",
        old=end,
        new=end,
        summary=nothing,
        notes=notes,
    )


class Misrendered(RenderError):
    """The user's template is wrong; the capture is committed with the built-in one.

    Attributes:
        report: What was committed.
    """

    def __init__(self, trouble: RenderError, report: Report) -> None:
        """Wrap the error of the template."""
        safe = sentence(
            "the capture is safe: {revision} was written with the built-in template",
            revision=report.revision,
        )
        super().__init__(reason(trouble), hint=safe)
        self.report = report


def section_of(report: Report, name: str, link: Callable[[str], str]) -> dict[str, Any]:
    """Return what templates receive of a run.

    Args:
        report: What it did.
        name: Name of the stamped file; empty: nothing was committed.
        link: Returns the address of a record's page; empty: it has none.
    """
    return section(
        noun=report.noun,
        source=report.source,
        old=report.old,
        new=report.new,
        summary=report.summary,
        changes=report.changes,
        severities=report.severities,
        fields=report.fields,
        told=report.told,
        snapshots=(name_of(report.source, report.old), name),
        link=link,
        first=report.outcome == "first",
    )


def commit_message(
    report: Report,
    proof: Proof | None,
    digest: str,
    *,
    folder: Path | None,
    unlisted: int | None = None,
) -> tuple[str, RenderError | None]:
    """Return the message of the commit, and what is wrong with the user's template.

    A template that cannot be rendered never costs a capture: the built-in one replaces it.

    Args:
        report: What is committed.
        proof: Why the listing is complete; None: it is imported. Then the program's version is
            left out too, so that importing the same again gives equal commits.
        digest: The records digest.
        folder: The user's templates.
        unlisted: Number of records that the listing did not name; None: unknown.
    """
    trailers = _trailers(report, proof, digest, unlisted)
    try:
        return _rendered(report, trailers, folder), None
    except RenderError as error:
        if folder is None:
            raise
        return _rendered(report, trailers, None), error


def _rendered(report: Report, trailers: Mapping[str, str], folder: Path | None) -> str:
    return message(
        source=report.source,
        total=report.new.total,
        summary=report.summary,
        trailers=trailers,
        changes=report.changes,
        severities=report.severities,
        fields=report.fields,
        told=report.told,
        first=report.outcome == "first",
        noun=report.noun,
        folder=folder,
    )


def _trailers(
    report: Report, proof: Proof | None, digest: str, unlisted: int | None
) -> dict[str, str]:
    values: dict[str, object] = {
        SOURCE: report.source,
        "Archiver-Format": canonical.FORMAT,
        "Archiver-Total": report.new.total,
        "Archiver-New": report.summary.new,
        "Archiver-Updated": report.summary.updated,
        "Archiver-Removed": report.summary.removed,
        "Archiver-Metrics": report.summary.metrics,
        DIGEST: digest,
    }
    if proof is not None:
        values[PROOF] = write_proof(proof)
        values |= {} if unlisted is None else {UNLISTED: unlisted}
        values["Archiver-Version"] = __version__
    return {name: str(value) for name, value in values.items()}


def is_imported(revision: Revision) -> bool:
    """Tell whether a snapshot was imported: it says what it holds, and no listing proves it."""
    return DIGEST in revision.trailers and PROOF not in revision.trailers


def write_proof(proof: Proof) -> str:
    """Return the value of the trailer that says why a listing is complete."""
    known = ((name, getattr(proof, name)) for name in _COUNTS)
    counted = (f"{name}={number}" for name, number in known if number is not None)
    return "; ".join((proof.kind, *counted, f"end={proof.end}"))


def read_proof(trailer: str) -> Proof:
    """Return the proof that `write_proof` wrote.

    Raises:
        StoreError: It did not.
    """
    front, _, end = trailer.partition("; end=")
    kind, *counts = front.split("; ")
    pairs = (each.partition("=") for each in counts)
    members = dict.fromkeys(_COUNTS, 0) | {"announced": None} | {name: n for name, _, n in pairs}
    try:
        return msgspec.convert({**members, "kind": kind, "end": end}, Proof, strict=False)
    except UNREADABLE as error:
        raise StoreError(
            sentence("{proof} cannot be read: {plain}", proof=PROOF, plain=plain(error))
        ) from error
