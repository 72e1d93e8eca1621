"""Questions in SQL: what is answered, what is refused, and that all of it comes to an end."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from archiver.database import rows
from archiver.database.asking import Answer, Questions, is_complete
from archiver.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

FOREVER = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "index.sqlite"
    connection = sqlite3.connect(path)
    rows.create(connection)
    connection.execute("INSERT INTO keys VALUES (1, 'a'), (2, 'b')")
    connection.commit()
    connection.close()
    return path


@pytest.fixture
def questions(path: Path) -> Iterator[Questions]:
    connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    yield Questions(connection, 1)
    connection.close()


def told(answer: Answer) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    return answer.columns, list(answer.rows)


def test_an_answer_has_columns_and_rows(questions: Questions) -> None:
    answer = questions.ask("SELECT id, key FROM keys WHERE key = :key", {"key": "b"})
    assert told(answer) == (("id", "key"), [(2, "b")])


def test_each_column_has_a_name_of_its_own(questions: Questions) -> None:
    assert told(questions.ask("SELECT 1 AS a, 2 AS a, 3 AS a_2")) == (
        ("a", "a_2", "a_2_2"),
        [(1, 2, 3)],
    )


@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO keys VALUES (3, 'c')",
        "UPDATE keys SET key = 'c'",
        "DELETE FROM keys",
        "DROP TABLE keys",
        "CREATE TEMP TABLE mine (a)",
        "CREATE TEMP VIEW mine AS SELECT 1",
        "BEGIN",
        "ATTACH 'other.sqlite' AS other",
        "DETACH main",
        "VACUUM",
        "VACUUM INTO 'copy.sqlite'",
        "ANALYZE",
        "REINDEX",
        "PRAGMA journal_mode = WAL",
        "PRAGMA hard_heap_limit = 0",
        "PRAGMA database_list",
        "SELECT * FROM pragma_database_list",
        "SELECT load_extension('mine.so')",
        "EXPLAIN INSERT INTO keys VALUES (3, 'c')",
    ],
)
def test_what_is_no_question_is_refused(questions: Questions, path: Path, query: str) -> None:
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="auth"):
        told(questions.ask(query))
    assert (path.read_bytes(), [each.name for each in path.parent.iterdir()]) == (
        before,
        [path.name],
    )


@pytest.mark.parametrize(
    "query",
    [
        "PRAGMA table_info(keys)",
        "SELECT name FROM pragma_table_info('keys')",
        "SELECT name FROM sqlite_schema",
        "EXPLAIN QUERY PLAN SELECT * FROM changes",
        "WITH a AS (SELECT key FROM keys) SELECT count(*) OVER (), upper(key) FROM a",
        "SELECT value FROM json_each('[1]')",
        "SELECT value FROM json_tree('[1]')",
        "SELECT name FROM pragma_table_list",
        "VALUES (1)",
    ],
)
def test_what_only_asks_is_answered(questions: Questions, query: str) -> None:
    assert told(questions.ask(query))[1]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELECT kye FROM keys", 'no such column: kye; did you mean "key"?'),
        ("SELECT keys.kye FROM keys", 'no such column: keys.kye; did you mean "key"?'),
        ("SELECT * FROM capturs", 'no such table: capturs; did you mean "captures"?'),
        ("SELECT * FROM zzzzzz", "no such table: zzzzzz"),
        ("SELECT lenght(key) FROM keys", "no such function: lenght"),
        ("SELECT 1; SELECT 2", "You can only execute one statement at a time."),
        ("SELECT :x", "You did not supply a value for binding parameter :x."),
        ("SELEC 1", 'near "SELEC": syntax error'),
        ("", "there is no question"),
        ("-- nothing", "there is no question"),
        ("SELECT zeroblob(1000000000)", "string or blob too big"),
    ],
)
def test_an_error_has_the_words_of_sqlite(questions: Questions, query: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        told(questions.ask(query))
    assert str(caught.value) == words


@pytest.mark.parametrize(
    "query",
    [
        f"{FOREVER} SELECT count(*) FROM c",
        f"{FOREVER} SELECT * FROM c WHERE x < 0",
        f"{FOREVER} SELECT * FROM c ORDER BY 1",
        f"{FOREVER} SELECT * FROM c",
    ],
)
def test_an_endless_question_ends(questions: Questions, query: str) -> None:
    with pytest.raises(ConfigError, match="took more than 1 s"):
        for _ in questions.ask(query).rows:
            pass
    assert told(questions.ask("SELECT 1"))[1] == [(1,)]


def test_time_does_not_pass_while_nobody_reads(path: Path) -> None:
    connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    answer = Questions(connection, 0.2).ask(f"{FOREVER} SELECT * FROM c LIMIT 100000")
    next(answer.rows)
    subprocess.run([sys.executable, "-c", "import time; time.sleep(0.3)"], check=True)
    for _ in range(1_000):
        next(answer.rows)
    connection.close()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT " + ", ".join(["zeroblob(16000000)"] * 20),
        f"SELECT group_concat(y) FROM ({FOREVER} SELECT hex(zeroblob(1000)) AS y FROM c)",
        "WITH RECURSIVE c(x) AS (SELECT 'a' UNION ALL SELECT x || x FROM c) SELECT * FROM c",
        "SELECT replace(hex(zeroblob(4000000)), '0', 'aaaa')",
        f"{FOREVER} SELECT count(DISTINCT x || zeroblob(100000)) FROM c",
    ],
)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux says it in /proc")
def test_memory_has_a_limit(path: Path, query: str) -> None:
    program = """
import re, sqlite3, sys
from pathlib import Path
from archiver.database.asking import Questions
from archiver.errors import ConfigError
questions = Questions(sqlite3.connect(f"file:{sys.argv[1]}?mode=ro&immutable=1", uri=True), 2)
try:
    for _ in questions.ask(sys.argv[2]).rows:
        pass
except ConfigError as error:
    print(error)
print(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])
"""
    command = [sys.executable, "-c", program, str(path), query]
    done = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=True)
    words, kilobytes = done.stdout.splitlines()
    assert words
    assert int(kilobytes) < 200_000


def test_a_damaged_database_is_no_wrong_question(path: Path) -> None:
    content = bytearray(path.read_bytes())
    connection = sqlite3.connect(path)
    (page,) = connection.execute(
        "SELECT rootpage FROM sqlite_schema WHERE name = 'keys'"
    ).fetchone()
    connection.close()
    start = (page - 1) * 8192
    content[start : start + 8192] = b"\x55" * 8192
    path.write_bytes(content)
    connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    with pytest.raises(sqlite3.DatabaseError, match="malformed"):
        told(Questions(connection, 1).ask("SELECT * FROM keys"))
    connection.close()


def test_a_statement_ends_with_a_semicolon() -> None:
    assert [is_complete(text) for text in ("SELECT 1;", "SELECT 1", "SELECT ';")] == [
        True,
        False,
        False,
    ]
