"""`Watcher.history()` gives the tables in Python; docs/analysis.md runs as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from support.checkout import CHECKOUT
from support.histories import LATEST, History, snapshot

from archiver import Watcher
from archiver.errors import ConfigError, NotADataRepository

if TYPE_CHECKING:
    from pathlib import Path

GUIDE = (CHECKOUT / "docs" / "analysis.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)


@pytest.fixture
def archive(repo: Path) -> History:
    history = History(repo)
    history.configure(metrics=("downloads",))
    for day in range(1, 5):
        records = (
            {"id": f"m{number}", "downloads": number * day, "license": "mit" if day < 3 else "isc"}
            for number in range(day, 6 + day)
        )
        content = snapshot(f"2026-03-0{day} 12:00:00", *records)
        history.commit(f"2026-03-0{day}T12:00:00Z", {LATEST: content})
    return history


def test_rows_are_dictionaries(archive: History) -> None:
    history = Watcher(repo=archive.folder).history()
    captures = list(history.captures)
    assert [row["total"] for row in captures] == [6, 6, 6, 6]
    assert captures[0]["timestamp"] == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert [row["value"] for row in history.metrics if row["key"] == "m2"] == [2, 4, None]
    assert {row["kind"] for row in history.changes} == {"new", "removed", "updated"}
    ended = [row["valid_to"] for row in history.records if row["key"] == "m1"]
    assert ended == [datetime(2026, 3, 2, 12, tzinfo=UTC)]
    assert (archive.folder / ".git" / "archiver" / "index").is_dir()


def test_rows_are_read_anew_each_time(archive: History) -> None:
    history = Watcher(repo=archive.folder).history()
    before = len(list(history.captures))
    content = snapshot("2026-03-09 12:00:00", {"id": "m5", "downloads": 1})
    archive.commit("2026-03-09T12:00:00Z", {LATEST: content})
    assert len(list(history.captures)) == before + 1


@pytest.mark.parametrize("name", ["captures", "changes", "records", "metrics"])
def test_tables_hold_the_same_rows(archive: History, name: str) -> None:
    pytest.importorskip("polars", reason="Polars is not installed")
    pytest.importorskip("pandas", reason="pandas is not installed")
    rows: Any = getattr(Watcher(repo=archive.folder).history(), name)
    expected = list(rows)
    assert expected
    assert rows.to_arrow().to_pylist() == expected
    assert rows.to_polars().to_dicts() == expected
    assert list(rows.to_pandas().columns) == list(rows.columns)
    assert len(rows.to_pandas()) == len(expected)


def test_the_libraries_are_imported_only_where_they_are_asked_for(archive: History) -> None:
    code = (
        "import sys\n"
        "from archiver import Watcher\n"
        f"history = Watcher(repo={str(archive.folder)!r}).history()\n"
        "assert list(history.changes)\n"
        "sys.exit(bool({'pyarrow', 'pandas', 'polars', 'numpy'} & {*sys.modules}))\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("library", ["pyarrow", "pandas", "polars"])
def test_one_sentence_says_what_is_missing(
    archive: History, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    rows = Watcher(repo=archive.folder).history().changes
    asked = {"pyarrow": rows.to_arrow, "pandas": rows.to_pandas, "polars": rows.to_polars}
    with pytest.raises(ConfigError, match=f"^this needs {library}, which is not installed$"):
        asked[library]()


def test_an_archive_without_snapshots_has_no_history(repo: Path) -> None:
    History(repo).configure()
    with pytest.raises(NotADataRepository):
        Watcher(repo=repo).history()


def test_the_guide_runs_as_it_stands(
    archive: History, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for library in ("pyarrow", "pandas", "polars"):
        pytest.importorskip(library, reason=f"{library} is not installed")
    monkeypatch.chdir(archive.folder)
    namespace: dict[str, Any] = {}
    shown = []
    for block in BLOCKS:
        exec(block, namespace)
        shown.append(capsys.readouterr().out)
    assert len(shown) == 7
    assert all(out for out, block in zip(shown, BLOCKS, strict=True) if "print(" in block)
    assert shown[1] == "[('updated', 5), ('removed', 3), ('new', 3)]\n"
    assert namespace["growth"].row(0) == ("m6", 18.0)
