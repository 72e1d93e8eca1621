"""One licence under its SPDX id and under its full name."""

from __future__ import annotations

import pytest

from archiver.records.licences import common_name
from archiver.records.spdx import LICENCES


@pytest.mark.parametrize(
    ("one", "other", "name"),
    [
        ("Apache License 2.0", "apache-2.0", "Apache License 2.0"),
        ("MIT License", "mit", "MIT License"),
        (
            "CC-BY-NC-4.0",
            "cc-by-nc-4.0",
            "Creative Commons Attribution Non Commercial 4.0 International",
        ),
        ("gpl-3.0", "GPL-3.0-only", "GNU General Public License v3.0 only"),
        ("apache  license 2.0 ", "Apache-2.0", "Apache License 2.0"),
        ("gpl-3.0", "GPL-3.0-or-later", ""),
        ("gpl-2.0", "gpl-3.0", ""),
        ("apache-2.0", "apache-1.1", ""),
        ("mit", "MIT-0", ""),
        ("other", "Other", ""),
        ("unknown", "mit", ""),
        ("", "", ""),
    ],
)
def test_spellings_of_one_licence(one: str, other: str, name: str) -> None:
    assert common_name(one, other) == common_name(other, one) == name


def test_no_id_is_the_name_of_another_licence() -> None:
    rows = [line.split(" ", 1) for line in LICENCES.splitlines()]
    assert all(common_name(spdx, name) == name for spdx, name in rows)
    assert len({spdx.casefold() for spdx, _ in rows}) == len(rows) > 300
