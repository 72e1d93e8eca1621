"""Write what makes another program run the job: systemd, cron, GitHub, GitLab."""

from __future__ import annotations

import json
import re
import shlex
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from archiver import __version__
from archiver.errors import ConfigError
from archiver.language import sentence
from archiver.render.templates import render

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ScheduleForm: TypeAlias = Literal["systemd", "cron", "github", "gitlab"]
FORMS: Final[tuple[ScheduleForm, ...]] = get_args(ScheduleForm)
SETTINGS: Final = (
    *("ARCHIVER_CONFIG", "ARCHIVER_PATH", "ARCHIVER_BRANCH", "ARCHIVER_AUTHOR"),
    "ARCHIVER_LANG",
)
"""Variables that say what is archived and where to; a job without them would do another thing."""

_NONE: Final[Mapping[str, str]] = MappingProxyType({})
_SUFFIX: Final = {"systemd": "txt", "cron": "txt", "github": "yml", "gitlab": "yml"}
_DAYS: Final = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
_ACTION: Final = re.compile(r"\./|[A-Za-z0-9][\w-]*/[\w.-]+(/[\w.-]+)*@[\w./-]+", re.ASCII)
_UNQUOTABLE: Final = re.compile(r"""["'\\$]""")


def scheduled(
    form: ScheduleForm,
    *,
    cron: str,
    folder: Path,
    top: Path | None = None,
    command: Sequence[str] = (),
    action: str = "",
    pages: bool = False,
    environ: Mapping[str, str] = _NONE,
) -> str:
    """Return the text of a unit, a crontab line or a workflow.

    Args:
        form: What runs the job.
        cron: When, in UTC: five fields, checked.
        folder: The data repository, absolute.
        top: The top folder of its git repository, absolute; None: `folder`.
        command: The program: its path, or an interpreter's with arguments.
        action: The GitHub Action that runs it, ``OWNER/REPO@REF``; empty: the program is
            installed by its name.
        pages: Whether the job also publishes the site: on GitHub or GitLab.
        environ: The environment; the job gets those of its variables that are `SETTINGS`.

    Raises:
        ConfigError: A path or the times cannot be written in this form, or a path lies outside
            of what the job checks out.
    """
    settings = {name: environ[name] for name in SETTINGS if environ.get(name)}
    if "ARCHIVER_CONFIG" in settings:
        settings["ARCHIVER_CONFIG"] = str(Path(settings["ARCHIVER_CONFIG"]).resolve())
    if form in ("github", "gitlab"):
        settings = _checked_out(settings, folder, top or folder)
    _check(form, (str(folder), *command, *settings.values()))
    context = {
        "cron": cron,
        "calendar": _calendar(cron) if form == "systemd" else "",
        "folder": _quoted(str(folder), form),
        "command": _command(command, form),
        "action": _action(action),
        "config": _config(settings, form) if action else "",
        "pages": pages,
        "settings": [_setting(*each, form) for each in settings.items()],
        "version": __version__,
    }
    return render(f"{form}.{_SUFFIX[form]}.j2", context)


def _config(settings: dict[str, str], form: ScheduleForm) -> str:
    """Take the archiver.toml out of the settings: an Action has an input for it; empty: none."""
    path = settings.pop("ARCHIVER_CONFIG", "")
    return _spelled(path, form) if path else ""


def _check(form: ScheduleForm, words: Iterable[str]) -> None:
    for word in words:
        steers = "${{" in word and form == "github"  # an expression of GitHub's
        if steers or any(char in word for char in "\n\r\0"):
            raise ConfigError(
                sentence("{word!r} cannot be written into a {form} file", word=word, form=form)
            )


def _checked_out(settings: Mapping[str, str], folder: Path, top: Path) -> dict[str, str]:
    """Return the settings of a job that stands in the top folder of a fresh clone."""
    found = dict(settings)
    if "ARCHIVER_CONFIG" in found:
        found["ARCHIVER_CONFIG"] = _below(Path(found["ARCHIVER_CONFIG"]), top)
    if folder != top:
        found["ARCHIVER_REPO"] = _below(folder, top)
    return found


def _below(path: Path, top: Path) -> str:
    try:
        return path.relative_to(top).as_posix()
    except ValueError:
        message = sentence(
            "{path} is outside of the git repository {top}: no clone has it", path=path, top=top
        )
        raise ConfigError(message) from None


def _action(name: str) -> str:
    if name and (not _ACTION.fullmatch(name) or ".." in name):
        raise ConfigError(
            sentence("{name!r} names no GitHub Action", name=name), hint="OWNER/REPO@REF"
        )
    return name


def _command(words: Sequence[str], form: ScheduleForm) -> str:
    if form == "systemd" and words and _UNQUOTABLE.search(words[0]):
        if "=" in words[0]:  # env would take it for a variable
            raise ConfigError(
                sentence("systemd cannot start a program called {words!r}", words=words[0])
            )
        words = ("/usr/bin/env", *words)  # systemd.service(5) takes no such first word
    return " ".join(_quoted(word, form) for word in words)


def _quoted(path: str, form: ScheduleForm) -> str:
    if form == "systemd":
        return _unit(path.replace("$", "$$"))
    return shlex.quote(path).replace("%", "\\%")  # crontab(5): a % ends the line


def _unit(text: str) -> str:
    """Quote a word of a unit (systemd.syntax(7), systemd.unit(5): specifiers begin with %)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _setting(name: str, value: str, form: ScheduleForm) -> str:
    """Return a variable as it stands in the file: ``NAME=VALUE``, or ``NAME: VALUE`` of YAML."""
    if form == "systemd":
        return _unit(f"{name}={value}")
    return (
        f"{name}={_quoted(value, form)}" if form == "cron" else f"{name}: {_spelled(value, form)}"
    )


def _spelled(value: str, form: ScheduleForm) -> str:
    """Return a value of YAML; GitLab looks for variables in it."""
    words = value.replace("$", "$$") if form == "gitlab" else value
    return json.dumps(words, ensure_ascii=False)


def _calendar(cron: str) -> str:
    """Return a cron expression as systemd's calendar event, systemd.time(7).

    Every value is written out: what a range or a step means is said by the program that reads
    the expression everywhere else.

    Raises:
        ConfigError: It cannot be said so.
    """
    from cronsim import CronSim  # noqa: PLC0415 - for schedules only

    _, _, date, _, weekday = cron.split()
    if not date.startswith("*") and not weekday.startswith("*"):
        words = sentence(
            "{cron!r}: systemd cannot say that one of day and weekday is enough", cron=cron
        )
        raise ConfigError(words, hint=sentence("leave one of them *"))
    times = CronSim(cron, datetime(2026, 1, 1, tzinfo=UTC))
    weekdays = {day % len(_DAYS) for day in times.weekdays if isinstance(day, int)}
    names = ",".join(_DAYS[number] for number in sorted(weekdays))
    days = "" if len(weekdays) == len(_DAYS) else f"{names} "
    date = f"*-{_values(times.months, 12)}-{_values(times.days, 31)}"
    return f"{days}{date} {_values(times.hours, 24)}:{_values(times.minutes, 60)}:00 UTC"


def _values(numbers: set[int], all_: int) -> str:
    return "*" if len(numbers) == all_ else ",".join(f"{number:02}" for number in sorted(numbers))
