"""The demo: a simulated ModelScope changes for some days; real commands archive and question it."""

from __future__ import annotations

import os
import shlex
import tempfile
from contextlib import chdir, contextmanager
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from archiver.cli import options
from archiver.clock import now
from archiver.errors import ConfigError
from archiver.fakehub.hub import Hub
from archiver.fakehub.server import FakeHub
from archiver.language import sentence, tr

if TYPE_CHECKING:
    from collections.abc import Iterator

MODELS = 2845
DAYS = 3
VARIABLE = "MODELSCOPE_ENDPOINT"
_OF_THE_READER = frozenset({"ARCHIVER_LANG", "ARCHIVER_PLAIN"})


class Scene(NamedTuple):
    """One step of the story: what is going on, and the command that is run."""

    words: str
    command: tuple[str, ...]


@click.command(epilog=options.examples("archiver demo", "archiver demo my-demo"))
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.pass_context
def demo(context: click.Context, folder: Path | None) -> None:
    """Watch the whole story: captures of a hub that changes, then questions about its history.

    The hub is simulated, but everything else is real: a local HTTP server that speaks ModelScope's
    protocol, a git repository in DIR (a new or empty folder; by default a temporary one), and the
    commands that you would type.
    """
    stage = _stage(folder)
    today = datetime.combine(now(), time(), UTC)
    hub = Hub(MODELS, start=today - timedelta(days=DAYS))
    click.echo(f"$ cd {shlex.quote(str(stage))}")
    with FakeHub(hub=hub) as server, _settings(server.endpoint), chdir(stage):
        click.echo(f"$ export {VARIABLE}={server.endpoint}")
        for scene in _story(hub):
            _play(scene, context.find_root())
    click.echo(
        tr(
            "\nThe archive is in {stage} and stays there; it is an ordinary git repository.",
            stage=stage,
        )
    )
    click.echo(
        tr("Look at its site: open {stage} in a browser,", stage=stage / "site" / "index.html")
    )
    click.echo(
        tr(
            "or let it follow the archive: archiver serve --repo {stage}",
            stage=shlex.quote(str(stage)),
        )
    )
    click.echo(
        tr(
            "Look around: cd {stage} && git log --stat && archiver --help",
            stage=shlex.quote(str(stage)),
        )
    )
    click.echo(tr("Archive something real: archiver init --help"))


def _story(hub: Hub) -> Iterator[Scene]:
    """Yield the scenes; time passes on the hub between them."""
    yield Scene(
        tr(
            "A hub lists {models:,} models. Its archive begins with a git repository.",
            models=MODELS,
        ),
        ("init", "--type", "modelscope", "--source", "hub", "--set", "scope=all"),
    )
    yield Scene(tr("The first capture."), ("run",))
    hub.age(day=1)
    gone = hub.remove(min(hub.truth()))
    yield Scene(
        tr("A day later: new and edited models. Those that are missing are kept."), ("run",)
    )
    hub.age(day=2)
    yield Scene(tr("The second listing lacks them too, and the hub says they are gone."), ("run",))
    hub.age(day=DAYS)
    hub.restore(gone)
    yield Scene(tr("One of them comes back."), ("run",))
    yield Scene(tr("Nothing but the removals that this listing confirms."), ("run",))
    yield Scene(tr("Nothing new on the hub: nothing is committed."), ("run",))
    yield from _questions(gone.id)


def _questions(key: str) -> Iterator[Scene]:
    """Yield what one can ask once there is a history; `key` is the model that came back."""
    yield Scene(tr("What happened, capture by capture?"), ("log",))
    yield Scene(tr("What did the last capture change?"), ("compare", "HEAD~1", "HEAD"))
    yield Scene(tr("And the whole week, in numbers?"), ("changes", "--since", "7d", "--stat"))
    yield Scene(tr("What happened to the model that came back?"), ("show", key))
    yield Scene(tr("Which are instructed, of 7B?"), ("search", "7b instruct", "--limit", "5"))
    popular = ("--where", "downloads", ">", "10000")
    columns = ("--field", "downloads", "--field", "size", "--limit", "5")
    yield Scene(tr("Which are popular?"), ("list", *popular, *columns))
    yield Scene(tr("For a spreadsheet:"), ("export", "--format", "csv", "--output", "models.csv"))
    yield Scene(tr("Is every byte of the history what was written?"), ("verify",))
    yield Scene(tr("And for people who never open a terminal: a site."), ("site", "-o", "site"))


def _play(scene: Scene, root: click.Context) -> None:
    """Print a command as one would type it, and run it; its failure ends the demo."""
    click.secho(f"\n# {scene.words}", dim=True)
    click.secho(f"$ archiver {shlex.join(scene.command)}", bold=True)
    command = list(scene.command)
    status = root.command.main(command, prog_name="archiver", standalone_mode=False)
    if status:
        root.exit(status)


def _stage(folder: Path | None) -> Path:
    """Return the folder of the demo: new, or there and empty."""
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="archiver-demo-"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        used = any(folder.iterdir())
    except OSError as error:
        raise ConfigError(
            sentence(
                "the demo cannot use {folder}: {strerror}", folder=folder, strerror=error.strerror
            )
        ) from error
    if used:
        raise ConfigError(
            sentence("{folder} is not empty", folder=folder),
            hint=sentence("Name a new or an empty folder."),
        )
    return folder.resolve()


@contextmanager
def _settings(endpoint: str) -> Iterator[None]:
    """Name the hub; hide the user's archive and tokens, and proxies from 127.0.0.1."""
    environ = os.environ  # noqa: TID251  the commands of the story run in this process
    kept = dict(environ)
    for name in kept.keys() - _OF_THE_READER:
        if name.startswith(("ARCHIVER_", "MODELSCOPE_")) or name.lower().endswith("_proxy"):
            del environ[name]
    environ[VARIABLE] = endpoint
    try:
        yield
    finally:
        environ.clear()
        environ.update(kept)
