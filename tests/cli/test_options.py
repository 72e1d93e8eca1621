"""The shared options: what a command receives for what a person types."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest
from click.testing import CliRunner

from archiver.cli import options
from archiver.config import process_environment
from archiver.errors import ConfigError
from archiver.history.choice import Choice
from archiver.records.query import Where

if TYPE_CHECKING:
    from collections.abc import Callable


def received(option: Callable[..., Any], *arguments: str, **environ: str) -> dict[str, Any]:
    """Run a command that has only `option`; return what it was called with."""
    got: dict[str, Any] = {}
    command = click.command()(option(lambda **values: got.update(values)))
    done = CliRunner().invoke(command, arguments, env=environ)
    if done.exit_code:
        raise click.UsageError(done.output)
    return got


def test_the_repository_is_here_unless_said_otherwise(tmp_path: Path) -> None:
    assert received(options.repo) == {"repo": Path()}
    assert received(options.repo, ARCHIVER_REPO=str(tmp_path)) == {"repo": tmp_path}
    assert received(options.repo, "--repo", "/", ARCHIVER_REPO=str(tmp_path)) == {"repo": Path("/")}


def test_the_first_format_is_the_default() -> None:
    assert received(options.output_format("jsonl", "csv")) == {"form": "jsonl"}
    assert received(options.output_format(), "-f", "html") == {"form": "html"}


def test_a_format_that_is_not_offered_is_refused() -> None:
    with pytest.raises(click.UsageError, match="'yaml' is not one of"):
        received(options.output_format(), "-f", "yaml")


@pytest.mark.parametrize(
    ("arguments", "expected"), [([], 20), (["--limit", "3"], 3), (["--limit", "0"], None)]
)
def test_a_limit_of_0_means_all(arguments: list[str], expected: int | None) -> None:
    assert received(options.limit(20), *arguments) == {"limit": expected}


def test_no_limit_is_the_default_of_the_default() -> None:
    assert received(options.limit()) == {"limit": None}


def test_a_negative_limit_is_refused() -> None:
    with pytest.raises(click.UsageError, match="-1"):
        received(options.limit(), "--limit", "-1")


def test_conditions_are_read_one_by_one() -> None:
    typed = ["--where", "downloads", ">", "10", "--where", "tags", "has", "vision"]
    expected = (Where("downloads", ">", "10"), Where("tags", "has", "vision"))
    assert received(options.where, *typed) == {"conditions": expected}
    assert received(options.where) == {"conditions": ()}


def test_output_and_moment_are_nothing_unless_given() -> None:
    assert received(options.output) == {"output_path": None}
    assert received(options.output, "-o", "-") == {"output_path": Path("-")}
    assert received(options.at, "--at", "7d") == {"at": "7d"}


def test_a_catalogue_is_chosen_by_source_or_by_file() -> None:
    environ = process_environment()
    assert received(options.catalogue) == {"choice": Choice(Path(), environ)}
    both = received(options.catalogue, "--source", "a", "--source", "b")
    assert both == {"choice": Choice(Path(), environ, ("a", "b"))}
    typed = ["--file", "a.json", "--records", "m", "--key", "^.id", "--key", "id", "--metric", "n"]
    typed += ["--except", "meta"]
    expected = Choice(Path(), environ, (), "a.json", "m", ("^.id", "id"), ("meta",), ("n",))
    assert received(options.catalogue, *typed) == {"choice": expected}


def test_no_variable_of_the_environment_is_shown() -> None:
    assert "secret" not in repr(Choice(Path(), {"TOKEN": "secret"}))


def test_a_source_and_a_file_exclude_each_other() -> None:
    with pytest.raises(click.UsageError):
        received(options.catalogue, "--source", "a", "--file", "b")


def test_a_key_of_nothing_is_refused() -> None:
    choice = received(options.catalogue, "--key", "id")["choice"]
    with pytest.raises(ConfigError, match="--file"):
        choice.each()


def test_plain_files_need_no_repository(tmp_path: Path) -> None:
    choice = Choice(tmp_path, {}, records="models", key=("id",))
    catalogue = choice.plain("models.json")
    assert (catalogue.repository, catalogue.source) == (None, "models.json")


def test_other_options_stand_beside_a_catalogue() -> None:
    both = received(lambda command: options.at(options.catalogue(command)), "--at", "7d")
    assert (both["at"], both["choice"].sources) == ("7d", ())


def test_a_chosen_file_is_opened_in_its_repository(repo: Path) -> None:
    choice = Choice(repo, {}, file="a.json", records="models", key=("id",), metrics=("likes",))
    catalogue = choice.one()
    assert (catalogue.path, catalogue.policy.key, catalogue.policy.metrics) == (
        "a.json",
        ("id",),
        ("likes",),
    )


def test_examples_are_lines_as_they_are_typed() -> None:
    assert options.examples("a b") == "\b\nExample:\n  $ a b"
    assert options.examples("a", "b") == "\b\nExamples:\n  $ a\n  $ b"
