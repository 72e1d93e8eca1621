"""What a run says of itself: to the caller, in the commit message, on the state ref."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from archiver import __version__
from archiver.errors import RenderError
from archiver.records import canonical
from archiver.records.text import RECORD, Noun
from archiver.render.commit_message import message

if TYPE_CHECKING:
    from pathlib import Path

    from archiver.records.model import End, RecordChange, Summary
    from archiver.sources import Proof

DIGEST = "Archiver-Records-Digest"
"""The trailer that holds the records digest."""

PROOF = "Archiver-Proof"
"""The trailer that says why the listing is whole; a capture has one, an import has none."""

Outcome: TypeAlias = Literal["first", "changed", "unchanged"]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a run did.

    Attributes:
        source: Name of the source.
        outcome: Whether there was a first snapshot, a changed one, or nothing new.
        revision: Full id of the new commit; None: nothing was committed.
        snapshot: Name of the stamped file; None: nothing was committed.
        old: The end that was compared with.
        new: The listing.
        summary: What changed.
        noun: What the records are called.
        changes: The first changes of each kind of news, for showing.
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
    notes: tuple[str, ...] = ()


class Misrendered(RenderError):
    """The user's template is wrong; the capture is committed with the built-in one.

    Attributes:
        report: What was committed.
    """

    def __init__(self, trouble: RenderError, report: Report) -> None:
        """Keep what went wrong and what was committed."""
        safe = f"the capture is safe: {report.revision} was written with the built-in template"
        super().__init__(str(trouble), hint=safe)
        self.report = report


def commit_message(
    report: Report, proof: str, digest: str, *, folder: Path | None
) -> tuple[str, RenderError | None]:
    """Return the message of the commit, and what was wrong with the user's template.

    A template that cannot be rendered never costs a capture: the built-in one takes its place.

    Args:
        report: What is committed.
        proof: Why the listing is whole; empty: it is imported. Then the program's version is
            left out too, so that importing the same again gives equal commits.
        digest: The records digest.
        folder: The user's templates.
    """
    try:
        return _rendered(report, proof, digest, folder), None
    except RenderError as error:
        if folder is None:
            raise
        return _rendered(report, proof, digest, None), error


def _rendered(report: Report, proof: str, digest: str, folder: Path | None) -> str:
    return message(
        source=report.source,
        total=report.new.total,
        summary=report.summary,
        trailers=_trailers(report, proof, digest),
        changes=report.changes,
        first=report.outcome == "first",
        noun=report.noun,
        folder=folder,
    )


def _trailers(report: Report, proof: str, digest: str) -> dict[str, str]:
    values: dict[str, object] = {
        "Source": report.source,
        "Format": canonical.FORMAT,
        "Total": report.new.total,
        "New": report.summary.new,
        "Updated": report.summary.updated,
        "Removed": report.summary.removed,
        "Metrics": report.summary.metrics,
        "Records-Digest": digest,
    }
    if proof:
        values |= {"Proof": proof, "Version": __version__}
    return {f"Archiver-{name}": str(value) for name, value in values.items()}


def proven(proof: Proof) -> str:
    """Return the value of the trailer that says why a listing is whole."""
    numbers = ("pages", "announced", "received", "duplicates", "bad")
    known = ((name, getattr(proof, name)) for name in numbers)
    counted = (f"{name}={number}" for name, number in known if number is not None)
    return "; ".join((proof.kind, *counted, f"end={proof.end}"))
