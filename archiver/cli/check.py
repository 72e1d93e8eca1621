"""The command that lets CI fail when a dependency is gone: check."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final

import click

from archiver.capture.connection import asked
from archiver.cli import options, output
from archiver.clock import now
from archiver.errors import ConfigError, reason
from archiver.language import sentence, tr
from archiver.pins import lists as reading
from archiver.pins.references import known_keys
from archiver.pins.status import DEVIATIONS, check_pins, merged
from archiver.render.findings import FORMS, is_failing, show

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from archiver.history.catalogue import Catalogue
    from archiver.history.choice import Choice
    from archiver.pins.lists import Pin
    from archiver.pins.status import Fates
    from archiver.records.model import Severity
    from archiver.render.findings import FindingForm

_SHALLOW: Final = sentence(
    "note: this clone is shallow: a key that was gone before it begins is "
    "not found; git fetch --unshallow"
)


@click.command(
    epilog=options.examples(
        "archiver check models.txt",
        "grep -v beta models.txt | archiver check -",
        "archiver check 'src/**/*.py' --repo ../models -f github",
        """archiver check 'src/**/*.py' --pattern 'from_pretrained\\("([^"]+)"'""",
        "archiver check --keys 'Qwen/Qwen3-.*' --since 30d",
    )
)
@click.argument("patterns", metavar="[PINS]…", nargs=-1)
@click.option(
    "--pattern",
    callback=lambda _context, _option, given: _compiled("--pattern", given),
    metavar="REGEX",
    help="What it finds in the files are keys: the first group that takes part, or all of it.",
)
@click.option(
    "--keys",
    callback=lambda _context, _option, given: _compiled("--keys", given),
    metavar="REGEX",
    help="Depend on every key there is, or was, that it matches as a whole.",
)
@click.option(
    "--since",
    default="",
    metavar="REV|DATE",
    help="Licence and access were right then.  [default: when the record was seen first]",
)
@click.option(
    "--allow",
    type=click.Choice(DEVIATIONS),
    multiple=True,
    help="Do not fail for this.  Repeatable.",
)
@options.fail_on("breaking")
@click.option(
    "--offline",
    is_flag=True,
    help="Do not ask a source about records that its newest listing does not name.",
)
@options.at
@options.output_format(*FORMS)
@options.output
@options.catalogue
@click.pass_context
def check(
    context: click.Context,
    *,
    choice: Choice,
    patterns: tuple[str, ...],
    pattern: re.Pattern[str] | None,
    keys: re.Pattern[str] | None,
    since: str,
    allow: tuple[str, ...],
    fail_on: Severity,
    offline: bool,
    at: str | None,
    form: FindingForm,
    output_path: Path | None,
) -> None:
    """End with 1 if a record that you depend on is gone or changed.

    PINS are files: a list (.txt, or - for standard input) with one key a line, or source files
    and globs, in which every key that there is or ever was is found. A record fails that is
    missing, removed, renamed, gated, or has another licence; with --fail-on notable also one with
    another version or size, and so on. A line of a list may say what is right: KEY
    license=apache-2.0 gated=auto. Without --source all sources are searched: a key that
    one of them knows is missing in none.

    A source is asked about a record that its newest listing does not name, such as one that left a
    window. Where it does not answer, the record is unconfirmed, which fails too.
    """
    if not patterns and keys is None:
        raise click.UsageError(tr("Say what you depend on: a list, source files, or --keys."))
    paths = reading.files(patterns)
    lists = [path for path in paths if reading.is_list(path) and pattern is None]
    others = [path for path in paths if path not in lists]
    named = [*reading.listed(lists), *(reading.matching(others, pattern) if pattern else ())]
    searched = [] if pattern else others
    catalogues = choice.each()
    findings = merged(
        finding
        for catalogue in catalogues
        for pins in ([*named, *_known(catalogue, searched, keys, at or "")],)
        for finding in check_pins(
            catalogue,
            pins,
            now=now(),
            at=at or "",
            since=since,
            fates=_fates(catalogue, offline=offline),
            least=fail_on,
        )
    )
    if not findings:
        hint = tr("a list has one key a line; other files name keys that there are or were")
        raise ConfigError(sentence("nothing there names a record"), hint=hint)
    allowed = frozenset(allow)
    source = ", ".join(each.source for each in catalogues)
    with output.destination(output_path) as out:
        show(findings, form, out, source=source, least=fail_on, allowed=allowed)
    context.exit(int(any(is_failing(each, fail_on, allowed) for each in findings)))


def _fates(catalogue: Catalogue, *, offline: bool) -> Fates:
    """Return what asks the source of a catalogue; of a file nobody can be asked."""
    config = catalogue.config
    if config is None:
        return lambda _: {}
    return partial(asked, config, catalogue.source, offline=offline)


def _known(
    catalogue: Catalogue, paths: list[Path], keys: re.Pattern[str] | None, at: str
) -> Iterator[Pin]:
    """Yield the pins that only a catalogue can find: its keys in files, or by a pattern."""
    if not paths and keys is None:
        return
    known = known_keys(catalogue, at=at, now=now())
    if not known.complete:
        output.note(_SHALLOW)
    yield from reading.mentioned(paths, known.keys)
    if keys is not None:
        yield from (reading.Pin(key, "", 0) for key in filter(keys.fullmatch, known.keys))


def _compiled(name: str, given: str | None) -> re.Pattern[str] | None:
    try:
        return None if given is None else re.compile(given)
    except re.error as error:
        raise click.UsageError(
            tr(
                "{name}: {given!r} is no pattern: {error}",
                name=name,
                given=given,
                error=reason(error),
            )
        ) from error
