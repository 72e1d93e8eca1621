"""The options of `archiver export` that write the whole history for other programs."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from archiver.cli import options, output
from archiver.language import tr
from archiver.records.text import bytes_, count, terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from archiver.history.choice import Choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Datasets:
    """What is to be written of the whole history.

    Attributes:
        sqlite: The SQLite file; None: none.
        parquet: The folder of Parquet files; None: none.
        metadata: The file of Datasette's metadata; None: none.
        columns: Fields that get columns in the SQLite file.
        searched: Fields that its full-text search covers.
    """

    sqlite: Path | None
    parquet: Path | None
    metadata: Path | None
    columns: tuple[str, ...]
    searched: tuple[str, ...]

    @property
    def asked(self) -> bool:
        """Whether something is to be written.

        Raises:
            click.UsageError: An option needs another one.
        """
        if self.sqlite is None and (self.metadata or self.columns or self.searched):
            raise click.UsageError(
                tr("--column, --fts and --metadata describe the file of --sqlite.")
            )
        return bool(self.sqlite or self.parquet)

    def write(self, choice: Choice) -> None:
        """Write the history of the one catalogue that is meant."""
        from archiver.database.sqlite_file import Wanted  # noqa: PLC0415 - not for other exports
        from archiver.history import datasets  # noqa: PLC0415 - likewise

        catalogue = choice.one()
        with output.progress(catalogue.source) as bar:
            if self.sqlite is not None:
                written = datasets.to_sqlite(
                    catalogue,
                    self.sqlite,
                    Wanted(self.columns, self.searched),
                    described=self.metadata,
                    progress=bar,
                )
                size = bytes_(self.sqlite.stat().st_size)
                captures = count(written.rows["captures"], "capture")
                _say(
                    tr(
                        "{source}: {captures}, {size} in {sqlite}",
                        source=catalogue.source,
                        captures=captures,
                        size=size,
                        sqlite=self.sqlite,
                    )
                )
            if self.parquet is not None:
                done = datasets.to_parquet(catalogue, self.parquet, bar)
                if done.rewritten:
                    _say(
                        tr(
                            "note: {parquet} held another history; what differs is written again",
                            parquet=self.parquet,
                        )
                    )
                manifest = done.manifest
                size = bytes_(sum(each.bytes for each in manifest.files))
                files = tr(
                    "{written:,} of {files} written",
                    written=done.written,
                    files=count(len(manifest.files), "file"),
                )
                _say(
                    tr(
                        "{source}: {files}, {size} in {parquet}",
                        source=catalogue.source,
                        files=files,
                        size=size,
                        parquet=self.parquet,
                    )
                )


def _say(words: str) -> None:
    output.note(terminal(words))


def offered(command: Callable[..., Any]) -> Callable[..., Any]:
    """Offer the options; the command receives them as `datasets`."""

    @wraps(command)
    def gathered(**given: Any) -> Any:
        asked = {each.name: given.pop(each.name) for each in fields(Datasets)}
        return command(datasets=Datasets(**asked), **given)

    return options.offer(gathered, *_OPTIONS)


_FILE: Final = click.Path(dir_okay=False, path_type=Path)
_OPTIONS: Final = (
    click.option(
        "--sqlite",
        type=_FILE,
        metavar="FILE",
        help="Write the whole history into an SQLite file, for Datasette and people.",
    ),
    click.option(
        "--column",
        "columns",
        metavar="FIELD",
        multiple=True,
        help="With --sqlite: a column of its own for this field.  Repeatable.",
    ),
    click.option(
        "--fts",
        "searched",
        metavar="FIELD",
        multiple=True,
        help="With --sqlite: full-text search in this field.  Repeatable.",
    ),
    click.option(
        "--metadata",
        type=_FILE,
        metavar="FILE",
        help="With --sqlite: write Datasette's metadata.yaml, too.",
    ),
    click.option(
        "--parquet",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Write the whole history, or what is new in it, as Parquet files below DIR.",
    ),
)
