"""Write what makes another program run the job: systemd, cron, GitHub, GitLab."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from archiver import __version__
from archiver.errors import ConfigError
from archiver.publish.render import render

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ScheduleForm: TypeAlias = Literal["systemd", "cron", "github", "gitlab"]
FORMS: Final[tuple[ScheduleForm, ...]] = get_args(ScheduleForm)

_DAYS: Final = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_ACTION: Final = re.compile(r"\./|[\w.-]+/[\w./-]+@[\w./-]+")
_FIELD: Final = re.compile(r"(\*|\d+(?:-\d+)?)(?:/(\d+))?")


def scheduled(
    form: ScheduleForm, *, cron: str, folder: Path, command: Sequence[str] = (), action: str = ""
) -> str:
    """Return the text of a unit, a crontab line or a workflow.

    Args:
        form: What runs the job.
        cron: When, in UTC: five fields, checked.
        folder: The data repository.
        command: The program: its path, or an interpreter's with arguments.
        action: The GitHub Action that runs it, ``OWNER/REPO@REF``; empty: the program is
            installed by its name.

    Raises:
        ConfigError: The path or the times cannot be written in this form.
    """
    for path in (str(folder), *command):
        if any(char in path for char in "\n\r\0"):
            raise ConfigError(f"{path!r} cannot be written into a {form} file")
    context = {
        "cron": cron,
        "calendar": _calendar(cron) if form == "systemd" else "",
        "folder": _quoted(str(folder), form),
        "command": " ".join(_quoted(word, form) for word in command),
        "action": _action(action),
        "version": __version__,
    }
    return render(f"{form}.{_SUFFIX[form]}.j2", context)


_SUFFIX: Final = {"systemd": "txt", "cron": "txt", "github": "yml", "gitlab": "yml"}


def _action(name: str) -> str:
    if name and not _ACTION.fullmatch(name):
        raise ConfigError(f"{name!r} names no GitHub Action", hint="OWNER/REPO@REF")
    return name


def _quoted(path: str, form: ScheduleForm) -> str:
    if form == "systemd":  # systemd.syntax(7), systemd.unit(5): specifiers begin with %
        escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
        return f'"{escaped.replace("$", "$$")}"'
    return shlex.quote(path).replace("%", "\\%")  # crontab(5): a % ends the line


def _calendar(cron: str) -> str:
    """Return a cron expression as systemd's calendar event, systemd.time(7).

    Raises:
        ConfigError: It cannot be said so.
    """
    minute, hour, day, month, weekday = cron.split()
    if day != "*" and weekday != "*":
        words = f"{cron!r}: systemd cannot say that one of day and weekday is enough"
        raise ConfigError(words, hint="leave one of them *")
    parts = [_part(field, first) for field, first in ((month, 1), (day, 1), (hour, 0), (minute, 0))]
    days = "" if weekday == "*" else f"{_weekdays(weekday)} "
    return f"{days}*-{parts[0]}-{parts[1]} {parts[2]}:{parts[3]}:00 UTC"


def _part(field: str, first: int) -> str:
    shown = []
    for each in field.split(","):
        found = _FIELD.fullmatch(each)
        if found is None:
            raise ConfigError(f"systemd: {each!r} cannot be written as a calendar event")
        span, step = found[1], found[2]
        if "-" in span:
            span = span.replace("-", "..")
        elif span == "*" and step:
            span = str(first)
        else:
            span = span if span == "*" else f"{int(span):02}"
        shown.append(f"{span}/{step}" if step else span)
    return ",".join(shown)


def _weekdays(field: str) -> str:
    names = []
    for each in field.split(","):
        found = re.fullmatch(r"([0-7])(?:-([0-7]))?", each)
        if found is None:
            raise ConfigError(f"systemd: the weekday {each!r} cannot be written")
        ends = [_DAYS[int(number)] for number in found.groups() if number]
        names.append("..".join(ends))
    return ",".join(names)
