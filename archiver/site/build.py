"""Build the site of an archive: static files in a folder that is replaced at once."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from archiver import __version__
from archiver.config import SiteConfig
from archiver.errors import ConfigError, NotADataRepository
from archiver.history.index import ready, silent
from archiver.language import ENGLISH, current, sentence, speaking
from archiver.records.representation import short
from archiver.records.text import Noun
from archiver.render.templates import fingerprint, render, spoken, static
from archiver.site import machine
from archiver.site.addresses import upwards
from archiver.site.facts import Facts
from archiver.site.folder import MANIFEST, Manifest, replaced
from archiver.site.source import SourceSite

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from archiver.history.catalogue import Catalogue
    from archiver.history.index import Index
    from archiver.site.folder import Draft
    from archiver.site.source import Told

    Progress = Callable[[int, int], None]

_DIGITS: Final = 12
_ICON: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">'
    '<rect width="16" height="16" rx="3" fill="#0d5470"/>'
    '<path d="M4 4h8M4 8h8M4 12h5" stroke="#fff" stroke-width="1.6"/></svg>\n'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a site is made.

    Attributes:
        title: What is archived, for people; None: the names of the sources.
        base_url: Where it is published; None: unknown.
        static_records: Number of records of each source that get a page of their own.
        folder: The user's templates; None: there are none.
        rebuild: Whether nothing of the published site is kept.
    """

    title: str | None = None
    base_url: str | None = None
    static_records: int = 5_000
    folder: Path | None = None
    rebuild: bool = False
    language: str = ENGLISH

    __repr__ = short

    @classmethod
    def of(
        cls,
        catalogues: Sequence[Catalogue],
        *,
        title: str | None = None,
        base_url: str | None = None,
        rebuild: bool = False,
    ) -> Settings:
        """Return the settings of archiver.toml, but for what is given here."""
        config = catalogues[0].config
        table = SiteConfig() if config is None else config.site
        return cls(
            title=title or table.title,
            base_url=base_url or table.base_url,
            static_records=table.static_records,
            folder=None if config is None else config.template_folder,
            rebuild=rebuild,
            language=current() if config is None else config.language,
        )


@dataclass(frozen=True, slots=True)
class Built:
    """What was made.

    Attributes:
        written: Number of files that are new or differ from before.
        kept: Number of files that are the same.
        drawn: Number of records that have no page of their own: a script draws it.
        empty: The sources that are left out: they were never captured.
    """

    written: int
    kept: int
    drawn: int = 0
    empty: tuple[str, ...] = ()

    __repr__ = short


def build(
    catalogues: Sequence[Catalogue],
    folder: Path,
    settings: Settings,
    progress: Progress = silent,
) -> Built:
    """Make the site of some catalogues in `folder`, which appears complete or stays as it is.

    The same history gives the same bytes. What the site in the folder holds already is kept.

    Args:
        catalogues: The catalogues; at least one.
        folder: The folder; new, empty, or one with a site.
        settings: How it is made.
        progress: Receives the progress of each index, see `ready`.

    Raises:
        ConfigError: The folder holds something else, or cannot be written.
        RenderError: A template is missing or wrong; the old site stays.
        StoreError: See `ready`.
    """
    with ExitStack() as stack:
        stack.enter_context(speaking(settings.language))
        found, empty = _indexed(stack, catalogues, progress)
        draft = stack.enter_context(replaced(folder, fresh=settings.rebuild))
        site = _Site(draft, settings, [each.source for each, _ in found])
        for catalogue, index in found:
            site.add(Facts(catalogue, index, settings.static_records))
        site.finish()
    return Built(draft.written, draft.kept, site.drawn, empty)


def _indexed(
    stack: ExitStack, catalogues: Sequence[Catalogue], progress: Progress
) -> tuple[list[tuple[Catalogue, Index]], tuple[str, ...]]:
    """Open the indexes of the catalogues that were ever captured; name the others.

    Raises:
        NotADataRepository: None was.
        StoreError: See `ready`.
    """
    found, empty = [], []
    for each in catalogues:
        try:
            found.append((each, stack.enter_context(ready(each, progress))))
        except NotADataRepository:
            if each is catalogues[-1] and not found:
                raise
            empty.append(each.source)
    return found, tuple(empty)


@dataclass
class _Site:
    """The frame that all pages share, and the pages at the top."""

    draft: Draft
    settings: Settings
    names: list[str]
    frame: dict[str, str] = field(init=False)
    told: list[Told] = field(default_factory=list)
    sections: dict[str, Any] = field(default_factory=dict)
    drawn: int = 0

    def __post_init__(self) -> None:
        style, script = static("site.css"), spoken(static("site.js"))
        self.title = self.settings.title or ", ".join(self.names)
        self.base_url = (
            (self.settings.base_url or "").rstrip("/") + "/" if self.settings.base_url else ""
        )
        self.frame = {
            "title": self.title,
            "style": f"assets/site-{_digest(style)}.css",
            "script": f"assets/site-{_digest(script)}.js",
            "icon": f"assets/icon-{_digest(_ICON)}.svg",
        }
        for name, content in (("style", style), ("script", script), ("icon", _ICON)):
            self.draft.write(self.frame[name], content)
        self.made = _digest(
            repr(
                (
                    __version__,
                    self.settings.language,
                    self.frame,
                    fingerprint("site", self.settings.folder),
                )
            )
        )

    def render(self, template: str, path: str, context: Mapping[str, Any]) -> str:
        """Return the page at `path`."""
        source = context.get("source")
        root = upwards(path)
        here = root + f"{source['folder']}/" if source else root
        if path.startswith(f"{source['folder']}/" if source else "/"):
            here = upwards(path.partition("/")[2])
        frame: dict[str, Any] = {
            "site": self.frame,
            "root": root,
            "here": here,
            "source": None,
            "feeds": [],
        }
        return render(template, {**frame, **context}, folder=self.settings.folder)

    def add(self, facts: Facts) -> None:
        """Write all about one source."""
        source = SourceSite(facts, self.draft, self.render, self.made, self.base_url)
        if source.folder in self.sections:
            raise ConfigError(
                sentence("two sources would have the folder {folder}", folder=source.folder)
            )
        source.write()
        self.told.append(source.told)
        self.sections[source.folder] = source.section
        self.drawn += source.drawn
        if len(self.names) == 1:
            page = self.render("site-overview.html.j2", "index.html", source.overview)
            self.draft.write("index.html", page)

    def finish(self) -> None:
        """Write what is about all sources, and the manifest."""
        sources = [each._asdict() for each in self.told]
        if len(sources) > 1:
            self.draft.write(
                "index.html", self.render("site-portal.html.j2", "index.html", {"sources": sources})
            )
        missing = {
            "sources": sources,
            "base": self.base_url or "/",
            "noun": Noun(*self.told[0].noun).words,
        }
        self.draft.write("404.html", self.render("site-missing.html.j2", "404.html", missing))
        self.draft.write("index.json", machine.index(self.title, self.base_url, self.told))
        self.draft.write("llms.txt", machine.llms(self.title, self.told))
        self.draft.write(".nojekyll", "")
        if self.base_url:
            self.draft.write("sitemap.xml", machine.sitemap(self.base_url, self.draft.files()))
        manifest = Manifest(
            schema="archiver/site/1", names=self.draft.names(), sources=self.sections
        )
        self.draft.write(MANIFEST, msgspec.json.encode(manifest))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
