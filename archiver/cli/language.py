"""Which language a command speaks, and its help in that language.

What was asked for comes first (``--lang``, ``ARCHIVER_LANG``), then what archiver.toml says, then
the locale of the machine.
"""

from __future__ import annotations

import copy
import gettext
import inspect
import os
from typing import TYPE_CHECKING, Final

import click

from archiver.language import (
    DOMAIN,
    ENGLISH,
    LANGUAGES,
    LOCALES,
    choose,
    current,
    known,
    sentence,
    speak_plainly,
    tr,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

VARIABLE: Final = "ARCHIVER_LANG"
_LOCALE: Final = ("LC_ALL", "LC_MESSAGES", "LANG")
"""Where POSIX looks for the language of messages; the first that is set counts."""
_HELP: Final = frozenset({"--help", "-h"})
_TITLES: Final = (sentence("Example:"), sentence("Examples:"))
"""How the end of a help text begins; below are command lines."""


class Context(click.Context):
    """A context that writes help as the language of the reader is written."""

    def make_formatter(self) -> click.HelpFormatter:
        """Return what writes the help of a command."""
        if current() == ENGLISH:
            return super().make_formatter()
        from archiver.cli.help_text import Formatter  # noqa: PLC0415 - not for English

        return Formatter(width=self.terminal_width, max_width=self.max_content_width)


def of_environment() -> None:
    """Speak the language that the environment names; English where it has none of ours."""
    environ = os.environ  # noqa: TID251  config costs 40 ms, and `archiver --help` needs none
    name = next((environ[each] for each in (VARIABLE, *_LOCALE) if environ.get(each)), "")
    _speak(known(name) or ENGLISH)


def asked(context: click.Context, _option: click.Parameter, name: str | None) -> str | None:
    """Speak the language that was asked for, in this command and in all that it calls.

    Raises:
        UsageError: There is none of this name; names those that there are.
    """
    if name is None or context.resilient_parsing:
        return None
    language = known(name)
    if language is None:
        languages = ", ".join(f"{each} ({words})" for each, words in LANGUAGES.items())
        raise click.UsageError(
            tr(
                'there is no language "{name}"; there are {languages}',
                name=name,
                languages=languages,
            )
        )
    environ = os.environ  # noqa: TID251  what the command calls reads it there
    before = environ.get(VARIABLE)
    environ[VARIABLE] = language
    context.call_on_close(lambda: _restore(before))
    _speak(language)
    return language


def plainly(context: click.Context, _option: click.Parameter, asked: bool) -> bool:  # noqa: FBT001 - click's signature
    """Speak so that text can be read aloud, in this command and in all that it calls."""
    speak_plainly(asked)
    context.call_on_close(lambda: speak_plainly(False))
    return asked


def of_archive(arguments: Sequence[str]) -> None:
    """Speak the language of the archive that the `arguments` of a command name, if it has one."""
    if _HELP.intersection(arguments):
        return  # which is fast, and reads no file
    from pathlib import Path  # noqa: PLC0415 - not for --help

    from archiver.config import locate, process_environment  # noqa: PLC0415 - not for --help

    environ = process_environment()
    folder = Path(_repository(arguments) or environ.get("ARCHIVER_REPO") or ".")
    _speak(_configured(locate(folder, environ)) or current())


def translated(command: click.Command) -> click.Command:
    """Return the `command` with its help in the language of the reader."""
    if current() == ENGLISH:
        return command
    command = copy.copy(command)
    command.context_class = Context
    command.help = tr(inspect.cleandoc(command.help)) if command.help else None
    command._help_option = None  # noqa: SLF001  click keeps the one that it made in English
    for title in _TITLES:
        command.epilog = (command.epilog or "").replace(f"\n{title}\n", f"\n{tr(title)}\n")
    command.params = [_parameter(each) for each in command.params]
    return command


def _parameter(parameter: click.Parameter) -> click.Parameter:
    if not isinstance(parameter, click.Option) or not parameter.help:
        return parameter
    parameter = copy.copy(parameter)
    parameter.help = tr(str(parameter.help))
    return parameter


def _speak(language: str) -> None:
    """Speak `language`; click's own words, too, which it asks gettext for by the environment."""
    choose(language)
    gettext.bindtextdomain(DOMAIN, LOCALES)
    os.environ["LANGUAGE"] = language  # noqa: TID251  git runs with LC_ALL=C, and ignores it


def _restore(before: str | None) -> None:
    environ = os.environ  # noqa: TID251  as `asked`
    if before is None:
        environ.pop(VARIABLE, None)
    else:
        environ[VARIABLE] = before


def _repository(arguments: Sequence[str]) -> str | None:
    """Return what stands behind ``--repo``, before the arguments are parsed."""
    for at, word in enumerate(arguments):
        if word == "--repo":
            return next(iter(arguments[at + 1 : at + 2]), None)
        if word.startswith("--repo="):
            return word.partition("=")[2]
    return None


def _configured(path: Path | None) -> str | None:
    """Return `lang` of an archiver.toml; what is wrong with the file is told by who reads it."""
    import tomllib  # noqa: PLC0415 - not for --help

    try:
        return (
            known(tomllib.loads(path.read_text("utf-8-sig"))["archive"]["lang"]) if path else None
        )
    except (OSError, ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return None
