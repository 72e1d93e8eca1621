"""`archiver sql`: the history asked in SQL, as people and scripts type it."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.archives import Archive
from support.git import new_repository
from support.processes import COMMAND, run_process

if TYPE_CHECKING:
    from collections.abc import Callable
    from subprocess import CompletedProcess

    from support.commandline import Archiver

CAPTURES = "SELECT id, total, new FROM captures ORDER BY id"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    archive = Archive(new_repository(tmp_path_factory.mktemp("template") / "repo"))
    archive.configure(metrics=["n"])
    archive.captured(a=1, b=1)
    archive.captured(a=2, b=1, c=1)
    return archive


@pytest.fixture
def archive(template: Archive, tmp_path: Path) -> Archive:
    return template.copied(tmp_path / "archive")


@pytest.fixture
def ask(archive: Archive, archiver: Archiver) -> Archiver:
    return lambda *typed: archiver("sql", "--repo", archive.folder, *typed)


def typed(archive: Archive, text: str, *arguments: object) -> CompletedProcess[str]:
    command = [*COMMAND, "sql", "--repo", str(archive.folder), *map(str, arguments)]
    return subprocess.run(command, input=text, capture_output=True, encoding="utf-8", check=False)


def test_the_first_question_makes_the_index(ask: Archiver) -> None:
    done = ask(CAPTURES)
    assert (done.returncode, done.stderr) == (
        0,
        "note: no index yet: building one from 2 versions\n",
    )
    assert done.stdout.splitlines() == ["id  total  new", "1       2", "2       3    1"]
    assert ask(CAPTURES).stderr == ""


def test_an_answer_is_of_the_newest_capture(archive: Archive, ask: Archiver) -> None:
    ask(CAPTURES)
    archive.captured(a=3, b=1, c=1)
    assert ask("SELECT max(id) AS last FROM captures").stdout.split() == ["last", "3"]


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("json", '[\n{"id":1,"total":2,"new":null},\n{"id":2,"total":3,"new":1}\n]\n'),
        ("jsonl", '{"id":1,"total":2,"new":null}\n{"id":2,"total":3,"new":1}\n'),
        ("csv", "id,total,new\n1,2,\n2,3,1\n"),
        (
            "markdown",
            "# answer\n\n| id | total | new |\n| :-- | :-- | :-- |\n| 1 | 2 |  |\n| 2 | 3 | 1 |\n",
        ),
    ],
)
def test_every_form(ask: Archiver, form: str, written: str) -> None:
    assert ask(CAPTURES, "-f", form).stdout == written


def test_a_page_has_the_rows(ask: Archiver, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert ask("SELECT key FROM latest", "-f", "html", "-o", page).stdout == ""
    assert '["a",""]' in page.read_text()


@pytest.mark.parametrize(
    ("form", "written"), [("csv", "key,kind\n"), ("json", "[]\n"), ("text", ""), ("jsonl", "")]
)
def test_no_rows_are_an_answer(ask: Archiver, form: str, written: str) -> None:
    done = ask("SELECT key, kind FROM changes WHERE 0", "-f", form)
    assert (done.returncode, done.stdout) == (0, written)


def test_a_limit_says_that_there_is_more(ask: Archiver) -> None:
    ask(CAPTURES)
    done = ask(CAPTURES, "--limit", "1", "-f", "csv")
    assert (done.stdout, done.stderr) == ("id,total,new\n1,2,\n", "… and more\n")
    assert ask(CAPTURES, "--limit", "2").stderr == ""


def test_parameters_are_values_and_never_sql(ask: Archiver) -> None:
    query = "SELECT typeof(:a) AS a, typeof(:b) AS b, typeof(:c) AS c, :d AS d"
    values = ("-p", "a=5", "-p", "b=0.5", "-p", "c=5x", "-p", "d='; DROP TABLE keys; --=")
    row = json.loads(ask(query, *values, "-f", "jsonl").stdout)
    assert row == {"a": "integer", "b": "real", "c": "text", "d": "'; DROP TABLE keys; --="}


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (("SELECT 1 FROM capture",), 'no such table: capture; did you mean "captures"?'),
        (("DELETE FROM captures",), "not authorized"),
        (("ATTACH '/tmp/x' AS x",), "not authorized"),
        (("SELECT 1", "-p", "novalue"), "'novalue' is not NAME=VALUE"),
        (("SELECT 1", "--timeout", "never"), "'never' is no time: write 30s, 5m, 1h"),
        (("SELECT 1", "--timeout", "0s"), "'0s' is no time"),
        (("SELECT 1", "--db"), "--db prints a path"),
        (("SELECT 1", "--no-index"), "--no-index: only an index answers this."),
        (("SELECT 1" + " " * (1 << 20),), "the query is longer than 1,048,576 characters"),
    ],
)
def test_what_cannot_be_answered_is_one_sentence(
    ask: Archiver, typed: tuple[str, ...], words: str
) -> None:
    ask(CAPTURES)
    done = ask(*typed)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_an_endless_question_ends(ask: Archiver) -> None:
    endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c"
    done = ask(f"{endless} WHERE x < 0", "--timeout", "1s")
    assert (done.returncode, done.stdout) == (2, "")
    assert "archiver: the query took more than 1 s\n" in done.stderr


def test_a_page_has_a_limit(ask: Archiver) -> None:
    query = (
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 40) "
        "SELECT hex(zeroblob(500000)) FROM c"
    )
    done = ask(query, "-f", "html")
    assert (done.returncode, done.stdout) == (2, "")
    assert "the answer is too large for a page" in done.stderr


def test_what_steers_a_terminal_is_shown_as_text(ask: Archiver) -> None:
    done = ask("SELECT char(27) || '[31m' AS a, x'00ff' AS b")
    assert done.stdout.splitlines()[1].split() == [r"\x1b[31m", "00ff"]


def test_the_path_of_the_database_is_for_other_programs(ask: Archiver) -> None:
    path = ask("--db").stdout.strip()
    assert Path(path).read_bytes().startswith(b"SQLite format 3")


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_a_question_comes_from_standard_input(archive: Archive, arguments: tuple[str, ...]) -> None:
    done = typed(archive, f"-- every capture\n{CAPTURES};\n", *arguments, "-f", "csv")
    assert done.stdout == "id,total,new\n1,2,\n2,3,1\n"


def test_no_index_is_made_where_there_may_be_none(archive: Archive, ask: Archiver) -> None:
    text = (archive.folder / "archiver.toml").read_text()
    (archive.folder / "archiver.toml").write_text(text + '[archive]\nindex = "never"\n')
    done = ask(CAPTURES)
    assert (done.returncode, done.stdout) == (2, "")
    assert "this needs the index of hub, which is not to be used" in done.stderr
    assert not (archive.folder / ".git/archiver/index").exists()


def test_one_source_is_asked(archive: Archive, ask: Archiver) -> None:
    text = (archive.folder / "archiver.toml").read_text()
    other = '[sources.other]\ntype = "json"\nurl = "x.json"\nrecords = "."\nkey = ["id"]\n'
    (archive.folder / "archiver.toml").write_text(text + other)
    done = ask(CAPTURES)
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is more than one source" in done.stderr
    assert ask(CAPTURES, "--source", "hub", "-f", "csv").returncode == 0


def test_a_damaged_index_is_built_again(ask: Archiver) -> None:
    path = Path(ask("--db").stdout.strip())
    path.write_bytes(b"nothing")
    assert ask(CAPTURES, "-f", "csv").stdout == "id,total,new\n1,2,\n2,3,1\n"


def read_until(terminal: int, end: bytes | None) -> bytes:
    """Return what a terminal shows until `end`; None: until the program closes it."""
    found = b""
    while end is None or not found.endswith(end):
        try:
            found += os.read(terminal, 65536)
        except OSError:
            break
    return found


@pytest.fixture
def prompt(archive: Archive) -> Callable[[str], str]:
    """Return what types a text at the prompt, and returns what the terminal shows."""

    def shown(text: str) -> str:
        ours, theirs = pty.openpty()
        command = [*COMMAND, "sql", "--repo", str(archive.folder)]
        with subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "dumb", "INPUTRC": os.devnull},
            close_fds=True,
        ) as process:
            os.close(theirs)
            found = read_until(ours, b"sql> ")
            os.write(ours, text.encode())
            found += read_until(ours, None)
        os.close(ours)
        assert process.returncode == 0
        return found.decode().replace("\r\n", "\n")

    return shown


def test_the_prompt_answers_and_goes_on_after_an_error(prompt: Callable[[str], str]) -> None:
    shown = prompt(
        "SELECT id,\n total FROM captures;\nSELECT zzz;\n.tables\n.schema\n.tabels\n"
        "SELECT key FROM latest WHERE key = 'c';\n.quit\n"
    )
    assert "id  total\n1       2\n2       3\n" in shown
    assert "archiver: no such column: zzz" in shown
    assert "keys (id, key)\n" in shown
    assert "CREATE VIEW latest AS" in shown
    assert 'there is no command .tabels; did you mean ".tables"?' in shown
    assert "key\nc\n" in shown


def test_the_prompt_ends_with_the_input_and_remembers(
    archive: Archive, prompt: Callable[[str], str]
) -> None:
    prompt("SELECT 1;\n\x04")
    history = archive.folder / ".git/archiver/sql.history"
    assert "SELECT 1;" in history.read_text()


def test_names_are_completed(archive: Archive) -> None:
    program = """
import sqlite3, sys
from archiver.cli.sql_prompt import _Completer
from archiver.database.asking import Questions
complete = _Completer(Questions(sqlite3.connect(sys.argv[1]), 1)).complete
for text in sys.argv[2:]:
    print(*[complete(text, state) for state in range(3)], sep=",")
"""
    path = run_process("sql", "--repo", archive.folder, "--db").stdout.strip()
    words = ["capt", "captures.aut", "sel", ".t", "nothing"]
    command = [sys.executable, "-c", program, path, *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=True)
    assert done.stdout.splitlines() == [
        "captures,capture,None",
        "captures.authored_at,None,None",
        "SELECT,None,None",
        ".tables,None,None",
        "None,None,None",
    ]


def test_a_question_that_looks_at_no_clock_ends_too(archive: Archive) -> None:
    text = "SELECT instr(hex(zeroblob(7000000)), hex(zeroblob(3500000)) || 'x')"
    done = run_process("sql", text, "--repo", archive.folder, "--timeout", "1s")
    assert (done.returncode, done.stdout) == (2, "")
    assert "archiver: the query took more than 1 s\n" in done.stderr
