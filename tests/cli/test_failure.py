"""Every way in which a command can fail has one line, a hint, and an exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from support.commandline import run_archiver

from archiver import errors
from archiver.cli.failure import reported

if TYPE_CHECKING:
    from collections.abc import Callable
    from subprocess import CompletedProcess

FULL = "the output cannot be written: No space left on device"
MAKE_ROOM = "make room where it goes; -o FILE writes a file whole or not at all"


def ended(error: BaseException, *, debug: bool = False) -> int:
    with pytest.raises(click.exceptions.Exit) as end, reported(debug=debug):
        raise error
    return end.value.exit_code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ConfigError("x"), 2),
        (errors.MalformedPage("x"), 3),
        (errors.SnapshotRejected("x"), 4),
        (errors.UnknownRevision("x"), 5),
        (errors.RenderError("x"), 6),
        (errors.NotifyError("x"), 7),
        (errors.RepositoryBusy("x"), 75),
        (click.UsageError("x"), 2),
        (click.FileError("x"), 2),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (BrokenPipeError(), 141),
        (RuntimeError("x"), 70),
    ],
)
def test_each_kind_of_error_has_its_exit_code(error: BaseException, code: int) -> None:
    assert ended(error) == code


def test_an_error_is_one_line_and_its_hint(capsys: pytest.CaptureFixture[str]) -> None:
    ended(errors.ConfigError("it is so", hint="Do that."))
    assert capsys.readouterr() == ("", "archiver: it is so\n  hint: Do that.\n")


def test_every_mistake_has_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    ended(errors.ConfigError("one\ntwo"))
    assert capsys.readouterr().err == "archiver: one\narchiver: two\n"


def test_a_record_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    ended(errors.UnknownRevision("no \x1b]0;owned\x07", hint="\u202e"))
    shown = capsys.readouterr().err
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_an_unexpected_error_says_how_to_see_more(capsys: pytest.CaptureFixture[str]) -> None:
    ended(RuntimeError("boom"))
    assert capsys.readouterr().err == (
        "archiver: unexpected RuntimeError: boom\n  hint: Show where: archiver --debug COMMAND …\n"
    )


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    ended(RuntimeError("boom"), debug=True)
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_an_asked_for_exit_code_passes() -> None:
    assert ended(click.exceptions.Exit(1)) == 1


def test_a_closed_pipe_ends_quietly() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "archiver", "schema", "changes"],
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize(
    "words", ["schema changes", "--help", "--version", "log --help", "completion bash"]
)
def test_a_full_disk_behind_stdout_is_no_success(words: str) -> None:
    assert with_full("stdout", words.split()) == (
        74,
        f"archiver: {FULL}\n  hint: {MAKE_ROOM}\n",
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("words", ["check nothing.txt", "--bogus", "log --bogus"])
def test_a_full_disk_behind_stderr_leaves_the_exit_code(words: str) -> None:
    assert with_full("stderr", words.split()) == (2, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_behind_a_device_is_named_like_stdout() -> None:
    done = run_archiver("schema", "changes", "-o", "/dev/full")
    assert done.returncode == 74
    assert FULL in done.stderr


def with_full(stream: str, words: list[str]) -> tuple[int, str]:
    """Run a command with a full disk behind one stream; return exit code and the other stream."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "archiver", *words],
            stdout=full if stream == "stdout" else subprocess.PIPE,
            stderr=full if stream == "stderr" else subprocess.PIPE,
            text=True,
            check=False,
        )
    return done.returncode, done.stderr if stream == "stdout" else done.stdout


def test_an_interruption_ends_with_130(tmp_path: Path) -> None:
    """The command waits for its configuration, which is a pipe, when it is interrupted."""
    pipe = tmp_path / "archiver.toml"
    os.mkfifo(pipe)
    process = subprocess.Popen(
        [sys.executable, "-m", "archiver", "sources"],
        env={**os.environ, "ARCHIVER_CONFIG": str(pipe)},
        stderr=subprocess.PIPE,
    )
    with pipe.open("wb"):
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert (process.returncode, said) == (130, b"archiver: interrupted\n")


def test_trouble_in_a_command_reaches_the_shell(
    archiver: Callable[..., CompletedProcess[str]], tmp_path: Path
) -> None:
    (tmp_path / "archiver.toml").write_text("[archve]")
    done = archiver("sources", "--repo", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        'archiver: archiver.toml: archve: unknown table; did you mean "archive"?\n'
    )
