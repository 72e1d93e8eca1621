"""What git gives an external diff: two files, and what is known of them."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from archiver import config as configuration
from archiver.driver.document import plain
from archiver.errors import ConfigError
from archiver.history.catalogue import anywhere, policy_of
from archiver.history.foreign import shape_of
from archiver.language import sentence
from archiver.records.text import terminal
from archiver.store.plumbing import Plumbing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Self

    from archiver.history.catalogue import Catalogue

_NO_MODE = "."


@dataclass(frozen=True, slots=True)
class Files:
    """Two versions of a file, as git describes them (gitdiff: ``GIT_EXTERNAL_DIFF``).

    Attributes:
        path: Its path from the top of the work tree, as it was.
        old: The file that holds it as it was; None: there was none.
        new: The file that holds it as it is; None: there is none.
        modes: Its modes, as it was and as it is.
        renamed: What it is called now, and git's words about that; empty: as before.
    """

    path: str
    old: Path | None
    new: Path | None
    modes: tuple[str, str]
    renamed: tuple[str, ...] = ()

    @classmethod
    def of(cls, arguments: Sequence[str]) -> Self:
        """Read git's arguments.

        Raises:
            ConfigError: They are not git's.
        """
        try:
            path, old, _, old_mode, new, _, new_mode, *renamed = arguments
        except ValueError:
            raise ConfigError(
                sentence("--compare is for git, which gives it seven arguments")
            ) from None
        return cls(path, _file(old), _file(new), (old_mode, new_mode), tuple(renamed))

    def head(self) -> Iterator[str]:
        """Yield the lines that name the file, and what happened to it besides its content."""
        now = self.renamed[0] if self.renamed else self.path
        yield f"diff --archiver a/{terminal(self.path)} b/{terminal(now)}\n"
        old, new = self.modes
        if old == _NO_MODE:
            yield f"new file mode {terminal(new)}\n"
        elif new == _NO_MODE:
            yield f"deleted file mode {terminal(old)}\n"
        elif old != new:
            yield f"old mode {terminal(old)}\nnew mode {terminal(new)}\n"
        for line in "".join(self.renamed[1:]).splitlines():
            yield f"{terminal(line)}\n"

    def catalogue(
        self,
        environ: Mapping[str, str],
        records: str | None,
        key: tuple[str, ...],
        excluded: tuple[str, ...],
    ) -> Catalogue:
        """Return the catalogue that it is: the source of archiver.toml, or what is described.

        Args:
            environ: The environment, for ``ARCHIVER_*``.
            records: Path of the records of a document.
            key: Fields of their key.
            excluded: Members on that path that are no records.
        """
        found = anywhere(None, self.path, records=records, key=key, excluded=excluded)
        here = Path()
        if records or key or excluded or configuration.locate(here, environ) is None:
            return found
        with suppress(ConfigError):
            config = configuration.discover(here, environ)
            for source in config.sources.values():
                folder = config.root / config.folder(source.name)
                if folder.resolve() in (here / self.path).resolve().parents:
                    return replace(
                        found,
                        source=source.name,
                        policy=policy_of(source),
                        shape=shape_of(source),
                        noun=source.called,
                    )
        return found

    def text(self) -> Iterator[str]:
        """Yield git's own diff of the two, from its first hunk on, made safe."""
        ends = [
            os.devnull if each is None else str(each.absolute()) for each in (self.old, self.new)
        ]
        options = ("--no-index", "--no-ext-diff", "--no-textconv", "--no-color")
        out = Plumbing(Path.cwd()).ask("diff", *options, "--", *ends).out
        start = out.find(b"\n@@") + 1
        if start:
            yield from (line.decode() for line in plain(out[start:]))
        elif b"\nBinary files" in out:
            yield "Binary files differ\n"


def _file(name: str) -> Path | None:
    return None if name == os.devnull else Path(name)
