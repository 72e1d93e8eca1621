"""The files of one source in a site."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archiver.site.data import script

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from archiver.records.model import Json
    from archiver.site.folder import Draft


@dataclass(frozen=True)
class Shelf:
    """Writes and keeps files of one source.

    Attributes:
        draft: The site in the making.
        folder: Folder of the source in it.
        render: Fills in a template: its name, the path of the page, and what the template names.
        known: Number of captures of the published site whose files can be kept; 0: none can.
    """

    draft: Draft
    folder: str
    render: Callable[[str, str, Mapping[str, Any]], str]
    known: int

    def page(self, template: str, path: str, context: Mapping[str, Any]) -> None:
        """Write a page, at a path below the folder of the source."""
        path = f"{self.folder}/{path}"
        self.draft.write(path, self.render(template, path, context))

    def data(self, name: str, value: Json) -> None:
        """Write a data file for scripts."""
        self.draft.write(f"{self.folder}/data/{name}.js", script(name, value))

    def file(self, path: str, content: str | bytes) -> None:
        """Write another file."""
        self.draft.write(f"{self.folder}/{path}", content)

    def keep(self, path: str) -> bool:
        """Keep a file of the published site; return whether there is one that can be kept."""
        return self.known > 0 and self.draft.keep(f"{self.folder}/{path}")

    def keep_data(self, name: str) -> bool:
        """Keep a data file; return whether there is one that can be kept."""
        return self.keep(f"data/{name}.js")
