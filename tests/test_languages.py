"""What commands say in each language, as people read it; ``make golden`` renews it.

JSON, CSV and exit codes are the same in every language.
"""

from __future__ import annotations

import json
import re
import sys
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.commandline import run_archiver

from archiver.language import LANGUAGES
from archiver.render.templates import static

if TYPE_CHECKING:
    from support.commandline import Ran

EXPECTED = Path(__file__).resolve().parent / "spoken"
MODELS: list[dict[str, Any]] = [
    {
        "name": "lab/atlas",
        "category": "text-generation",
        "size": 4_500_000_000,
        "downloads": 5210,
        "license": "apache-2.0",
        "gated": False,
        "description": "一个模型",
    },
    {"name": "lab/quill", "category": "image", "size": 900, "downloads": 90, "license": "mit"},
    {"name": "org/boreas", "category": "text-generation", "size": 7_100, "downloads": 125_000},
    {"name": "org/ember", "category": "audio", "size": 7_000_000, "downloads": 7, "license": "mit"},
]
OTHER = MODELS[0] | {"license": "cc-by-nc-4.0"}
DAYS: tuple[list[dict[str, Any]], ...] = (
    MODELS,
    [
        {**MODELS[0], "license": "cc-by-nc-4.0", "downloads": 6000},
        *MODELS[1:3],
        {"name": "new/one"},
    ],
    [OTHER | {"downloads": 7500}, *MODELS[1:]],
)
CONFIG = """
[archive]
author = "archiver <archiver@example.org>"

[sources.hub]
type = "json"
url = "models.json"
records = "models"
key = ["name"]
metrics = ["downloads"]
noun = "model"

[sources.hub.severity]
description = "notable"

[notify.screen]
type = "stdout"
"""
SPOKEN = {
    "log": ("log",),
    "log-markdown": ("log", "-f", "markdown"),
    "show": ("show", "org/ember"),
    "show-metrics": ("show", "lab/atlas"),
    "compare": ("compare", "2026-01-01", "2026-01-02"),
    "compare-markdown": ("compare", "2026-01-01", "2026-01-02", "-f", "markdown"),
    "compare-fail-on": ("compare", "2026-01-01", "2026-01-02", "--fail-on", "notable"),
    "changes-steps": ("changes", "--since", "2026-01-01", "--steps"),
    "changelog": ("changelog",),
    "report": ("report", "--since", "2026-01-01"),
    "report-html": ("report", "--since", "2026-01-01", "-f", "html"),
    "feed": ("feed",),
    "list-html": ("list", "-f", "html"),
    "list-markdown": ("list", "-f", "markdown"),
    "check": ("check", "pins.txt", "--offline"),
    "check-github": ("check", "pins.txt", "--offline", "-f", "github"),
    "search": ("search", "atlas"),
    "list": ("list", "--limit", "2"),
    "top": ("top", "--by", "downloads"),
    "churn": ("churn",),
    "index": ("index",),
    "sql": ("sql", "SELECT key, kind FROM changes ORDER BY key LIMIT 2"),
    "status": ("status",),
    "sources": ("sources",),
    "verify": ("verify",),
    "prune": ("prune", "--keep-last", "1"),
    "import-again": ("import", "days"),
    "run-changed": ("run", "--dry-run"),
    "schedule": ("schedule", "--print", "cron"),
    "help": ("--help",),
    "help-of-a-command": ("compare", "--help"),
    "wrong-option": ("compare", "--fail-on", "bad"),
    "wrong-command": ("compre",),
    "wrong-date": ("compare", "2026-13-01"),
    "wrong-source": ("log", "--source", "hbu"),
    "wrong-field": ("list", "--where", "licence", "=", "mit"),
    "wrong-record": ("show", "lab/atlsa"),
    "wrong-settings": ("run", "--repo", "wrong"),
    "no-archive": ("run", "--repo", "/"),
}
"""Name of a file to the command whose output it holds."""
READ_ALOUD = (
    *("log", "show", "show-metrics", "compare", "changes-steps", "check", "search", "list"),
    *("top", "churn", "sql", "status", "prune", "run-changed"),
)
"""What has symbols or tables where it is not to be read aloud."""
MACHINES = {
    "compare": ("compare", "2026-01-01", "2026-01-02", "-f", "json"),
    "compare-jsonl": ("compare", "2026-01-01", "2026-01-02", "-f", "jsonl"),
    "compare-csv": ("compare", "2026-01-01", "2026-01-02", "-f", "csv"),
    "log": ("log", "-f", "json"),
    "log-csv": ("log", "-f", "csv"),
    "show": ("show", "org/ember", "-f", "json"),
    "check": ("check", "pins.txt", "--offline", "-f", "json"),
    "check-sarif": ("check", "pins.txt", "--offline", "-f", "sarif"),
    "list": ("list", "-f", "csv"),
    "top": ("top", "--by", "downloads", "-f", "json"),
    "churn": ("churn", "-f", "json"),
    "sql": ("sql", "SELECT * FROM runs", "-f", "json"),
    "status": ("status", "-f", "json"),
    "sources": ("sources", "-f", "json"),
    "run": ("run", "--dry-run", "-f", "json"),
    "schema": ("schema", "changes"),
    "context": ("changelog", "--context"),
}
"""What programs read."""
_CHANGING = (
    (re.compile(r"\b[0-9a-f]{40}\b"), "<id>"),
    (re.compile(r"\b[0-9a-f]{10}(?:[0-9a-f]{2})?\b"), "<id>"),
    (re.compile(r"20(?!26-01-0[123])\d\d-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?Z?"), "<time>"),
    (re.compile(r"-[0-9a-f]{16}\.sqlite"), "-<digest>.sqlite"),
    (re.compile(r"\d+(\.\d)? kB"), "<size>"),
    (re.compile(r"20\d{6}_(?!000000)\d{6}"), "<stamp>"),
)

_SYMBOLS = re.compile(r"[→≈…▁▂▃▄▅▆▇█│─|\x1b]|^[-+~=] |\S  +\S| [-+]\d+ ", re.MULTILINE)
"""Marks, arrows, drawings, columns, signs of counts."""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small archive with every kind of change, made in English."""
    folder = tmp_path_factory.mktemp("spoken") / "archive"
    (folder / "days").mkdir(parents=True)
    (folder / "wrong").mkdir()
    (folder / "wrong" / "archiver.toml").write_text('[sources.hub]\ntype = "jsn"\n[archve]\n')
    for number, models in enumerate(DAYS, start=1):
        document = json.dumps({"models": models}, ensure_ascii=False)
        (folder / "days" / f"hub_models_2026010{number}_000000.json").write_text(document)
    (folder / "models.json").write_text(json.dumps({"models": [*DAYS[2][:3], {"name": "new/two"}]}))
    (folder / "pins.txt").write_text("lab/atlas license=apache-2.0\norg/ember\nnew/one\nlab/quil\n")
    (folder / "archiver.toml").write_text(CONFIG)
    for command in (("init", folder), ("import", folder / "days"), ("index",)):
        assert run_archiver(*command, ARCHIVER_REPO=str(folder)).returncode == 0
    return folder


def spoken(archive: Path, command: tuple[str, ...], language: str) -> Ran:
    """Run a command there in a language."""
    with chdir(archive):
        return run_archiver(*command, ARCHIVER_LANG=language, COLUMNS="100")


def settled(text: str, archive: Path) -> str:
    """Leave out what each run makes anew, and the stylesheet, which is a file of its own."""
    text = (
        text.replace(str(archive), "<archive>")
        .replace(sys.executable, "<python>")
        .replace(static("site.css"), "")
    )
    for pattern, words in _CHANGING:
        text = pattern.sub(words, text)
    return text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SPOKEN)
def test_a_command_says_what_is_expected(
    name: str, language: str, archive: Path, *, renew: bool
) -> None:
    done = spoken(archive, SPOKEN[name], language)
    shown = settled(f"{done.stdout}{done.stderr}[{done.returncode}]\n", archive)
    file = EXPECTED / f"{name}.{language}.txt"
    if renew:
        file.write_text(shown)
    assert file.read_text() == shown


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", READ_ALOUD)
def test_what_is_read_aloud_has_words_in_place_of_symbols(
    name: str, language: str, archive: Path, *, renew: bool
) -> None:
    done = spoken(archive, ("--plain", *SPOKEN[name]), language)
    shown = settled(f"{done.stdout}{done.stderr}", archive)
    file = EXPECTED / f"{name}.plain.{language}.txt"
    if renew:
        file.write_text(shown)
    assert file.read_text() == shown
    assert not _SYMBOLS.search(shown)


@pytest.mark.parametrize("name", SPOKEN)
def test_exit_codes_are_those_of_every_language(name: str, archive: Path) -> None:
    codes = {spoken(archive, SPOKEN[name], language).returncode for language in LANGUAGES}
    assert len(codes) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_notes_are_told_in_words_and_in_json(language: str, archive: Path) -> None:
    """A setting that names no field is told as a note; the run is one that changes nothing."""
    settings = CONFIG.replace('metrics = ["downloads"]', 'metrics = ["downloads", "dwonloads"]')
    (archive / "archiver.toml").write_text(settings)
    try:
        told = spoken(archive, ("run", "--dry-run", "--accept"), language).stderr
        document = spoken(archive, ("run", "--dry-run", "--accept", "-f", "json"), language).stdout
    finally:
        (archive / "archiver.toml").write_text(CONFIG)
    english = 'archiver.toml: sources.hub.metrics: no record has a field "dwonloads"'
    assert json.loads(document)[0]["notes"][0].startswith(english)
    assert (english in told) is (language == "en")
    assert "dwonloads" in told


@pytest.mark.parametrize("name", MACHINES)
def test_what_programs_read_is_the_same_in_every_language(name: str, archive: Path) -> None:
    answers = [spoken(archive, MACHINES[name], language) for language in LANGUAGES]
    assert len({answer.returncode for answer in answers}) == 1
    assert len({settled(answer.stdout, archive) for answer in answers}) == 1
    assert answers[0].stdout
