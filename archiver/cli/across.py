"""The command that shows several sources as one picture: across."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import click

from archiver.cli import across_output, completion, log_output, options, output
from archiver.clock import now
from archiver.config import process_environment
from archiver.history.across import Question, picture
from archiver.history.across import across as across_sources
from archiver.history.across_loading import Meaning
from archiver.history.choice import Choice
from archiver.history.places import Wanted
from archiver.language import tr
from archiver.records import query
from archiver.records.field_names import FieldNames

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import TextIO

    from archiver.config import Config
    from archiver.history.catalogue import Catalogue
    from archiver.history.places import Across
    from archiver.records.query import Where
    from archiver.render.view import Form


@click.command(
    epilog=options.examples(
        "archiver across",
        "archiver across Qwen/Qwen2.5-7B-Instruct",
        "archiver across --gone --where downloads '>' 10000",
        "archiver across --differs license -f csv -o licences.csv",
    )
)
@click.argument("record", metavar="[KEY]", required=False, shell_complete=completion.keys)
@click.option("--gone", is_flag=True, help="Those removed from one source and still in another.")
@click.option(
    "--differs",
    is_flag=False,
    flag_value="",
    default=None,
    metavar="[FIELD]",
    help="Those that differ in FIELD, or in any that is compared.",
)
@click.option(
    "--only",
    default="",
    metavar="SOURCE",
    shell_complete=completion.sources,
    help="Those that are in this source alone.",
)
@options.where
@options.at
@options.limit()
@click.option(
    "--exit-code", is_flag=True, help="End with 1 if a record shown differs, or is gone somewhere."
)
@options.output_format()
@options.output
@options.repo
@options.source
@click.pass_context
def across(
    context: click.Context,
    *,
    record: str | None,
    gone: bool,
    differs: str | None,
    only: str,
    conditions: tuple[Where, ...],
    at: str | None,
    limit: int | None,
    exit_code: bool,
    form: Form,
    output_path: Path | None,
    repo: Path,
    sources: tuple[str, ...],
) -> None:
    """Show where a record is in several sources, where it differs, and where it is gone.

    KEY is its key in any source, or source:key. Without KEY it is the overview of all sources: how
    many records they share, and what was removed from one and is still in another. The table
    [alias] of archiver.toml says what is called differently, and what is compared.
    """
    wanted = Wanted(gone, differs, only)
    choice = Choice(repo, process_environment(), sources)
    question = _question(choice.each(), at)
    if record is not None:
        if wanted or conditions or limit is not None:
            raise click.UsageError(tr("KEY names one record; the other options choose from all."))
        found, origins = across_sources(question, record)
        across_output.note_windows(origins)
        with output.destination(output_path) as out:
            across_output.one(found, form, out)
        different = found.is_different
    else:
        _refuse_unknown(question, wanted)
        with output.destination(output_path) as out:
            different = _write_all(question, wanted, conditions, limit, (form, out))
    if exit_code and different:
        context.exit(1)


def _question(catalogues: list[Catalogue], at: str | None) -> Question:
    return Question(catalogues, Meaning.of(_config(catalogues)), at, now(), output.note_left_out)


def _config(catalogues: Sequence[Catalogue]) -> Config:
    config = catalogues[0].config
    assert config is not None  # noqa: S101 - they are sources of archiver.toml
    return config


def _refuse_unknown(question: Question, wanted: Wanted) -> None:
    """Refuse the name of a field that is not compared, or of a source that is not read."""
    if wanted.only and wanted.only not in question.sources:
        raise click.UsageError(
            tr("--only {name}: the sources are {known}", name=wanted.only, known=_few(question))
        )
    fields = question.meaning.likenesses.names
    if wanted.differs and wanted.differs not in fields:
        raise click.UsageError(
            tr(
                "--differs {name}: compared are {known}; [alias] fields names more",
                name=wanted.differs,
                known=", ".join(fields),
            )
        )


def _few(question: Question) -> str:
    return ", ".join(question.sources)


def _write_all(
    question: Question,
    wanted: Wanted,
    conditions: tuple[Where, ...],
    limit: int | None,
    how: tuple[Form, TextIO],
) -> bool:
    """Write the picture of all; return whether there is something that differs or is gone."""
    names = FieldNames.asked(paths={each.field for each in conditions})
    chosen = query.every(conditions) if conditions else None
    with picture(question, chosen=chosen, names=names if conditions else None) as found:
        names.refuse_missing()
        across_output.note_windows(found.origins)
        if len(found.origins) == len(_config(question.catalogues).sources):
            across_output.note_idle(found.idle)
        form, out = how
        if form == "text" and not wanted:
            across_output.overview(found, out, limit)
            return bool(found.totals.differs) or any(found.totals.gone.values())
        seen = _Seen(found.records(wanted), limit)
        across_output.several(seen, found, form, out)
        log_output.left_out(seen.left_out, form, out)
        return seen.different


class _Seen:
    """Passes the first records on and counts the others.

    Attributes:
        different: Whether one that is passed on differs or is gone somewhere.
        left_out: How many others there are, once all are read.
    """

    def __init__(self, records: Iterator[Across], limit: int | None) -> None:
        self._records = records
        self._limit = limit
        self.different = False
        self.left_out = 0

    def __iter__(self) -> Iterator[Across]:
        for each in islice(self._records, self._limit):
            self.different = self.different or each.is_different
            yield each
        self.left_out = sum(1 for _ in self._records)
