"""The configuration: archiver.toml and the environment in one frozen, typed value.

Precedence: option > ``ARCHIVER_*`` > archiver.toml > default. The CLI applies options to a
`Config`; everything else is decided here. All errors of a file are reported at once, each with
its file and key.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from archiver.config.alias_table import read_alias
from archiver.config.environment import Environment, process_environment
from archiver.config.plugin_tables import SOURCE_NAME, read_channels, read_feeds, read_sources
from archiver.config.tables import (
    RUN_CLASS,
    AliasConfig,
    ArchiveConfig,
    ChannelConfig,
    FeedConfig,
    MetricsConfig,
    RetentionConfig,
    SiteConfig,
    SourceConfig,
    TemplatesConfig,
)
from archiver.config.validation import Validation, fields
from archiver.errors import ConfigError, reason, suggestion
from archiver.language import ENGLISH, joined, sentence
from archiver.records.representation import short

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "FILE_NAME",
    "RUN_CLASS",
    "SOURCE_NAME",
    "AliasConfig",
    "ArchiveConfig",
    "ChannelConfig",
    "Config",
    "Environment",
    "FeedConfig",
    "MetricsConfig",
    "RetentionConfig",
    "SiteConfig",
    "SourceConfig",
    "TemplatesConfig",
    "discover",
    "load",
    "locate",
    "parse",
    "process_environment",
    "with_table",
]

FILE_NAME = "archiver.toml"

_TABLES = ("archive", "sources", "retention", "templates", "notify", "site", "feeds", "alias")
_FROM_ENVIRONMENT = {
    "path": "ARCHIVER_PATH",
    "branch": "ARCHIVER_BRANCH",
    "author": "ARCHIVER_AUTHOR",
    "lang": "ARCHIVER_LANG",
}


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of archiver.toml and the environment.

    Attributes:
        root: Folder of archiver.toml, to which paths and URLs are relative.
        sources: The configured sources by name, in the order of the file.
        notify: The configured channels by name, in the order of the file.
        feeds: The configured feeds by name, in the order of the file.
    """

    root: Path
    archive: ArchiveConfig
    sources: Mapping[str, SourceConfig]
    retention: RetentionConfig
    templates: TemplatesConfig
    notify: Mapping[str, ChannelConfig]
    site: SiteConfig
    feeds: Mapping[str, FeedConfig]
    alias: AliasConfig
    environment: Environment

    __repr__ = short

    def source(self, name: str) -> SourceConfig:
        """Return the source called `name`.

        Raises:
            ConfigError: There is none; suggests the nearest name.
        """
        if name in self.sources:
            return self.sources[name]
        known = ", ".join(self.sources) or sentence("none")
        raise ConfigError(
            joined(
                "",
                (
                    sentence('no source is called "{source}"', source=name),
                    suggestion(name, self.sources),
                ),
            ),
            hint=sentence("Sources in {file_name}: {known}.", file_name=FILE_NAME, known=known),
        )

    def chosen(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the names of the sources that are meant: `names`, or all where there are none.

        Raises:
            ConfigError: There is no such source, or no source at all.
        """
        if not self.sources:
            raise ConfigError(
                sentence("no source is configured"), hint=sentence("add a table [sources.NAME]")
            )
        return tuple(self.source(name).name for name in dict.fromkeys(names) or self.sources)

    def runnable(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the names of the sources that a command can run: `names`, or all such.

        Raises:
            ConfigError: There is no such source, or a class in Python lists it.
        """
        chosen = self.chosen(names)
        found = tuple(name for name in chosen if not self.sources[name].by_class)
        if not found or (names and found != chosen):
            listed = ", ".join(name for name in chosen if name not in found)
            raise ConfigError(
                sentence("listed by a class in Python: {listed}", listed=listed), hint=RUN_CLASS
            )
        return found

    def folder(self, source: str) -> str:
        """Return the folder of `source`, relative to the repository's root, with ``/``."""
        return str(PurePosixPath(self.archive.path, source))

    @property
    def language(self) -> str:
        """The language of what is written and sent."""
        return self.archive.lang or ENGLISH

    @property
    def template_folder(self) -> Path | None:
        """Folder of the templates that replace the built-in ones."""
        folder = self.templates.folder
        return None if folder is None else self.root / folder


def locate(start: Path, environ: Mapping[str, str]) -> Path | None:
    """Return the file that ``ARCHIVER_CONFIG`` names, else the nearest archiver.toml.

    That of `start` or of a folder above it, up to git's top folder.
    """
    if named := environ.get("ARCHIVER_CONFIG"):
        return Path(named)
    for folder in (start.absolute(), *start.absolute().parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
        if (folder / ".git").exists():
            return None
    return None


def discover(start: Path, environ: Mapping[str, str]) -> Config:
    """Load the configuration of the repository that contains `start`.

    Raises:
        ConfigError: There is no file, or it has errors.
    """
    path = locate(start, environ)
    if path is None:
        raise ConfigError(
            sentence(
                "no {file_name} in {start} or above it", file_name=FILE_NAME, start=start.absolute()
            ),
            hint=sentence("Make a data repository with: archiver init"),
        )
    return load(path, environ)


def load(path: Path, environ: Mapping[str, str]) -> Config:
    """Read the file at `path`; ``ARCHIVER_*`` of `environ` override it.

    Raises:
        ConfigError: Every error, one a line: file, key, reason; or the folder of templates is
            missing or outside of the repository.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            sentence("cannot read {path}: {strerror}", path=path, strerror=error.strerror)
        ) from error
    config = parse(content, path, environ)
    _check_templates(config, path.name)
    return config


def _check_templates(config: Config, file: str) -> None:
    """Check the folder of templates: a link to elsewhere would publish files of this machine."""
    folder = config.template_folder
    if folder is None:
        return
    if not folder.is_dir():
        raise ConfigError(
            sentence(
                "{file}: templates.folder: there is no folder {folder}",
                file=file,
                folder=config.templates.folder,
            )
        )
    if not folder.resolve().is_relative_to(config.root.resolve()):
        words = sentence("{folder} leads out of the repository", folder=config.templates.folder)
        raise ConfigError(sentence("{file}: templates.folder: {words}", file=file, words=words))


def parse(content: bytes, path: Path, environ: Mapping[str, str]) -> Config:
    """Read the `content` of an archiver.toml that is, or will be, at `path`.

    Raises:
        ConfigError: Every error, one a line: file, key, reason.
    """
    document = _toml(content, path.name)
    folder = path.absolute().parent
    validation = Validation(path.name)
    for name in document:
        if name not in _TABLES:
            validation.add(name, joined("", (sentence("unknown table"), suggestion(name, _TABLES))))
    tables = {name: validation.table(document.get(name, {}), name) for name in _TABLES}
    config = Config(
        root=folder,
        archive=_archive(tables["archive"], environ, validation),
        sources=read_sources(tables["sources"], folder, validation),
        retention=RetentionConfig(
            **validation.convert(fields(RetentionConfig), tables["retention"], "retention")
        ),
        templates=TemplatesConfig(
            **validation.convert(fields(TemplatesConfig), tables["templates"], "templates")
        ),
        notify=read_channels(tables["notify"], tables["sources"], folder, validation),
        site=SiteConfig(**validation.convert(fields(SiteConfig), tables["site"], "site")),
        feeds=read_feeds(tables["feeds"], tables["sources"], validation),
        alias=read_alias(tables["alias"], tables["sources"], validation),
        environment=Environment.read(environ),
    )
    validation.raise_any()
    return config


def with_table(config: Config, table: bytes, name: str) -> Config:
    """Return `config` with one more source: `table` is the text of ``[sources.<name>]``.

    Raises:
        ConfigError: The table has errors.
    """
    added = parse(table, config.root / FILE_NAME, config.environment.variables)
    return replace(config, sources={**config.sources, name: added.source(name)})


def _toml(content: bytes, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ConfigError(
            sentence("{file}: not UTF-8 at byte {start}", file=file, start=error.start + 1)
        ) from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(
            sentence("{file}: {error}", file=file, error=reason(error)),
            hint=sentence("TOML is read up to its first error: there may be more."),
        ) from error


def _archive(
    table: Mapping[str, Any], environ: Mapping[str, str], validation: Validation
) -> ArchiveConfig:
    known = fields(ArchiveConfig)
    values = validation.convert(known, table, "archive")
    for name, variable in _FROM_ENVIRONMENT.items():
        if value := environ.get(variable):
            values |= validation.convert(known, {name: value}, f"{variable}: archive")
    return ArchiveConfig(**values)
