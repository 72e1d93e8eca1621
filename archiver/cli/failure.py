"""How a command that fails ends: one line, a hint, an exit code."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import click

from archiver.errors import ArchiverError, ConfigError, reason
from archiver.language import listed, said, sentence, tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from archiver.records.model import Severity

UNEXPECTED = 70
UNWRITTEN = 74  # EX_IOERR of sysexits.h, as 70 and 75 are its EX_SOFTWARE and EX_TEMPFAIL
INTERRUPTED = 130
PIPE_CLOSED = 141  # 128 + SIGPIPE: what a shell reports for git when `head` has seen enough
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""Why a stream cannot be written; whoever writes a file turns these into an error of its own."""


@contextmanager
def reported(*, debug: bool) -> Iterator[None]:
    """Turn whatever the block raises into words on standard error and an exit code.

    Args:
        debug: Show the traceback too.

    Raises:
        click.exceptions.Exit: With the exit code.
    """
    try:
        yield
        sys.stdout.flush()
    except click.exceptions.Exit:
        raise
    except BrokenPipeError:
        code = PIPE_CLOSED
    except click.ClickException as error:
        with suppress(OSError):
            error.show()
        code = ConfigError.exit_code
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the program's last resort
        code = tell(error, debug=debug)
    else:
        return
    settle_streams()
    raise click.exceptions.Exit(code)


def tell(error: BaseException, *, debug: bool, about: str = "") -> int:
    """Write what happened and what to do; return the exit code.

    Args:
        error: What was raised.
        debug: Show the traceback too.
        about: What it happened to, to stand before the words.
    """
    from archiver.records.text import terminal  # noqa: PLC0415 - only when something went wrong

    if debug:
        _show_traceback(error)
    if isinstance(error, ArchiverError):
        message, hint, code = reason(error), error.hint, error.exit_code
    elif isinstance(error, (KeyboardInterrupt, click.Abort)):
        message, hint, code = sentence("interrupted"), "", INTERRUPTED
    elif isinstance(error, OSError) and error.errno in _FULL and error.filename is None:
        message, code = (
            tr("the output cannot be written: {strerror}", strerror=error.strerror),
            UNWRITTEN,
        )
        hint = tr("make room where it goes; -o FILE writes a file whole or not at all")
    else:
        message = tr("unexpected {name}: {error}", name=type(error).__name__, error=error)
        hint, code = tr("Show where: archiver --debug COMMAND …"), UNEXPECTED
    with suppress(OSError):  # where standard error cannot be written, the exit code says it
        for line in said(message).split("\n"):
            click.echo(f"archiver: {terminal(said(about) + line)}", err=True)
        if hint:
            click.echo(tr("  hint: {hint}", hint=terminal(hint)), err=True)
    return code


def in_turn(context: click.Context, names: Iterable[str], work: Callable[[str], None]) -> int:
    """Do the `work` for every source, also after one that failed; return the worst exit code."""
    worst = 0
    debug = context.find_root().params["debug"]
    for name in names:
        try:
            work(name)
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001  the other sources have their turn all the same
            worst = max(worst, tell(error, about=f"{name}: ", debug=debug))
    return worst


def found(counts: Mapping[Severity, int], least: Severity | None, *, about: str = "") -> bool:
    """Return whether there is a change as bad as ``--fail-on``, and say how many there are.

    Args:
        counts: How many changes there are of each severity.
        least: The severity; None: the command does not fail for changes.
        about: What changed, to stand before the words.
    """
    if least is None:
        return False
    from archiver.changes.severity import reached  # noqa: PLC0415 - only where it is asked for
    from archiver.records.model import SEVERITIES  # noqa: PLC0415 - likewise
    from archiver.render.wording import SEVERITIES as SEVERITY_WORDS  # noqa: PLC0415 - likewise

    bad = [each for each in SEVERITIES if counts.get(each) and reached(each, least)]
    if bad:
        words = listed(
            sentence("{number:,} {severity}", number=counts[each], severity=SEVERITY_WORDS[each])
            for each in bad
        )
        click.echo(f"{about}--fail-on {least}: {said(words)}", err=True)
    return bool(bad)


def _show_traceback(error: BaseException) -> None:
    import traceback  # noqa: PLC0415 - on demand only

    click.echo("".join(traceback.format_exception(error)), err=True, nl=False)


def settle_streams() -> None:
    """Flush both outputs; where one is closed or full, keep Python from complaining at exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
