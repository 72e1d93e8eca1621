"""Run the fake hub by hand, to try a configuration or another program against it."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, time
from threading import Event

import click

from archiver.cli import options, output
from archiver.clock import now
from archiver.fakehub.catalogue import Catalogue
from archiver.fakehub.hub import Hub
from archiver.fakehub.misbehaviour import NAMES
from archiver.fakehub.server import FakeHub
from archiver.language import tr


@click.command(
    epilog=options.examples(
        "archiver fakehub --port 8080 --models 20000",
        "archiver fakehub --port 8080 --misbehave half-gzip",
    )
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0: any free port.")
@click.option("--models", type=click.IntRange(1, 1_000_000), default=2845, show_default=True)
@click.option("--seed", type=int, default=1, help="Another number, other models.")
@click.option(
    "--date",
    "start",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The hub's date on day 0: its newest models are as old.  [default: today, UTC]",
)
@click.option("--day", type=click.IntRange(0, 3650), default=0, help="Days that have passed.")
@click.option(
    "--search",
    "matching",
    type=click.Choice(["id", "parts"]),
    default="id",
    help="Whether a search looks at the whole owner/name, or at both apart.",
)
@click.option("--churn", type=click.IntRange(min=0), default=0, help="Pages between changes.")
@click.option("--misbehave", type=click.Choice(NAMES), help="Fail in this way.")
@click.option(
    "--minutes", type=click.FloatRange(min=0), default=60, help="Then stop.  [default: 60]"
)
def fakehub(
    *,
    port: int,
    models: int,
    seed: int,
    start: datetime | None,
    day: int,
    matching: str,
    churn: int,
    misbehave: str | None,
    minutes: float,
) -> None:
    """Run a made-up hub on 127.0.0.1 that speaks ModelScope's and Hugging Face's protocols.

    The same --seed, --models, --date and --day are the same hub. It stops by itself after an hour,
    or with Ctrl-C.
    """
    begin = datetime.combine(start or now(), time(), UTC)
    hub = Hub(models, seed=seed, matching="id" if matching == "id" else "parts", start=begin)
    for number in range(1, day + 1):
        hub.age(day=number)
    catalogue = Catalogue(models, seed, start=begin.date())
    with FakeHub(catalogue, day=day, hub=hub, churn=churn, port=port) as server:
        if misbehave is not None:
            server.misbehave(misbehave)
        with suppress(KeyboardInterrupt):
            click.echo(server.endpoint)
            variables = f"MODELSCOPE_ENDPOINT={server.endpoint} HF_ENDPOINT={server.endpoint}"
            output.note(tr("use it: export {variables}", variables=variables))
            later = f"--date {begin:%Y-%m-%d} --day {day + 1}"
            output.note(tr("the same hub, a day later: {later}", later=later))
            Event().wait(minutes * 60)
