"""Do the same for every source; the trouble of one never stops the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.cli import failure
from archiver.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import click

    from archiver.config import Config


def chosen(config: Config, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the sources that are meant (none named: all), before anything is done."""
    if not config.sources:
        raise ConfigError("no source is configured", hint="add a table [sources.NAME]")
    return tuple(config.source(name).name for name in dict.fromkeys(names or config.sources))


def in_turn(context: click.Context, names: Iterable[str], work: Callable[[str], None]) -> int:
    """Do the `work` for every source, whatever becomes of the others; return the worst code."""
    worst = 0
    debug = context.find_root().params["debug"]
    for name in names:
        try:
            work(name)
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001  the other sources have their turn all the same
            worst = max(worst, failure.tell(error, about=f"{name}: ", debug=debug))
    return worst
