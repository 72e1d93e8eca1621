"""A file appears complete or not at all; a stream is UTF-8."""

from __future__ import annotations

import fcntl
import io
import os
import stat
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from archiver.cli import output
from archiver.cli.output import coloured, destination, progress
from archiver.errors import ConfigError
from archiver.store.transfer import TRANSFERS


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    with destination(tmp_path / "out.txt") as stream:
        stream.write("模型\n")
    assert (tmp_path / "out.txt").read_bytes() == "模型\n".encode()


def test_an_error_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    (tmp_path / "out.txt").write_text("old")
    with pytest.raises(ZeroDivisionError), destination(tmp_path / "out.txt") as stream:
        stream.writelines(str(1 // number) for number in (1, 0))
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("out.txt", "old")]


def test_the_mode_of_a_replaced_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.touch(mode=0o600)
    with destination(path) as stream:
        stream.write("x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with destination(tmp_path / "link") as stream:
        stream.write("x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "x"


def test_a_device_is_written_not_replaced() -> None:
    with destination(Path("/dev/null")) as stream:
        stream.write("x")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)  # noqa: PTH116 - a device, not a path


def test_a_missing_folder_is_one_error(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigError, match=r"cannot write .*: No such file or directory"),
        destination(tmp_path / "no" / "out.txt"),
    ):
        pass


@pytest.mark.parametrize("path", [None, Path("-")])
def test_no_file_means_standard_output(
    path: Path | None, capsys: pytest.CaptureFixture[str]
) -> None:
    with destination(path) as stream:
        stream.write("x")
    assert capsys.readouterr().out == "x"


class Terminal(io.StringIO):
    """A stream that somebody looks at."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "expected"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {}, False),
    ],
)
def test_colours_are_for_terminals_that_want_them(
    stream: io.StringIO, environ: dict[str, str], *, expected: bool
) -> None:
    assert coloured(stream, environ) == expected


def test_progress_of_something_short_is_silent_where_nobody_looks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with progress("listing") as tell:
        tell(1, 2)
    assert capsys.readouterr() == ("", "")


def test_progress_of_something_long_is_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "_FIRST_LINE", 0.0)
    with progress("hub") as tell:
        tell(1200, 9000)
        tell(1300, 9000)
    out, told = capsys.readouterr()
    assert (out, told.count("\n")) == ("", 1)
    assert told.startswith("hub: 1,200 of 9,000, ")


def test_progress_is_shown_on_a_terminal() -> None:
    ours, theirs = os.openpty()
    program = (
        "from archiver.cli.output import progress\nwith progress('listing') as tell: tell(1, 2)"
    )
    subprocess.run([sys.executable, "-c", program], stderr=theirs, check=True)
    os.close(theirs)
    assert b"listing" in os.read(ours, 10_000)
    os.close(ours)


def test_what_is_written_beside_the_bar_stays_whole_and_where_it_belongs() -> None:
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    program = (
        "import sys\n"
        "from archiver.cli.output import note, progress\n"
        "with progress('hub') as tell:\n"
        "    tell(1, 2)\n"
        "    print('data ' * 20)\n"
        "    note('note ' * 20)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=theirs, check=True
    )
    os.close(theirs)
    shown = os.read(ours, 100_000)
    os.close(ours)
    assert done.stdout == b"data " * 20 + b"\n"
    assert b"note " * 20 in shown
    assert b"data" not in shown


def test_a_transfer_is_shown_while_something_runs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "_FIRST_LINE", 0.0)
    with progress("hub"):
        TRANSFERS.debug("%s: %d of %s %s", "sending objects", 5, 10, "1 MiB")
    TRANSFERS.debug("%s: %d of %s %s", "sending objects", 10, 10, "2 MiB")
    out, told = capsys.readouterr()
    assert (out, told.count("\n")) == ("", 1)
    assert told.startswith("hub: sending objects: 5 of 10, ")


def test_a_transfer_is_shown_on_a_terminal() -> None:
    ours, theirs = os.openpty()
    program = (
        "from archiver.cli.output import progress\n"
        "from archiver.store.transfer import TRANSFERS\n"
        "with progress('hub'):"
        " TRANSFERS.debug('%s: %d of %s %s', 'sending objects', 5, 10, '1 MiB')"
    )
    subprocess.run([sys.executable, "-c", program], stderr=theirs, check=True)
    os.close(theirs)
    assert b"sending objects 1 MiB" in os.read(ours, 10_000)
    os.close(ours)


def test_a_pipe_gets_utf_8_in_any_locale(tmp_path: Path) -> None:
    (tmp_path / "archiver.toml").write_text('[sources.a]\ntype = "json"\nurl = "模型"')
    done = subprocess.run(
        [sys.executable, "-m", "archiver", "sources", "--repo", str(tmp_path)],
        env={**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        check=False,
    )
    assert "模型".encode() in done.stdout
