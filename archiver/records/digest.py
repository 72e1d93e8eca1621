"""The records digest: two snapshots with the same one hold the same records."""

from __future__ import annotations

import hashlib
from itertools import islice
from typing import TYPE_CHECKING

from archiver.records import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archiver.records.policy import Policy

_BATCH = 4096  # lines


def records_digest(lines: Iterable[bytes], policy: Policy) -> str:
    """Return the SHA-256 in hex over the lines, in their order, without separators.

    Volatile fields are removed first, so that they never make a difference.
    """
    digest = hashlib.sha256()
    steady = iter(lines) if not policy.volatile else (_steady(line, policy) for line in lines)
    while batch := list(islice(steady, _BATCH)):
        digest.update(b"".join(batch))
    return digest.hexdigest()


def _steady(line: bytes, policy: Policy) -> bytes:
    record = canonical.decode_with_key(line)
    first, key = next(iter(record.items()))
    kept = {
        name: policy.without_volatile(name, value)
        for name, value in record.items()
        if name == first or policy.presence(name) != "same"
    }
    return canonical.encode_as(key, kept, (first,)).data
