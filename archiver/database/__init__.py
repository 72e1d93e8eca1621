"""The history of a catalogue as an SQLite database: derived from git, disposable, incremental.

It holds what every version changed, so that a question about years costs as much as one about
yesterday. git stays the ledger: whatever is found out to be damaged or of another history is not
used, and is built again. The schema is described in ``docs/database.md``.
"""

from __future__ import annotations
