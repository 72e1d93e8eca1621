"""A whole run over one document of 1 GiB, in flat memory: CSV over HTTP, JSON lines from a file."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from bench import documents, repositories
from bench.measure import ARCHIVER, once
from bench.result import memory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.result import Result

MEBIBYTES = 1024
MEGABYTES = 150
_EACH = 1 << 10
_CONFIG = '[archive]\nindex = "never"\n[sources.hub]\ntype = "json"\nkey = "id"\n'


def run(folder: Path, mebibytes: int = MEBIBYTES) -> Iterator[Result]:
    """List, settle and compare about a million records of 1 KiB, and write nothing."""
    number = (mebibytes << 20) // _EACH
    for suffix, over in ((".csv", _served), (".jsonl", _beside)):
        place = repositories.created(folder / suffix[1:])
        documents.written(place / f"large{suffix}", _records(number))
        with over(place) as address:
            (place / "archiver.toml").write_text(f'{_CONFIG}url = "{address}large{suffix}"\n')
            cost = once([ARCHIVER, "run", "--dry-run"], place)
        (place / f"large{suffix}").unlink()
        what = f"run, {mebibytes} MiB of {suffix[1:]}: memory"
        yield memory(what, cost.memory, target=MEGABYTES)


def _records(number: int) -> Iterator[dict[str, str]]:
    for each in documents.records(number):
        text = ", ".join([each["name"]] * 100)
        yield {**each, "name": text[: _EACH - 150]}


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    handler = partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@contextmanager
def _beside(_: Path) -> Iterator[str]:
    yield ""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass
