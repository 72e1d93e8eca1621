"""The command that tells what changes how often: churn."""

from __future__ import annotations

import shlex
from itertools import chain
from typing import TYPE_CHECKING, Final

import click

from archiver.cli import asking, log_output, options, output
from archiver.clock import now
from archiver.history import churn as noise
from archiver.history import revisions
from archiver.history import top as tops
from archiver.language import tr
from archiver.records.jsontext import dump
from archiver.records.text import Noun, count, terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

    from archiver.history.catalogue import Catalogue
    from archiver.history.choice import Choice
    from archiver.history.churn import Churn
    from archiver.records.model import Record
    from archiver.render.view import Form

_ROWS: Final = Noun("row", "rows")
_FIELDS: Final = (
    *("field", "kind", "changes", "captures"),
    *("of_captures", "per_capture", "of_records"),
)
_RECORDS: Final = ("key", "captures", "of_captures", "fields")
_BOTH: Final = ("name", "what", "kind", *_FIELDS[2:], "fields")


@click.command(
    epilog=options.examples("archiver churn", "archiver churn --since 30d", "archiver churn -f csv")
)
@click.option(
    "--since",
    metavar="PERIOD|DATE",
    help="Only what changed since then: 36h, 7d, 2w, 3m, 1y, or a date.  [default: ever]",
)
@options.limit(20)
@options.output_format()
@options.output
@options.catalogue
def churn(
    *, choice: Choice, since: str | None, limit: int | None, form: Form, output_path: Path | None
) -> None:
    """Tell which fields change how often, which records do, and what is noise.

    It ends with what archiver.toml could say of fields whose changes are news in nearly every
    capture: that they are metrics, volatile, or sets. An index is made where there is none.
    """
    start = None if since is None else revisions.start(since, now())
    with asking.asked(choice) as (catalogue, index):
        since_then = tops.Base(0) if start is None else tops.base(catalogue, index, start)
        if since_then.note:
            asking.note(since_then.note)
        found = noise.churn(index, since_then.capture)
        with output.destination(output_path) as out:
            if form == "text":
                _write_text(found, catalogue, out, limit)
                return
            shown, others = asking.first_rows(found.records, limit)
            rows = chain(_rows("field", found.fields), _rows("record", shown))
            title = tr("{source}: churn", source=catalogue.source)
            asking.write(rows, _BOTH, form, out, title=title, noun=_ROWS)
            log_output.left_out(sum(1 for _ in others), form, out)
        for line in _settings(found, catalogue):
            output.note(line)


def _rows(what: str, rows: list[Record] | Iterator[Record]) -> Iterator[Record]:
    """Yield fields and records as rows with the same columns."""
    for row in rows:
        name, *_ = row.values()
        yield {**dict.fromkeys(_BOTH), **row, "name": name, "what": what}


def _write_text(found: Churn, catalogue: Catalogue, out: TextIO, limit: int | None) -> None:
    captures = count(found.period.captures, "capture")
    records = catalogue.noun.counted(round(found.period.records))
    out.write(
        tr(
            "{source}: {captures} compared, {records} in each\n",
            source=terminal(catalogue.source),
            captures=captures,
            records=terminal(records),
        )
    )
    if not found.fields:
        out.write(tr("no field changed\n"))
        return
    out.write("\n")
    fields = map(asking.spoken, found.fields)
    asking.write(fields, _FIELDS, "text", out, title="", noun=_ROWS)
    shown, others = asking.first_rows(map(asking.spoken, found.records), limit)
    records_shown = [*shown]
    if records_shown:
        out.write("\n")
        asking.write(records_shown, _RECORDS, "text", out, title="", noun=_ROWS)
        log_output.left_out(sum(1 for _ in others), "text", out)
    out.write("\n")
    out.writelines(f"{line}\n" for line in _settings(found, catalogue))


def _settings(found: Churn, catalogue: Catalogue) -> Iterator[str]:
    """Yield what archiver.toml could say, line by line."""
    if not found.settings:
        yield tr("suggestion: none; no field is noise")
        return
    name = terminal(catalogue.source) if catalogue.config else "NAME"
    yield tr("suggestion: archiver.toml, [sources.{name}]:", name=name)
    for setting, paths in found.settings.items():
        known = getattr(catalogue.policy, setting)
        values = ", ".join(dump(path).decode() for path in dict.fromkeys((*known, *paths)))
        yield f"    {setting} = [{terminal(values)}]"
    if catalogue.config is None and (metrics := found.settings.get("metrics")):
        words = " ".join(f"--metric {shlex.quote(path)}" for path in metrics)
        yield tr("    without one: {words}", words=terminal(words))
