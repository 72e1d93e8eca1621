"""Who commits is what git says, where it says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.store.identity import BOT, configured

if TYPE_CHECKING:
    from pathlib import Path


def test_a_name_without_a_value_is_no_name(repo: Path) -> None:
    with (repo / ".git/config").open("a") as settings:
        settings.write("[user]\n\tname\n")
    assert configured(repo) == BOT
