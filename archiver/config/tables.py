"""The tables of archiver.toml: one typed, frozen value each."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from archiver.changes.pace import Pace
from archiver.language import sentence
from archiver.records.model import KINDS, NEWS, Kind, Severity
from archiver.records.representation import short
from archiver.records.text import Noun, plural

FieldPaths: TypeAlias = tuple[Annotated[str, Meta(min_length=1)], ...]
"""Paths of record fields, dotted where nested: ``downloads``, ``tags.*.fetched_at``."""

FilePath: TypeAlias = Annotated[
    str, Meta(pattern=r"^[^\x00]+$", description='a file, such as "models.txt"')
]
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
WebAddress: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^https?://[A-Za-z0-9._~:\[\]-]+(/[A-Za-z0-9._~/%-]*)?$",
        description='the address of a folder on the web, such as "https://example.org/archive/"',
    ),
]
Line: TypeAlias = Annotated[
    str, Meta(pattern=r"^[^\x00-\x1f\x7f]{1,200}$", description="a line of at most 200 characters")
]
Threshold: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^[^\s>][^>\x00-\x1f]*> *[0-9]+(\.[0-9]+)? *%$",
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
News: TypeAlias = Literal["new", "removed", "returned", "renamed", "entered", "left", "updated"]
Count: TypeAlias = Annotated[int, Meta(ge=0, description="a whole number from 0")]
Days: TypeAlias = Annotated[int, Meta(ge=1, description="a whole number of days from 1")]
Bytes: TypeAlias = Annotated[int, Meta(ge=1, description="a whole number of bytes from 1")]
Share: TypeAlias = Annotated[float, Meta(ge=0, le=1, description="a number from 0 to 1")]
Distance: TypeAlias = Annotated[float, Meta(ge=0, description="a number from 0")]
Period: TypeAlias = Annotated[
    str,
    Meta(pattern=r"^[1-9][0-9]{0,3}[hdw]$", description='a period, such as "24h", "7d" or "2w"'),
]
Digits: TypeAlias = Annotated[int, Meta(ge=1, description="a whole number of digits from 1")]
Factor: TypeAlias = Annotated[
    float, Meta(gt=1, le=1e12, description="a factor above 1, such as 10")
]


RUN_CLASS: Final = sentence("the take_snapshot() of that class captures it, no command does")
"""What to do with a source that a class in Python lists."""


class ArchiveConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[archive]``: where the archive is in the repository.

    Attributes:
        path: Folder of the snapshots, relative to the repository's root, with ``/``.
        branch: Branch to commit to; None: the one that is checked out.
        author: Author of the commits as ``Name <address>``; None: git's own.
        remote: Name of the remote that ``run --push`` pushes to; None: the branch's own,
            else ``origin``, else the only one.
        lang: Language of what is written and sent: commits, changelog, notifications, site.
            None: English.
        index: Whether runs keep an index that is there up to date (``auto``), make one
            (``always``), or none is used (``never``).
    """

    path: Folder = "data"
    branch: Branch | None = None
    author: Author | None = None
    remote: Remote | None = None
    lang: Literal["en", "zh"] | None = None
    index: Literal["auto", "always", "never"] = "auto"

    __repr__ = short

    @property
    def identity(self) -> tuple[str, str] | None:
        """Name and address of `author`."""
        if self.author is None:
            return None
        name, _, address = self.author.rpartition(" <")
        return name.strip(), address.removesuffix(">")


class MetricsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``metrics = { … }`` of a source: which fields are metrics, and at which pace.

    Attributes:
        fields: Fields with metrics; unset: those of the type.
        every: How often all of them are archived; None: with each capture.
        round: How many significant digits are archived; None: all.
        jump: Factor by which a metric moves whose record gets its metrics at once.
    """

    fields: FieldPaths | UnsetType = UNSET
    every: Period | None = None
    round: Digits | None = None
    jump: Factor | None = None

    __repr__ = short

    @property
    def pace(self) -> Pace:
        """The pace of the metrics."""
        return Pace(self.every or "", self.round, self.jump)


class SourceConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``[sources.NAME]``: settings of every type of source; those of the type in `settings`.

    Attributes:
        name: The source's name; also the name of its folder.
        type: A built-in type, an entry point of ``archiver.sources``, or ``package.module:Class``.
        records: Path of the records in the document; ``.``: the document is the array.
        key: Fields that form the key of a record; empty: those of the type.
        metrics: Fields with metrics; their changes are kept, but are not news.
        pace: How often and how exactly metrics are archived; with ``metrics``.
        volatile: Fields that are stored, but whose changes are ignored.
        sets: Arrays without order.
        tolerance: Field path to the largest difference that counts as equal.
        label: Field whose text people read beside the key: ``Name`` where keys are UUIDs.
        severity: Field path to how bad a change of it is, in place of the built-in table.
        null: Whether a field that is null is a ``value``, or compared as if it were ``absent``.
        renames: Whether a record that is gone and a new one that holds the same may be one
            (``hint``), or are one that was renamed (``exact``).
        noun: What one record is called: ``model``, ``vulnerability``.
        nouns: What several are called; None: the regular plural of `noun`.
        commit: What is committed: any difference, or only news.
        max_shrink: Largest share of records that may be removed in one run, from 0 to 1.
        confirmations: Consecutive complete listings that must lack a record before it is removed;
            None: the default of the type.
        damping: Captures within which a record that was removed is back if it flaps; 0: nothing is
            damped.
        timeout: Seconds of silence after which a request fails; a whole answer may take ten times.
        retries: Number of retries of a request.
        redirect_to: Hosts to which the source may redirect; secrets never go there.
        shards: Number of files of a catalogue; ``auto``: by its size.
        max_bytes: Largest size of a file.
        settings: Settings of the type, checked against its ``Settings``; with ``type``.
    """

    name: str
    type: str
    records: Annotated[str, Meta(min_length=1)] = "."
    key: FieldPaths = ()
    metrics: FieldPaths = ()
    pace: Pace = Pace()
    volatile: FieldPaths = ()
    sets: FieldPaths = ()
    tolerance: dict[str, Distance] = {}
    label: str = ""
    severity: dict[Annotated[str, Meta(min_length=1)], Severity] = {}
    null: Literal["value", "absent"] = "value"
    renames: Literal["hint", "exact"] = "hint"
    noun: Word = "record"
    nouns: Word | None = None
    commit: Literal["any", "news"] = "any"
    max_shrink: Share = 0.2
    confirmations: Annotated[int, Meta(ge=1, description="a whole number from 1")] | None = None
    damping: Count = 0
    timeout: Annotated[float, Meta(gt=0, description="a number of seconds above 0")] = 30
    retries: Count = 4
    redirect_to: tuple[Annotated[str, Meta(min_length=1)], ...] = ()
    shards: Literal["auto", 1, 16, 256, 4096] = "auto"
    max_bytes: Bytes = 95_000_000
    settings: dict[str, Any] = {}

    __repr__ = short

    @property
    def by_class(self) -> bool:
        """Whether a class in Python lists it, which no command can run."""
        return self.type == "class"

    @property
    def called(self) -> Noun:
        """The noun of the records, singular and plural."""
        return Noun(self.noun, self.nouns or plural(self.noun))


class ChannelConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``[notify.NAME]``: what a channel receives; settings of its type in `settings`.

    Attributes:
        name: The channel's name.
        type: A built-in type, an entry point of ``archiver.notifiers``, or ``module:Class``.
        sources: Sources of which it receives messages; empty: all.
        kinds: Kinds of changes that it receives.
        fields: Paths of fields; of records that changed, it receives only changes of these.
            Empty: all.
        where: Conditions that records must fulfil, such as ``downloads > 1000``.
        pins: Lists of keys, paths relative to archiver.toml; it receives only changes of these
            records. Empty: all.
        threshold: Smallest change of a metric that it receives, such as ``downloads > 10 %``.
        min_severity: How bad a change is at least that it receives; None: any.
        limit: Largest number of changes that are named; the others are counted.
        outages: Whether it is notified of outages and recoveries.
        settings: Settings of the type, checked against its ``Settings``.
    """

    name: str
    type: str
    sources: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind in NEWS)
    fields: FieldPaths = ()
    where: tuple[str, ...] = ()
    pins: tuple[FilePath, ...] = ()
    threshold: Threshold | None = None
    min_severity: Severity | None = None
    limit: Annotated[int, Meta(ge=1, description="a whole number from 1")] = 20
    outages: bool = True
    settings: dict[str, Any] = {}

    __repr__ = short


class FeedConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``[feeds.NAME]``: a feed of the changes that one person asks for.

    Attributes:
        name: The feed's name; its files are ``feeds/NAME.atom`` and ``feeds/NAME.json``.
        sources: Sources that have such a feed; empty: all.
        kinds: Kinds of changes that it tells; changes of metrics are never news.
        fields: Paths of fields; of records that changed, it tells only changes of these.
            Empty: all.
        where: Conditions that records must fulfil, such as ``downloads > 1000``.
        min_severity: How bad a change is at least that it tells; None: any.
    """

    name: str
    sources: tuple[str, ...] = ()
    kinds: tuple[News, ...] = tuple(kind for kind in KINDS if kind != "metrics")
    fields: FieldPaths = ()
    where: tuple[str, ...] = ()
    min_severity: Severity | None = None

    __repr__ = short


class AliasConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[alias]``: which records of several sources are one, and what of them is compared.

    Attributes:
        rules: What keys are called elsewhere: ``a:Owner/* = b:owner/*``; of those that fit, the
            first decides.
        pairs: Records that are one, each as ``source:key``.
        pairs_file: A CSV file of further pairs, relative to archiver.toml; its first row names
            sources.
        weakest: The weakest evidence by which records are paired: a rule, equal keys, keys that
            are equal apart from case, names that are equal apart from separators.
        fields: Field to the path that it has in a source which calls it otherwise; also names
            further fields that are compared.
        tolerance: Field to how much may differ: of numbers a share of the larger one, of times
            days.
    """

    rules: tuple[str, ...] = ()
    pairs: tuple[tuple[str, ...], ...] = ()
    pairs_file: FilePath | None = None
    weakest: Literal["rule", "key", "case", "name"] = "name"
    fields: dict[
        Annotated[str, Meta(min_length=1)], dict[str, Annotated[str, Meta(min_length=1)]]
    ] = {}
    tolerance: dict[str, Distance] = {}

    __repr__ = short


class RetentionConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[retention]``: which stamped files stay in the work tree; history keeps all.

    Attributes:
        keep_days: Number of last days of which all files are kept; None: all days.
        keep_daily: Number of days of which the newest file is kept.
        keep_weekly: Number of weeks of which the newest file is kept.
        keep_monthly: Number of months of which the newest file is kept.
    """

    keep_days: Days | None = None
    keep_daily: Count = 0
    keep_weekly: Count = 0
    keep_monthly: Count = 0

    __repr__ = short


class TemplatesConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[templates]``: the templates that replace the built-in ones.

    Attributes:
        folder: Folder of templates, relative to the repository's root; None: none.
    """

    folder: Folder | None = None

    __repr__ = short


class SiteConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[site]``: the site of the archive.

    Attributes:
        title: What is archived, for people; None: the names of the sources.
        base_url: Where the site is published; feeds and machines need whole addresses. None: they
            get none.
        static_records: Number of records that get a page of their own, which is read without
            JavaScript: removed ones, then those that changed last. All others are drawn.
    """

    title: Line | None = None
    base_url: WebAddress | None = None
    static_records: Annotated[int, Meta(ge=0, le=50_000, description="0 to 50,000")] = 5_000

    __repr__ = short
