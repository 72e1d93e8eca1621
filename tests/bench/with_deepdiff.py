"""What one would write without this project: compare two commits with DeepDiff, by id."""

# ruff: noqa: T201 - printing is what this program is for

from __future__ import annotations

import json
import subprocess
import sys

from deepdiff import DeepDiff


def catalogue(revision: str, path: str) -> dict[str, dict[str, object]]:
    """Return the records of a revision by their id."""
    text = subprocess.check_output(["git", "cat-file", "blob", f"{revision}:{path}"])
    return {record["id"]: record for record in json.loads(text)["models"]}


if __name__ == "__main__":
    path = sys.argv[1]
    found = DeepDiff(catalogue("HEAD~1", path), catalogue("HEAD", path))
    for kind, places in found.items():
        print(kind, len(places))
