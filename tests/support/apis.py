"""Public APIs on 127.0.0.1: they answer a small catalogue as their documentation says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

UNTIL_CLOSED = 100_000


class Asked(NamedTuple):
    """One request."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: Any


class Said(NamedTuple):
    """One answer; of its body at most `sent` bytes arrive."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = {}
    sent: int = UNTIL_CLOSED


Api: TypeAlias = Callable[[Asked], Said]


class Server(ThreadingHTTPServer):
    """Answers as its `api` does.

    Attributes:
        api: Answers a request.
        seen: Every request, in order.
    """

    daemon_threads = True

    def __init__(self, api: Api) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.api = api
        self.seen: list[Asked] = []

    @property
    def url(self) -> str:
        """Its origin."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        asked = Asked(self.command, parts.path, query, headers, body)
        self.server.seen.append(asked)
        said = self.server.api(asked)
        text = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
        with suppress(ConnectionError):
            self.send_response(said.status)
            for name, value in {"Content-Length": str(len(text)), **said.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text[: said.sent])
        self.close_connection = said.sent < len(text)

    do_POST = do_GET  # noqa: N815 - the base's name

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


@contextmanager
def serving(api: Api) -> Iterator[Server]:
    """Run a server that answers as `api` does."""
    with Server(api) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def catalogue(number: int) -> list[dict[str, Any]]:
    """Return so many records, as most APIs have them."""
    return [{"id": f"r{each:04}", "name": f"Record {each}"} for each in range(number)]


def github_releases(number: int) -> Api:
    """REST API, version 2022-11-28: "List releases", "Using pagination in the REST API"."""
    releases = [{"id": each, "tag_name": f"v{each}"} for each in range(number, 0, -1)]

    def answer(asked: Asked) -> Said:
        size = min(int(asked.query.get("per_page", 30)), 100)
        page, last = int(asked.query.get("page", 1)), max(1, -(-number // size))
        links = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
        if page == 1:
            del links["prev"], links["first"]
        if page >= last:
            del links["next"], links["last"]
        url = f"http://{asked.headers['host']}/repositories/81598961/releases"
        link = ", ".join(
            f'<{url}?{urlencode({**asked.query, "page": to})}>; rel="{rel}"'
            for rel, to in links.items()
        )
        rows = releases[(page - 1) * size : page * size]
        return Said(rows, headers={"Link": link} if link else {})

    return answer


def stripe_products(number: int, secret: str) -> Api:
    """Stripe API: "Pagination", "Authentication", "Errors"."""
    products = [{"id": f"prod_{each}", "object": "product"} for each in range(number, 0, -1)]

    def answer(asked: Asked) -> Said:
        if asked.headers.get("authorization") != f"Bearer {secret}":
            return Said({"error": {"message": f"Invalid API Key provided: {secret}"}}, 401)
        size = min(int(asked.query.get("limit", 10)), 100)
        ids = [each["id"] for each in products]
        after = asked.query.get("starting_after")
        start = ids.index(after) + 1 if after else 0
        rows = products[start : start + size]
        more = start + size < number
        return Said({"object": "list", "url": asked.path, "has_more": more, "data": rows})

    return answer


def ckan(number: int) -> Api:
    """CKAN 2.11, Action API: ``package_search``."""
    packages = catalogue(number)

    def answer(asked: Asked) -> Said:
        start, rows = int(asked.query.get("start", 0)), int(asked.query.get("rows", 10))
        found = {"count": number, "results": packages[start : start + min(rows, 1000)]}
        return Said({"help": "…", "success": True, "result": found})

    return answer


def github_graphql(number: int, secret: str) -> Api:
    """GraphQL API: "Using pagination in the GraphQL API"."""
    names = [f"python/repo{each}" for each in range(number)]

    def answer(asked: Asked) -> Said:
        if asked.headers.get("authorization") != f"Bearer {secret}":
            return Said({"message": "Bad credentials", "status": "401"}, 401)
        wanted = asked.body["variables"]
        if asked.method != "POST" or "$first: Int!" not in asked.body["query"]:
            return Said({"errors": [{"message": "A query attribute must be specified"}]})
        if not 1 <= wanted["first"] <= 100:
            return Said({"data": None, "errors": [{"message": "first exceeds 100"}]})
        start = int(wanted["after"].removeprefix("cursor:")) if wanted.get("after") else 0
        stop = min(start + wanted["first"], number)
        nodes = [{"nameWithOwner": name, "stargazerCount": 1} for name in names[start:stop]]
        info = {"hasNextPage": stop < number, "endCursor": f"cursor:{stop}"}
        found = {"totalCount": number, "pageInfo": info, "nodes": nodes}
        return Said({"data": {"organization": {"repositories": found}}})

    return answer


def nvd(number: int, secret: str) -> Api:
    """NVD API 2.0: "Vulnerabilities", "Request an API key"."""
    cves = [{"cve": {"id": f"CVE-2026-{each:04}"}} for each in range(number)]

    def answer(asked: Asked) -> Said:
        if asked.headers.get("apikey") != secret:
            return Said(b"", 404, {"message": "Invalid apiKey."})
        start, size = int(asked.query["startIndex"]), int(asked.query["resultsPerPage"])
        rows = cves[start : start + size]
        about = {"resultsPerPage": len(rows), "startIndex": start, "totalResults": number}
        return Said({**about, "format": "NVD_CVE", "version": "2.0", "vulnerabilities": rows})

    return answer


def guardian(number: int, secret: str) -> Api:
    """The Guardian Open Platform: "Content", "Errors"; here it repeats the key in an address."""
    articles = catalogue(number)

    def answer(asked: Asked) -> Said:
        if asked.query.get("api-key") != secret:
            return Said({"message": "Invalid authentication credentials"}, 401)
        page, size = int(asked.query.get("page", 1)), int(asked.query.get("page-size", 10))
        pages = -(-number // size)
        if page > max(pages, 1):
            words = "requested page is beyond the number of available pages"
            return Said({"response": {"status": "error", "message": words}}, 400)
        rows = [
            {**each, "apiUrl": f"https://content.guardianapis.com/{each['id']}?api-key={secret}"}
            for each in articles[(page - 1) * size : page * size]
        ]
        about = {"status": "ok", "total": number, "currentPage": page, "pages": pages}
        return Said({"response": {**about, "pageSize": size, "results": rows}})

    return answer


def pokeapi(number: int) -> Api:
    """PokéAPI v2: "Resource Lists/Pagination"."""

    def answer(asked: Asked) -> Said:
        offset, limit = int(asked.query.get("offset", 0)), int(asked.query.get("limit", 20))
        url = f"http://{asked.headers['host']}{asked.path}?offset={offset + limit}&limit={limit}"
        rows = [{"name": each["name"], "url": each["id"]} for each in catalogue(number)]
        following = url if offset + limit < number else None
        found = rows[offset : offset + limit]
        return Said({"count": number, "next": following, "previous": None, "results": found})

    return answer
