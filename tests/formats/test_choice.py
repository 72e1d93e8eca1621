"""Which format reads a document: what a person says, its name, its media type, its content."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from archiver.errors import ConfigError
from archiver.formats import Reading, read

if TYPE_CHECKING:
    from pathlib import Path

INI = """\
import json
from archiver.formats import Format, Text

class Ini(Format):
    def text(self, content, how):
        lines = b"".join(content).decode().splitlines()
        records = [dict([("id", line.split("=")[0]), ("v", line.split("=")[1])]) for line in lines]
        return Text("ini", json.dumps(records).encode())
"""


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"a": 1}', "json"),
        (b' \n[{"a": 1}]', "json"),
        (b"[null]", "json"),
        (b"[1]", "json"),
        (b'["models"]', "json"),
        (b"[[1]]", "json"),
        (b"[\n1]", "json"),
        (b'{"a": 1}\n{"a": 2}\n', "jsonl"),
        (b"id,v\n1,2\n", "csv"),
        (b"\xef\xbb\xbfid;v\r\n1;2\r\n", "csv"),
        (b"id\tv\n1\t2\n", "tsv"),
        ("id,v\n1,2\n".encode("utf-16"), "csv"),
        (b"---\na: 1\n", "yaml"),
        (b"models:\n- a\n", "yaml"),
        (b"- a: 1\n", "yaml"),
        (b"a = 1\n", "toml"),
        (b"[models]\na = 1\n", "toml"),
        (b"[[models]]\na = 1\n", "toml"),
        (b"<html>, <body>\n<p>, </p>", "json"),
        (b"hello", "json"),
        (b"", "json"),
    ],
)
def test_the_content_decides_where_nothing_else_does(body: bytes, kind: str) -> None:
    for name in ("", "data", "x.txt", "v1.5"):
        assert read((body,), name).format == kind


def test_a_name_knows_better_than_a_media_type_and_that_better_than_content() -> None:
    body = b"id,v\n1,2\n"
    assert read((body,), "x.csv", media="application/json").format == "csv"
    assert read((body,), "x", media="text/csv; charset=utf-8").format == "csv"
    assert read((body,), "x", media="application/vnd.github+json").format == "json"
    assert read((body,), "x", media="text/plain").format == "csv"
    assert read((b"[]",), "x.CSV", Reading(input="json")).format == "json"


def test_an_unknown_format_is_refused_with_a_suggestion() -> None:
    with pytest.raises(ConfigError, match='format "cvs"; did you mean "csv"'):
        read((b"",), "x.csv", Reading(input="cvs"))


def test_an_installed_package_adds_a_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "archiver_ini.py").write_text(INI)
    info = tmp_path / "archiver_ini-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: archiver_ini\nVersion: 1")
    (info / "entry_points.txt").write_text("[archiver.formats]\nini = archiver_ini:Ini\n")
    for name, how in (("x.ini", Reading()), ("x", Reading(input="ini"))):
        found = read((b"a=1\nb=2",), name, how)
        assert isinstance(found.content, bytes)
        assert json.loads(found.content) == [{"id": "a", "v": "1"}, {"id": "b", "v": "2"}]


def test_json_needs_no_other_library() -> None:
    program = (
        "import sys\nfrom archiver.formats import read\n"
        "read((b'[]',), 'x.json'); read((b'{}',), 'x.jsonl')\n"
        "heavy = {'yaml', 'csv', 'tomllib', 'zipfile', 'lzma', 'zstandard', 'importlib.metadata'}\n"
        "sys.exit(' '.join(heavy & sys.modules.keys()) or 0)"
    )
    alone = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    subprocess.run([sys.executable, "-c", program], check=True, env=alone)
