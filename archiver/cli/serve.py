"""The command that serves the site of the working archive to the browsers of this machine."""

from __future__ import annotations

import hashlib
import os
import signal
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import TYPE_CHECKING

import click

from archiver import config as configuration
from archiver.cli import options, output
from archiver.history.index import Progress, silent
from archiver.language import tr
from archiver.site.hosts import LOCAL
from archiver.site.renewal import Renewal
from archiver.site.server import PORT, SiteServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.history.choice import Choice

_BEAT = 0.5
"""Seconds after which a signal is seen at the latest."""
FOLDER = "archiver/site"
"""Folder of the sites that are served, below git's common folder."""


@click.command(
    epilog=options.examples(
        "archiver serve --open",
        "archiver serve --port 0 --source hub",
        "archiver serve --file data.json --records vulnerabilities --key cveID",
    )
)
@click.option("--host", default=LOCAL, show_default=True, help="Where to listen.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=PORT,
    show_default=True,
    help="Where to listen; 0: any free port.",
)
@click.option("--open/--no-open", "opens", default=False, help="Open it in a browser.")
@click.option("--title", help="What the site is called.  [default: that of archiver.toml]")
@options.catalogue
def serve(*, choice: Choice, host: str, port: int, opens: bool, title: str | None) -> None:
    """Serve the site of the archive on this machine, until Ctrl-C.

    It is built again when the archive, archiver.toml or a template changes, and open pages reload.
    Nothing can be changed through it.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ExitStack() as stack:
        site = Site(choice, stack.enter_context(place(choice)), title)
        server = stack.enter_context(SiteServer(site.folder, host=host, port=port))
        if not server.names.is_private:
            output.note(tr("warning: everyone who reaches {host} can read this archive", host=host))
        renewal = Renewal(site.mark, site.build, renewed=server.show)
        site.build_first(renewal)
        with suppress(KeyboardInterrupt), renewal:
            click.echo(
                tr("Serving {names} on {url} (Ctrl-C ends)", names=site.names, url=server.names.url)
            )
            if opens:
                _open(server.names.url)
            # A signal that comes just before a wait without an end would never be seen.
            while not Event().wait(_BEAT):
                pass


def _open(url: str) -> None:
    import webbrowser  # noqa: PLC0415 - only where it is asked for

    if not webbrowser.open(url):
        output.note(tr("no browser was found: open {url} yourself", url=url))


@contextmanager
def beside(choice: Choice, port: int) -> Iterator[None]:
    """Serve the site of the archive while the block runs; there need not be a capture yet."""
    with place(choice) as folder, SiteServer(folder, port=port) as server:
        site = Site(choice, folder, None)
        with Renewal(site.mark, site.build, renewed=server.show):
            output.note(tr("serving {names} on {url}", names=site.names, url=server.names.url))
            yield


@contextmanager
def place(choice: Choice) -> Iterator[Path]:
    """Yield the folder of a site: the same one each time, so that little has to be rebuilt.

    Where git's folder cannot be written, it is a temporary one.
    """
    sites = choice.each()[0].required().common_dir / FOLDER
    asked = (choice.sources, choice.file, choice.records, choice.key, choice.excluded, choice.how)
    name = hashlib.sha256(repr((*asked, choice.metrics)).encode()).hexdigest()[:16]
    with suppress(OSError):
        sites.mkdir(parents=True, exist_ok=True)
    if os.access(sites, os.W_OK | os.X_OK):
        yield sites / name
        return
    with TemporaryDirectory(prefix="archiver-", ignore_cleanup_errors=True) as temporary:
        yield Path(temporary, name)


class Site:
    """The site of an archive, in a folder.

    Attributes:
        folder: Where it is built.
    """

    def __init__(self, choice: Choice, folder: Path, title: str | None) -> None:
        """Find the catalogues; build nothing yet.

        Raises:
            ConfigError: archiver.toml is missing or wrong.
            NotADataRepository: There is no git repository.
        """
        self.folder = folder
        self._choice = choice
        self._title = title
        self._progress: Progress = silent
        self._catalogues = choice.each()

    @property
    def names(self) -> str:
        """What is shown, for people."""
        return ", ".join(each.source for each in self._catalogues)

    def mark(self) -> str:
        """Return a digest of what the site is made of: commits, archiver.toml, templates."""
        found = hashlib.sha256()
        for ref in sorted({each.ref for each in self._catalogues}):
            tip = self._catalogues[0].required().tip(ref)
            found.update(f"{ref} {tip}\n".encode())
        for file in self._written():
            content = file.read_bytes() if file.is_file() else b""
            found.update(f"{file} {len(content)}\n".encode() + content)
        return found.hexdigest()[:16]

    def _written(self) -> Iterator[Path]:
        """Yield the files of people that say how the site looks."""
        file = configuration.locate(self._choice.repo, self._choice.environ)
        config = self._catalogues[0].config
        if file is not None and config is not None:
            yield file
            if config.template_folder is not None:
                yield from sorted(config.template_folder.iterdir())

    def build(self) -> None:
        """Build it, or what changed of it."""
        from archiver.site.build import Settings, build  # noqa: PLC0415 - templates and all

        self._catalogues = self._choice.each()
        build(
            self._catalogues,
            self.folder,
            Settings.of(self._catalogues, title=self._title),
            self._progress,
        )

    def build_first(self, renewal: Renewal) -> None:
        """Build it with a bar; what fails is raised."""
        with output.progress("site") as self._progress:
            renewal.renew()
        self._progress = silent
