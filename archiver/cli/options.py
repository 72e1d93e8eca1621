"""The options that several commands share: one name, one meaning, one help text each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from archiver.cli import completion
from archiver.language import sentence, tr
from archiver.records.model import SEVERITIES
from archiver.render.view import FORMS

if TYPE_CHECKING:
    from archiver.formats import Reading
    from archiver.records.policy import Null, Renames
    from archiver.records.query import Where

Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]


repo = click.option(
    "--repo",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    envvar="ARCHIVER_REPO",
    metavar="DIR",
    help="The git repository.  [default: the current folder, or $ARCHIVER_REPO]",
)

source = click.option(
    "--source",
    "sources",
    metavar="NAME",
    multiple=True,
    shell_complete=completion.sources,
    help="A source of archiver.toml.  Repeatable.  [default: all]",
)

at = click.option(
    "--at",
    metavar="REV|DATE",
    shell_complete=completion.versions,
    help="The state at a revision (abc123, v1, HEAD~3) or date (2026-03-01, 7d).",
)

output = click.option(
    "-o",
    "--output",
    "output_path",
    type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    metavar="FILE",
    help="Write to FILE, complete or not at all.  [default: standard output]",
)

by = click.option(
    "--by",
    metavar="FIELD",
    help="Counts for each value of this field, as it is now, or was before a record went.",
)

template = click.option(
    "--template",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Render by this template (Jinja, in a sandbox).",
)


def fail_on(default: str | None = None, *, envvar: str | None = None) -> Decorator:
    """Offer ``--fail-on SEVERITY``; the command receives None where it is not given."""
    return click.option(
        "--fail-on",
        type=click.Choice(SEVERITIES),
        default=default,
        envvar=envvar,
        show_default=default is not None,
        help="End with 1 if a change is as bad as that, or worse.",
    )


class _OneOrThree(click.Option):
    """An option that takes one word, and two more where the next one is an operator."""

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        super().add_to_parser(parser, ctx)
        option = parser._long_opt[self.opts[0]]  # noqa: SLF001  click counts words in no other way
        store = option.process

        def process(word: str, state: Any) -> None:
            from archiver.records.query import OPERATORS  # noqa: PLC0415 - only for conditions

            following: list[str] = state.rargs[:2]
            if not following or following[0] not in OPERATORS:
                store(word, state)
            elif len(following) == 1:
                words = f"{self.opts[0]} {word} {following[0]}"
                raise click.UsageError(tr("{words}: the value is missing.", words=words))
            else:
                del state.rargs[:2]
                store((word, *following), state)

        option.process = process


where = click.option(
    "--where",
    "conditions",
    cls=_OneOrThree,
    type=click.UNPROCESSED,
    multiple=True,
    metavar="FIELD OP VALUE",
    callback=lambda _context, _option, given: tuple(map(_condition, given)),
    help="Only records with: = != < <= > >= ~ (contains) !~ has; 'a > 1' or a '>' 1.  "
    "Repeatable: all hold.",
)


null = click.option(
    "--null",
    type=click.Choice(["value", "absent"]),
    help="absent: a field that is null is compared as if it were not there.  "
    "[default: as in archiver.toml]",
)
renames = click.option(
    "--renames",
    type=click.Choice(["hint", "exact"]),
    help="exact: one that is gone and a new one that holds the same count as renamed.  "
    "[default: as in archiver.toml]",
)
"""Both go above `catalogue`, which receives them."""


damping = click.option(
    "--damping",
    type=click.IntRange(min=0),
    metavar="N",
    help="A record that is gone and back within N captures flaps: one line; 0: each.  "
    "[default: as in archiver.toml]",
)
"""Goes above `catalogue`, which receives it."""


base_url = click.option(
    "--base-url",
    metavar="URL",
    callback=lambda _context, _option, given: None if given is None else _web_address(given),
    help="Where the site is published.  [default: base_url in [site] of archiver.toml]",
)


_HOW_WRITTEN = (
    sentence("Output format."),
    sentence("Output format.  csv-raw: for programs."),
)


def output_format(*names: str) -> Decorator:
    """Offer ``-f``; the first of `names` is the default. No names: all formats.

    The command receives it as `form`.
    """
    offered = names or FORMS
    plain, raw = _HOW_WRITTEN
    return click.option(
        "-f",
        "--format",
        "form",
        type=click.Choice(offered),
        default=offered[0],
        show_default=True,
        help=raw if "csv-raw" in offered else plain,
    )


def period(
    name: str,
    *,
    help: str,  # noqa: A002  click's word
    default: str | None = None,
    envvar: str | None = None,
) -> Decorator:
    """Offer an option that takes a period, ``36h`` or ``7d``; the command receives a timedelta."""
    return click.option(
        name,
        metavar="PERIOD",
        default=default,
        envvar=envvar,
        callback=lambda _context, _option, given: _period(name, given) if given else None,
        help=help,
    )


def limit(default: int | None = None) -> Decorator:
    """Offer ``--limit N``; the command receives None for "all", which ``--limit 0`` means."""
    return click.option(
        "--limit",
        type=click.IntRange(min=0),
        default=default or 0,
        show_default=str(default or "all"),
        metavar="N",
        callback=lambda _context, _option, number: number or None,
        help="Show at most N, then say how many more there are; 0: all.",
    )


def catalogue(command: Callable[..., Any]) -> Callable[..., Any]:
    """Offer what chooses a catalogue; the command receives it as `choice`."""

    @wraps(command)
    def gathered(
        *,
        repo: Path,
        sources: tuple[str, ...],
        file: str | None,
        records: str | None,
        key: tuple[str, ...],
        excluded: tuple[str, ...],
        metrics: tuple[str, ...],
        how: Reading,
        index: bool,
        follow: bool,
        null: Null | None = None,
        renames: Renames | None = None,
        damping: int | None = None,
        **rest: Any,
    ) -> Any:
        if file is not None and sources:
            raise click.UsageError(tr("--source and --file exclude each other."))
        from archiver.config import process_environment  # noqa: PLC0415 - not for --help
        from archiver.history.choice import Choice  # noqa: PLC0415 - not for --help

        words = tuple(filter(None, map(rest.get, _VERSIONS)))
        environ = process_environment()
        described = (file, records, key, excluded, metrics)
        known = (repo, environ, sources, *described, words)
        choice = Choice(*known, index, damping, how, follow, null, renames)
        return command(choice=choice, **rest)

    return offer(reading(gathered), *_CATALOGUE)


def reading(command: Callable[..., Any]) -> Callable[..., Any]:
    """Offer what says how a document is read; the command receives it as `how`."""

    @wraps(command)
    def gathered(
        *,
        input_: str | None,
        encoding: str | None,
        types: str | None,
        member: str | None,
        **rest: Any,
    ) -> Any:
        from archiver.formats import KINDS, Reading  # noqa: PLC0415 - not for --help
        from archiver.formats.encoding import checked  # noqa: PLC0415 - not for --help

        if input_:
            KINDS.find(input_, folder=Path())
        if encoding:
            checked(encoding)
        how = Reading(input_ or "", encoding or "", types or "", member or "")
        return command(how=how, **rest)

    return offer(gathered, *_READING)


def offer(command: Callable[..., Any], *offered: Decorator) -> Callable[..., Any]:
    """Return `command` with options, which its help lists in this order."""
    for option in reversed(offered):
        command = option(command)
    return command


def examples(*lines: str) -> str:
    """Return the end of a help text: command lines as they are typed."""
    title = "Example:" if len(lines) == 1 else "Examples:"
    return "\n".join(["\b", title, *(f"  $ {line}" for line in lines)])


excluded = click.option(
    "--except",
    "excluded",
    metavar="NAME",
    multiple=True,
    help="A member that {} skips.  Repeatable.",
)
"""Excludes members of objects that the path of the records goes through."""

_READING: tuple[Decorator, ...] = (
    click.option(
        "--input",
        "input_",
        metavar="FORMAT",
        help="Its format: json, jsonl, csv, tsv, yaml, toml.  [default: by name and content]",
    ),
    click.option(
        "--encoding",
        metavar="NAME",
        help="Its encoding.  [default: by its byte order mark, else UTF-8]",
    ),
    click.option(
        "--types",
        type=click.Choice(("text", "infer")),
        help="Cells of CSV: text, or numbers where they look the same.  [default: text]",
    ),
    click.option(
        "--member", metavar="NAME", help="The file of a zip archive.  [default: the only file]"
    ),
)

follow = click.option(
    "--no-follow",
    "follow",
    flag_value=False,
    default=True,
    help="Begin where --file came to its path, also where a commit moved it there.",
)
"""Reads the history of a file only as far back as it had its name."""

_VERSIONS = ("first", "second", "between", "at", "since")
"""Parameters of commands that name versions."""

_CATALOGUE: tuple[Decorator, ...] = (
    repo,
    source,
    click.option(
        "--file",
        metavar="PATH",
        help="A file of any repository, or a pattern: 'data/**/*.json'; without archiver.toml.",
    ),
    click.option(
        "--records",
        metavar="PATH",
        help="Where its records are: . or a.b or a.b{} or .[].models or .{group}[] or .[]=field",
    ),
    click.option(
        "--key",
        metavar="FIELD",
        multiple=True,
        help="A field of the key of its records; ^.id: of the enclosing object.  Repeatable.",
    ),
    excluded,
    click.option(
        "--metric",
        "metrics",
        metavar="FIELD",
        multiple=True,
        help="A metric: its changes are not news.  Repeatable.",
    ),
    follow,
    click.option(
        "--no-index",
        "index",
        flag_value=False,
        default=True,
        help="Read git, even where `archiver index` has made an index.",
    ),
)


def _condition(given: str | tuple[str, str, str]) -> Where:
    from archiver.records.query import Where  # noqa: PLC0415 - only where conditions are given

    return Where.read(given) if isinstance(given, str) else Where.parse(*given)


def _period(name: str, given: str) -> timedelta:
    from archiver.clock import period as read  # noqa: PLC0415 - not for --help

    found = None if given.endswith("m") else read(given)  # months or minutes?
    if found is None or found <= timedelta():
        raise click.UsageError(
            tr("{name}: {given!r} is no period: write 36h, 7d, 2w", name=name, given=given)
        )
    return found


def _web_address(given: str) -> str:
    import msgspec  # noqa: PLC0415 - not for --help

    from archiver.config.tables import WebAddress  # noqa: PLC0415 - not for --help

    try:
        return msgspec.convert(given, WebAddress)
    except msgspec.ValidationError:
        words = tr("--base-url: {given!r} is no address of a folder on the web", given=given)
        raise click.UsageError(
            tr("{words}: write https://example.org/archive/", words=words)
        ) from None
