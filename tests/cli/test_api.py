"""Public APIs, by the configurations of docs/sources.md alone; and secrets, which stay secret."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus, urlsplit

import pytest
from support import apis
from support.apis import Asked, Said, Server, catalogue, serving
from support.git import run_git

from archiver.config import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.apis import Api
    from support.commandline import Archiver

GUIDE = (Path(__file__).parents[2] / "docs" / "sources.md").read_text("utf-8")
SHOWN = next(
    block for block in re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL) if 'type = "api"' in block
)
SECRET = "sk_live_51H/abc+def&x=y"
REAL: dict[str, tuple[Api, int, str]] = {
    "releases": (apis.github_releases(250), 3, ""),
    "products": (apis.stripe_products(250, SECRET), 3, "STRIPE_KEY"),
    "datasets": (apis.ckan(250), 3, ""),
    "stars": (apis.github_graphql(250, SECRET), 3, "GITHUB_TOKEN"),
    "cves": (apis.nvd(4500, SECRET), 3, "NVD_API_KEY"),
    "articles": (apis.guardian(130, SECRET), 3, "GUARDIAN_KEY"),
}


def configured(folder: Path, table: str, server: Server, old: str = "") -> Path:
    """Write an archiver.toml that asks `server` in place of the address that `table` names."""
    url = old or re.findall(r'^url = "(.*)"', table, re.MULTILINE)[0]
    host = "{0.scheme}://{0.netloc}".format(urlsplit(url))
    path = folder / "archiver.toml"
    path.write_text(f"{table.replace(host, server.url)}\n", "utf-8")
    return path


def shop(url: str, *rows: str) -> str:
    """Return the table of a source with pages of three records."""
    own = ('type = "api"', f'url = "{url}"', 'key = "id"', 'page = "page"', "retries = 0", *rows)
    return "[sources.shop]\n" + "\n".join(own) + "\n"


def paged(number: int) -> Api:
    """Answer pages of three by their number."""

    def answer(asked: Asked) -> Said:
        start = (int(asked.query.get("page", 1)) - 1) * 3
        return Said(catalogue(number)[start : start + 3])

    return answer


def everything(repo: Path) -> Iterator[bytes]:
    """Yield every object of a repository and every file, those of git itself included."""
    objects = ["git", "cat-file", "--batch-all-objects", "--batch", "--unordered"]
    yield subprocess.run(objects, cwd=repo, check=True, capture_output=True).stdout
    for path in repo.rglob("*"):
        if path.is_file():
            yield path.read_bytes()


def forms(secret: str) -> set[bytes]:
    """Return what a secret may look like in a file."""
    found = {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
    encoded = {base64.b64encode(secret.encode()).decode().rstrip("=")}
    return {each.encode() for each in found | encoded}


@pytest.mark.parametrize(("name", "api"), REAL.items(), ids=REAL)
def test_a_real_api_is_archived_by_its_configuration_alone(
    archiver: Archiver, repo: Path, name: str, api: tuple[Api, int, str]
) -> None:
    answer, pages, variable = api
    table = next(each for each in re.split(r"\n(?=\[sources\.\w+\])", SHOWN) if f".{name}]" in each)
    with serving(answer) as server:
        table += "".join(
            re.findall(rf"\n\[sources\.{name}\.body\].*?\n\"\"\"\nvariables.*?\n", SHOWN, re.DOTALL)
        )
        configured(repo, table, server)
        environ = {variable: SECRET} if variable else {}
        done = archiver("run", "--repo", repo, **environ)
        assert done.returncode == 0, done.stderr
        again = archiver("run", "--repo", repo, **environ)
        assert "nothing changed" in again.stdout or "no change" in again.stdout, again.stdout
    assert len(server.seen) == 2 * pages
    newest = json.loads((repo / "data" / name / "latest.json").read_bytes())
    announced = {"releases": 250, "cves": 4500, "articles": 130}.get(name, 250)
    assert newest["total_models"] == announced
    said = (done.stdout + done.stderr).encode()
    assert not [
        each for each in forms(SECRET) for text in (*everything(repo), said) if each in text
    ]


def test_all_configurations_of_the_guide_load(tmp_path: Path) -> None:
    (tmp_path / "archiver.toml").write_text(SHOWN, "utf-8")
    assert [*load(tmp_path / "archiver.toml", {}).sources] == [*REAL]


def sent(server: Server, name: str) -> list[str | None]:
    return [each.headers.get(name) for each in server.seen]


@pytest.mark.parametrize(
    ("kind", "rows"),
    [("json", ""), ("api", 'next = "none"\n')],
)
def test_every_kind_of_secret_is_sent(archiver: Archiver, repo: Path, kind: str, rows: str) -> None:
    with serving(lambda _: Said(catalogue(2))) as server:
        table = (
            f'[sources.shop]\ntype = "{kind}"\nurl = "{server.url}/a?b=c"\nkey = "id"\n{rows}'
            'params = { d = "e f" }\nheaders = { Accept = "text/x" }\nbasic_env = "PAIR"\n'
            'headers_env = { "X-Shop" = "SHOP" }\nparams_env = { k = "SHOP" }\n'
        )
        (repo / "archiver.toml").write_text(table)
        done = archiver("run", "--repo", repo, SHOP=f"{SECRET}\n", PAIR="me:a password")
        assert done.returncode == 0, done.stderr
        (asked,) = server.seen
        assert asked.query == {"b": "c", "d": "e f", "k": SECRET}
        assert asked.headers["accept"] == "text/x"
        assert asked.headers["x-shop"] == SECRET
        assert asked.headers["authorization"] == "Basic bWU6YSBwYXNzd29yZA=="
        checked = archiver("sources", "--check", "--repo", repo, SHOP=SECRET, PAIR="me")
        assert checked.stdout == "shop: answers: 2 records on the first page\n"
        assert server.seen[-1].headers["authorization"] == "Basic bWU6"


@pytest.mark.parametrize("setting", ['bearer_env = "SHOP"', 'headers_env = { X-Key = "SHOP" }'])
def test_a_variable_that_is_not_set_is_named_before_anything_is_sent(
    archiver: Archiver, repo: Path, setting: str
) -> None:
    with serving(paged(2)) as server:
        (repo / "archiver.toml").write_text(shop(server.url, setting))
        done = archiver("run", "--repo", repo)
    assert (done.returncode, server.seen) == (2, [])
    assert "the environment variable SHOP is not set" in done.stderr


@pytest.mark.parametrize("value", ["two\nlines", "中文"])
def test_a_secret_that_no_header_can_hold_is_named_by_its_variable(
    archiver: Archiver, repo: Path, value: str
) -> None:
    (repo / "archiver.toml").write_text(shop("http://127.0.0.1:9", 'bearer_env = "SHOP"'))
    done = archiver("run", "--repo", repo, SHOP=value)
    assert (done.returncode, "variable SHOP holds characters" in done.stderr) == (2, True)
    assert value not in done.stderr


def test_a_secret_in_the_query_is_in_no_traceback(archiver: Archiver, repo: Path) -> None:
    """Where the connection fails, and where the answer is cut off."""
    with serving(lambda _: Said(catalogue(9), sent=10)) as server:
        for url in ("http://127.0.0.1:9/feed", server.url):
            table = shop(url, 'params_env = { k = "SHOP" }', 'bearer_env = "SHOP"')
            (repo / "archiver.toml").write_text(table)
            done = archiver("--debug", "run", "--repo", repo, SHOP=SECRET)
            assert (done.returncode, "Traceback" in done.stderr) == (3, True)
            assert not [each for each in forms(SECRET) if each in done.stderr.encode()]


def test_what_is_no_name_of_a_variable_is_refused(archiver: Archiver, repo: Path) -> None:
    (repo / "archiver.toml").write_text(
        shop("http://127.0.0.1:9", 'headers_env = { X-Key = "Bearer x" }')
    )
    done = archiver("sources", "--repo", repo)
    assert (done.returncode, "headers_env: expected the name of an" in done.stderr) == (2, True)


@pytest.mark.parametrize("status", [401, 403])
def test_a_secret_that_was_rotated_is_named_by_its_variable(
    archiver: Archiver, repo: Path, status: int
) -> None:
    def answer(asked: Asked) -> Said:
        if asked.headers["authorization"] != "Bearer new-secret":
            return Said({"error": asked.headers["authorization"]}, status)
        return paged(5)(asked)

    with serving(answer) as server:
        (repo / "archiver.toml").write_text(shop(server.url, 'bearer_env = "SHOP"'))
        done = archiver("--debug", "run", "--repo", repo, SHOP=SECRET)
        assert (done.returncode, len(server.seen)) == (3, 1)
        assert f"answered {status}; the secret in SHOP was sent" in done.stderr
        assert archiver("run", "--repo", repo, SHOP="new-secret").returncode == 0
    said = (done.stdout + done.stderr).encode()
    assert not [
        each for each in forms(SECRET) for text in (*everything(repo), said) if each in text
    ]


def test_a_secret_is_not_sent_to_another_origin(archiver: Archiver, repo: Path) -> None:
    """Neither by a redirect, allowed or not, nor by the address of a next page."""
    with serving(paged(5)) as other:
        place = f"{other.url}/moved"

        def answer(asked: Asked) -> Said:
            if asked.path == "/redirect":
                echoed = f"{place}?page={asked.query['page']}&k={asked.query['k']}"
                return Said(b"", 302, {"Location": echoed})
            return Said(catalogue(2), headers={"Link": f'<{place}>; rel="next"'})

        with serving(answer) as server:
            secrets = (
                'bearer_env = "SHOP"',
                'params_env = { k = "SHOP" }',
                'headers = { X-A = "b" }',
            )
            table = shop(f"{server.url}/redirect", *secrets)
            (repo / "archiver.toml").write_text(table)
            refused = archiver("--debug", "run", "--repo", repo, SHOP=SECRET)
            assert (refused.returncode, other.seen) == (3, [])
            assert "redirects to another origin" in refused.stderr
            (repo / "archiver.toml").write_text(table + 'redirect_to = ["127.0.0.1"]\n')
            allowed = archiver("--debug", "run", "--repo", repo, SHOP=SECRET)
            assert allowed.returncode == 0, allowed.stderr
            assert SECRET not in str(other.seen)
            assert {*sent(other, "authorization"), *sent(other, "x-a")} == {None}
            linked = shop(f"{server.url}/", *secrets).replace('page = "page"', 'next = "link"')
            (repo / "archiver.toml").write_text(linked)
            before = len(other.seen)
            foreign = archiver("run", "--repo", repo, SHOP=SECRET)
            assert (foreign.returncode, len(other.seen)) == (3, before)
            assert "its next page is at another origin" in foreign.stderr
    said = f"{refused.stderr}{allowed.stderr}{foreign.stderr}".encode()
    assert not [
        each for each in forms(SECRET) for text in (*everything(repo), said) if each in text
    ]


def test_a_secret_that_the_server_repeats_in_addresses_is_sent_once_and_kept_nowhere(
    archiver: Archiver, repo: Path
) -> None:
    """In the next page's address, in a redirect, in a record, in what cannot be read."""

    def answer(asked: Asked) -> Said:
        assert asked.query["k"] == SECRET
        if asked.path == "/old":
            return Said(b"", 301, {"Location": "/new?" + asked.headers["x-query"] + "&k=" + SECRET})
        page = int(asked.query.get("page", 1))
        following = f"{asked.path}?k={quote_plus(SECRET)}&page={page + 1}"
        rows = [
            {**each, "self": f"/x?k={SECRET}"} for each in catalogue(5)[page * 2 - 2 : page * 2]
        ]
        return Said({"data": rows, "next": following if page < 3 else None})

    with serving(answer) as server:
        table = shop(f"{server.url}/feed", 'params_env = { k = "SHOP" }', 'records = "data"')
        table = table.replace('page = "page"', 'next = "next"')
        (repo / "archiver.toml").write_text(table)
        done = archiver("--debug", "run", "--repo", repo, SHOP=SECRET)
        assert done.returncode == 0, done.stderr
    assert len(server.seen) == 3
    newest = json.loads((repo / "data/shop/latest.json").read_bytes())
    assert {each["self"] for each in newest["models"]} == {"/x?k=***"}
    said = (done.stdout + done.stderr).encode()
    assert not [
        each for each in forms(SECRET) for text in (*everything(repo), said) if each in text
    ]


def test_a_listing_that_was_stopped_half_way_continues_there(
    archiver: Archiver, repo: Path
) -> None:
    """429 with a wait that is longer than the limit ends the run; the next one goes on."""
    closed = True

    def answer(asked: Asked) -> Said:
        if closed and asked.query["page"] == "3":
            return Said({}, 429, {"Retry-After": "4000"})
        return paged(10)(asked)

    with serving(answer) as server:
        (repo / "archiver.toml").write_text(shop(server.url, 'bearer_env = "SHOP"'))
        stopped = archiver("run", "--repo", repo, SHOP=SECRET)
        assert (stopped.returncode, "page=3: answered 429" in stopped.stderr) == (3, True)
        kept = b"".join(everything(repo))
        assert not [each for each in forms(SECRET) if each in kept]
        closed = False
        done = archiver("run", "--repo", repo, SHOP=SECRET)
        assert done.returncode == 0, done.stderr
    assert (
        "2 pages with 6 records were there from an interrupted listing" in done.stdout + done.stderr
    )
    pages = [each.query["page"] for each in server.seen]
    assert pages == ["1", "2", "3", "3", "4", "5"]


def test_a_search_at_several_addresses_continues_at_the_second_one(
    archiver: Archiver, repo: Path
) -> None:
    """Cursors, bodies and counts are those of the interrupted listing."""
    closed = True

    def answer(asked: Asked) -> Said:
        after = asked.body["page"].get("after", 0)
        if closed and (asked.path, after) == ("/b", 2):
            return Said({}, 429, {"Retry-After": "4000"})
        rows = [{"id": f"{asked.path}{each}"} for each in range(after, min(after + 2, 5))]
        return Said({"hits": rows, "more": after + 2 < 5, "after": after + 2, "total": 5})

    with serving(answer) as server:
        table = (
            f'[sources.shop]\ntype = "api"\nurls = ["{server.url}/a", "{server.url}/b"]\n'
            'method = "POST"\nbody = { q = "x", page = {} }\nrecords = "hits"\nkey = "id"\n'
            'cursor = "after"\ncursor_param = "page.after"\nmore = "more"\ntotal = "total"\n'
            "retries = 0\n"
        )
        (repo / "archiver.toml").write_text(table)
        assert archiver("run", "--repo", repo).returncode == 3
        closed = False
        done = archiver("run", "--repo", repo)
        assert done.returncode == 0, done.stderr
    assert "shop: first snapshot (10 records)" in done.stdout
    asked = [(each.path, each.body["page"].get("after")) for each in server.seen]
    assert asked == [
        *(("/a", None), ("/a", 2), ("/a", 4), ("/b", None), ("/b", 2)),
        *(("/b", 2), ("/b", 4)),
    ]


def test_a_short_wait_is_waited_for(archiver: Archiver, repo: Path) -> None:
    left = [Said({}, 429, {"Retry-After": "1"}), Said({}, 503)]

    def answer(asked: Asked) -> Said:
        return left.pop() if left and asked.query["page"] == "2" else paged(5)(asked)

    with serving(answer) as server:
        (repo / "archiver.toml").write_text(shop(server.url).replace("retries = 0", "retries = 2"))
        done = archiver("run", "--repo", repo)
    assert (done.returncode, len(server.seen)) == (0, 5), done.stderr


def test_what_is_refused_leaves_nothing_behind(archiver: Archiver, repo: Path) -> None:
    with serving(paged(10)) as server:
        (repo / "archiver.toml").write_text(shop(server.url))
        assert archiver("run", "--repo", repo).returncode == 0
        head = run_git(repo, "rev-parse", "HEAD")
        server.api = lambda _: Said(catalogue(3))
        refused = archiver("run", "--repo", repo)
        assert (refused.returncode, run_git(repo, "rev-parse", "HEAD")) == (3, head)
        server.api = paged(11)
        done = archiver("run", "--repo", repo)
    assert (done.returncode, "1 new" in done.stdout) == (0, True), done.stderr


def test_a_search_by_post_is_sent_page_by_page(archiver: Archiver, repo: Path) -> None:
    def answer(asked: Asked) -> Said:
        start = asked.body["page"]["start"]
        return Said({"hits": catalogue(5)[start : start + 2], "total": 5})

    rows = ('method = "POST"', 'body = { q = "é", page = { of = 1 } }', 'records = "hits"')
    with serving(answer) as server:
        more = ('total = "total"', "page_size = 2", 'size_param = "page.size"', "rate = 50")
        table = shop(server.url, *rows, *more).replace('page = "page"', 'offset = "page.start"')
        (repo / "archiver.toml").write_text(table)
        assert archiver("run", "--repo", repo).returncode == 0
    bodies: list[Any] = [each.body for each in server.seen]
    assert bodies == [
        {"q": "é", "page": {"of": 1, "size": 2, "start": start}} for start in (0, 2, 4)
    ]
    assert {*sent(server, "content-type")} == {"application/json"}


def test_a_source_in_pages_is_set_up_by_init(archiver: Archiver, tmp_path: Path) -> None:
    with serving(apis.github_releases(40)) as server:
        repo, url = tmp_path / "new", f"{server.url}/repos/python/cpython/releases"
        own = ("--type", "api", "--source", "releases", "--url", url, "--key", "id")
        made = archiver("init", repo, *own, "--metric", "downloads", "--set", "next=link")
        assert made.returncode == 0, made.stderr
        assert archiver("run", "--repo", repo).returncode == 0
        listed = archiver("sources", "--repo", repo).stdout
    assert listed.startswith(f"releases  api  data/releases  {url}\n")
    assert load(repo / "archiver.toml", {}).source("releases").metrics == ("downloads",)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "The type api needs --url."),
        (("--url", "https://example.org/x"), "exactly one of next, cursor, page and offset"),
        (
            ("--url", "https://example.org/x?api_key=abc", "--set", "next=link"),
            "params: api_key is a secret, which is never written here",
        ),
    ],
)
def test_init_writes_no_source_in_pages_that_could_not_run(
    archiver: Archiver, tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    refused = archiver("init", tmp_path / "new", "--type", "api", "--key", "id", *options)
    assert (refused.returncode, words in refused.stderr) == (2, True), refused.stderr
    assert not (tmp_path / "new").exists()
