"""The files of a new data repository, as text."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archiver import __version__
from archiver.config import FILE_NAME, SOURCE_NAME, parse
from archiver.errors import ConfigError, reason
from archiver.language import ENGLISH, current, sentence, tr

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PACKAGE = sentence(
    "note: it installs snapshot-archiver {version} from PyPI; until that is released there, "
    "give `archiver init` --github OWNER/REPO@REF",
    version=__version__,
)
"""What a person must know of a job that installs this program by its name."""

PUBLISHED = {
    "github": sentence(
        "next: on GitHub choose Settings > Pages > Source: GitHub Actions, else no site is "
        "published; everyone can read it, even if the repository is private"
    ),
    "gitlab": sentence(
        "next: on GitLab, Deploy > Pages shows the address of the site after the first run, "
        "and Settings > General > Visibility who can read it"
    ),
}
"""What a person must still do where the job publishes the site."""


@dataclass(frozen=True, slots=True)
class NewSource:
    """The source that a new archiver.toml names.

    Attributes:
        name: Its name, also the name of its folder.
        url: ``https://``, ``http://``, ``file://``, or a path; archiver.toml is its base.
        records: Path of the records in the document.
        key: Fields of a record's key.
        metrics: Fields that count.
        type: The type; one other than ``json`` needs nothing but its name.
        settings: Its own settings, name to TOML value.
    """

    name: str
    url: str = ""
    records: str = "."
    key: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    type: str = "json"
    settings: Mapping[str, str] = field(default_factory=dict)


_EXAMPLE = NewSource(
    name="kev",
    url="https://example.org/feed.json",
    records="vulnerabilities",
    key=("cveID",),
)


def advice(action: str) -> str:
    """Return what a person must know of a workflow that runs this Action; empty: nothing."""
    if not action:
        return PACKAGE
    _, at, ref = action.rpartition("@")
    if not at or re.fullmatch("[0-9a-f]{40}", ref):
        return ""
    return sentence(
        "note: {ref} can be moved to other code; a commit's full SHA cannot, and linters want it",
        ref=ref,
    )


def files(source: NewSource | None) -> dict[str, str]:
    """Return every file of a new data repository: name to text."""
    return {
        FILE_NAME: config_text(source),
        ".gitattributes": tr(_ATTRIBUTES),
        "README.md": tr(_README),
    }


def config_text(source: NewSource | None = None) -> str:
    """Return a new archiver.toml; without a `source` it holds a commented example."""
    section = table(source or _EXAMPLE)
    if source is None:
        section = "".join(f"# {line}\n" for line in section.splitlines())
    lang = _LANG if current() == ENGLISH else f'lang = "{current()}"\n'
    return tr(_CONFIG).replace("<lang>\n", lang).replace("<sources>", section)


def with_source(content: bytes, path: Path, source: NewSource) -> str | None:
    """Return the archiver.toml at `path` with the table of one more source at its end.

    The text before it stays as it is. None: it has the very same source already.

    Args:
        content: What the file holds.
        path: Where it is.
        source: The source.

    Raises:
        ConfigError: The file has errors, another source of this name, or a form in which no
            table can follow.
    """
    try:
        known = parse(content, path, {}).sources
    except ConfigError as error:
        raise ConfigError(
            reason(error), hint=sentence("mend it first, or paste this table")
        ) from error
    new = table(source)
    if source.name in known:
        if known[source.name] == parse(new.encode(), path, {}).source(source.name):
            return None
        raise ConfigError(
            sentence(
                '{file}: a source is called "{source}" already', file=path.name, source=source.name
            ),
            hint=sentence("give --source NAME, or paste into its table what it lacks"),
        )
    text = content.decode()
    end = "\r\n" if "\r\n" in text else "\n"
    gap = "" if not text else end if text.endswith("\n") else end * 2
    text += gap + new.replace("\n", end)
    try:
        parse(text.encode(), path, {})
    except ConfigError as error:
        hint = sentence("no table can follow there: add this one by hand, in the form of the file")
        raise ConfigError(reason(error), hint=hint) from error
    return text


def table(source: NewSource) -> str:
    """Return the table of a source, as archiver.toml holds it."""
    name = source.name if re.fullmatch(SOURCE_NAME, source.name) else _quoted(source.name)
    if source.type != "json":
        start = f"[sources.{name}]\ntype = {_quoted(source.type)}\n"
        given = "".join(f"{setting} = {value}\n" for setting, value in source.settings.items())
        usual = tr(_USUAL.get(source.type, "")).splitlines(keepends=True)
        whole = source.type in _HUBS and source.settings.get("scope") == '"all"'
        if whole and "metrics" not in source.settings:
            given += tr(_PACES[source.type])
        usual = [line for line in usual if not (whole and line.startswith("# metrics "))]
        top = tr(_TOP) if source.type in _HUBS and not _CHOICES & source.settings.keys() else ""
        without = {*source.settings} if top else {*source.settings, "scope"}
        kept = (line for line in usual if line.split(" ", 1)[0] not in without)
        return start + given + top + "".join(kept)
    text = tr(
        _SOURCE,
        name=name,
        url=_quoted(source.url),
        records=_quoted(source.records),
        key=array(source.key),
        metrics=array(source.metrics),
    )
    return text + "".join(f"{setting} = {value}\n" for setting, value in source.settings.items())


def _quoted(text: str) -> str:
    """Write a TOML string; TOML escapes as JSON does, and DEL too (TOML 1.0, String)."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def brief(source: NewSource) -> str:
    """Return the table of a document with nothing but what it needs."""
    key = _quoted(source.key[0]) if len(source.key) == 1 else array(source.key)
    lines = [
        f"[sources.{source.name}]",
        f"type = {_quoted(source.type)}",
        f"url = {_quoted(source.url)}",
        f"records = {_quoted(source.records)}",
        f"key = {key}",
        *([f"metrics = {array(source.metrics)}"] if source.metrics else []),
        *(f"{setting} = {value}" for setting, value in source.settings.items()),
    ]
    return "".join(f"{line}\n" for line in lines)


def array(texts: tuple[str, ...]) -> str:
    """Write a TOML array of strings."""
    return f"[{', '.join(map(_quoted, texts))}]"


_SOURCE = sentence(
    """\
[sources.{name}]
type = "json"                 # `archiver sources` lists the types
url = {url}
# Where the records are (".", "a.b", "a.b{{}}", ".[].models") and the fields that tell them apart.
records = {records}
key = {key}
# Fields that count (archived, but no news), and fields that are never a change.
metrics = {metrics}
volatile = []
# sets = ["tags"]             # arrays whose order means nothing
# tolerance = {{ price = 0.01 }}
# null = "absent"             # a field that is null is compared as if it were not there
# renames = "exact"           # one that is gone and a new one that holds the same: renamed
# commit = "any"              # "news": no commit when only metrics changed
# max_shrink = 0.2            # refuse a listing in which more of the records are gone
# damping = 3                 # a record that is gone and back within 3 captures is one line
# except = ["$schema"]        # members beside the records that are none
# noun = "vulnerability"      # what a record is called
# label = "name"              # what people read beside a key such as a UUID
# shards = "auto"             # or 1, 16, 256, 4096: files of a large catalogue
"""
)

_CHOICES = frozenset({"scope", "owners", "tasks", "search", "ids", "author", "pipeline_tag"})
"""Settings of the hubs that choose what is listed."""

_TOP = sentence(
    """\
# The top of a hub cannot show that a model was deleted, unless the whole hub fits into it: a model
# that is no longer listed "left", and only `archiver check` asks the hub whether it still exists.
# A model that was never in the top is not watched at all: name what you depend on in `ids`.
"""
)
"""What a person must know of the scope that they get where they choose none."""

_PACES = {
    "modelscope": sentence(
        """\
# Half of all models change a counter each day, which fills a repository. So counters are archived
# once a week, with two digits; where one moves tenfold, it comes at once.
metrics = { every = "7d", round = 2, jump = 10 }
"""
    ),
    "huggingface": sentence(
        """\
# Half of millions of models change a counter each day: exact ones fill a repository within a year.
# So they are archived every 8 weeks, with two digits; where one moves tenfold, it comes at once.
metrics = { every = "8w", round = 2, jump = 10 }
"""
    ),
}
"""The pace of metrics for every model of a hub, and why."""

_HUBS = {
    "modelscope": sentence(
        """\
scope = "top"                 # the 3,000 most downloaded; "all": every model
# ids = "models.txt"          # or ["org/a", …]: exactly these, and every removal of them
# owners = ["Qwen"]           # or tasks = […], or search = "…": only these
# incremental = true          # with "all": list what changed, and everything every 7 days
# full_every = "7d"
# metrics = { every = "7d", round = 2, jump = 10 }  # with "all": counters once a week
# token_env = "MODELSCOPE_API_TOKEN"
# rate = 4                    # requests a second
# confirmations = 2           # complete listings that must lack a model before it is removed
"""
    ),
    "huggingface": sentence(
        """\
scope = "top"                 # the 10,000 most downloaded; "all": every model
# ids = "models.txt"          # or ["org/a", …]: exactly these, and every removal of them
# author = "Qwen"             # or pipeline_tag = "…", or search = "…": only these
# metrics = { every = "8w", round = 2, jump = 10 }  # with "all": counters every 8 weeks
# token_env = "HF_TOKEN"
# confirmations = 2           # complete listings that must lack a model before it is removed
"""
    ),
}
"""Settings of the hubs, as a new archiver.toml shows them."""

_CONFIG = sentence(
    """\
# What archiver keeps here. Check it with: archiver sources

[archive]
path = "data"                 # snapshots go to data/<source>/
# branch = "data"             # commit to another branch than the one checked out
# author = "archiver <archiver@example.org>"  # instead of git's own user.name and user.email
# remote = "origin"           # where `archiver run --push` pushes to
<lang>

<sources>
[retention]                   # stamped files in the work tree; the history keeps every snapshot
keep_days = 30                # older stamped files leave the work tree
# keep_daily = 7
# keep_weekly = 4
# keep_monthly = 12

[templates]
# folder = "templates"        # templates that replace the built-in ones

# [notify.team]               # who is notified of what; try it: archiver notify
# type = "webhook"            # or apprise (chats, mail), file, stdout, github
# url_env = "TEAM_WEBHOOK_URL" # secrets are named, never written
# kinds = ["new", "removed"]
"""
)

_LANG = '# lang = "zh"                 # 提交、更新日志、通知和站点使用中文\n'

_ATTRIBUTES = sentence(
    """\
# The bytes in the work tree are the bytes in the history: no conversion of line ends.
/data/** -text
# Stamped files repeat latest.json, whose diff is enough.
/data/**/snapshots/** -diff linguist-generated
/data/**/latest.json linguist-generated diff=archiver
/data/**/latest/** linguist-generated diff=archiver
/data/**/removed.jsonl linguist-generated
"""
)

_README = sentence(
    """\
# A history of catalogues

`archiver` keeps it: each run lists a catalogue, proves that the listing is complete and commits
it here, one record per line. `archiver.toml` says what is kept.

| file | what |
|---|---|
| `data/<source>/latest.json` | the newest snapshot |
| `data/<source>/snapshots/` | the same, by capture time (UTC) |
| `data/<source>/CHANGELOG.md` | what changed, newest first |
| `data/<source>/removed.jsonl` | what is gone, since when and why |

```
archiver run                  # capture now
archiver compare              # what the last capture changed
archiver changes --since 7d   # what a week changed
archiver show KEY             # the timeline of one record
archiver check models.txt     # end with 1 if one of these keys is gone or changed
archiver status               # is the job alive?
archiver diff-driver --install  # git log -p, git show and git diff show changes of records
```
"""
)
_USUAL = {
    "api": sentence(
        """\
# How a page leads to the next one: exactly one of next, cursor, page and offset.
# next = "link"               # the header Link; or a path such as "links.next"; "none": one page
# cursor = "meta.cursor"      # with cursor_param = "cursor"
# page = "page"               # the parameter that takes the number of the page
# offset = "offset"           # the parameter that takes the number of records before it
# page_size = 100             # with size_param = "per_page"
# total = "meta.count"        # or "header:X-Total-Count": the announced number of records
# bearer_env = "NAME"         # secrets are named, never written; also headers_env, params_env
# confirmations = 2           # complete listings that must lack a record before it is removed
"""
    ),
    "class": sentence(
        """\
# A class in Python lists it: its take_snapshot() captures it, `archiver run` leaves it out.
"""
    ),
    "github-releases": sentence(
        """\
# token_env = "GITHUB_TOKEN"  # 5,000 requests an hour instead of 60
# confirmations = 2           # complete listings that must lack a release before it is removed
"""
    ),
    "npm": sentence(
        """\
# ids = ["react", "@types/node"]  # or "packages.txt": exactly these, with version and licence
# incremental = true          # list what changed, and everything every 7 days
# full_every = "7d"
# enrich = ["version"]        # one more request for each new or changed package
# rate = 4                    # requests a second
# confirmations = 2           # complete listings that must lack a package before it is removed
"""
    ),
    "ollama": sentence(
        """\
# models = ["qwen3:8b"]       # these models of the registry, instead of what a server has
# endpoint = "http://127.0.0.1:11434"
"""
    ),
    "pypi": sentence(
        """\
# ids = ["requests"]          # or "packages.txt": exactly these, with version and licence
# enrich = ["version"]        # one more request for each new or changed package
# rate = 4                    # requests a second
# confirmations = 2           # complete listings that must lack a package before it is removed
"""
    ),
    **_HUBS,
}
"""What the table of a type says besides."""
