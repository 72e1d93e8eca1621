"""Read the tables: how many records had each value of a field at a capture."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import sqlite3

_NAME: Final = re.compile(r"\w+", re.ASCII)
_COUNTS: Final = """SELECT json_extract(record, :path) AS value, count(*) FROM record_rows
WHERE valid_from <= :capture AND (valid_to IS NULL OR valid_to > :capture)
    AND json_type(record, :path) IN ('text', 'true', 'false', 'null')
GROUP BY value"""


def counts(connection: sqlite3.Connection, field: str, capture: int) -> dict[str, int]:
    """Return the number of records by a field's value, as text, at a capture.

    Empty where the name of the field is more than letters, digits and underscores.
    """
    if not _NAME.fullmatch(field):
        return {}
    given = {"path": f"$.{field}", "capture": capture}
    return {str(value): number for value, number in connection.execute(_COUNTS, given)}
