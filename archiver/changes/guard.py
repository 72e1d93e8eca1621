"""Is this listing believable? Not empty, not suddenly smaller."""

from __future__ import annotations

from archiver.errors import SnapshotRejected

ACCEPT = "`archiver run --accept` takes it as it is"
"""What a person can do who finds a refused listing believable."""


def refuse_unbelievable(
    *, before: int | None, after: int, vanished: int, max_shrink: float
) -> None:
    """Refuse a listing that looks like a fault of the source.

    Args:
        before: Number of records of the last snapshot; None for the first capture.
        after: Number of records of this listing.
        vanished: Number of keys of the last snapshot that this listing lacks.
        max_shrink: Largest believable share of vanished records, 0 to 1.

    Raises:
        SnapshotRejected: It is empty, or too many records vanished.
    """
    if after == 0 and before != 0:
        lost = "" if before is None else f": all {before:,} records are gone"
        raise SnapshotRejected(f"the listing is empty{lost}", hint=ACCEPT)
    if before and vanished > max_shrink * before:
        raise SnapshotRejected(
            f"{vanished:,} of {before:,} records vanished at once, "
            f"more than the {max_shrink:.0%} that are believable",
            hint=ACCEPT,
        )
