"""The command that looks at a document before anything is archived: inspect."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archiver.cli import options, output
from archiver.language import said, sentence, tr

if TYPE_CHECKING:
    from archiver.capture.inspection import Asked, Inspection
    from archiver.changes.habits import Habit
    from archiver.config.scaffold import NewSource
    from archiver.formats import Reading
    from archiver.records.finding import Candidate

_HABITS = {
    "metrics": sentence(
        "{path}: a number that changed in {share:.0%} of the records, in {steps} of {all} steps"
    ),
    "volatile": sentence(
        "{path}: changed in {share:.0%} of the records, in {steps} of {all} steps"
    ),
    "sets": sentence("{path}: {share:.0%} of its changes are another order"),
}


@click.command(
    epilog=options.examples(
        "archiver inspect https://example.org/catalogue.json",
        "archiver inspect data.csv",
        "archiver inspect ~/clone:data/models.json -f json",
    )
)
@click.argument("target", metavar="ADDRESS|FILE|REPO:PATH")
@click.option("--records", metavar="PATH", help="Where its records are, if you know it.")
@click.option("--key", metavar="FIELD", multiple=True, help="A field of its key.  Repeatable.")
@options.excluded
@options.reading
@click.option(
    "--once",
    is_flag=True,
    help="Request an address only once (default: twice, to see what differs).",
)
@options.output_format("text", "json")
@click.pass_context
def inspect(
    context: click.Context,
    *,
    target: str,
    records: str | None,
    key: tuple[str, ...],
    excluded: tuple[str, ...],
    how: Reading,
    once: bool,
    form: str,
) -> None:
    """Say how a document can be archived: its format, records, key, and table for archiver.toml.

    Where git knows the file, its history says which key lasts, which fields only count or drift,
    and which arrays only change their order. Ends with 2 where that is for you to decide.
    """
    from archiver.capture.inspection import Asked  # noqa: PLC0415 - not for --help

    found = _looked_at(target, Asked(records, key, excluded, how), once=once)
    if form == "json":
        import msgspec  # noqa: PLC0415 - not for --help

        click.echo(msgspec.json.encode(_plain(found, excluded, how)))
    else:
        _write(found, excluded, how)
    if _chosen(found) is None:
        if len(found.finding.candidates) == 1 and found.finding.candidates[0].key:
            output.note(tr("this is a guess that is not certain: say it with --key FIELD"))
        else:
            output.note(tr("which of these is meant? say it with --records PATH and --key FIELD"))
        context.exit(2)


def _looked_at(target: str, asked: Asked, *, once: bool) -> Inspection:
    from archiver.capture import inspection  # noqa: PLC0415 - not for --help
    from archiver.config import Environment, process_environment  # noqa: PLC0415 - not for --help
    from archiver.errors import ConfigError  # noqa: PLC0415 - not for --help
    from archiver.records.folder import is_pattern  # noqa: PLC0415 - not for --help

    if "://" in target:
        environment = Environment.read(process_environment())
        return inspection.of_address(target, asked, environment, twice=not once)
    path = Path(target).expanduser()
    if path.exists() and not path.is_dir():
        return inspection.of_file(path, asked)
    folder, colon, file = target.rpartition(":")
    if colon and file and Path(folder).expanduser().is_dir():
        return inspection.of_history(Path(folder).expanduser(), file, asked)
    if is_pattern(target):
        raise inspection.folder_pattern(target, shlex.join(["archiver", "log", "--file", target]))
    if path.is_dir():
        raise inspection.folder_without_pattern(target)
    raise ConfigError(
        sentence("there is no file {target}", target=target),
        hint=sentence("write an address with https://, a file, or REPO:PATH"),
    )


def _chosen(found: Inspection) -> Candidate | None:
    chosen = found.finding.chosen
    return chosen if chosen and chosen.key else None


def _write(found: Inspection, excluded: tuple[str, ...], how: Reading) -> None:
    from archiver.config import scaffold  # noqa: PLC0415 - not for --help
    from archiver.records.text import bytes_, count, terminal  # noqa: PLC0415 - not for --help
    from archiver.transport import redact  # noqa: PLC0415 - not for --help

    facts = [found.format, found.encoding, bytes_(found.size)]
    if found.versions:
        facts.append(
            tr(
                "{versions}, {read} read",
                versions=count(found.versions, "version"),
                read=found.read,
            )
        )
    click.echo(terminal(f"{redact(found.url)}: {', '.join(facts)}"))
    chosen = _chosen(found)
    for each in found.finding.candidates:
        told = [said(count(each.total, "record")), said(each.reason)] if each.reason else []
        told += [] if each.key else [tr("no field is in every record and unique")]
        mark = "*" if each is chosen else "-"
        words = " " + tr(" ({words})", words=tr("; ").join(told)) if told else ""
        click.echo(terminal(f"  {mark} {each.words}{words}"))
    for habit in found.habits:
        words = tr(
            _HABITS[habit.setting],
            path=habit.path,
            share=habit.share,
            steps=habit.steps,
            all=habit.of_steps,
        )
        click.echo(terminal(f"  {habit.setting}: {words}"))
    for note in found.notes:
        output.noted(note)
    if chosen is not None:
        click.echo()
        click.echo(scaffold.brief(_source(found, chosen, excluded, how)), nl=False)
        click.echo()
        click.echo(_command(found, chosen, excluded, how))


def _source(
    found: Inspection, chosen: Candidate, excluded: tuple[str, ...], how: Reading
) -> NewSource:
    """Return the source that archiver.toml could have."""
    import json  # noqa: PLC0415 - not for --help

    from archiver.config import scaffold  # noqa: PLC0415 - not for --help

    settings = {
        name: json.dumps(value, ensure_ascii=False) for name, value in _reading(found, how).items()
    }
    settings |= {"except": scaffold.array(excluded)} if excluded else {}
    settings |= {
        name: scaffold.array(fields)
        for name in ("volatile", "sets")
        if (fields := _paths(found.habits, name))
    }
    metrics = _paths(found.habits, "metrics")
    kind = "json" if found.format == "json" else "file"  # two names of one type
    if found.paged:
        kind, settings = "api", settings | {"next": '"link"'}
    return scaffold.NewSource(
        found.name, found.url, chosen.records, chosen.key, metrics, kind, settings
    )


def _reading(found: Inspection, how: Reading) -> dict[str, str]:
    """Return the settings that say how the document is read; pages are always JSON."""
    if found.paged:
        return {}
    names = ("input", "encoding", "types", "member")
    settings = {name: value for name in names if (value := getattr(how, name))}
    return settings if found.said or how.input else settings | {"input": found.format}


def _paths(habits: tuple[Habit, ...], setting: str) -> tuple[str, ...]:
    return tuple(each.path for each in habits if each.setting == setting)


def _command(found: Inspection, chosen: Candidate, excluded: tuple[str, ...], how: Reading) -> str:
    """Return a command line that reads the document as the table says."""
    words = ["archiver"]
    if found.repository is not None:
        words += ["log", "--repo", str(found.repository), "--file", found.path]
    elif "://" in found.url:
        words += ["init", "--source", found.name, "--url", found.url]
        words += ["--type", "api", "--set", "next=link"] if found.paged else []
    else:
        words += ["compare", found.url, "NEWER"]
    words += [
        "--records",
        chosen.records,
        *(part for each in chosen.key for part in ("--key", each)),
    ]
    words += [part for each in excluded for part in ("--except", each)]
    metrics = _paths(found.habits, "metrics")
    words += [part for each in metrics for part in ("--metric", each)]
    reading = _reading(found, how)
    words += [part for name, value in reading.items() for part in (f"--{name}", value)]
    return shlex.join(words)


def _plain(found: Inspection, excluded: tuple[str, ...], how: Reading) -> dict[str, Any]:
    """Return what was found, for programs."""
    from archiver.config import scaffold  # noqa: PLC0415 - not for --help
    from archiver.transport import redact  # noqa: PLC0415 - not for --help

    chosen = _chosen(found)
    plain: dict[str, Any] = {
        "address": redact(found.url),
        "format": found.format,
        "encoding": found.encoding,
        "bytes": found.size,
        "versions": found.versions,
        "read": found.read,
        "records": chosen.records if chosen else None,
        "key": list(chosen.key) if chosen else None,
        "total": chosen.total if chosen else None,
        "candidates": [
            {
                "records": each.records,
                "key": list(each.key),
                "total": each.total,
                "reason": str(each.reason),
            }
            for each in found.finding.candidates
        ],
        "fields": [each._asdict() for each in found.habits],
        "notes": [str(note) for note in found.notes],
        "table": None,
        "command": None,
    }
    for setting in ("metrics", "volatile", "sets"):
        plain[setting] = list(_paths(found.habits, setting))
    if chosen is not None:
        plain["table"] = scaffold.brief(_source(found, chosen, excluded, how))
        plain["command"] = _command(found, chosen, excluded, how)
    return plain
