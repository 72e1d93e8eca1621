"""The benchmark says what it measured, and keeps both sides apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from archiver.records import canonical
from bench import repositories
from bench.measure import PYTHON, once
from bench.result import at_most, faster, memory

if TYPE_CHECKING:
    from pathlib import Path

ALLOCATE = "block = bytearray({}); print(len(block))"
MEGABYTE = 1_000_000


def test_a_promise_of_speed_is_kept_when_the_other_side_is_slow_enough() -> None:
    results = [faster("x", ours=1, theirs=theirs, target=60) for theirs in (59.9, 60)]
    assert [result.kept for result in results] == [False, True]


def test_a_promise_of_cost_is_kept_up_to_its_target() -> None:
    results = [at_most("x", ours=ours, theirs=1, target=4) for ours in (4, 4.1)]
    assert [result.kept for result in results] == [True, False]


def test_memory_is_told_in_megabytes() -> None:
    assert memory("x", 65 * MEGABYTE, target=64).value == 65


def test_memory_is_that_of_the_process_without_its_children(tmp_path: Path) -> None:
    child = ALLOCATE.format(200 * MEGABYTE)
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    assert once([PYTHON, "-c", parent], tmp_path).memory < 100 * MEGABYTE


def test_memory_is_the_peak(tmp_path: Path) -> None:
    program = f"{ALLOCATE.format(200 * MEGABYTE)}; del block; import time; time.sleep(0.1)"
    assert once([PYTHON, "-c", program], tmp_path).memory > 200 * MEGABYTE


def test_a_command_that_fails_measures_nothing(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="ended with 3"):
        once([PYTHON, "-c", "raise SystemExit(3)"], tmp_path)


def test_shards_hold_the_same_records_as_one_file(tmp_path: Path) -> None:
    one = repositories.two_days(tmp_path / "one", 500) / repositories.LATEST
    many = repositories.two_days(tmp_path / "many", 500, shards=16) / repositories.LATEST
    _, lines = canonical.read([one.read_bytes()])
    parts = [canonical.read([path.read_bytes()])[1] for path in many.with_suffix("").iterdir()]
    assert sorted(line for part in parts for line in part) == sorted(lines)
