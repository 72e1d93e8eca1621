"""Keep the trustworthy, git-backed history of a catalogue and answer questions about it.

The public names are imported when they are first used (PEP 562), so that the command line
starts fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archiver.capture.report import Report
    from archiver.errors import ArchiverError
    from archiver.records.model import ChangeSet
    from archiver.sources import Source
    from archiver.watcher import HuggingFaceWatcher, ModelScopeWatcher, Watcher

__version__ = "0.1.0"
__all__ = [
    "ArchiverError",
    "ChangeSet",
    "HuggingFaceWatcher",
    "ModelScopeWatcher",
    "Report",
    "Source",
    "Watcher",
    "__version__",
]

_HOMES = {
    "ArchiverError": "archiver.errors",
    "ChangeSet": "archiver.records.model",
    "HuggingFaceWatcher": "archiver.watcher",
    "ModelScopeWatcher": "archiver.watcher",
    "Report": "archiver.capture.report",
    "Source": "archiver.sources",
    "Watcher": "archiver.watcher",
}


def __getattr__(name: str) -> Any:
    """Import the public name `name` from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
