"""What other programs read from exports of real histories is what `archiver log` counts."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from support.checkout import CHECKOUT
from support.commandline import run_archiver
from support.exports import REAL, Count, Real, cloned, logged

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

GUIDE = (CHECKOUT / "docs" / "database.md").read_text("utf-8")
VIEW, AT_A_TIME, COUNTED = re.findall(r"```sql\n(.*?)```", GUIDE, re.DOTALL)

COUNTS = """
WITH news AS (SELECT DISTINCT capture, kind, key FROM changes WHERE kind <> ''),
    counted AS (
        SELECT DISTINCT metrics.capture, 'metrics' AS kind, metrics.key FROM metrics
        LEFT JOIN news ON news.capture = metrics.capture AND news.key = metrics.key
        WHERE metrics.counts AND news.key IS NULL),
    every AS (SELECT * FROM news UNION ALL SELECT * FROM counted)
SELECT captures.revision, every.kind, count(*)
FROM every JOIN captures ON captures.capture = every.capture GROUP BY 1, 2
"""


class Exports(NamedTuple):
    """A real history, exported: an SQLite file, a folder of Parquet files, and the truth."""

    file: Path
    lake: Path
    truth: set[Count]

    def pattern(self, table: str) -> str:
        return str(self.lake / f"table={table}" / "**" / "*.parquet")


@pytest.fixture(scope="module", params=REAL, ids=[each.name for each in REAL])
def exports(
    request: pytest.FixtureRequest, real: Path, tmp_path_factory: pytest.TempPathFactory
) -> Exports:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    history: Real = request.param
    folder = tmp_path_factory.mktemp(history.name)
    clone = cloned(real, history.name, folder / "clone")
    found = Exports(folder / "out.db", folder / "lake", logged(clone, history.options))
    where = ("--sqlite", found.file, "--metadata", folder / "metadata.yaml")
    done = run_archiver(
        "export", "--repo", clone, *history.options, *where, "--parquet", found.lake
    )
    assert done.returncode == 0, done.stderr
    return found


def counted(rows: Iterable[tuple[Any, ...]]) -> set[Count]:
    return {(revision, kind, int(number)) for revision, kind, number in rows}


def test_sqlite_counts_the_same(exports: Exports) -> None:
    with closing(sqlite3.connect(exports.file)) as connection:
        assert counted(connection.execute(COUNTS)) == exports.truth


def test_datasette_shows_the_tables_and_counts_the_same(exports: Exports) -> None:
    app = pytest.importorskip("datasette.app", reason="Datasette is not installed")
    metadata = (exports.file.parent / "metadata.yaml").read_text()
    described = pytest.importorskip("datasette.utils").parse_metadata(metadata)

    async def asked() -> tuple[dict[str, Any], dict[str, Any], list[int]]:
        served = app.Datasette(
            [str(exports.file)], metadata=described, settings={"max_returned_rows": 10_000}
        )
        await served.invoke_startup()
        answers = [
            await served.client.get("/out.json", params={"sql": COUNTS, "_shape": "arrays"}),
            await served.client.get("/out.json"),
        ]
        pages = [each["name"] for each in answers[1].json()["tables"] if not each["hidden"]]
        pages += [each["name"] for each in answers[1].json()["views"]]
        codes = [(await served.client.get(f"/out/{name}")).status_code for name in pages]
        return answers[0].json(), answers[1].json(), codes

    found, database, codes = asyncio.run(asked())
    assert counted(map(tuple, found["rows"])) == exports.truth
    assert set(codes) == {200}
    assert {each["name"] for each in database["views"]} == {
        "new_this_week",
        "removed",
        "license_changes",
        "all_changes",
    }


def test_duckdb_counts_the_same(exports: Exports) -> None:
    duckdb = pytest.importorskip("duckdb", reason="DuckDB is not installed")
    with duckdb.connect() as connection:
        for table in ("captures", "changes", "metrics"):
            files = connection.read_parquet(exports.pattern(table), hive_partitioning=True)
            files.create_view(table)
        assert counted(connection.execute(COUNTS).fetchall()) == exports.truth
        sources = connection.execute("SELECT DISTINCT source FROM captures").fetchall()
    assert [name.endswith(".json") for (name,) in sources] == [True]


def test_the_guide_tells_duckdb_when_records_end(exports: Exports) -> None:
    duckdb = pytest.importorskip("duckdb", reason="DuckDB is not installed")
    stamp = "strftime({} AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S')"
    query = (
        f"SELECT key, {stamp.format('valid_from')}, {stamp.format('valid_to')}, record FROM records"
    )
    with duckdb.connect() as connection, closing(sqlite3.connect(exports.file)) as file:
        for statement in (VIEW, AT_A_TIME, COUNTED):
            connection.execute(statement.replace("'lake/", f"'{exports.lake}/"))
        found = connection.execute(query).fetchall()
        expected = file.execute("SELECT key, valid_from, valid_to, record FROM records").fetchall()
    assert Counter(found) == Counter(expected)


def test_polars_counts_the_same(exports: Exports) -> None:
    pl = pytest.importorskip("polars", reason="Polars is not installed")
    changes, captures = (
        pl.scan_parquet(exports.pattern(name), hive_partitioning=True)
        for name in ("changes", "captures")
    )
    news = changes.group_by("capture", "kind").agg(pl.col("key").n_unique())
    found = news.join(captures, on="capture").select("revision", "kind", "key").collect()
    assert counted(found.rows()) == news_of(exports)


def test_pandas_counts_the_same(exports: Exports) -> None:
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    changes, captures = (
        pd.read_parquet(exports.lake / f"table={name}") for name in ("changes", "captures")
    )
    merged = changes.merge(captures, on="capture", suffixes=("", "_capture"))
    found = merged.groupby(["revision", "kind"])["key"].nunique()
    assert counted((*at, number) for at, number in found.items()) == news_of(exports)
    assert str(changes["timestamp"].dt.tz) == "UTC"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of pandas about Dask
def test_dask_counts_the_same(exports: Exports) -> None:
    dd = pytest.importorskip("dask.dataframe", reason="Dask is not installed")
    distributed = pytest.importorskip("distributed", reason="distributed is not installed")
    here = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0", "protocol": "tcp"}
    with distributed.Client(n_workers=1, threads_per_worker=2, processes=False, **here):
        changes, captures = (
            dd.read_parquet(exports.lake / f"table={name}") for name in ("changes", "captures")
        )
        merged = changes.merge(captures, on="capture", suffixes=("", "_capture"))
        rows = merged[["revision", "kind", "key"]].drop_duplicates()
        found = rows.groupby(["revision", "kind"])["key"].count().compute()
    assert counted((*at, number) for at, number in found.items()) == news_of(exports)


def news_of(exports: Exports) -> set[Count]:
    return {each for each in exports.truth if each[1] != "metrics"}
