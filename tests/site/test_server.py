"""The server of the working archive, by real sockets and in a real browser."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import socket
import threading
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from support.browser import watched

from archiver.errors import ConfigError, StoreError
from archiver.site.files import TYPES
from archiver.site.hosts import Names
from archiver.site.renewal import Renewal
from archiver.site.server import SiteServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)
PAGE = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>Site</title><link rel="stylesheet" href="assets/site.css">
<script src="assets/site.js" defer></script></head>
<body><h1>WORDS</h1></body></html>
"""


DRAWS = "setTimeout(() => document.querySelector('h1').classList.add('drawn'), 200);"


def write_site(folder: Path, words: str = "first") -> None:
    """Write a small site as the builder does: complete, then in place of the old one."""
    draft = folder.with_name("draft")
    (draft / "hub/data").mkdir(parents=True)
    (draft / "assets").mkdir()
    (draft / "assets/site.css").write_text(".drawn { height: 5000px }")
    (draft / "assets/site.js").write_text(DRAWS)
    (draft / "index.html").write_text(PAGE.replace("WORDS", words))
    (draft / "404.html").write_text(PAGE.replace("WORDS", "missing"))
    (draft / "hub/index.html").write_text(PAGE.replace("WORDS", "the hub"))
    (draft / "hub/data/index.js").write_text('archiver("index", {"records": 1});')
    (draft / "hub/empty").mkdir()
    if folder.exists():
        shutil.rmtree(folder)
    draft.rename(folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_site(tmp_path / "site")
    return tmp_path / "site"


@pytest.fixture
def server(folder: Path) -> Iterator[SiteServer]:
    with SiteServer(folder, port=0) as running:
        yield running


class Reply:
    """An answer that was read to its end."""

    def __init__(self, found: http.client.HTTPResponse) -> None:
        self.status = found.status
        self.headers = found.headers
        self.body = found.read()


@contextmanager
def connected(server: SiteServer) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(urlsplit(server.names.url).netloc, timeout=10)
    try:
        yield connection
    finally:
        connection.close()


def ask(server: SiteServer, path: str, method: str = "GET", **headers: str) -> Reply:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    with connected(server) as connection:
        connection.request(method, path, headers=sent)
        return Reply(connection.getresponse())


@contextmanager
def dialled(server: SiteServer) -> Iterator[socket.socket]:
    address = urlsplit(server.names.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as line:
        yield line


def said(server: SiteServer, request: bytes) -> bytes:
    """Send raw bytes; return all that comes until the server hangs up."""
    with dialled(server) as line:
        line.sendall(request.replace(b"HOST", urlsplit(server.names.url).netloc.encode()))
        return heard(line)


def heard(line: socket.socket) -> bytes:
    parts = []
    while part := line.recv(65536):
        parts.append(part)
    return b"".join(parts)


def test_a_file_comes_whole_with_its_type_and_a_promise_to_ask_again(server: SiteServer) -> None:
    found = ask(server, "/hub/data/index.js")
    assert (found.status, found.body) == (200, b'archiver("index", {"records": 1});')
    assert dict(found.headers) | {"Date": "", "ETag": ""} == {
        "Server": "archiver",
        "Date": "",
        "ETag": "",
        "Content-Type": "text/javascript; charset=utf-8",
        "Content-Length": "34",
        "Cache-Control": "no-cache",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Content-Security-Policy": "frame-ancestors 'none'",
    }


@pytest.mark.parametrize("ending", [*TYPES, ".parquet"])
def test_every_ending_has_its_type(server: SiteServer, folder: Path, ending: str) -> None:
    (folder / f"file{ending}").write_bytes(b"x")
    kind = TYPES.get(ending, "application/octet-stream")
    assert ask(server, f"/file{ending}").headers["Content-Type"] == kind
    assert "charset=utf-8" in kind or ending in (".png", ".parquet")


def test_a_folder_is_its_index_and_has_a_slash_at_its_end(server: SiteServer) -> None:
    assert b"the hub" in ask(server, "/hub/").body
    for path in ("/hub", "/hub?v=1"):
        moved = ask(server, path)
        assert (moved.status, moved.headers["Location"]) == (302, "/hub/")


def test_a_query_means_nothing(server: SiteServer) -> None:
    assert ask(server, "/hub/data/index.js?v=../../x").body.startswith(b"archiver(")
    assert ask(server, "/hub/data/index.js%3Fv=1").status == 404


def test_what_the_client_has_is_not_sent_again(server: SiteServer, folder: Path) -> None:
    etag = ask(server, "/hub/data/index.js").headers["ETag"]
    for condition in (etag, f'"other", W/{etag}', "*"):
        again = ask(server, "/hub/data/index.js", If_None_Match=condition)
        assert (again.status, again.body, again.headers["ETag"]) == (304, b"", etag)
    (folder / "hub/data/index.js").write_text("archiver(2)")
    assert ask(server, "/hub/data/index.js", If_None_Match=etag).body == b"archiver(2)"
    assert ask(server, "/nothing", If_None_Match="*").status == 404


def test_a_head_is_the_answer_without_its_content(server: SiteServer) -> None:
    for path in ("/", "/hub/data/index.js", "/nothing"):
        whole, head = ask(server, path), ask(server, path, "HEAD")
        assert head.body == b""
        assert head.headers["Content-Length"] == str(len(whole.body))
        assert (head.status, head.headers["ETag"]) == (whole.status, whole.headers["ETag"])


def test_browsers_that_ask_for_an_icon_get_none(server: SiteServer, folder: Path) -> None:
    assert (ask(server, "/favicon.ico").status, ask(server, "/favicon.ico").body) == (200, b"")
    (folder / "favicon.ico").write_bytes(b"icon")
    assert ask(server, "/favicon.ico").body == b"icon"


def test_one_connection_answers_many_requests(server: SiteServer) -> None:
    with connected(server) as connection:
        for path in ("/", "/nothing", "/hub", "/hub/data/index.js") * 2:
            connection.request("GET", path)
            first = connection.sock
            assert Reply(connection.getresponse()).status in (200, 302, 404)
            assert connection.sock is first


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"])
def test_nothing_can_be_written(server: SiteServer, method: str) -> None:
    found = ask(server, "/index.html", method)
    assert (found.status, found.headers["Allow"]) == (405, "GET, HEAD")
    assert found.body == b"This site is read-only.\n"


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/hub/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/hub/..%2f..%2fsecret.txt",
        "/..%5csecret.txt",
        "/hub/%2e%2e%2f%2e%2e%2fsecret.txt",
        "//etc/passwd",
        "/hub//data/index.js",
        "/hub/./data/index.js",
        "/hub%2fdata%2findex.js",
        "/leading-out.txt",
        "/folder-out/secret.txt",
        "/round",
        "/.hidden",
        "/.git/config",
        "/to-hidden",
        "/pipe",
        "/index.html/",
        "/index.html%00.js",
        "/%ff",
        "/\xff",
        "/" + "x" * 300,
        "/hub/empty/",
        "/-/other.js",
        "/-/",
        "/-/../index.html",
    ],
)
def test_what_is_no_page_of_the_site_is_missing(
    server: SiteServer, folder: Path, path: str
) -> None:
    (folder.parent / "secret.txt").write_text("secret")
    (folder / "leading-out.txt").symlink_to(folder.parent / "secret.txt")
    (folder / "folder-out").symlink_to(folder.parent)
    (folder / "round").symlink_to("round")
    (folder / ".hidden").write_text("secret")
    (folder / ".git").mkdir()
    (folder / ".git/config").write_text("secret")
    (folder / "to-hidden").symlink_to(".hidden")
    os.mkfifo(folder / "pipe")
    answer = said(server, f"GET {path} HTTP/1.0\r\nHost: HOST\r\n\r\n".encode("latin-1"))
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"<h1>missing</h1>" in answer
    assert b"secret" not in answer


def test_a_link_within_the_site_is_followed(server: SiteServer, folder: Path) -> None:
    (folder / "newest.js").symlink_to("hub/data/index.js")
    assert ask(server, "/newest.js").status == 200


def test_an_address_cannot_lead_to_another_origin(server: SiteServer, folder: Path) -> None:
    (folder / "evil.example").mkdir()
    assert ask(server, "//evil.example").headers["Location"] == "/evil.example/"


def test_a_site_without_a_page_for_it_says_that_a_page_is_missing(
    server: SiteServer, folder: Path
) -> None:
    (folder / "404.html").unlink()
    found = ask(server, "/nothing")
    assert (found.status, found.body) == (404, b"There is no such page.\n")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:PORT", 200),
        ("localhost:PORT", 200),
        ("LocalHost:PORT", 200),
        ("[::1]:PORT", 200),
        ("evil.example:PORT", 421),
        ("127.0.0.1.evil.example:PORT", 421),
        ("192.168.0.1:PORT", 421),
        ("127.0.0.1", 421),
        ("localhost:1", 421),
        ("localhost:", 421),
        ("", 421),
        ("[::1", 421),
        ("a:b:c", 421),
    ],
)
def test_only_its_own_names_are_answered(server: SiteServer, host: str, status: int) -> None:
    port = str(urlsplit(server.names.url).port)
    found = ask(server, "/", Host=host.replace("PORT", port))
    assert found.status == status
    if status == 421:
        assert found.body.count(b"\n") == 1
        assert b"another name" in found.body


def test_whoever_listens_everywhere_is_called_by_addresses_and_never_by_names() -> None:
    names = Names("0.0.0.0", "0.0.0.0", 80)
    assert not names.is_private
    for host in ("192.168.0.1:80", "[fe80::1]:80", "127.0.0.1", "0.0.0.0"):
        assert names.include(host)
    assert not names.include("evil.example:80")
    assert not names.include("192.168.0.1:81")


def test_an_address_of_ipv6_stands_in_brackets() -> None:
    names = Names("::1", "::1", 8765)
    assert (names.url, names.is_private) == ("http://[::1]:8765/", True)
    assert names.include("[::1]:8765")


def test_a_name_that_was_asked_for_is_answered(folder: Path) -> None:
    with SiteServer(folder, host="localhost", port=0) as server:
        assert re.fullmatch(r"http://localhost:\d+/", server.names.url)
        assert server.names.is_private
        assert ask(server, "/").status == 200


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: HOST\r\nHost: HOST\r\n\r\n", 400),
        (b"GET http://evil.example/ HTTP/1.1\r\nHost: HOST\r\n\r\n", 400),
        (b"GET * HTTP/1.1\r\nHost: HOST\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 3\r\n\r\nabc", 400),
        (b"GET / HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1 and more\r\n\r\n", 400),
        (b"GET / HTTP/x\r\n\r\n", 400),
        (b"GET / HTTP/3.0\r\n\r\n", 505),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS\r\n\r\n", 400),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431),
    ],
)
def test_a_bad_request_is_answered_and_harms_nobody(
    server: SiteServer, request_: bytes, status: int
) -> None:
    head, _, body = said(server, request_).partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"\r\nConnection: close" in head
    assert body.count(b"\n") == 1
    assert ask(server, "/").status == 200


def test_who_goes_away_while_it_is_answered_is_no_error(
    server: SiteServer, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "large.csv").write_bytes(bytes(20_000_000))
    with dialled(server) as line:
        line.sendall(f"GET /large.csv HTTP/1.1\r\nHost: {server.names.url[7:-1]}\r\n\r\n".encode())
        line.recv(1)
    assert ask(server, "/").status == 200
    assert caplog.records == []


@pytest.mark.parametrize("beginning", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nX-"])
def test_a_client_that_dawdles_is_hung_up_on(folder: Path, beginning: bytes) -> None:
    """Also one that sends a byte now and then."""
    with SiteServer(folder, port=0, patience=0.3) as server, dialled(server) as line:
        line.sendall(beginning)
        line.settimeout(0.1)
        began = time.monotonic()
        while is_open(line):
            assert time.monotonic() - began < 5
        assert time.monotonic() - began > 0.2


def is_open(line: socket.socket) -> bool:
    try:
        return line.recv(4096) != b""
    except TimeoutError:
        line.sendall(b"y")
        return True
    except ConnectionError:
        return False


def test_there_are_at_most_64_connections(server: SiteServer) -> None:
    with ExitStack() as stack:
        for _ in range(64):
            stack.enter_context(dialled(server))
        with dialled(server) as refused:
            answer = heard(refused)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert answer.endswith(b"\r\n\r\nToo many open connections\n")
    deadline = time.monotonic() + 5
    while True:
        try:
            assert ask(server, "/").status == 200
            break
        except (AssertionError, OSError):
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_the_end_of_the_server_is_the_end_of_all_connections(folder: Path) -> None:
    before = threading.active_count()
    with ExitStack() as stack:
        with SiteServer(folder, port=0) as server:
            lines = [stack.enter_context(dialled(server)) for _ in range(3)]
            assert ask(server, "/").status == 200
        assert [line.recv(1) for line in lines] == [b""] * 3
    assert threading.active_count() == before


def test_a_port_that_is_taken_is_named(server: SiteServer, folder: Path) -> None:
    port = urlsplit(server.names.url).port or 0
    with pytest.raises(ConfigError, match=f"port {port} of 127.0.0.1 is in use") as refused:
        SiteServer(folder, port=port)
    assert refused.value.hint == "--port 0 takes a free one"


@pytest.mark.parametrize("host", ["", "a..b", "x" * 100])
def test_a_host_that_is_not_this_machine_is_refused(folder: Path, host: str) -> None:
    with pytest.raises(ConfigError, match="is no address of this machine"):
        SiteServer(folder, host=host, port=0)


def test_before_there_is_a_site_pages_say_so_and_wait_for_it(tmp_path: Path) -> None:
    with SiteServer(tmp_path / "site", port=0) as server:
        for path in ("/", "/hub/"):
            found = ask(server, path)
            assert (found.status, found.headers["Retry-After"]) == (503, "2")
            assert b"not built yet" in found.body
            assert b'src="/-/reload.js"' in found.body
        write_site(tmp_path / "site")
        assert ask(server, "/").status == 200


def test_a_site_may_be_replaced_at_any_time(server: SiteServer, folder: Path) -> None:
    with connected(server) as connection:
        for words in ("one", "two", "three"):
            write_site(folder, words)
            connection.request("GET", "/")
            assert f"<h1>{words}</h1>".encode() in Reply(connection.getresponse()).body


def test_pages_know_the_state_that_they_show(server: SiteServer, folder: Path) -> None:
    server.show('a"<b')
    page = ask(server, "/")
    script = b'<script src="/-/reload.js" data-state="a&quot;&lt;b" defer></script></head>'
    assert script in page.body
    assert page.body.count(b"/-/") == 1
    server.show("b")
    assert ask(server, "/", If_None_Match=page.headers["ETag"]).status == 200
    assert ask(server, "/-/state.js?7").body == b'archiverState("b");\n'
    assert b"-/reload.js" not in (folder / "index.html").read_bytes()


class Archive:
    """What a renewal looks at and builds: a word, and a site that shows it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.words = "first"
        self.built: list[str] = []
        self.error: Exception | None = None

    def mark(self) -> str:
        return self.words

    def build(self) -> None:
        if self.error is not None:
            raise self.error
        self.built.append(self.words)
        write_site(self.folder, self.words)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "site")


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_change_is_built_and_shown_once(archive: Archive) -> None:
    shown: list[str] = []
    renewal = Renewal(archive.mark, archive.build, renewed=shown.append, interval=0.01)
    renewal.renew()
    with renewal:
        archive.words = "second"
        wait_until(lambda: shown == ["first", "second"])
        time.sleep(0.1)
    assert archive.built == ["first", "second"]


def test_the_first_build_fails_as_it_fails(archive: Archive) -> None:
    archive.error = StoreError("the disk is full")
    with pytest.raises(StoreError, match="the disk is full"):
        Renewal(archive.mark, archive.build, renewed=print).renew()


def test_a_failed_build_keeps_the_old_site_says_why_once_and_is_tried_again(
    archive: Archive, caplog: pytest.LogCaptureFixture
) -> None:
    shown: list[str] = []
    renewal = Renewal(archive.mark, archive.build, renewed=shown.append, interval=0.01)
    renewal.renew()
    with renewal:
        archive.error, archive.words = StoreError("the disk is full"), "second"
        wait_until(lambda: bool(caplog.messages))
        time.sleep(0.1)
        assert shown == ["first"]
        assert b"<h1>first</h1>" in (archive.folder / "index.html").read_bytes()
        archive.error = None
        wait_until(lambda: shown == ["first", "second"])
    assert caplog.messages == ["the site stays as it was: the disk is full"]


def test_an_error_that_nobody_expected_is_one_line(
    archive: Archive, caplog: pytest.LogCaptureFixture
) -> None:
    archive.error = ValueError("a\nb")
    with Renewal(archive.mark, archive.build, renewed=print, interval=0.01):
        wait_until(lambda: bool(caplog.messages))
    assert caplog.messages == [r"the site is not built: unexpected ValueError('a\nb')"]


def test_what_failed_waits_longer_and_longer_but_a_change_does_not(archive: Archive) -> None:
    tried: list[str] = []

    def build() -> None:
        tried.append(archive.words)
        if archive.words == "first":
            raise StoreError(str(len(tried)))

    with Renewal(archive.mark, build, renewed=print, interval=0.02):
        time.sleep(0.5)
        assert 3 <= len(tried) <= 6  # after 0.02, 0.06, 0.14, 0.30 and 0.62 seconds
        archive.words = "second"
        wait_until(lambda: tried[-1] == "second")


def test_an_archive_that_cannot_be_looked_at_keeps_its_site(
    archive: Archive, caplog: pytest.LogCaptureFixture
) -> None:
    broken: list[Exception] = []

    def mark() -> str:
        if broken:
            raise broken[0]
        return archive.words

    with Renewal(mark, archive.build, renewed=print, interval=0.01):
        wait_until(lambda: archive.built == ["first"])
        broken.append(StoreError("HEAD is damaged"))
        wait_until(lambda: bool(caplog.messages))
        archive.words = "second"
        broken.clear()
        wait_until(lambda: archive.built == ["first", "second"])
    assert caplog.messages == ["the site stays as it was: HEAD is damaged"]


def test_open_pages_reload_after_a_build_and_stay_where_they_were(
    browser: Browser, archive: Archive
) -> None:
    """Also where a script draws the page, which is short at first."""
    with SiteServer(archive.folder, port=0) as server:
        renewal = Renewal(archive.mark, archive.build, renewed=server.show, interval=0.05)
        renewal.renew()
        with renewal, watched(browser) as seen:
            seen.page.goto(f"{server.names.url}?q=1#here")
            seen.page.wait_for_selector(".drawn")
            seen.page.evaluate("scrollTo(0, 1234)")
            archive.words = "second"
            seen.page.wait_for_selector("h1:text-is('second')", timeout=10_000)
            wait_until(lambda: seen.page.evaluate("scrollY") == 1234)
            assert seen.page.url == f"{server.names.url}?q=1#here"
            assert (seen.troubles, seen.strangers) == ([], [])


def test_a_page_that_is_up_to_date_asks_and_stays(browser: Browser, archive: Archive) -> None:
    with asking(browser, archive) as (page, asked, server):
        page.evaluate("globalThis.same = true")
        for number, state in enumerate(("first", "", "first"), 1):
            server.show(state)  # "": it was started again, and has not built anything yet
            page.clock.run_for(2_000)
            settle(page, asked, number)
        assert page.evaluate("same")


@contextmanager
def asking(browser: Browser, archive: Archive) -> Iterator[tuple[Page, list[str], SiteServer]]:
    """Yield a page whose clock stands still, what it asks for, and its server."""
    with SiteServer(archive.folder, port=0) as server, watched(browser) as seen:
        archive.build()
        server.show("first")
        yield seen.page, opened(seen.page, server), server


def opened(page: Page, server: SiteServer) -> list[str]:
    """Open the site; return what the page will ask for. From now on its clock stands still."""
    asked: list[str] = []
    page.clock.install(time=0)
    page.goto(server.names.url)
    page.clock.pause_at(1)
    page.on("request", lambda request: asked.append(request.url))
    return asked


def settle(page: Page, asked: list[str], number: int) -> None:
    """Wait until a page has asked so often, and has its answer."""
    wait_until(lambda: page.evaluate("document.scripts.length") == 2 and len(asked) >= number)
    assert len(asked) == number


def test_an_open_page_waits_for_the_first_site(browser: Browser, archive: Archive) -> None:
    with SiteServer(archive.folder, port=0) as server, watched(browser) as seen:
        seen.page.goto(server.names.url)
        assert "not built yet" in seen.page.inner_text("body")
        Renewal(archive.mark, archive.build, renewed=server.show).renew()
        seen.page.wait_for_selector("h1:text-is('first')", timeout=10_000)


def test_hidden_pages_do_not_ask_and_catch_up_when_they_are_seen(
    browser: Browser, archive: Archive
) -> None:
    hide = "(is) => { Object.defineProperty(document, 'hidden', {value: is, configurable: true});"
    hide += "document.dispatchEvent(new Event('visibilitychange')) }"
    with asking(browser, archive) as (page, asked, server):
        page.evaluate(hide, arg=True)
        archive.words = "second"
        archive.build()
        server.show("second")
        page.clock.run_for(100_000)
        assert asked == []
        page.evaluate(hide, arg=False)
        page.wait_for_selector("h1:text-is('second')", timeout=5_000)


def test_a_page_asks_less_often_when_the_server_is_gone(browser: Browser, archive: Archive) -> None:
    with watched(browser) as seen:
        with SiteServer(archive.folder, port=0) as server:
            archive.build()
            asked = opened(seen.page, server)
        seen.page.clock.run_for(2_000)
        for number, seconds in enumerate((4, 8, 16, 32, 60, 60), 1):
            settle(seen.page, asked, number)
            seen.page.clock.run_for(1_000 * seconds - 1)
            settle(seen.page, asked, number)
            seen.page.clock.run_for(1)


def test_another_website_can_neither_read_nor_frame_the_archive(
    browser: Browser, server: SiteServer, tmp_path: Path
) -> None:
    thief = tmp_path / "thief"
    write_site(thief)
    (thief / "index.html").write_text(
        f'<!doctype html><script src="take.js"></script>'
        f'<script src="{server.names.url}hub/data/index.js"></script>'
        f'<iframe src="{server.names.url}"></iframe>'
    )
    (thief / "take.js").write_text("taken = []; archiver = (...all) => taken.push(all)")
    with SiteServer(thief, port=0) as other, watched(browser) as seen:
        seen.page.goto(other.names.url)
        assert seen.page.evaluate("taken") == []
        assert any("frame" in each for each in seen.troubles)
        assert f"failed: {server.names.url}hub/data/index.js" in seen.troubles
