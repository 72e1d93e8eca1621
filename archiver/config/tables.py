"""What archiver.toml may contain: one typed, frozen value per table."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

from archiver.records.model import KINDS, NEWS, Kind
from archiver.records.text import Noun, plural

FieldPaths: TypeAlias = tuple[Annotated[str, Meta(min_length=1)], ...]
"""Paths of record fields, dotted where nested: ``downloads``, ``tags.*.fetched_at``."""

Folder: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^(?![\s\S]*[\x00-\x1f\x7f\\:])(?!(.*/)?(\.{1,2}|\.[gG][iI][tT])?(/|$)).+$",
        description='a folder inside the repository, such as "data"',
    ),
]
Branch: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^(?![\s\S]*[\x00-\x20\x7f~^:?*\[\\])(?!-|/|.*(\.\.|//|@\{|\.lock$|[/.]$)).+$",
        description='the name of a branch, such as "data"',
    ),
]
Author: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^(?![\s\S]*[\x00-\x1f\x7f])[^<>]*[^<> ] <[^<> ]+>$",
        description='a name and an address, such as "archiver <archiver@example.org>"',
    ),
]
Remote: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./-]*$",
        description='the name of a remote, such as "origin"',
    ),
]
Threshold: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_]+ *> *[0-9]+(\.[0-9]+)? *%$",
        description='a field and a share, such as "downloads > 10 %"',
    ),
]
Word: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^[^\W\d_]([^\W_]|[ -](?=[^\W_])){0,39}$",
        description='a word or two, such as "vulnerability"',
    ),
]
Count: TypeAlias = Annotated[int, Meta(ge=0, description="a whole number from 0")]
Days: TypeAlias = Annotated[int, Meta(ge=1, description="a whole number of days from 1")]
Bytes: TypeAlias = Annotated[int, Meta(ge=1, description="a whole number of bytes from 1")]
Share: TypeAlias = Annotated[float, Meta(ge=0, le=1, description="a number from 0 to 1")]
Distance: TypeAlias = Annotated[float, Meta(ge=0, description="a number from 0")]


class ArchiveConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[archive]``: where the archive lives in the repository.

    Attributes:
        path: Folder of the snapshots, relative to the repository's root, with ``/``.
        branch: Branch to commit to; None: the one that is checked out.
        author: Author of the commits as ``Name <address>``; None: git's own.
        remote: Name of the remote that ``run --push`` pushes to; None: the branch's own,
            else ``origin``, else the only one.
    """

    path: Folder = "data"
    branch: Branch | None = None
    author: Author | None = None
    remote: Remote | None = None

    @property
    def identity(self) -> tuple[str, str] | None:
        """Name and address of `author`."""
        if self.author is None:
            return None
        name, _, address = self.author.rpartition(" <")
        return name.strip(), address.removesuffix(">")


class SourceConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``[sources.NAME]``: what every type of source may say; its own settings in `settings`.

    Attributes:
        name: The source's name; also the name of its folder.
        type: A built-in type, an entry point of ``archiver.sources``, or ``package.module:Class``.
        records: Path of the records in the document; ``.``: the document is the array.
        key: Fields that make up a record's key; empty: the type's own.
        metrics: Fields that count; their changes are kept, but are not news.
        volatile: Fields that are stored, but never a change.
        sets: Arrays whose order means nothing.
        tolerance: Field path to the difference that is still "equal".
        noun: What one record is called: ``model``, ``vulnerability``.
        nouns: What several are called; None: the regular plural of `noun`.
        commit: What is worth a commit: any difference, or only news.
        max_shrink: Share of the records that may vanish in one run, from 0 to 1.
        confirmations: Complete listings in a row that must lack a record before it is removed;
            None: as many as the type says.
        timeout: Seconds that the source may be silent; ten times as long for a whole answer.
        retries: How often a request is tried again.
        shards: Number of files of a catalogue; ``auto``: as many as its size needs.
        max_bytes: A larger file is refused.
        settings: What the type itself reads, checked against its ``Settings``; with ``type``.
    """

    name: str
    type: str
    records: Annotated[str, Meta(min_length=1)] = "."
    key: FieldPaths = ()
    metrics: FieldPaths = ()
    volatile: FieldPaths = ()
    sets: FieldPaths = ()
    tolerance: dict[str, Distance] = {}
    noun: Word = "record"
    nouns: Word | None = None
    commit: Literal["any", "news"] = "any"
    max_shrink: Share = 0.2
    confirmations: Annotated[int, Meta(ge=1, description="a whole number from 1")] | None = None
    timeout: Annotated[float, Meta(gt=0, description="a number of seconds above 0")] = 30
    retries: Count = 4
    shards: Literal["auto", 1, 16, 256] = "auto"
    max_bytes: Bytes = 95_000_000
    settings: dict[str, Any] = {}

    @property
    def called(self) -> Noun:
        """What records are called, one and several."""
        return Noun(self.noun, self.nouns or plural(self.noun))


class ChannelConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``[notify.NAME]``: who is told of what; the type's own settings in `settings`.

    Attributes:
        name: The channel's name.
        type: A built-in type, an entry point of ``archiver.notifiers``, or ``module:Class``.
        sources: Which sources it is told of; empty: all.
        kinds: Which kinds of changes it is told of.
        where: Conditions that the records fulfil, as ``downloads > 1000``.
        threshold: By how much a metric must change to be reported, as ``downloads > 10 %``.
        limit: So many changes are named; the others are counted.
        outages: Whether it is told when a source cannot be listed, and when it can be again.
        settings: What the type itself reads, checked against its ``Settings``.
    """

    name: str
    type: str
    sources: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind in NEWS)
    where: tuple[str, ...] = ()
    threshold: Threshold | None = None
    limit: Annotated[int, Meta(ge=1, description="a whole number from 1")] = 20
    outages: bool = True
    settings: dict[str, Any] = {}


class RetentionConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[retention]``: which stamped files stay in the work tree (history keeps all).

    Attributes:
        keep_days: Keep the files of the last so many days; None: of all days.
        keep_daily: Keep the newest file of each of so many days.
        keep_weekly: Keep the newest file of each of so many weeks.
        keep_monthly: Keep the newest file of each of so many months.
    """

    keep_days: Days | None = None
    keep_daily: Count = 0
    keep_weekly: Count = 0
    keep_monthly: Count = 0


class TemplatesConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[templates]``: where templates lie that replace the built-in ones.

    Attributes:
        folder: Folder of templates, relative to the repository's root; None: none.
    """

    folder: Folder | None = None
