"""What makes other programs run the job says the same times and names the same archive."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest
from cronsim import CronSim

from archiver.errors import ConfigError
from archiver.render.schedules import scheduled

BASE = datetime(2026, 1, 1, tzinfo=UTC)
FOLDER = Path("/srv/models")
COMMAND = ("/opt/archiver/bin/archiver",)


def calendar(cron: str) -> str:
    words = scheduled("systemd", cron=cron, folder=FOLDER, command=COMMAND)
    found = re.search("^OnCalendar=(.*)$", words, re.MULTILINE)
    assert found is not None
    return found[1]


def elapses(event: str, times: int) -> list[datetime]:
    """Return when systemd would start a timer, first after `BASE`."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    base = f"--base-time={BASE:%Y-%m-%d %H:%M:%S} UTC"
    done = subprocess.run(
        ["systemd-analyze", "calendar", f"--iterations={times}", base, event],
        env={**os.environ, "TZ": "UTC", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.findall(r"(?:elapse|#\d+): \w+ (\S+ \S+) UTC", done.stdout)
    return [datetime.fromisoformat(f"{each}+00:00") for each in found]


def field(chance: random.Random, first: int, last: int, names: tuple[str, ...] = ()) -> str:
    """Return a field of a crontab, written in one of the ways that people write it."""

    def term() -> str:
        low, high = sorted(chance.randint(first, last) for _ in range(2))
        ways = ["*", f"*/{high or 1}", str(low), f"{low}-{high}", f"{low}-{high}/2", f"{low}/3"]
        return chance.choice([*ways, *names])

    return chance.choice(["*", term(), ",".join(term() for _ in range(3))])


@pytest.mark.parametrize("seed", range(12))
def test_systemd_starts_when_cron_would(seed: int) -> None:
    chance = random.Random(seed)
    day, weekday = field(chance, 1, 28), field(chance, 0, 7, ("MON", "sat", "tue-thu"))
    if not day.startswith("*"):
        weekday = "*"
    month = field(chance, 1, 12, ("JAN", "feb-apr"))
    cron = f"{field(chance, 0, 59)} {field(chance, 0, 23)} {day} {month} {weekday}"
    expected = [*islice(CronSim(cron, BASE), 8)]
    assert elapses(calendar(cron), 8) == expected, cron


@pytest.mark.parametrize(
    "cron", ["0 0 * * 5-7", "0 0 * * 0-6", "0 0 * * 7", "0 0 */2 * 1", "1 2 3 * */2"]
)
def test_systemd_counts_the_days_of_a_week_as_cron_does(cron: str) -> None:
    assert elapses(calendar(cron), 5) == [*islice(CronSim(cron, BASE), 5)]


@pytest.mark.parametrize("cron", ["0 0 1 * 1", "0 0 1-31 * 1", "0 0 1-31 * 0-7"])
def test_systemd_cannot_say_that_one_of_two_is_enough(cron: str) -> None:
    with pytest.raises(ConfigError, match="systemd cannot say"):
        calendar(cron)


@pytest.mark.parametrize("name", ["a b", "50%", "$HOME", "it's", 'a"b', "back\\slash"])
def test_systemd_and_a_shell_start_the_program_that_is_meant(tmp_path: Path, name: str) -> None:
    program = tmp_path / name
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    command = (str(program),)
    words = scheduled("systemd", cron="1 2 * * *", folder=tmp_path, command=command)
    start = next(line for line in words.splitlines() if line.startswith("ExecStart="))
    assert "$$" not in start or start.startswith('ExecStart="/usr/bin/env" ')
    line = scheduled("cron", cron="1 2 * * *", folder=tmp_path, command=command).splitlines()[-1]
    typed = line.removeprefix("1 2 * * * ").replace("\\%", "%")  # as cron does
    subprocess.run(["sh", "-c", typed], check=True)
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / "archiver.service"
    unit.write_text(words.split("# ---- ")[1].partition(" ----\n")[2])
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", unit], capture_output=True, text=True, check=False
    )
    assert "archiver.service" not in done.stderr, done.stderr


def test_a_program_that_systemd_cannot_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="systemd cannot start"):
        scheduled("systemd", cron="1 2 * * *", folder=FOLDER, command=("/a=b/it's",))


SETTINGS = {
    "ARCHIVER_CONFIG": "/srv/models/sub/other.toml",
    "ARCHIVER_BRANCH": "100% $data",
    "X": "y",
}


def test_a_job_has_the_settings_of_the_person_who_prints_it() -> None:
    def printed(form: str, action: str = "") -> str:
        return scheduled(
            form,  # type: ignore[arg-type]
            cron="1 2 * * *",
            folder=FOLDER / "sub",
            top=FOLDER,
            command=COMMAND,
            environ=SETTINGS,
            action=action,
        )

    units = printed("systemd").splitlines()
    assert 'Environment="ARCHIVER_CONFIG=/srv/models/sub/other.toml"' in units
    assert 'Environment="ARCHIVER_BRANCH=100%% $data"' in units
    line = printed("cron").splitlines()[-1]
    assert line.startswith(
        "1 2 * * * ARCHIVER_CONFIG=/srv/models/sub/other.toml ARCHIVER_BRANCH='100\\% $data' /opt"
    )
    github = printed("github")
    assert '    env:\n      ARCHIVER_CONFIG: "sub/other.toml"\n' in github
    assert '      ARCHIVER_REPO: "sub"\n' in github
    action = printed("github", action="owner/repo@v1")
    assert '          config: "sub/other.toml"\n' in action
    assert "ARCHIVER_CONFIG" not in action
    gitlab = printed("gitlab")
    assert '    ARCHIVER_CONFIG: "sub/other.toml"\n' in gitlab
    assert '    ARCHIVER_BRANCH: "100% $$data"\n' in gitlab


def test_the_site_is_built_with_the_settings_of_the_capture() -> None:
    def published(form: str, action: str = "") -> str:
        text = scheduled(
            form,  # type: ignore[arg-type]
            cron="1 2 * * *",
            folder=FOLDER / "sub",
            top=FOLDER,
            pages=True,
            environ=SETTINGS,
            action=action,
        )
        _, found, job = text.partition({"github": "\n  site:\n", "gitlab": "\npages:"}[form])
        assert found
        return job

    github = published("github")
    assert '      ARCHIVER_CONFIG: "sub/other.toml"\n' in github
    assert '      ARCHIVER_REPO: "sub"\n' in github
    action = published("github", action="owner/repo@v1")
    assert '          config: "sub/other.toml"\n' in action
    assert "pip install" not in action
    assert '    ARCHIVER_BRANCH: "100% $$data"\n' in published("gitlab")


PERMISSIONS = {
    "archive": ["contents: write"],
    "site": ["contents: read", "pages: read"],
    "deploy": ["id-token: write", "pages: write"],
}


def test_each_job_has_the_permissions_that_it_needs_and_no_other() -> None:
    text = scheduled("github", cron="1 2 * * *", folder=FOLDER, pages=True)
    assert "\npermissions: {}\n" in text
    _, *jobs = re.split(r"\n  (archive|site|deploy):\n", text)
    granted = {
        name: sorted(re.findall(r"^      ([a-z-]+: (?:read|write))\b", job, re.MULTILINE))
        for name, job in zip(jobs[::2], jobs[1::2], strict=True)
    }
    assert granted == PERMISSIONS


def test_no_job_publishes_a_site_that_nobody_asked_for() -> None:
    for form in ("github", "gitlab"):
        text = scheduled(form, cron="1 2 * * *", folder=FOLDER)
        assert "archiver site" not in text
        assert "pages" not in text


def test_what_no_clone_has_cannot_be_archived_by_a_job() -> None:
    outside = {"ARCHIVER_CONFIG": "/etc/archiver.toml"}
    with pytest.raises(ConfigError, match="outside of the git repository"):
        scheduled("github", cron="1 2 * * *", folder=FOLDER, environ=outside)
    with pytest.raises(ConfigError, match="outside of the git repository"):
        scheduled("gitlab", cron="1 2 * * *", folder=FOLDER, top=FOLDER / "sub")
    expression = {"ARCHIVER_BRANCH": "${{ secrets.A }}"}
    with pytest.raises(ConfigError, match="cannot be written into a github file"):
        scheduled("github", cron="1 2 * * *", folder=FOLDER, environ=expression)


@pytest.mark.parametrize(
    "action",
    ["-o/r@v1", "o/../r@v1", "o@v1", "o/r@", "o/r@v..1", "ö/r@v1", "o/r", "o//r@v1", "/r@v1"],
)
def test_what_names_no_action_is_refused(action: str) -> None:
    with pytest.raises(ConfigError, match="names no GitHub Action"):
        scheduled("github", cron="1 2 * * *", folder=FOLDER, action=action)
    assert "uses: o-1/r.x/sub@v1/x\n" in scheduled(
        "github", cron="1 2 * * *", folder=FOLDER, action="o-1/r.x/sub@v1/x"
    )
