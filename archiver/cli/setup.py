"""The commands that set up: init, sources, schema, completion."""

from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
from click.shell_completion import get_completion_class

from archiver.capture import connection
from archiver.capture.inspection import Asked, first_look, folder_without_pattern
from archiver.capture.setup import make
from archiver.cli import options, output, schemas
from archiver.cli.failure import in_turn
from archiver.config import (
    FILE_NAME,
    Config,
    Environment,
    discover,
    load,
    locate,
    parse,
    process_environment,
    scaffold,
)
from archiver.errors import ConfigError, SourceError, StoreError, reason
from archiver.history.assumption import unclear, was_read
from archiver.language import sentence, tr
from archiver.records.folder import is_pattern
from archiver.records.path import RecordsPath
from archiver.records.text import count, terminal
from archiver.render.schedules import scheduled
from archiver.sources import KINDS, create
from archiver.transport import redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from archiver.capture.setup import Outcome
    from archiver.formats import Reading

WORKFLOW = ".github/workflows/archive.yml"
PIPELINE = ".gitlab-ci.yml"
NIGHTLY = "17 3 * * *"
_OUTCOMES = {
    "made": sentence("made {file}"),
    "kept": sentence("kept {file}"),
    "extended": sentence("extended {file}"),
}
_SCHEMAS = {
    "across": schemas.across,
    "changes": schemas.changes,
    "snapshot": schemas.snapshot,
    "config": schemas.config,
}


@click.command(
    epilog=options.examples(
        "archiver init models --type modelscope",
        "archiver init models --type huggingface    # one more source",
        """archiver init tools --type github-releases --set 'repositories=["astral-sh/uv"]'""",
        "archiver init kev --source kev --url kev.json --records vulnerabilities --key cveID",
        "archiver init tags --type api --url https://example.org/tags --key name --set next=link",
    )
)
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option("--type", "kind", metavar="TYPE", help="Configure a source of this type.")
@click.option("--source", metavar="NAME", help="Its name.  [default: its type]")
@click.option("--set", "given", metavar="NAME=VALUE", multiple=True, help="A setting of its type.")
@click.option("--url", help="Its address: https://, file://, a path, or a pattern of files.")
@click.option("--records", metavar="PATH", help="Where its records are.  [default: found]")
@click.option("--key", metavar="FIELD", multiple=True, help="A field of its key.  Repeatable.")
@options.excluded
@options.reading
@click.option("--metric", "metrics", metavar="FIELD", multiple=True, help="A field that counts.")
@click.option(
    "--github",
    "action",
    metavar="[OWNER/REPO@REF]",
    is_flag=False,
    flag_value="",
    help="Add the workflow that runs it each night on GitHub, by this Action or by pip.",
)
@click.option("--gitlab", is_flag=True, help="Add the pipeline that runs it on GitLab.")
@click.option("--pages", is_flag=True, help="Let that job publish the site after each capture.")
def init(
    *,
    folder: Path,
    kind: str | None,
    source: str | None,
    given: tuple[str, ...],
    url: str | None,
    records: str | None,
    key: tuple[str, ...],
    excluded: tuple[str, ...],
    how: Reading,
    metrics: tuple[str, ...],
    action: str | None,
    gitlab: bool,
    pages: bool,
) -> None:
    """Make a data repository in DIR, or here.

    DIR and its git repository are made where there are none. Files that exist are kept, but
    an archiver.toml gets the table of a source that it lacks. Nothing is committed:
    archiver.toml is yours to edit and to commit.
    """
    jobs = _jobs(folder, action, gitlab=gitlab, pages=pages)
    new = None
    said = {name: json.dumps(value) for name, value in how._asdict().items() if value}
    if kind not in (None, "json", "file"):
        known = KINDS.find(kind, folder=folder)
        paths = {"url": url, "records": records or "."} if url else {}
        settings = {name: json.dumps(value, ensure_ascii=False) for name, value in paths.items()}
        lists = {"key": key, "except": excluded, "metrics": metrics}
        settings |= {name: scaffold.array(value) for name, value in lists.items() if value}
        settings |= said
        _check_type(kind, settings)
        settings |= dict(map(_setting, given))
        _check_needed(known.Settings, kind, settings)
        new = scaffold.NewSource(source or kind, type=kind, settings=settings)
        _check_api(new, folder)
    elif source is not None and url is not None and _is_folder(url):
        settings = {"files": json.dumps(_from_folder(url, folder), ensure_ascii=False)}
        settings |= {"records": json.dumps(records)} if records else {}
        lists = {"key": key, "except": excluded, "metrics": metrics}
        settings |= {name: scaffold.array(value) for name, value in lists.items() if value}
        settings |= said | dict(map(_setting, given))
        new = scaffold.NewSource(source, type="file", settings=settings)
    elif source is not None and url is not None:
        place, settings = _from_folder(url, folder), dict(map(_setting, given))
        records, key = _found(url, Asked(records, key, excluded, how))
        settings |= {"except": scaffold.array(excluded)} if excluded else {}
        settings |= said
        new = scaffold.NewSource(source, place, records, key, metrics, settings=settings)
    elif kind or source or url or key or metrics or excluded or said or given:
        raise click.UsageError(tr("A source needs --source and --url. A hub needs --type."))
    files = scaffold.files(new) | jobs
    parse(files[FILE_NAME].encode(errors="surrogateescape"), folder / FILE_NAME, {})
    extended = {} if new is None else _extended(folder / FILE_NAME, new)
    made = make(folder, files, extended=extended)
    if made.outer is not None:
        outer = terminal(str(made.outer))
        output.note(
            tr("note: inside of the git repository {outer}: made one of its own", outer=outer)
        )
    for name, outcome in made.files.items():
        shown = terminal(str(folder / name))
        click.echo(tr(_OUTCOMES[outcome], file=shown))
        if name in jobs and outcome == "kept":
            output.note(tr("note: {name} stays as it is; remove it to get a new one", name=name))
    for line in _advice(action, jobs if pages else (), made.files):
        output.note(line)
    output.note(
        tr("next: look at {file_name}, commit these files, then: archiver run", file_name=FILE_NAME)
    )


@click.command(
    epilog=options.examples(
        "archiver sources", "archiver sources --check", "archiver sources -f json"
    )
)
@click.option(
    "--check", is_flag=True, help="Ask each source for its first page, and say how it went."
)
@options.repo
@options.output_format("text", "json")
@click.pass_context
def sources(context: click.Context, *, repo: Path, form: str, check: bool) -> None:
    """List the configured sources, and the types of sources that are installed."""
    environ = process_environment()
    if check:
        config = discover(repo, environ)
        context.exit(in_turn(context, config.runnable(()), lambda name: _check(config, name)))
    path = locate(repo, environ)
    rows = [] if path is None else _rows(load(path, environ))
    types = KINDS.available()
    if form == "json":
        click.echo(msgspec.json.encode({"sources": rows, "types": types}))
        return
    for row in rows:
        click.echo("  ".join(terminal(each) for each in row.values() if each))
    if not rows:
        output.note(tr("no sources: {path}", path=path or tr("no {file} here", file=FILE_NAME)))
    click.echo(tr("types: {types}", types=", ".join(types)))


def _check(config: Config, name: str) -> None:
    found = connection.check(config, name)
    records = count(found.records, "record")
    if found.announced is None:
        words = tr("answers: {records} on the first page", records=records)
    else:
        words = tr(
            "answers: {records} on the first page, {announced} announced",
            records=records,
            announced=count(found.announced),
        )
    click.echo(f"{name}: {words}")


@click.command(epilog=options.examples("archiver schema changes > changes.schema.json"))
@click.argument("form", type=click.Choice(list(_SCHEMAS)))
@options.output
def schema(form: str, output_path: Path | None) -> None:
    """Print the JSON Schema (draft 2020-12) of a public form."""
    text = msgspec.json.format(msgspec.json.encode(_SCHEMAS[form]())).decode()
    with output.destination(output_path) as stream:
        stream.write(f"{text}\n")


@click.command(
    epilog=options.examples(
        'eval "$(archiver completion bash)"', "archiver completion fish | source"
    )
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that lets a shell complete options, sources, keys and revisions."""
    completer = get_completion_class(shell)
    assert completer is not None  # noqa: S101 - click has these three
    root = context.find_root()
    click.echo(completer(root.command, {}, "archiver", "_ARCHIVER_COMPLETE").source())


def _check_type(kind: str, given: Mapping[str, str]) -> None:
    """Refuse options that a source of the type `kind` does not have, and want those it needs."""
    if kind == "api":
        if "url" not in given:
            raise click.UsageError(tr("The type api needs --url."))
    elif given:
        raise click.UsageError(
            tr("--url, --key, --except and --metric belong to the types json and api.")
        )


def _check_needed(settings: type[msgspec.Struct], kind: str, given: Mapping[str, str]) -> None:
    """Refuse a source of the type `kind` without a setting that it cannot do without."""
    for field in msgspec.structs.fields(settings):
        if field.required and field.encode_name not in given:
            raise click.UsageError(
                tr("The type {kind} needs --set {name}=…", kind=kind, name=field.encode_name)
            )


def _check_api(new: scaffold.NewSource, folder: Path) -> None:
    """Refuse a source in pages that could not run, and a secret that would be committed."""
    if new.type == "api":
        table = parse(scaffold.table(new).encode(), folder / FILE_NAME, {}).source(new.name)
        create(new.name, table.settings, base=folder)


def _jobs(folder: Path, action: str | None, *, gitlab: bool, pages: bool) -> dict[str, str]:
    """Return the files of the jobs that are asked for: path to text."""
    if pages and action is None and not gitlab:
        raise click.UsageError(tr("--pages belongs to --github or --gitlab."))
    files = {}
    if action is not None:
        files[WORKFLOW] = scheduled(
            "github", cron=NIGHTLY, folder=folder, action=action, pages=pages
        )
    if gitlab:
        files[PIPELINE] = scheduled("gitlab", cron=NIGHTLY, folder=folder, pages=pages)
    return files


def _advice(
    action: str | None, published: Iterable[str], made: Mapping[str, Outcome]
) -> Iterator[str]:
    """Yield what a person must know of new jobs, of which some publish the site."""
    if action is not None and (line := scaffold.advice(action)):
        yield line
    for name in published:
        if made[name] == "made":
            yield scaffold.PUBLISHED["github" if name == WORKFLOW else "gitlab"]


def _extended(path: Path, new: scaffold.NewSource) -> dict[str, str]:
    """Return an archiver.toml that exists with its new text, if it lacks the source.

    Where it cannot be extended, the table is printed, to be pasted.
    """
    if not (path.exists() or path.is_symlink()):
        return {}
    try:
        text = scaffold.with_source(_content(path), path, new)
    except ConfigError:
        click.echo(scaffold.table(new), nl=False)
        raise
    return {} if text is None else {path.name: text}


def _found(url: str, asked: Asked) -> tuple[str, tuple[str, ...]]:
    """Return the path of the records and their key: what is said, and for the rest what is found.

    An address that does not answer is noted: archiver.toml is there to be edited.
    """
    known = asked.records or "."
    if asked.records and (asked.key or RecordsPath.read(known).key):
        return known, asked.key
    try:
        finding = first_look(url, asked, Environment.read(process_environment()))
    except (SourceError, StoreError) as error:
        words = sentence("{reason}; fill in records and key yourself", reason=reason(error))
        output.noted(words)
        return known, asked.key
    chosen = finding.chosen
    if chosen is None or not chosen.key:
        if finding.candidates:
            raise unclear(redact(url), finding)
        return known, asked.key
    if (chosen.records, chosen.key) != (known, asked.key):
        output.noted(was_read(chosen, redact(url)))
    return chosen.records, chosen.key


def _is_folder(url: str) -> bool:
    """Tell whether an address is a pattern that names the files of a folder.

    Raises:
        ConfigError: It is a folder, without a pattern.
    """
    if "://" in url or Path(url).is_file():
        return False
    if Path(url).is_dir():
        raise folder_without_pattern(url)
    return is_pattern(url)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(
            sentence("cannot read {path}: {strerror}", path=path, strerror=error.strerror)
        ) from error


def _from_folder(url: str, folder: Path) -> str:
    """Return a path typed here as it reads from archiver.toml; URLs and absolute paths stay."""
    kept = "://" in url or Path(url).is_absolute()
    return url if kept else Path(os.path.relpath(url, folder.resolve())).as_posix()


def _setting(given: str) -> tuple[str, str]:
    """Return the name and the TOML value of ``NAME=VALUE``; what is no TOML is a text."""
    name, equals, value = given.partition("=")
    if not re.fullmatch("[a-z_]+", name) or not equals:
        raise click.UsageError(tr("--set {given}: write it as NAME=VALUE", given=given))
    try:
        tomllib.loads(f"x = {value}")
    except tomllib.TOMLDecodeError:
        return name, json.dumps(value, ensure_ascii=False)
    return name, value


def _rows(config: Config) -> list[dict[str, str]]:
    return [
        {
            "name": source.name,
            "type": source.type,
            "folder": config.folder(source.name),
            "url": _address(source.settings),
        }
        for source in config.sources.values()
    ]


def _address(settings: Mapping[str, Any]) -> str:
    """Return the address of a source as it may be shown; empty: it has none."""
    first = next(iter(settings.get("urls", ())), "")
    where = (settings.get("url"), first, settings.get("files"), settings.get("endpoint"))
    return redact(str(next(filter(None, where), "")))
